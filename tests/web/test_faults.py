"""When the service fails, the page says so, keeps every reaction, and goes on when it can."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

import fairshot
from fairshot.service.process import start_service
from fairshot.stores.keys import Keys

from .site import Site

pytestmark = pytest.mark.browser


def _problem(status: int, detail: str) -> Callable[[Route], None]:
    body = json.dumps({"type": "about:blank", "title": "No", "status": status, "detail": detail})
    return lambda route: route.fulfill(status=status, body=body, content_type="application/problem+json")


def test_a_failed_slate_is_explained_and_can_be_tried_again(site: Site) -> None:
    site.page.route("**/v1/feed", _problem(503, "the log cannot be read"))
    site.page.goto(f"{site.address}/?user=fault-1")
    expect(site.page.get_by_role("alert").filter(has_text="the log cannot be read")).to_be_visible()
    site.page.unroute("**/v1/feed")
    site.page.get_by_role("button", name="Try again").click()
    expect(site.cards).to_have_count(20)
    expect(site.page.locator("#problem")).to_be_hidden()
    site.complaints.clear()


def test_a_reaction_waits_through_an_outage_and_a_reload(site: Site) -> None:
    site.open("fault-2")
    item = site.items()[0]
    site.page.route("**/v1/events", lambda route: route.abort())
    site.press(item, "Like")
    waiting = site.page.get_by_role("alert").filter(has_text="1 reaction not saved yet")
    expect(waiting).to_contain_text("The service does not answer")
    site.page.reload()
    expect(waiting).to_be_visible()
    site.page.unroute("**/v1/events")
    with site.page.expect_response("**/v1/events") as saved:
        waiting.get_by_role("button", name="Try now").click()
    receipt = saved.value.json()
    assert receipt["accepted"] + receipt["duplicate"] == 1  # the page that was left may have got it through
    expect(waiting).to_be_hidden()
    site.complaints.clear()


def test_an_answer_that_got_lost_does_not_double_a_reaction(site: Site) -> None:
    site.open("fault-3")
    item = site.items()[0]
    lost: list[str] = []

    def lose_first(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.fetch().text())
        return route.abort()

    site.page.route("**/v1/events", lose_first)
    with site.page.expect_response("**/v1/events") as saved:
        site.press(item, "Like")
    assert json.loads(lost[0])["accepted"] == 1
    receipt = saved.value.json()
    assert (receipt["accepted"], receipt["duplicate"]) == (0, 1)
    expect(site.page.locator("#unsent")).to_be_hidden()
    site.complaints.clear()


def test_a_refused_reaction_is_told_with_its_reason(site: Site) -> None:
    site.open("fault-4")
    receipt = {
        "accepted": 0,
        "duplicate": 0,
        "rejected": [{"index": 0, "field": "exposure", "reason": "was not handed out"}],
        "seq": 1,
    }
    site.page.route("**/v1/events", lambda route: route.fulfill(json=receipt))
    site.press(site.items()[0], "Like")
    refused = site.page.get_by_role("alert").filter(has_text="Not taken: like")
    expect(refused).to_contain_text("exposure was not handed out")
    refused.get_by_role("button", name="I have read this").click()
    expect(site.page.locator("#unsent")).to_be_hidden()


def test_a_slate_is_shown_even_where_its_reasons_are_not_to_be_had(site: Site) -> None:
    site.page.route("**/v1/requests/*", _problem(500, "broken"))
    site.page.route("**/v1/items?*", _problem(500, "broken"))
    site.open("fault-5")
    expect(site.cards).to_have_count(20)
    expect(site.cards.first.locator("h3")).to_have_text(re.compile(r"^film-\d+$"))
    expect(site.page.get_by_role("button", name="How it was made")).to_be_disabled()
    site.page.wait_for_load_state("networkidle")
    site.complaints.clear()


def test_a_key_is_asked_for_and_kept_in_the_tab(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    fairshot.open(str(folder)).close()  # makes the database
    keys = Keys(folder / "fairshot.db")
    _, secret = keys.create("page", ["admin"])
    keys.close()
    with start_service(folder) as service:
        site = Site(browser.new_page(), service.address)
        site.page.goto(f"{service.address}/?user=anybody")
        key = site.page.get_by_label("Key", exact=True)
        expect(key).to_be_focused()
        key.fill("wrong")
        key.press("Enter")
        expect(site.page.locator("#key-form")).to_contain_text("was not accepted")
        key.fill(secret)
        key.press("Enter")
        expect(site.page.locator("#about")).to_contain_text("nothing to show")
        expect(key).to_be_hidden()
        assert site.evaluate("localStorage.length") == 0
        assert secret not in site.page.url
        site.page.close()
