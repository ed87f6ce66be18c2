"""Replay: a feature computed live and one computed later from the log are equal, and so are the slates."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.core.arrays import Array
from fairshot.core.candidates import Candidates
from fairshot.core.events import EventBatch, Kind, concatenate, no_events
from fairshot.core.request import Context
from fairshot.core.slate import Slate
from fairshot.core.snapshot import Snapshot
from fairshot.learning.loading import load_artifacts
from fairshot.replay import Replay
from fairshot.state import load_folds

LABELS = ("jazz", "chess", "bread")
SETTINGS = """
[learning]
factors = 8
text_dimensions = 8
epochs = 3
least_examples = 20
# What may serve is asked elsewhere: here models have to change.
tolerance = 1.0
calibration_tolerance = 1.0
drift_tolerance = 100.0
[tuning]
sd = 0.2
[blenders.random_slot]
share = 0.05
"""
VISITS = 240
LENGTH = 6
BY_BATCH = ("rising", "match", "closeness", "session_closeness")
"""Columns that hold sums of floats, whose order live batches decide; and what is computed from them."""


@dataclass
class Town:
    """A small world that goes on: visits, feedback, follows, new items, moderation, and two trainings."""

    app: App
    clock: list[int]
    slates: dict[str, Slate] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))
    items: int = 0

    def publish(self, count: int) -> None:
        records = []
        for n in range(self.items, self.items + count):
            label = LABELS[n % 3]
            record: dict[str, Any] = {"id": f"{label}{n}", "creator_id": f"c{n % 11}", "labels": [label]}
            record["title"] = f"{label} story {' '.join(f'word{k}' for k in self.rng.integers(0, 40, 4))}"
            records.append(record)
        self.items += count
        self.app.ingest(items=records)

    def visit(self, number: int) -> None:
        self.clock[0] += int(self.rng.integers(1, 400)) * 1_000_000
        user = f"u{self.rng.integers(60)}"
        mode = "nonprofiling" if number % 17 == 0 else "personal"
        context = {"label": "jazz"} if number % 13 == 0 else {}
        exclude = ["jazz0", "unheard-of"] if number % 7 == 0 else []
        feed = self.app.feed(user, LENGTH, mode=mode, context=context, exclude=exclude)  # type: ignore[arg-type]
        self.versions[feed.request_id] = feed.snapshot
        self.clock[0] += 1_000_000
        self.answer(number, user, feed.slate)

    def answer(self, number: int, user: str, slate: list[Any]) -> None:
        events: list[dict[str, Any]] = []
        for position in slate:
            fits = position.item_id.startswith(LABELS[int(user[1:]) % 3])
            if self.rng.random() < (0.6 if fits else 0.1):
                kind = str(
                    self.rng.choice(["like", "view", "share", "hide", "purchase"], p=[0.5, 0.3, 0.1, 0.05, 0.05])
                )
                event = {"kind": kind, "user_id": user, "item_id": position.item_id, "exposure": position.exposure}
                events.append({**event, "event_id": f"{number}-{position.item_id}"})
        if number % 5 == 0:
            follow = {"kind": "follow", "user_id": user, "creator_id": f"c{self.rng.integers(11)}"}
            events.append({**follow, "event_id": f"f{number}", "value": float(number % 10 > 0)})
        if number % 19 == 0:
            events.append({"kind": "view", "user_id": user, "item_id": f"only-named{number}", "event_id": f"n{number}"})
        self.app.ingest(events)
        if number % 11 == 0:
            decision = ("remove", "flag", "restore")[number % 3]
            item = f"{LABELS[(number // 11) % 3]}{self.rng.integers(self.items)}"
            self.app.ingest(decisions=[{"item_id": item, "decision": decision, "reason": "test"}])
        if number % 6 == 0:
            self.publish(3)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town") / "data"
    folder.mkdir()
    (folder / "fairshot.toml").write_text(SETTINGS)
    clock = [1_700_000_000_000_000]
    with open_app(folder, clock=lambda: clock[0]) as app:
        town = Town(app, clock)
        served: list[Slate] = []
        app.on_slate = served.append
        town.publish(150)
        for number in range(VISITS):
            town.visit(number)
            if number in (VISITS // 3, 2 * VISITS // 3):
                report = app.train()
                assert report.promoted, report.reasons
        town.slates = dict(zip(town.versions, served, strict=True))
        app.catch_up()
        yield town


@pytest.fixture
def events(town: Town) -> EventBatch:
    return concatenate(list(town.app.log.batches()))


def replay_of(app: App, events: EventBatch) -> Replay:
    return Replay(events, load_folds(app.config.kinds), app.live.ids, app.config)


def replayed(town: Town, events: EventBatch) -> Iterator[tuple[Any, Slate, Context]]:
    """Each logged slate, the slate that the log alone gives, and its context; valid until the next."""
    app, now = town.app, replay_of(town.app, events)
    version: str | None = None
    for logged in app.log.slates():
        snapshot = now.at(logged.seq)
        if logged.snapshot != version:
            version = logged.snapshot
            snapshot = now.swap(load_artifacts(app.artifacts, version, app.pipeline))
        ctx = Context(now.request_of(logged), snapshot)
        yield logged, app.pipeline(ctx), ctx


def same_column(name: str, live: Array, found: Array, *, by_batch: bool) -> None:
    if by_batch:
        np.testing.assert_allclose(found, live, rtol=2e-5, atol=1e-6, err_msg=name)
    else:
        np.testing.assert_array_equal(found, live, err_msg=name)


def same_columns(live: Candidates, found: Candidates) -> None:
    """Fail where two pools differ."""
    np.testing.assert_array_equal(live.rows, found.rows)
    assert set(live.columns) == set(found.columns)
    for name, column in live.columns.items():
        same_column(name, column, found[name], by_batch=name.startswith(("p_", "value")) or name in BY_BATCH)


def test_a_thousand_impressions_come_back_from_the_log_alone(town: Town, events: EventBatch) -> None:
    """Pools, every feature of every candidate, the slates and their propensities, over two changes of models."""
    impressions = drawn = strangers = 0
    versions = set()
    for logged, found, ctx in replayed(town, events):
        live = town.slates[logged.request]
        same_columns(live.pool, found.pool)
        np.testing.assert_array_equal(found.rows, live.rows)
        np.testing.assert_array_equal(found.rows, logged.rows)
        np.testing.assert_array_equal(found.propensity, logged.propensity)
        impressions += len(found)
        drawn += int((logged.propensity < 0.5).sum())
        strangers += ctx.request.row == -1
        versions.add(logged.snapshot)
    assert impressions >= 1000
    assert drawn >= 20
    assert strangers >= 30
    assert len(versions) == 3


def test_the_features_of_impressions_are_those_of_serving(town: Town, events: EventBatch) -> None:
    """What training asks: the features of the items shown alone, not of the whole pool."""
    for logged, _, ctx in replayed(town, events):
        live = town.slates[logged.request].pool
        described = town.app.pipeline.describe(ctx, logged.rows)
        index = [int(np.flatnonzero(live.rows == row)[0]) for row in logged.rows]
        for name, column in described.columns.items():
            # One matrix product for all candidates and one for these few may add up in another order.
            same_column(name, live[name][index], column, by_batch=True)


def test_moments_are_what_single_steps_come_to(town: Town, events: EventBatch) -> None:
    slates = list(town.app.log.slates())
    seqs = np.array([slate.seq for slate in slates])
    models = load_artifacts(town.app.artifacts, slates[-1].snapshot, town.app.pipeline)
    one, two = replay_of(town.app, events), replay_of(town.app, events)
    two.at(slates[0].seq)
    two.swap(load_artifacts(town.app.artifacts, slates[-1].snapshot, town.app.pipeline))
    for slate, snapshot in zip(slates, one.moments(seqs, models), strict=True):
        assert snapshot.seq == slate.seq
        other = two.at(slate.seq)
        request = one.request_of(slate)
        found, again = (town.app.pipeline(Context(request, each)) for each in (snapshot, other))
        np.testing.assert_array_equal(found.rows, again.rows)
        # Models that were fitted later know rows that the moment does not: they must not break it.
        assert found.trace is not None
        assert found.trace.errors == []
        assert (snapshot.items["record"][found.rows] > 0).all()


def test_the_end_of_a_replay_is_the_live_state(town: Town, events: EventBatch) -> None:
    last = replay_of(town.app, events).at(town.app.live.seq)
    live = town.app.live.snapshot
    for side in ("users", "items", "creators", "labels", "world"):
        for state in town.app.live.states.values():
            for name in state[side].columns:
                found, expected = getattr(last, side)[name], getattr(live, side)[name]
                np.testing.assert_allclose(found, expected, rtol=1e-12, err_msg=name)


@dataclass
class Retrieval:
    """Notes which items it was given to place, and how many records there were by then."""

    items: Array
    placed: list[tuple[list[int], int]] = field(default_factory=list)

    def place(self, snapshot: Snapshot, rows: Array) -> None:
        self.items = np.zeros(max(len(self.items), int(rows.max(initial=-1)) + 1))
        self.placed.append((rows.tolist(), int((snapshot.items["record"] > 0).sum())))


def test_new_items_are_placed_for_retrieval_as_they_come(town: Town, events: EventBatch) -> None:
    models = load_artifacts(town.app.artifacts, town.app.live.promoted, town.app.pipeline)
    assert models.vectors is not None
    retrieval = Retrieval(np.zeros(150))
    now = replay_of(town.app, events)
    now.at(300)
    now.swap(replace(models, retrieval=retrieval))
    now.at(town.app.live.seq)
    records = [rows for rows, _ in retrieval.placed]
    came = [row for rows in records for row in rows]
    known = np.unique(events.item[events.of(Kind.ITEM)])
    assert set(known[known >= 150].tolist()) <= set(came)
    # They come by threes: each three is described before the next is known, though one step brought all.
    counts = [count for _, count in retrieval.placed]
    assert np.diff(np.unique(counts)).max() == 3
    assert len(retrieval.items) == events.sizes.items


def test_a_replay_runs_forwards(town: Town, events: EventBatch) -> None:
    now = replay_of(town.app, events)
    assert now.at(0).world["event_counts"].sum() == 0
    assert now.at(50).seq == 50
    assert now.at(50).items["record"].max() == 50
    with pytest.raises(ValueError, match="forwards"):
        now.at(49)


def test_a_replay_of_nothing(town: Town) -> None:
    assert replay_of(town.app, no_events()).at(7).seq == 7


def test_slates_after_a_number_of_the_log(town: Town, events: EventBatch) -> None:
    slates = list(town.app.log.slates())
    assert len(slates) == VISITS
    assert [slate.served for slate in town.app.log.slates(slates[9].served)] == [s.served for s in slates[10:]]
    assert {slate.served for slate in slates} == set(events.seq[events.of(Kind.SLATE)].tolist())
    assert {(slate.mode, slate.surface) for slate in slates} == {("personal", "home"), ("nonprofiling", "home")}
