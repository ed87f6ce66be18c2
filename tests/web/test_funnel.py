"""The funnel opens, and its numbers add up."""

import pytest
from playwright.sync_api import Locator, Route, expect

from .site import Site

pytestmark = pytest.mark.browser


def _figure(funnel: Locator, name: str) -> int:
    return int(funnel.locator(f'[data-figure="{name}"]').get_attribute("data-count") or "")


def _after(funnel: Locator, kind: str) -> list[int]:
    rows = funnel.locator(f'[data-stage^="{kind}"]')
    return [int(count) for count in rows.evaluate_all("rows => rows.map(row => row.dataset.after)")]


def test_candidates_are_shown_taken_out_or_outranked(site: Site) -> None:
    site.open("funnel-1")
    site.next_slate()
    site.page.get_by_role("button", name="How it was made").click()
    funnel = site.page.get_by_role("dialog", name="How this slate was made")
    expect(funnel).to_be_visible()
    candidates = _figure(funnel, "candidates")
    removed, outranked, shown = (_figure(funnel, name) for name in ("removed", "outranked", "shown"))
    assert shown == len(site.items()) == 20
    assert removed >= 20  # the first slate's items
    assert candidates == removed + outranked + shown
    assert sum(_after(funnel, "sources.")) >= candidates == _after(funnel, "together")[0]
    left = _after(funnel, "filters.")
    assert left == sorted(left, reverse=True)
    assert left[-1] == candidates - removed


def test_it_is_a_table_with_heads_and_closes_with_escape(site: Site) -> None:
    site.open("funnel-2")
    opener = site.page.get_by_role("button", name="How it was made")
    opener.click()
    funnel = site.page.get_by_role("dialog", name="How this slate was made")
    heads = funnel.get_by_role("columnheader").all_inner_texts()
    assert heads == ["Stage", "Change", "Candidates", "Time, ms"]
    expect(funnel.get_by_role("rowheader", name="Seen or reacted to already")).to_be_visible()
    expect(funnel.get_by_role("table", name="Stage by stage")).to_be_visible()
    site.page.keyboard.press("Escape")
    expect(funnel).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_degraded_slate_says_so_and_what_was_missing(site: Site) -> None:
    def break_feed(route: Route) -> None:
        feed = route.fetch().json()
        route.fulfill(json={**feed, "degraded": True})

    def break_funnel(route: Route) -> None:
        told = route.fetch().json()
        told["funnel"][0]["error"] = "LookupError: broken"
        route.fulfill(json={**told, "problems": ["sources.followed: LookupError: broken"]})

    site.page.route("**/v1/feed", break_feed)
    site.page.route("**/v1/requests/*", break_funnel)
    site.open("funnel-3")
    expect(site.page.locator("#degraded")).to_contain_text("Degraded")
    expect(site.page.locator("#degraded li")).to_have_text("sources.followed: LookupError: broken")
    site.page.get_by_role("button", name="How it was made").click()
    expect(site.page.locator("#funnel .failed").first).to_contain_text("Left out. LookupError: broken")
