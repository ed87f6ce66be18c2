"""Trials end to end: from a new item's record to a decision that its creator can read."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.config import FILE
from fairshot.core.arrays import HOUR, MICROSECONDS, Array
from fairshot.core.events import VERDICT_FAMILIES
from fairshot.core.request import Context
from fairshot.core.trial import FOUND, STRETCH
from fairshot.core.trial_posterior import Posterior
from fairshot.core.turns import EACH, held_back, soon_tried
from fairshot.pipeline.sources import trials
from fairshot.pipeline.sources.trials import Trials, ahead_of, on_trial, openness, tiers_of
from fairshot.trial_card import card
from fairshot.trials import Decider

TOPICS, PEOPLE, OLD = 4, 240, 600
SETTINGS = """
[sources.fresh]
count = 20
[learning]
factors = 8
iterations = 3
hidden = [8, 8]
epochs = 10
least_examples = 20
[impressions]
days = 0.0
[trials]
"""


class Site:
    """People like items of their own topic; of what is new some is good and some is not."""

    def __init__(self, folder: Path, settings: str = "least = 12\n") -> None:
        (folder / FILE).write_text(SETTINGS + settings)
        self.now = 1_750_000_000 * MICROSECONDS
        self.app = open_app(folder, clock=lambda: self.now)
        # Requests of the same names have the same lots drawn whenever this runs.
        names = itertools.count()
        self.app.new_request_id = lambda: f"{next(names):032x}"
        self.rng = np.random.default_rng(3)
        self.number = itertools.count()
        self.impressions = Counter[str]()
        long_ago = "2020-01-01T00:00:00Z"
        self.app.ingest(items=[{**self.item(f"o{n}", n % TOPICS), "created_at": long_ago} for n in range(OLD)])
        likes = [
            {"event_id": f"e{u}/{n}", "kind": "like", "user_id": f"u{u}", "item_id": f"o{n}"}
            for u in range(PEOPLE)
            for n in self.rng.permutation(OLD)[:40].tolist()
            if self.rng.random() < (0.5 if n % TOPICS == u % TOPICS else 0.03)
        ]
        self.app.ingest({**event, "at": 1_749_000_000 + n} for n, event in enumerate(likes))
        assert self.app.train().promoted

    @staticmethod
    def item(name: str, topic: int, **more: Any) -> dict[str, Any]:
        text = " ".join(f"{word}{topic}" for word in ("alpha", "beta", "gamma", "delta"))
        return {"id": name, "creator_id": f"by {name}", "labels": [f"topic{topic}"], "title": f"{text} {name}", **more}

    def visits(self, count: int, likes: Callable[[int, str, int], float], hours: float = 0.01) -> None:
        for _ in range(count):
            self.now += round(hours * HOUR)
            user = int(self.rng.integers(PEOPLE))
            slate = self.app.feed(f"u{user}", 10).slate
            trials = [place for place in slate if place.source == "trials"]
            assert len(trials) <= 1
            self.impressions.update(all=len(slate), trial=len(trials))
            self.impressions.update(f"at {place.position}" for place in trials)
            self.app.ingest(
                {
                    "event_id": f"l{next(self.number)}",
                    "kind": "like",
                    "user_id": f"u{user}",
                    "item_id": place.item_id,
                    "exposure": place.exposure,
                }
                for place in slate
                if self.rng.random() < likes(user, place.item_id, place.position)
            )
            if next(self.number) % 50 == 0:
                self.app.step_trials()
        self.app.step_trials()

    def states(self, prefix: str) -> Counter[str]:
        names = [self.app.live.ids.items.id(row) for row in range(len(self.app.live.ids.items))]
        cards = [self.app.trial(name) for name in names if name.startswith(prefix)]
        return Counter(card.state for card in cards if card)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.app.close()


def by_topic(good: float, bad: float) -> Callable[[int, str, int], float]:
    """g items are good for their topic's people, b items are not, whatever is old is in between."""

    def likes(user: int, item: str, position: int) -> float:
        number = int("".join(sign for sign in item if sign.isdigit()))
        times = {"g": good, "b": bad}.get(item[0], 1.0)
        return (0.2 if number % TOPICS == user % TOPICS else 0.02) * times / float(np.log2(1 + position))

    return likes


def test_good_items_graduate_and_bad_ones_are_stopped_with_reasons(site: Site) -> None:
    site.app.ingest(items=[site.item(f"{kind}{n}", n % TOPICS) for n in range(10) for kind in "gb"])
    assert site.app.step_trials() == 20
    site.visits(1600, by_topic(2.5, 0.1))
    good, bad = site.states("g"), site.states("b")
    assert good["graduated"] >= 5, good
    assert bad["stopped"] >= 5, bad
    assert good["stopped"] + bad["graduated"] <= 1, (good, bad)
    stopped = [card for n in range(10) if (card := site.app.trial(f"b{n}")) and card.state == "stopped"]
    assert all(card.tiers[STRETCH - 1].impressions >= EACH * TOPICS for card in stopped), "strangers were asked"
    share = site.impressions["trial"] / site.impressions["all"]
    assert 0.01 < share <= site.app.config.trials.share + 0.001
    assert {name for name in site.impressions if name.startswith("at ")} == {"at 1", "at 2", "at 3"}
    name = next(f"g{n}" for n in range(10) if site.app.trial(f"g{n}").state == "graduated")  # type: ignore[union-attr]
    card = site.app.trial(name)
    assert card is not None
    assert card.decisions[0].step == "testing"
    assert card.decisions[-1].step == "graduated"
    assert "liked it" in card.decisions[-1].reason
    assert card.impressions == sum(tier.impressions for tier in card.tiers)
    assert card.low < card.rate < card.high
    reached = [card for n in range(10) if (card := site.app.trial(f"g{n}"))]
    surely, stretch = (sum(card.tiers[tier].impressions for card in reached) for tier in (0, 2))
    assert surely > stretch > 0


def test_feedback_without_a_token_moves_no_trial(site: Site) -> None:
    site.app.ingest(items=[site.item("g0", 0)])
    site.app.step_trials()
    for n in range(60):
        site.app.ingest([{"event_id": f"x{n}", "kind": "like", "user_id": f"fake{n}", "item_id": "g0"}])
    card = site.app.trial("g0")
    assert card is not None
    assert (card.impressions, card.likes, card.state) == (0, 0, "testing")


def test_nobody_can_take_the_id_of_a_verdict(site: Site) -> None:
    """Events are written once for each id: whoever took one would keep a trial from ever ending."""
    site.app.ingest(items=[site.item("g0", 0)])
    taken = ["trial/g0/1/testing", "trial/g0/1/stopped", "trial_prior/1", "tuning/1", "verdict/1"]
    like = {"kind": "like", "user_id": "u1", "item_id": "g0"}
    receipt = site.app.ingest([{"event_id": name, **like} for name in taken])
    assert [refused.field for refused in receipt.rejected] == ["event_id"] * len(taken)
    assert site.app.step_trials() == 1
    ids = {name.partition("/")[0] for (name,) in site.app.log._db.execute("SELECT id FROM log WHERE kind = 8")}
    assert ids <= set(VERDICT_FAMILIES)


def test_what_was_decided_already_is_not_counted_as_decided_again(site: Site, tmp_path: Path) -> None:
    site.app.ingest(items=[site.item("g0", 0)])
    with open_app(tmp_path, clock=lambda: site.now) as other:
        before = Decider(other.live.snapshot, site.now).drafts()
        assert site.app.step_trials() == len(before) == 1
        assert sum(other.writer.append(before).result().accepted) == 0
    assert site.app.step_trials() == 0


def test_what_moderation_removed_is_not_tried(site: Site) -> None:
    site.app.ingest(items=[site.item("g0", 0), site.item("g1", 1)])
    site.app.step_trials()
    site.app.ingest(decisions=[{"item_id": "g0", "decision": "remove", "reason": "spam"}])
    site.visits(60, lambda *_: 0.0)
    first, second = site.app.trial("g0"), site.app.trial("g1")
    assert first is not None
    assert second is not None
    assert first.impressions == 0 < second.impressions


def test_an_item_that_cannot_be_read_is_tried_too(site: Site) -> None:
    site.app.ingest(items=[{"id": "g0", "creator_id": "mute"}])
    site.app.step_trials()
    site.visits(120, lambda *_: 0.0)
    card = site.app.trial("g0")
    assert card is not None
    assert card.impressions > 10


def test_linked_creators_and_copies_share_what_one_gets(site: Site) -> None:
    site.app.ingest(creators=[{"id": f"farm{n}", "attributes": {"linked_to": "owner"}} for n in range(5)])
    farm = [site.item(f"b{n}", n % TOPICS, creator_id=f"farm{n % 5}") for n in range(30)]
    site.app.ingest(items=[*farm, *(site.item(f"g{n}", n % TOPICS) for n in range(4))])
    site.app.step_trials()
    assert site.states("b")["testing"] == site.app.config.trials.at_once
    assert site.states("g")["testing"] == 4
    text = " ".join(f"word{n}" for n in range(40))
    site.app.ingest(items=[{"id": f"c{n}", "creator_id": f"copier{n}", "title": text} for n in range(6)])
    site.app.step_trials()
    assert site.states("c") == {"testing": 1, "waiting": 5}


def test_a_flood_waits_for_its_trials(site: Site) -> None:
    shown = Counter[str]()

    def likes(_user: int, item: str, _position: int) -> float:
        shown.update([item])
        return 0.1

    flood = [{**site.item(f"f{n}", n % TOPICS), "creator_id": "flooder"} for n in range(60)]
    site.app.ingest(items=flood + [site.item(f"n{n}", n % TOPICS) for n in range(20)])
    site.app.step_trials()
    site.visits(150, likes)
    tried = {name for name in shown if name.startswith("f")}
    assert len(tried) <= site.app.config.trials.weekly + 2 * site.app.config.trials.at_once
    assert len({name for name in shown if name.startswith("n")}) > 15


def test_an_import_of_everything_at_once_is_no_flood(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(SETTINGS)
    with open_app(tmp_path) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n % 3}"} for n in range(90)])
        app.catch_up()
        rows = np.arange(90, dtype=np.int32)
        assert sorted(app.live.snapshot.items["burst"].tolist()) == sorted([*range(30)] * 3)
        assert not held_back(app.live.snapshot, rows).any()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[App, list[int]]]:
    """A platform that nothing was trained on; its clock is the list's only entry."""
    now = [1_750_000_000 * MICROSECONDS]
    with open_app(tmp_path, clock=lambda: now[0]) as app:
        names = itertools.count()
        app.new_request_id = lambda: f"{next(names):032x}"
        yield app, now


def test_trials_leave_a_small_catalogue_its_slates(small: tuple[App, list[int]]) -> None:
    app, _ = small
    app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}"} for n in range(20)])
    app.step_trials()
    assert len(on_trial(app.live.snapshot)) == 20
    for mode in ("personal", "nonprofiling"):
        for _ in range(3):
            assert len(app.feed("somebody new", 10, mode=mode).slate) == 10


def test_a_flood_does_not_empty_the_slates_of_fans(small: tuple[App, list[int]]) -> None:
    app, _ = small
    app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}"} for n in range(30)])
    app.feed("u", 10)
    app.ingest(items=[{"id": f"f{n}", "creator_id": "flooder"} for n in range(100)])
    app.ingest([{"event_id": "e", "kind": "follow", "user_id": "fan", "creator_id": "flooder"}])
    app.step_trials()
    assert [len(app.feed("fan", 10).slate) for _ in range(6)] == [10] * 6


def test_no_date_and_no_other_account_gets_round_the_week(small: tuple[App, list[int]]) -> None:
    app, now = small
    app.ingest(items=[{"id": "first", "creator_id": "before"}])
    app.feed("u", 1)
    now[0] += HOUR
    app.ingest(creators=[{"id": f"farm{n}", "attributes": {"linked_to": "owner"}} for n in range(4)])
    dated = [f"{year}-01-01T00:00:00Z" for year in range(1980, 2020)]
    app.ingest(items=[{"id": f"d{n}", "creator_id": "dater", "created_at": date} for n, date in enumerate(dated)])
    app.ingest(items=[{"id": f"l{n}", "creator_id": f"farm{n % 4}"} for n in range(20)])
    app.catch_up()
    rows = [app.live.ids.items.row(f"d{n}") for n in range(40)]
    weekly = app.config.trials.weekly
    assert held_back(app.live.snapshot, np.array(rows, np.int32)).tolist() == [False] * weekly + [True] * (40 - weekly)
    farm = np.array([app.live.ids.items.row(f"l{n}") for n in range(20)], np.int32)
    assert held_back(app.live.snapshot, farm).tolist() == [n % 4 > 0 for n in range(20)]
    now[0] += 8 * 24 * HOUR
    app.ingest(items=[{"id": "d39", "creator_id": "dater"}, {"id": "next", "creator_id": "dater"}])
    app.catch_up()
    again = np.array([app.live.ids.items.row(name) for name in ("d39", "next")], np.int32)
    assert held_back(app.live.snapshot, again).tolist() == [True, False], "sent again is not new; a new week is"


def test_no_trial_lasts_for_ever_and_what_was_removed_holds_no_place(small: tuple[App, list[int]]) -> None:
    app, now = small
    app.ingest(items=[{"id": f"i{n}", "creator_id": "one"} for n in range(5)])
    app.step_trials()
    assert len(on_trial(app.live.snapshot)) == app.config.trials.at_once
    app.ingest(decisions=[{"item_id": f"i{n}", "decision": "remove", "reason": "spam"} for n in (3, 4)])
    app.step_trials()
    going = {app.live.ids.items.id(row) for row in on_trial(app.live.snapshot).tolist()}
    assert going == {"i0", "i1", "i2"}
    now[0] += round(app.config.trials.days * 24 * HOUR)
    app.step_trials()
    cards = [card for n in range(3) if (card := app.trial(f"i{n}"))]
    assert len(on_trial(app.live.snapshot)) == 0
    assert [card.decisions[-1].step for card in cards] == ["waiting"] * 3
    assert "0 of the 0 people" in cards[0].decisions[-1].reason
    assert app.live.snapshot.creators["trial_failures"].max() == 0


def with_new(app: App, now: list[int], old: int, new: int) -> Array:
    """So many items that were there when the first slate was served, and the rows of so many that came later."""
    app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}"} for n in range(old)])
    app.feed("u", 1)
    now[0] += HOUR
    app.ingest(items=[{"id": f"n{n}", "creator_id": f"m{n}"} for n in range(new)])
    app.catch_up()
    return np.array([app.live.ids.items.row(f"n{n}") for n in range(new)], np.int32)


def test_what_is_new_waits_a_day_for_its_trial_before_ordinary_slots_show_it(small: tuple[App, list[int]]) -> None:
    app, now = small
    rows = with_new(app, now, 40, 8)

    def shown() -> set[str]:
        slates = [app.feed(f"u{user}", 10).slate for user in range(20)]
        return {place.item_id for slate in slates for place in slate if place.item_id.startswith("n")}

    assert not shown()
    assert soon_tried(app.live.snapshot, rows, now[0]).all()
    now[0] += round(app.config.trials.wait * 24 * HOUR)
    assert len(shown()) == 8, "nobody tried them, and nobody is kept from them for ever"


def test_what_was_shown_before_its_turn_came_is_not_tried_any_more(small: tuple[App, list[int]]) -> None:
    app, now = small
    rows = with_new(app, now, 40, 2)
    now[0] += round(app.config.trials.wait * 24 * HOUR)
    while app.live.snapshot.items["served"][rows[0]] < app.config.trials.least:
        app.feed(f"u{now[0]}", 10)
        now[0] += 1
        app.catch_up()
    app.ingest(items=[{"id": "unmet", "creator_id": "another"}])
    app.step_trials()
    going = {app.live.ids.items.id(row) for row in on_trial(app.live.snapshot).tolist()}
    assert "unmet" in going
    assert "n0" not in going, "fame has told who is left to ask"
    card = app.trial("n0")
    assert card is not None
    assert "everybody's ranking decides" in card.next


def test_where_nearly_all_is_new_ranking_keeps_its_choice(small: tuple[App, list[int]]) -> None:
    app, now = small
    with_new(app, now, 3, 100)
    why = app.explain(app.feed("u", 10).request_id)
    assert why is not None
    assert next(step["after"] for step in why.funnel if step["stage"] == "filters.on_trial") > 30


def test_trials_end_where_no_new_ones_begin(small: tuple[App, list[int]]) -> None:
    app, now = small
    with_new(app, now, 40, 8)
    app.step_trials()
    assert len(on_trial(app.live.snapshot)) > 0
    later = now[0] + round(app.config.trials.days * 24 * HOUR)
    drafts = Decider(app.live.snapshot, later, admits=False).drafts()
    assert {draft.data["step"] for draft in drafts if draft.data} == {"waiting"}
    assert len(drafts) == len(on_trial(app.live.snapshot))


def test_of_one_tier_who_matches_best_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path, "audience = [0.95, 1.0]\nmix = [1.0, 0.0, 0.0]\n")
    for n in range(20):
        plain, other = site.item(f"g{n}", n % TOPICS), site.item("", (n + 1) % TOPICS)
        mixed = {**plain, "title": plain["title"] + n // TOPICS * other["title"]}
        site.app.ingest(items=[mixed])
    site.app.step_trials()

    # As much is expected of one item as of another, and as much to be learned: match alone decides.
    monkeypatch.setattr(trials, "thompson_draw", lambda alpha, _beta, _rng: np.ones(len(alpha)))
    monkeypatch.setattr(trials, "change", lambda alpha, _beta, _threshold: np.ones(len(alpha)))
    rows = np.sort(on_trial(site.app.live.snapshot))
    asked = 0
    for user in range(100):
        ctx = Context(site.app.request(f"u{user}", 10), site.app.live.snapshot)
        brought = Trials()(ctx)
        if len(brought) and brought.arm[0] == 1:
            asked += 1
            assert brought.rows[0] == rows[np.argmin(ahead_of(ctx, rows))]
    assert asked > 10
    site.app.close()


def test_strangers_are_asked_first_of_what_those_disappointed_who_were_chosen(tmp_path: Path) -> None:
    site = Site(tmp_path, "mix = [0.5, 0.0, 0.5]\nleast = 200\n")
    site.app.ingest(items=[site.item(f"{kind}{n}", n) for n in range(TOPICS) for kind in "gb"])
    site.app.step_trials()
    site.visits(150, by_topic(4.0, 0.4))

    snapshot = site.app.live.snapshot
    rows = np.sort(on_trial(snapshot))
    doubted = trials.prospects_of(snapshot, rows).wanted > 0
    assert 0 < doubted.sum() < len(rows)
    choices = first = 0
    for user in range(PEOPLE):
        ctx = Context(site.app.request(f"u{user}", 10), snapshot)
        brought = Trials()(ctx)
        if len(brought) and brought.arm[0] == STRETCH:
            may = ~ctx.person.met[rows] & (tiers_of(ctx, rows, ahead_of(ctx, rows)) == STRETCH)
            choices += (may & doubted).any() and (may & ~doubted).any()
            first += (may & ~doubted).any() and bool(doubted[rows == brought.rows[0]][0])
    assert choices > 20
    assert first > 0.8 * choices
    site.app.close()


def test_a_copy_is_not_shown_while_its_original_is_tried(site: Site) -> None:
    text = " ".join(f"word{n}" for n in range(40))
    site.app.feed("u0", 1)
    site.now += HOUR
    site.app.ingest(items=[{"id": f"c{n}", "creator_id": "poster", "title": text} for n in range(2)])
    site.app.step_trials()
    assert site.states("c") == {"testing": 1, "waiting": 1}
    shown = [place for user in range(60) for place in site.app.feed(f"u{user}", 10).slate]
    assert {place.source for place in shown if place.item_id in ("c0", "c1")} <= {"trials"}


def test_what_is_on_trial_is_shown_by_its_trial_alone(site: Site) -> None:
    site.app.ingest(items=[site.item(f"g{n}", n % TOPICS) for n in range(8)])
    site.app.step_trials()
    going = {site.app.live.ids.items.id(row) for row in on_trial(site.app.live.snapshot).tolist()}
    assert going
    for user in range(60):
        for place in site.app.feed(f"u{user}", 10).slate:
            assert place.item_id not in going or place.source == "trials"


def test_fame_is_not_read(site: Site) -> None:
    """Same items of a creator with a thousand likes and of unknown ones are admitted alike, and drawn alike."""
    site.app.ingest(items=[site.item(f"f{n}", n % TOPICS, creator_id="by o0") for n in range(3)])
    site.app.ingest(items=[site.item(f"g{n}", n % TOPICS) for n in range(3)])
    site.app.step_trials()
    assert site.states("f") == site.states("g") == {"testing": 3}
    site.visits(900, lambda *_: 0.0)
    famous, unknown = (
        sum(card.impressions for n in range(3) if (card := site.app.trial(f"{kind}{n}"))) for kind in "fg"
    )
    assert abs(famous - unknown) < 3 * np.sqrt(famous + unknown), (famous, unknown)


def test_an_audience_that_nobody_expected_is_found(tmp_path: Path) -> None:
    site = Site(tmp_path, "mix = [0.3, 0.2, 0.5]\nleast = 60\n")
    site.app.ingest(items=[site.item("g0", 0)])
    site.app.step_trials()
    # It says topic 0, and only people of topic 3 love it.
    for _ in range(6):
        site.visits(300, lambda user, item, _: 0.5 * (item == "g0" and user % TOPICS == 3), hours=0.002)
        card = site.app.trial("g0")
        assert card is not None
        if card.tiers[FOUND - 1].impressions > 0:
            break
    assert card is not None
    found = [one for one in card.decisions if one.step == "audience"]
    assert found, card
    assert "topic3" in found[0].reason
    assert card.tiers[FOUND - 1].impressions > 0
    site.app.close()


@pytest.mark.parametrize("settings", ["audience = [0.1, 1.0]", "mix = [0.7, 0.3, 0.0]", "strangers = 0"])
def test_where_nobody_is_a_stranger_nothing_waits_for_any(tmp_path: Path, settings: str) -> None:
    site = Site(tmp_path, settings + "\nleast = 12\n")
    site.app.ingest(items=[site.item(f"b{n}", n) for n in range(2)])
    site.app.step_trials()
    for _ in range(8):
        site.visits(100, by_topic(1.0, 0.0))
        if site.states("b")["stopped"] == 2:
            break
    assert site.states("b") == {"stopped": 2}
    site.app.close()


def test_strangers_come_first_to_what_waits_for_them() -> None:
    known = Posterior(*(np.array(values) for values in ([30.0, 1, 9, 1], [70.0, 99, 91, 99], [0.1] * 4, [90.0] * 4)))
    wanted = trials.strangers_wanted(known, np.array([True, True, True, False]))
    assert wanted.tolist() == [0, 2, 1, 1]


def test_a_card_tells_nothing_by_which_one_person_might_be_known(site: Site) -> None:
    site.app.ingest(items=[site.item("g0", 0)])
    snapshot = site.app.live.snapshot
    old = {"label": "topic3", "segment": 3, "reason": "2 of the 4 people who like topic3 best liked it"}
    told = [
        (0, {**old, "step": step, "impressions": people, "likes": 2})
        for step in ("asking", "asked", "audience")
        for people in (4, 5)
    ]
    steps = card(snapshot, "g0", snapshot.ids.items.row("g0"), told, site.now).decisions
    assert [one.step for one in steps] == ["asking", "asked", "audience", "audience"]
    assert [one.numbers for one in steps] == [{}, {}, {}, {"impressions": 5, "likes": 2}]
    assert [any(sign.isdigit() for sign in one.reason.replace("topic3", "")) for one in steps] == [0, 0, 0, 1]


def test_an_audience_is_looked_for_after_an_early_graduation(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.app.ingest(items=[site.item("g0", 0)])
    site.app.step_trials()
    # Good enough for those whom it seems to suit, and loved by others.
    for _ in range(20):
        site.visits(100, lambda user, item, _: (item == "g0") * (0.9 if user % TOPICS == 3 else 0.1), hours=0.002)
        card = site.app.trial("g0")
        assert card is not None
        if card.decisions[-1].step == "audience":
            break
    assert card is not None
    steps = [one.step for one in card.decisions]
    assert steps.index("graduated") < steps.index("audience")
    questions = [one for one in card.decisions if one.step == "asking"]
    assert questions
    assert not any(one.numbers for one in questions), "a question rests on so few people that one might be known"
    assert "topic3" in card.decisions[-1].reason
    assert card.impressions <= site.app.config.trials.search
    site.visits(150, lambda *_: 0.0, hours=0.002)
    card = site.app.trial("g0")
    assert card is not None
    assert card.tiers[FOUND - 1].impressions > 0, "its audience is asked"
    site.app.close()


def test_people_differ_in_how_much_exploring_suits_them(site: Site) -> None:
    site.app.ingest(items=[site.item(f"b{n}", n % TOPICS) for n in range(8)])
    site.app.step_trials()

    def open_to(user: str) -> float:
        return openness(Context(site.app.request(user, 10), site.app.live.snapshot))

    assert open_to("nobody yet") < open_to("u1")
    before = open_to("u1")
    for _ in range(40):
        site.now += HOUR
        site.app.feed("u1", 10)
    site.app.catch_up()
    assert open_to("u1") < before, "trials that they never welcome"


def test_tiers_go_by_match(site: Site) -> None:
    site.app.ingest(items=[site.item(f"g{n}", n) for n in range(TOPICS)])
    site.app.step_trials()
    rows = np.sort(on_trial(site.app.live.snapshot))
    own, other = list[int](), list[int]()
    for user in range(40):
        ctx = Context(site.app.request(f"u{user}", 10), site.app.live.snapshot)
        tiers = tiers_of(ctx, rows, ahead_of(ctx, rows))
        own.append(tiers[user % TOPICS])
        other.extend(np.delete(tiers, user % TOPICS))
    assert np.mean(own) < 2.2 < np.mean(other)


def test_no_trials_without_a_share(tmp_path: Path) -> None:
    site = Site(tmp_path, "share = 0.0\n")
    site.app.ingest(items=[site.item("g0", 0)])
    assert site.app.step_trials() == 0, "nothing is kept for a trial that nobody would be shown"
    site.visits(30, lambda *_: 0.0)
    assert site.impressions["trial"] == 0
    site.app.close()


def test_a_restart_forgets_no_trial(site: Site, tmp_path: Path) -> None:
    site.app.ingest(items=[site.item(f"g{n}", n % TOPICS) for n in range(4)])
    site.app.step_trials()
    site.visits(80, by_topic(2.0, 1.0))
    before = [site.app.trial(f"g{n}") for n in range(4)]
    site.app.checkpoint()
    site.app.close()
    site.app = open_app(tmp_path, clock=lambda: site.now)
    assert [site.app.trial(f"g{n}") for n in range(4)] == before
    assert site.app.trial("unheard of") is None
