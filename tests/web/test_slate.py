"""Choose a person, see a slate and why, react, and see the next one change."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from .site import Site, sent_events

WHY = re.compile(
    "From somebody you follow|Close to what you like|Like what you liked last|Rising right now|New and not"
)

pytestmark = pytest.mark.browser


def test_choosing_a_person_shows_titles_creators_and_why(site: Site) -> None:
    site.open()
    site.page.get_by_label("Id of a person").fill("person-1")
    site.page.get_by_role("option", name="person-1", exact=True).click()
    expect(site.page.get_by_role("heading", name="Slate for person-1")).to_be_visible()
    expect(site.cards).to_have_count(20)
    first = site.cards.first
    expect(first).to_contain_text(re.compile(r"by [A-Z]\w+ \w+"))
    expect(first.locator("summary")).to_contain_text(WHY)
    expect(first.get_by_role("img")).to_have_attribute("aria-label", re.compile("your likely reactions"))
    first.locator("summary").click()
    expect(first.locator("details")).to_contain_text("It had a chance of 100 %")
    assert site.page.url.endswith("?user=person-1")


def test_somebody_new_gets_a_slate_and_the_page_can_be_reloaded(site: Site) -> None:
    site.open()
    site.page.get_by_role("button", name="Somebody new").click()
    expect(site.cards).to_have_count(20)
    user = site.page.get_by_label("Id of a person").input_value()
    assert user.startswith("new-")
    site.page.reload()
    expect(site.page.get_by_role("heading", name=f"Slate for {user}")).to_be_visible()


def test_any_id_may_be_typed(site: Site) -> None:
    site.open()
    site.page.get_by_label("Id of a person").fill("never/met & <b>")
    site.page.get_by_label("Id of a person").press("Enter")
    expect(site.page.get_by_role("heading", name="Slate for never/met & <b>")).to_be_visible()
    expect(site.cards).to_have_count(20)


def test_a_like_is_saved_with_its_exposure_and_changes_the_next_slate(site: Site) -> None:
    site.open("person-2")
    before = site.items()
    with site.page.expect_request("**/v1/events") as sent:
        site.press(before[0], "Like")
    event = sent_events(sent.value)[0]
    assert (event["kind"], event["user_id"], event["item_id"]) == ("like", "person-2", before[0])
    assert event["exposure"]
    assert len(event["event_id"]) == 32
    expect(site.card(before[0]).get_by_role("button", name="Liked")).to_have_attribute("aria-disabled", "true")
    expect(site.message).to_contain_text("Liked “")
    after = site.next_slate()
    assert before[0] not in after
    assert after != before
    expect(site.page.locator("#about")).to_contain_text(re.compile(r"\d+ new, \d+ moved, \d+ gone"))
    marked = site.page.locator("article:has(.mark.new)").evaluate_all("all => all.map(card => card.dataset.item)")
    assert set(marked) == set(after) - set(before)
    site.page.get_by_text("Gone from the slate before").click()
    expect(site.page.locator("#gone")).to_contain_text("you reacted to it: liked")


@pytest.mark.parametrize("name", ["Dislike", "Hide"])
def test_disliked_and_hidden_items_leave_and_do_not_come_back(site: Site, name: str) -> None:
    user = f"leaver-{name}"
    site.open(user)
    item = site.items()[2]
    with site.page.expect_response("**/v1/events") as saved:
        site.press(item, name)
    assert saved.value.json()["accepted"] == 2  # that it was seen, and what was said
    expect(site.card(item)).to_have_count(0)
    for _ in range(5):  # long enough for a catalogue of 84 to come round again
        assert item not in site.next_slate()


def test_skip_reports_the_seconds_in_view(site: Site) -> None:
    site.open("person-3")
    item = site.items()[0]
    site.page.wait_for_timeout(300)
    with site.page.expect_request("**/v1/events") as sent:
        site.press(item, "Skip")
    event = sent_events(sent.value)[0]
    assert event["kind"] == "impression"
    assert 0.2 <= event["value"] < 30
    assert event["exposure"]
    expect(site.card(item)).to_have_count(0)


def test_what_was_seen_is_reported_with_the_next_slate_once(site: Site) -> None:
    site.open("person-4")
    seen = site.items()[0]
    site.page.wait_for_timeout(1_200)
    with site.page.expect_request("**/v1/events") as sent:
        site.next_slate()
    events = sent_events(sent.value)
    assert seen in [event["item_id"] for event in events]
    assert {event["kind"] for event in events} == {"impression"}
    assert all(event["value"] >= 1 for event in events)
    assert len(events) < 20  # those below the fold were not seen


def test_hiding_a_creator_takes_all_their_items_away(site: Site, api: httpx.Client) -> None:
    site.open("person-5")
    item = site.items()[0]
    creator = api.get(f"/v1/items/{item}").json()["creator_id"]
    with site.page.expect_request("**/v1/events") as sent:
        site.card(item).get_by_role("button", name="Hide this creator").click()
    event = sent_events(sent.value)[0]
    assert (event["kind"], event["creator_id"]) == ("hide", creator)
    assert "item_id" not in event
    expect(site.message).to_contain_text("will not be shown again")
    for _ in range(3):
        shown = api.get("/v1/items", params={"id": site.items()}).json()["items"]
        assert creator not in {record["creator_id"] for record in shown}
        site.next_slate()


def test_following_a_creator_brings_their_items(site: Site) -> None:
    site.open("person-6")
    item = site.items()[0]
    with site.page.expect_response("**/v1/events") as saved:
        site.card(item).get_by_role("button", name="Follow").click()
    assert saved.value.json()["accepted"] == 1
    expect(site.card(item).get_by_role("button", name="Following")).to_be_visible()
    site.next_slate()
    site.page.get_by_role("button", name="How it was made").click()
    brought = site.page.locator('[data-stage="sources.followed"]').get_attribute("data-after")
    assert int(brought or 0) > 0


def test_the_next_slate_comes_by_itself_where_wanted(site: Site) -> None:
    site.open("person-7")
    before = site.items()
    site.page.get_by_role("switch", name="Next slate by itself").check()
    with site.page.expect_response("**/v1/feed"):
        site.press(before[0], "Love")
    expect(site.page.locator("#about")).to_contain_text("Against the slate before")
    assert before[0] not in site.items()


def test_without_profiling(site: Site) -> None:
    site.open("person-8")
    with site.page.expect_request("**/v1/feed") as sent:
        site.page.get_by_role("switch", name="Without profiling").check()
    assert '"mode":"nonprofiling"' in (sent.value.post_data or "")
    expect(site.page.locator("#about")).to_contain_text("Against the slate before")
    assert "mode=nonprofiling" in site.page.url
    site.page.wait_for_timeout(1_100)
    site.requests.clear()
    site.next_slate()
    assert not any(url.endswith("/v1/events") for url in site.requests)  # nobody counts the seconds
    site.page.get_by_role("button", name="How it was made").click()
    funnel = site.page.get_by_role("dialog", name="How this slate was made")
    expect(funnel).to_contain_text("without profiling")
    expect(funnel.locator('[data-stage="sources.interest"]')).to_have_count(0)


def test_trends_and_status_stand_beside_the_slate(site: Site) -> None:
    site.open("person-9")
    expect(site.page.locator("#trends li")).to_have_count(8)
    status = site.page.locator("#status")
    expect(status).to_contain_text("84 items, 12 creators")
    expect(status).to_contain_text("all applied")
