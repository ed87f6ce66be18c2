"""The value term of fairness: who gets the bonus, and that exposure moves where it costs least."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from fairshot.core.arrays import Array, Floats
from fairshot.core.candidates import Candidates
from fairshot.core.errors import ConfigError
from fairshot.core.request import Context
from fairshot.core.snapshot import Popularity
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.features.neighbours import Neighbours
from fairshot.pipeline.stages import Stage, load_stage
from fairshot.pipeline.value.fairness import Fairness

Contexts = Callable[..., Context]
PEOPLE, ITEMS, LIMIT = 3, 5, 2


def with_reactions(ctx: Context, now: list[int], trained: list[int] | None = None) -> Context:
    """The world in which these were reacted to so often, and, when it was trained, so often."""
    snapshot = ctx.snapshot
    counts = np.zeros_like(snapshot.items["item_counts"])
    counts[: len(now), 1] = now
    quantiles = np.quantile(now if trained is None else trained, np.linspace(0, 1, 101)).astype(np.float32)
    artifacts = replace(snapshot.artifacts, popularity=Popularity(quantiles, {}))
    return Context(
        ctx.request, replace(snapshot, items=snapshot.items.replaced({"item_counts": counts}), artifacts=artifacts)
    )


def bonus(ctx: Context, n: int, share: float = 0.8) -> list[float]:
    found: list[float] = Fairness(share)(Candidates(np.arange(n, dtype=np.int32)), ctx).tolist()
    return found


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.8, 0.99, 1.0])
def test_the_least_popular_share_gets_the_bonus(context: Contexts, share: float) -> None:
    reactions = np.random.default_rng(0).permutation(101).tolist()
    found = bonus(with_reactions(context("u1"), reactions), 101, share)
    assert sum(found) == (round(share * 100) + 1 if share else 0)
    given = [count for count, one in zip(reactions, found, strict=True) if one]
    assert sorted(given) == list(range(len(given)))


def test_of_those_alike_all_or_none_get_it(context: Contexts) -> None:
    """Where most have nothing, all of them are the least popular."""
    reactions = [0] * 90 + [5] * 10
    ctx = with_reactions(context("u1"), reactions)
    assert bonus(ctx, 100) == [1] * 90 + [0] * 10
    assert bonus(ctx, 100, 0.1) == [1] * 90 + [0] * 10
    assert bonus(ctx, 100, 0.0) == [0] * 100
    assert bonus(ctx, 100, 1.0) == [1] * 100


def test_who_has_outgrown_the_share_loses_the_bonus_before_the_next_training(context: Contexts) -> None:
    trained = list(range(10))
    before, after = trained.copy(), trained.copy()
    after[2] = 50
    assert bonus(with_reactions(context("u1"), before, trained), 10) == [1] * 8 + [0] * 2
    assert bonus(with_reactions(context("u1"), after, trained), 10) == [1, 1, 0, 1, 1, 1, 1, 1, 0, 0]
    # What came since then has no reactions yet.
    assert bonus(with_reactions(context("u1"), before, trained), 12)[10:] == [1, 1]


def test_nobody_gets_it_before_anything_was_trained(context: Contexts) -> None:
    assert bonus(context("u1"), 20) == [0] * 20
    assert bonus(context("u1", without=("popularity",)), 20, 1.0) == [0] * 20


def test_everybody_gets_the_same_with_and_without_profiling(context: Contexts) -> None:
    reactions = list(range(30))
    found = [bonus(with_reactions(context(user, profile=p), reactions), 30) for user in ("u1", "u2") for p in (0, 1)]
    assert found.count(found[0]) == 4


def test_what_is_no_share_or_no_length_is_refused() -> None:
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match="share"):
            load_stage("value", "fairness", {"share": share})
    with pytest.raises(ConfigError, match="longest"):
        load_stage("features", "neighbours", {"longest": 0})
    assert Neighbours(longest=1).longest == 1


# A world so small that all its slates can be gone through


@dataclass(frozen=True)
class Everything:
    """A source: all items of the small world."""

    def __call__(self, ctx: Context) -> Candidates:
        return Candidates(np.arange(ITEMS, dtype=np.int32))


@dataclass(frozen=True)
class Likely:
    """A value term: how likely this person is to like each item."""

    chances: Mapping[str, Floats]

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        found: Floats = self.chances[ctx.request.user][batch.rows]
        return found


def served(context: Contexts, chances: Floats, reactions: list[int], weight: float) -> list[Array]:
    """What the engine shows each of the people."""
    people = {f"u{n}": chances[n] for n in range(PEOPLE)}
    pipeline = Pipeline(
        sources=(Stage("sources", "everything", Everything()),),
        value=(Stage("value", "likely", Likely(people)), Stage("value", "fairness", Fairness(0.6))),
        weights={"likely": 1.0, "fairness": weight},
    )
    found = []
    for user in people:
        slate = pipeline(with_reactions(context(user, limit=LIMIT), reactions))
        assert slate.trace is not None
        assert slate.trace.errors == []
        found.append(slate.rows)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_no_other_slates_show_as_many_of_the_share_and_more_that_is_liked(context: Contexts, seed: int) -> None:
    """Each weight gives an optimum under the exposure it reaches, over all ways to fill all slates."""
    rng = np.random.default_rng(seed)
    chances = rng.random((PEOPLE, ITEMS))
    reactions = rng.permutation([0, 1, 3, 40, 50]).tolist()
    least = np.array([count <= 3 for count in reactions])
    every = [list(slate) for slate in itertools.combinations(range(ITEMS), LIMIT)]
    exposure = np.array([least[slate].sum() for slate in every])
    worth = np.stack([chances[:, slate].sum(axis=1) for slate in every], axis=1)
    reached = []
    for weight in (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 2.0):
        slates = served(context, chances, reactions, weight)
        shown = sum(int(least[slate].sum()) for slate in slates)
        liked = sum(float(chances[n, slate].sum()) for n, slate in enumerate(slates))
        best = max(
            sum(worth[n, one] for n, one in enumerate(ways))
            for ways in itertools.product(range(len(every)), repeat=PEOPLE)
            if exposure[list(ways)].sum() >= shown
        )
        assert liked == pytest.approx(best)
        reached.append(shown)
    # More weight never shows fewer of them; none is accuracy alone, much is nothing else.
    assert reached == sorted(reached)
    assert reached[-1] == PEOPLE * LIMIT
    assert reached[0] == sum(least[np.argsort(-row)[:LIMIT]].sum() for row in chances)
