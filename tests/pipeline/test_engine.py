"""The engine: accounts for every candidate, replays, and decides what a failure means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from fairshot.app import App
from fairshot.core.arrays import Floats, Ints
from fairshot.core.candidates import Candidates
from fairshot.core.errors import StageError
from fairshot.core.request import Context
from fairshot.core.slate import Slate, Trace
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.stages import Stage

Contexts = Callable[..., Context]
USERS = [*(f"u{n}" for n in range(20)), "nobody", "c3"]


@dataclass(frozen=True)
class Given:
    """A stage that gives back what it was told, or fails as told."""

    answer: Any
    fails_closed: ClassVar[bool] = False

    def __call__(self, *_: object) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(*_) if callable(self.answer) else self.answer


@dataclass(frozen=True)
class Closed(Given):
    fails_closed: ClassVar[bool] = True


def given(kind: str, name: str, answer: Any, cls: type[Given] = Given) -> Stage:
    return Stage(kind, name, cls(answer))


def rows(*numbers: int) -> Candidates:
    return Candidates(np.array(numbers, np.int32))


def small(**stages: Any) -> Pipeline:
    """Ten candidates valued by their row, with stages replaced."""

    def value(batch: Candidates, _: Context) -> Floats:
        return batch.rows.astype(float)

    parts: dict[str, Any] = {
        "sources": (given("sources", "ten", rows(*range(10))),),
        "value": (given("value", "row", value),),
        "weights": {"row": 1.0},
    }
    return Pipeline(**{**parts, **stages})


def accounted(slate: Slate) -> None:
    """Every candidate is shown, removed by a named filter, or outranked; nothing is lost or doubled."""
    trace = slate.trace
    assert trace is not None
    assert len(np.unique(trace.rows)) == len(trace.rows)
    shown = trace.rows[trace.fate == Trace.SHOWN]
    assert sorted(shown.tolist()) == sorted(slate.rows.tolist())
    removed = sum(trace.removed().values())
    outranked = int((trace.fate == Trace.OUTRANKED).sum())
    assert len(trace.rows) == len(slate) + removed + outranked
    assert len(slate.pool) == len(slate) + outranked


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("limit", [1, 10, 200])
def test_the_trace_loses_nothing(world: App, context: Contexts, user: str, limit: int) -> None:
    slate = world.pipeline(context(user, limit=limit))
    accounted(slate)
    assert len(slate) <= limit
    total = sum(slate.parts.values())
    np.testing.assert_allclose(total, slate.score, atol=1e-9)
    assert slate.trace is not None
    assert slate.trace.errors == []


@pytest.mark.parametrize("user", USERS)
def test_a_logged_request_replays_bit_by_bit(world: App, context: Contexts, user: str) -> None:
    one, two = world.pipeline(context(user)), world.pipeline(context(user))
    for name in ("rows", "source", "score", "propensity"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()
    assert one.notes == two.notes


def test_no_slate_holds_what_must_not_be_shown(world: App, context: Contexts) -> None:
    snapshot = world.live.snapshot
    for user in USERS:
        for profile in (True, False):
            ctx = context(user, limit=50, profile=profile)
            slate = world.pipeline(ctx)
            items, person = snapshot.items, ctx.person
            assert not items["removed"][slate.rows].any()
            assert not np.isin(items["creator"][slate.rows], person.blocks).any()
            assert not (items["creator"][slate.rows] == snapshot.ids.creators.row(user)).any()
            bought = person.history["item"][person.history["action"] == snapshot.feedback.code("purchase")]
            owned = slate.rows[np.isin(slate.rows, bought)]
            assert (items["durable"][owned] == 0).all()


def test_a_first_source_keeps_its_candidate(context: Contexts) -> None:
    pipeline = small(sources=(given("sources", "a", rows(3, 1)), given("sources", "b", rows(1, 2))))
    slate = pipeline(context("u1"))
    named = dict(zip(slate.rows.tolist(), [slate.sources[i] for i in slate.source], strict=True))
    assert named == {3: "a", 1: "a", 2: "b"}
    accounted(slate)


@pytest.mark.parametrize("kind", ["sources", "filters", "features", "value", "rerankers", "blenders"])
def test_a_stage_that_fails_is_left_out_and_named(context: Contexts, kind: str) -> None:
    broken = given(kind, "broken", ValueError("as told"))
    standing = getattr(small(), kind)
    weights = {"row": 1.0, "broken": 1.0}
    slate = small(**{kind: (*standing, broken), "weights": weights})(context("u1"))
    assert slate.rows.tolist() == list(range(9, -1, -1))
    assert slate.trace is not None
    assert slate.trace.errors == [f"{kind}.broken: ValueError: as told"]
    accounted(slate)


def test_a_moderation_filter_fails_closed(context: Contexts) -> None:
    slate = small(filters=(given("filters", "moderated", RuntimeError("x"), Closed),))
    with pytest.raises(RuntimeError):  # a bug of our own is not swallowed
        slate(context("u1"))
    closed = small(filters=(given("filters", "moderated", KeyError("gone"), Closed),))(context("u1"))
    assert len(closed) == 0
    assert closed.trace is not None
    assert closed.trace.removed() == {"moderated": 10}
    accounted(closed)


WRONG: Mapping[str, list[Any]] = {
    "sources": [Candidates(np.arange(3).astype(np.int64)), rows(-1), rows(100_000)],
    "filters": [np.ones(3, bool), np.ones(10), np.ones((10, 1), bool)],
    "features": [{"x": np.ones(3)}, {"x": np.full(10, np.nan)}, {"x": np.full(10, np.inf)}],
    "value": [np.ones(3), np.ones(10, int), np.full(10, np.nan)],
    "rerankers": [np.array([0, 0]), np.array([10]), np.array([-1]), np.array([0.5]), np.array([[0]])],
}


@pytest.mark.parametrize(("kind", "answer"), [(k, a) for k, answers in WRONG.items() for a in answers])
def test_a_wrong_answer_is_refused(context: Contexts, kind: str, answer: Any) -> None:
    standing = getattr(small(), kind)
    slate = small(**{kind: (*standing, given(kind, "wrong", answer)), "weights": {"row": 1.0, "wrong": 1.0}})(
        context("u1")
    )
    assert slate.rows.tolist() == list(range(9, -1, -1))
    assert slate.trace is not None
    assert len(slate.trace.errors) == 1
    assert "StageError" in slate.trace.errors[0]


def _doubled(slate: Slate, _: Context) -> Slate:
    return replace(slate, rows=np.full_like(slate.rows, slate.rows[0]))


def _shortened(slate: Slate, _: Context) -> Slate:
    return replace(slate, rows=slate.rows[1:])


def _smuggled(slate: Slate, _: Context) -> Slate:
    return replace(slate, rows=np.concatenate([slate.rows[1:], np.array([299], np.int32)]))


def _impossible(slate: Slate, _: Context) -> Slate:
    return replace(slate, propensity=np.zeros(len(slate)))


@pytest.mark.parametrize("blend", [_doubled, _shortened, _smuggled, _impossible])
def test_a_blender_that_cheats_is_left_out(context: Contexts, blend: Callable[[Slate, Context], Slate]) -> None:
    slate = small(blenders=(given("blenders", "cheat", blend),))(context("u1"))
    assert slate.rows.tolist() == list(range(9, -1, -1))
    accounted(slate)


def test_weights_scale_the_terms(context: Contexts) -> None:
    slate = small(weights={"row": -2.0})(context("u1", limit=3))
    assert slate.rows.tolist() == [0, 1, 2]
    assert slate.score.tolist() == [0.0, -2.0, -4.0]


def test_a_term_that_weighs_nothing_is_not_asked(context: Contexts) -> None:
    slate = small(weights={"row": 0.0})(context("u1", limit=3))
    assert slate.parts["row"].tolist() == slate.score.tolist() == [0.0] * 3
    assert slate.trace is not None
    assert not [step for step in slate.trace.steps if step.kind == "value"]


def test_rerankers_compose_and_leave_notes(context: Contexts) -> None:
    def last_first(batch: Candidates, _: Context) -> Ints:
        return np.arange(len(batch))[::-1]

    def best_five(batch: Candidates, _: Context) -> Ints:
        return np.arange(5)

    stages = (given("rerankers", "flip", last_first), given("rerankers", "five", best_five))
    slate = small(rerankers=stages)(context("u1", limit=3))
    assert slate.rows.tolist() == [0, 1, 2]
    assert slate.notes[0] == ("flip: 10 -> 1",)
    accounted(slate)


def test_order_of_arrival_cannot_matter(context: Contexts) -> None:
    def flat(batch: Candidates, _: Context) -> Floats:
        return np.zeros(len(batch))

    orders = [np.random.default_rng(seed).permutation(10) for seed in range(5)]
    slates = [
        small(sources=(given("sources", "s", rows(*order.tolist())),), value=(given("value", "row", flat),))(
            context("u1")
        ).rows.tolist()
        for order in orders
    ]
    assert slates == [list(range(10))] * 5


def test_without_profiling_nothing_personal_is_asked(world: App, context: Contexts) -> None:
    slate = world.pipeline(context("u1", profile=False))
    assert slate.trace is not None
    ran = {step.name for step in slate.trace.steps if step.kind == "sources"}
    assert ran == {"runway", "trending", "popular", "fresh"}
    batch = world.pipeline.describe(context("u1", profile=False), slate.rows)
    for column in ("match", "closeness", "session_closeness", "creator_affinity", "label_affinity", "followed"):
        assert not batch[column].any(), column
    assert {step.kind for step in slate.trace.steps} >= {"filters", "features", "value"}


def test_nothing_at_all(context: Contexts) -> None:
    slate = Pipeline()(context("u1"))
    assert len(slate) == 0
    accounted(slate)


@dataclass(frozen=True)
class Lot(Given):
    """Swaps the first two by a coin that is not tossed here."""

    chance: float = 0.5

    def probabilities(self, slate: Slate) -> Floats:
        found = np.eye(len(slate.pool), len(slate))
        found[:2, :2] = np.array([[1 - self.chance, self.chance], [self.chance, 1 - self.chance]])
        return found


def test_the_distribution_of_a_slate(world: App, context: Contexts) -> None:
    ctx = context("u1", limit=3)
    pool, certain = small().distribution(ctx)
    assert pool.rows.tolist() == list(range(9, -1, -1))
    np.testing.assert_array_equal(certain, np.eye(10, 3))
    turn = given("blenders", "turn", lambda slate, _: replace(slate, rows=slate.rows[::-1]))
    _, turned = small(blenders=(turn,)).distribution(ctx)
    np.testing.assert_array_equal(turned, np.eye(10, 3)[[2, 1, 0, *range(3, 10)]])
    lot = given("blenders", "lot", lambda slate, _: slate, Lot)
    _, drawn = small(blenders=(lot,)).distribution(ctx)
    np.testing.assert_array_equal(drawn[:3], [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    pool, whole = world.pipeline.distribution(ctx)
    np.testing.assert_allclose(whole.sum(axis=0), 1)
    slate = world.pipeline(ctx)
    at = [int(np.flatnonzero(pool.rows == row)[0]) for row in slate.rows]
    np.testing.assert_allclose(whole[at, np.arange(3)], slate.propensity)


def test_lots_of_which_nothing_is_said_have_no_distribution(context: Contexts) -> None:
    secret = given("blenders", "secret", lambda slate, _: replace(slate, propensity=np.full(len(slate), 0.5)))
    with pytest.raises(StageError, match="probabilities"):
        small(blenders=(secret,)).distribution(context("u1"))


def test_a_blender_with_wrong_probabilities_is_left_out_of_the_distribution(context: Contexts) -> None:
    wrong = Stage("blenders", "wrong", Lot(lambda slate, _: slate, chance=-1.0))
    _, found = small(blenders=(wrong,)).distribution(context("u1", limit=2))
    np.testing.assert_array_equal(found, np.eye(10, 2))
