"""Examples: what was shown is described as it was served, what nobody showed as of its moment, in the order of time."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.test_replay import BY_BATCH, SETTINGS, Town, replay_of

from fairshot.app import App, open_app
from fairshot.config import Learning
from fairshot.core.arrays import HOUR, Array, Floats
from fairshot.core.candidates import Candidates
from fairshot.core.events import EventBatch, Kind, concatenate, event_batch
from fairshot.core.ids import Sizes
from fairshot.core.request import Context, Request
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import Snapshot
from fairshot.examples import (
    PAST,
    SITTING,
    TOGETHER,
    Describer,
    Examples,
    Occasion,
    drawn,
    in_order_of_time,
    is_input,
    joined,
    organic_occasions,
    personal_occasions,
    shown_occasions,
    without_past,
)
from fairshot.learning.impressions import Impressions, attribute
from fairshot.learning.interactions import Feedback
from fairshot.learning.loading import load_artifacts
from fairshot.pipeline.features.engagement import SHOWN
from fairshot.ranking import parts_of

VISITS = 440
KINDS = 3


def impressions_of(*rows: dict[str, Any]) -> Impressions:
    """Rows in which everything that is not said is plain."""
    plain = {"user": 0, "item": 0, "at": 0, "seq": 0, "position": 0, "weight": 1.0, "seconds": np.nan, "organic": True}
    columns = {name: np.array([row.get(name, value) for row in rows]) for name, value in plain.items()}
    labels = np.zeros((len(rows), KINDS), np.float32)
    labels[np.arange(len(rows)), [row.get("kind", 0) for row in rows]] = 1
    return Impressions(**columns, propensity=np.full(len(rows), np.nan), labels=labels)


def slate(served: int, mode: str = "personal") -> LoggedSlate:
    nothing: Any = np.zeros(0)
    return LoggedSlate(
        f"r{served}", served, served - 1, served * 10, 0, 5, "home", mode, None, (), {}, nothing, nothing
    )


# As served


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, dict[str, Candidates]]]:
    """A world that goes on over two trainings, and what the stages said of each slate's rows when it was served."""
    folder = tmp_path_factory.mktemp("town") / "data"
    folder.mkdir()
    (folder / "fairshot.toml").write_text(SETTINGS)
    clock = [1_700_000_000_000_000]
    with open_app(folder, clock=lambda: clock[0]) as app:
        town = Town(app, clock)
        told: list[Candidates] = []
        app.on_slate = lambda slate: told.append(slate.pool.take(index_of(slate.pool.rows, slate.rows)))
        town.publish(150)
        for number in range(VISITS):
            town.visit(number)
            if number in (VISITS // 3, 2 * VISITS // 3):
                report = app.train()
                assert report.promoted, report.reasons
        app.catch_up()
        yield town, dict(zip(town.versions, told, strict=True))


def index_of(rows: Array, wanted: Array) -> Array:
    """Where each wanted row stands."""
    order = np.argsort(rows)
    found: Array = order[np.searchsorted(rows, wanted, sorter=order)]
    return found


@pytest.fixture(scope="module")
def events(town: tuple[Town, Any]) -> EventBatch:
    return concatenate(list(town[0].app.log.batches()))


def plainly(app: App, **changes: Any) -> Learning:
    return structs.replace(app.config.learning, **changes)


def test_a_thousand_impressions_are_taught_by_the_features_they_were_served_with(town, events):
    """From the log alone, by the way that training goes: attribution, occasions, replay, description."""
    world, served = town
    app = world.app
    rows = attribute(events, app.config.kinds, app.config.impressions.mode)
    occasions = shown_occasions(rows, app.log.slates())
    replay = replay_of(app, events)
    version: str | None = None
    compared, versions = 0, set()
    for occasion in sorted(occasions, key=lambda occasion: occasion.seq):
        logged = occasion.slate
        assert logged is not None
        snapshot = replay.at(occasion.seq)
        if logged.snapshot != version:
            version = logged.snapshot
            snapshot = replay.swap(load_artifacts(app.artifacts, version, app.pipeline))
        describer = Describer(app.pipeline, plainly(app, as_new=0.0), np.zeros((0, 8), np.float32))
        found = describer.shown(replay.request_of(logged), snapshot, occasion)
        live = served[logged.request]
        live = live.take(index_of(live.rows, occasion.items))
        names = sorted(name for name, column in live.columns.items() if is_input(name, column))
        # What the pipeline adds after its features is no input.
        names = [name for name in names if not name.startswith("value")]
        assert found.features == (*names, SHOWN)
        assert (found.inputs[:, -1] == 1).all()
        for place, name in enumerate(names):
            expected, given_to_net = live[name].astype(np.float32), found.inputs[:, place]
            if name in BY_BATCH or name.startswith("neighbours"):
                # Sums of floats: one product for all candidates and one for these few add up in another order.
                np.testing.assert_allclose(given_to_net, expected, rtol=2e-5, atol=1e-6, err_msg=name)
            else:
                np.testing.assert_array_equal(given_to_net, expected, err_msg=name)
        compared += len(found)
        versions.add(version)
    assert compared >= 1000
    assert len(versions) == 3


# Occasions


def test_slates_without_profiling_teach_nothing_and_weights_and_seconds_are_carried():
    rows = impressions_of(
        {"seq": 7, "item": 3, "position": 1, "organic": False, "weight": 1.5, "seconds": 4.0, "kind": 1},
        {"seq": 7, "item": 5, "position": 2, "organic": False, "weight": 2.5},
        {"seq": 8, "item": 6, "position": 1, "organic": False},
        {"seq": 9, "item": 6, "organic": True},
        {"seq": 9, "item": 7, "position": 0, "organic": False},
    )
    found = shown_occasions(rows, [slate(7), slate(8, "nonprofiling"), slate(9), slate(10)])
    assert len(found) == 1
    only = found[0]
    assert (only.at, only.seq, only.items.tolist()) == (70, 6, [3, 5])
    assert only.items.dtype == np.int32
    assert only.weights.tolist() == [1.5, 2.5]
    assert only.seconds.tolist() == pytest.approx([4.0, np.nan], nan_ok=True)
    assert only.labels.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert only.slate is not None
    assert only.slate.served == 7


def test_organic_feedback_is_taken_in_blocks_of_five_within_an_hour():
    times = [0, 1, 2, 3, 4, 5, SITTING + 5, SITTING + 6, 3 * SITTING]
    rows = impressions_of(*({"item": n, "at": at, "seq": n + 1} for n, at in enumerate(times)))
    order = np.arange(len(times))
    found = organic_occasions(rows, order, np.ones(len(times), bool))
    assert [occasion.items.tolist() for occasion in found] == [[0, 1, 2, 3, 4], [5, 6], [7], [8]]
    assert [occasion.at for occasion in found] == [0, 5, SITTING + 6, 3 * SITTING]
    # The place of an event from 0 is the number of the one before it.
    assert [occasion.seq for occasion in found] == [0, 5, 7, 8]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3 * HOUR), st.booleans(), st.booleans()), max_size=40),
    st.randoms(use_true_random=False),
)
def test_every_organic_row_that_is_kept_stands_in_one_occasion(rows, random):
    times = sorted(at for _, at, _, _ in rows)
    told = [
        {"user": user, "item": n, "at": at, "organic": organic}
        for n, (at, (user, _, organic, _)) in enumerate(zip(times, rows, strict=True))
    ]
    random.shuffle(told)  # an export may say them in any order
    impressions = impressions_of(*told) if told else impressions_of({"organic": False})
    order = impressions.item.astype(np.int64)
    kept = np.array([rows[n][3] for n in order.tolist()] if told else [True])
    found = organic_occasions(impressions, order, kept)
    met = sorted(item for occasion in found for item in occasion.items.tolist())
    assert met == sorted(impressions.item[impressions.organic & kept].tolist())
    for occasion in found:
        assert len(occasion.items) <= TOGETHER
        of = [told[int(np.flatnonzero(impressions.item == item)[0])] for item in occasion.items.tolist()]
        assert {row["user"] for row in of} == {occasion.user}
        assert occasion.at == of[0]["at"] == min(row["at"] for row in of)
        assert max(row["at"] for row in of) <= occasion.at + SITTING
        assert occasion.seq == occasion.items[0]


def test_everybodys_feedback_at_one_moment_is_one_occasion_of_distinct_items():
    columns = np.array([[0, 5, 0], [2, 1, 1], [0, 3, 2], [0, 5, 1]]).T
    answers = Feedback(columns[0], columns[1], columns[2].astype(np.int8), np.zeros(4), np.arange(4))
    one, other = personal_occasions(answers, KINDS, seq=9, at=77)
    assert (one.user, one.items.tolist(), one.labels.tolist()) == (0, [3, 5], [[0, 0, 1], [1, 1, 0]])
    assert (other.user, other.items.tolist(), other.labels.tolist()) == (2, [1], [[0, 1, 0]])
    assert (one.seq, one.at, one.weights.tolist()) == (9, 77, [1, 1])
    assert np.isnan(one.seconds).all()


def test_some_are_drawn_by_lot_always_the_same_and_put_in_order():
    nothing = np.zeros(1, np.int32)
    blank = Occasion(0, 0, 0, nothing, np.zeros((1, KINDS)), np.ones(1), np.ones(1))
    occasions = [replace(blank, seq=seq) for seq in np.random.default_rng(0).permutation(50).tolist()]
    some = [occasion.seq for occasion in drawn(occasions, 10, "test")]
    assert len(set(some)) == 10
    assert some == sorted(some) == [occasion.seq for occasion in drawn(occasions, 10, "test")]
    assert [occasion.seq for occasion in drawn(occasions, 50, "test")] == list(range(50))


# The order of time


def test_an_unsorted_import_is_told_in_the_order_in_which_it_happened():
    """Records after the feedback on them, years in any order: each record counts from the first mention."""
    rows = [
        (Kind.FEEDBACK, 0, 500),
        (Kind.FEEDBACK, 1, 100),
        (Kind.FEEDBACK, 0, 300),
        (Kind.ITEM, 0, 900),
        (Kind.ITEM, 1, 50),
        (Kind.ITEM, 2, 700),
        (Kind.ITEM, 0, 950),
        (Kind.USER, -1, 990),
        (Kind.CREATOR, -1, 995),
        (Kind.FOLLOW, -1, 200),
    ]
    n = len(rows)
    columns: dict[str, Any] = {name: [-1] * n for name in ("action", "user", "creator")}
    columns |= {"value": [np.nan] * n, "position": [0] * n, "propensity": [np.nan] * n}
    columns |= {"kind": [row[0] for row in rows], "item": [row[1] for row in rows], "at": [row[2] for row in rows]}
    columns["seq"] = [3, 4, 7, 8, 8, 20, 21, 22, 23, 24]
    batch = event_batch(columns, [{"number": number} for number in range(n)], Sizes(1, 3, 1))
    ordered, place = in_order_of_time(batch)
    assert [one["number"] for one in ordered.data if one] == [7, 8, 4, 1, 9, 3, 6, 2, 0, 5]
    assert ordered.seq.tolist() == list(range(1, n + 1))
    assert [ordered.data[where]["number"] for where in place.tolist()] == list(range(n))
    # Times stay what was told: only the order is another.
    assert ordered.at.tolist() == [batch.at[one["number"]] for one in ordered.data if one]


@given(
    st.lists(st.tuples(st.sampled_from([Kind.ITEM, Kind.FEEDBACK, Kind.SLATE]), st.integers(0, 3), st.integers(0, 9)))
)
def test_no_item_is_met_before_its_record_and_nothing_else_runs_backwards(rows):
    n = len(rows)
    columns: dict[str, Any] = {name: [-1] * n for name in ("action", "user", "creator")}
    columns |= {"value": [np.nan] * n, "position": [0] * n, "propensity": [np.nan] * n, "seq": list(range(n))}
    columns |= {"kind": [row[0] for row in rows], "item": [row[1] for row in rows], "at": [row[2] for row in rows]}
    batch = event_batch(columns, [None] * n, Sizes(1, 4, 1))
    ordered, place = in_order_of_time(batch)
    assert sorted(place.tolist()) == list(range(n))
    others = ~ordered.of(Kind.ITEM) if n else np.zeros(0, bool)
    assert (np.diff(ordered.at[others]) >= 0).all()
    for item in range(4):
        of = np.flatnonzero(ordered.item == item)
        if (ordered.kind[of] == Kind.ITEM).any():
            assert ordered.kind[of[0]] == Kind.ITEM
    # What happened at one time keeps the order of the log.
    for at in range(10):
        same = [int(k) for k in place[(batch.at == at) & ~batch.of(Kind.ITEM)]] if n else []
        assert same == sorted(same)


# Candidates that stand for others


def organic(town: Town, describer: Describer, items: list[int], user: str = "u1") -> tuple[Examples | None, Context]:
    app = town.app
    row = app.live.ids.users.row(user)
    request = Request(id="training/test", user=user, row=row, limit=1, now=town.clock[0])
    snapshot = app.live.snapshot
    ones, unknown = np.ones(len(items), np.float32), np.full(len(items), np.nan, np.float32)
    labels = np.tile(np.array([1, 0, 0], np.float32), (len(items), 1))
    occasion = Occasion(row, town.clock[0], snapshot.seq, np.array(items, np.int32), labels, ones, unknown)
    return describer.organic(request, snapshot, occasion), Context(request, snapshot)


def candidates_of(town: Town, user: str = "u1") -> Array:
    request = Request("training/test", user, town.app.live.ids.users.row(user), 1, town.clock[0])
    found: Array = town.app.pipeline.candidates(Context(request, town.app.live.snapshot))
    return found


@pytest.mark.parametrize("negatives", [1, 20, 100_000])
def test_drawn_negatives_weigh_as_many_as_they_stand_for(town, negatives):
    world, _ = town
    pool = candidates_of(world)
    describer = Describer(
        world.app.pipeline, plainly(world.app, as_new=0.0, negatives=negatives), np.zeros((0, 8), np.float32)
    )
    answered = pool[[3, 8]].tolist()
    absent = int(np.setdiff1d(np.arange(world.items), pool)[0])
    found, _ = organic(world, describer, [answered[0], absent, answered[1]])
    assert found is not None
    # What no source brought is left out.
    assert found.item[:2].tolist() == answered
    assert len(found) == 2 + min(negatives, len(pool) - 2)
    rest = found.item[2:]
    assert len(set(rest.tolist())) == len(rest)
    assert set(rest.tolist()) <= set(pool.tolist()) - set(answered)
    assert found.weights[:2].tolist() == [1, 1]
    assert found.weights[2:].sum() == pytest.approx(len(pool) - 2, rel=1e-5)
    assert found.labels.sum() == found.labels[:2, 0].sum() == 2
    assert (found.inputs[:, found.features.index(SHOWN)] == 0).all()
    assert np.isnan(found.seconds).all()


def test_feedback_that_no_source_would_have_brought_teaches_nothing(town):
    world, _ = town
    describer = Describer(world.app.pipeline, world.app.config.learning, np.zeros((0, 8), np.float32))
    absent = np.setdiff1d(np.arange(world.items), candidates_of(world))[:2]
    assert organic(world, describer, absent.tolist())[0] is None


# Twins without a past


def told_of(world: Town) -> Floats:
    """Vectors by content, made up; nothing is told of the item in row 4."""
    vectors = world.app.live.snapshot.artifacts.vectors
    assert vectors is not None
    told = np.random.default_rng(3).normal(size=vectors.items.shape).astype(np.float32)
    told[4] = 0
    return told


def columns_of(examples: Examples, *names: str) -> Floats:
    found: Floats = examples.inputs[:, [examples.features.index(name) for name in names]]
    return found


def test_a_twin_is_the_same_example_of_an_item_that_has_just_arrived(town):
    world, _ = town
    told = told_of(world)
    pool = candidates_of(world)
    describer = Describer(world.app.pipeline, plainly(world.app, as_new=1.0, negatives=10_000), told)
    both, ctx = organic(world, describer, pool[[2, 5]].tolist())
    plain, _ = organic(
        world,
        Describer(world.app.pipeline, plainly(world.app, as_new=0.0, negatives=10_000), told),
        pool[[2, 5]].tolist(),
    )
    assert both is not None
    assert plain is not None
    n = len(plain)
    np.testing.assert_array_equal(both.inputs[:n], plain.inputs)
    twins = both.where(np.arange(len(both)) >= n)
    of = plain.where(plain.item != 4)
    assert len(twins) == len(of) >= 50
    for name in ("item", "user", "at", "labels", "weights", "seconds"):
        np.testing.assert_array_equal(getattr(twins, name), getattr(of, name), err_msg=name)
    assert columns_of(of, "popularity").any()
    assert not columns_of(twins, "popularity", "rising", "neighbours", "neighbours_disliked").any()
    np.testing.assert_allclose(columns_of(twins, "approval"), np.log(5), rtol=1e-6)
    same = ("creator_affinity", "label_affinity", "followed", "recent_likes", "followers", "age", SHOWN)
    np.testing.assert_array_equal(columns_of(twins, *same), columns_of(of, *same))
    # The person is who they are: only the item's vector is the one that content tells.
    person = ctx.person.vector
    assert person is not None
    np.testing.assert_allclose(columns_of(twins, "match")[:, 0], told[twins.item] @ person, rtol=1e-4, atol=1e-5)


def test_taking_the_past_away_changes_neither_the_snapshot_nor_the_person(town):
    world, _ = town
    snapshot: Snapshot = world.app.live.snapshot
    vectors = snapshot.artifacts.vectors
    assert vectors is not None
    before, counts = vectors.items.copy(), snapshot.items["item_counts"].copy()
    told = told_of(world)[:100]
    new = without_past(snapshot, told)
    assert new.artifacts.vectors is not None
    np.testing.assert_array_equal(new.artifacts.vectors.items[:100], told)
    # Items that came after the content was told have nothing but content: theirs stay.
    np.testing.assert_array_equal(new.artifacts.vectors.items[100:], before[100:])
    for name in PAST:
        assert not new.items[name].any()
        assert new.items[name].shape == snapshot.items[name].shape
    np.testing.assert_array_equal(new.items["creator"], snapshot.items["creator"])
    assert new.items.lists is snapshot.items.lists
    np.testing.assert_array_equal(vectors.items, before)
    np.testing.assert_array_equal(snapshot.items["item_counts"], counts)
    assert snapshot.items["item_counts"].any()
    request = Request("r", "u1", world.app.live.ids.users.row("u1"), 5, world.clock[0])
    ctx = Context(request, snapshot)
    other = ctx.asked_of(new)
    assert other.snapshot is new
    assert other.person is ctx.person
    np.testing.assert_array_equal(other.person.vector, ctx.person.vector)


# Parts


def examples_at(times: list[int], users: list[int] | None = None) -> Examples:
    n = len(times)
    return Examples(
        ("a", SHOWN),
        np.zeros((n, 2), np.float32),
        np.zeros((n, KINDS), np.float32),
        np.ones(n, np.float32),
        np.full(n, np.nan, np.float32),
        np.array(users or [0] * n),
        np.arange(n, dtype=np.int32),
        np.array(times, dtype=np.int64),
    )


def test_training_sets_are_joined_in_the_order_of_time():
    assert joined([]) is None
    assert joined([examples_at([])]) is None
    both = joined([examples_at([5, 1]), examples_at([]), examples_at([3])])
    assert both is not None
    assert both.at.tolist() == [1, 3, 5]
    assert both.item.tolist() == [1, 0, 0]


def test_moments_at_which_a_stage_failed_do_not_spoil_the_others():
    whole, lacking = examples_at([5, 1]), examples_at([3, 4])
    lacking = replace(lacking, features=(SHOWN,), inputs=lacking.inputs[:, 1:])
    both = joined([lacking, whole])
    assert both is not None
    assert both.features == ("a", SHOWN)
    assert both.at.tolist() == [1, 5]


def test_what_calibrates_and_what_measures_comes_after_what_is_taught():
    examples = examples_at(np.sort(np.random.default_rng(0).integers(0, 500, 1000)).tolist())
    parts = parts_of(examples, by_time=True)
    assert parts is not None
    taught, calibrating, testing = (examples.at[parts == part] for part in range(3))
    assert taught.max() < calibrating.min() <= calibrating.max() < testing.min()
    assert len(taught) == pytest.approx(850, abs=10)
    assert len(testing) == pytest.approx(100, abs=10)


@pytest.mark.parametrize("times", [[7] * 600, [1] * 100 + [2] * 500, [day // 200 for day in range(600)]])
def test_where_time_cannot_tell_them_apart_people_do(times):
    """An import that knows only days still teaches a ranker, and nobody stands on both sides."""
    users = [n % 60 for n in range(600)]
    parts = parts_of(examples_at(times, users), by_time=True)
    assert parts is not None
    assert np.bincount(parts).tolist() == pytest.approx([510, 30, 60], abs=10)
    for user in range(60):
        assert len(set(parts[np.array(users) == user].tolist())) == 1


def test_one_person_at_one_moment_cannot_be_parted():
    assert parts_of(examples_at([3] * 50), by_time=True) is None
