"""The source and the term of latent clusters: for new people alone, the same draws for both, none without profiling."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fairshot.app import App
from fairshot.config import load_config
from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.errors import ConfigError
from fairshot.core.request import Context
from fairshot.learning.latent_cluster import LatentCluster as Model
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.sources.latent_cluster import LatentCluster as Source
from fairshot.pipeline.stages import Stage, load_stage
from fairshot.pipeline.value.latent_cluster import LatentCluster as Term

Contexts = Callable[..., Context]
ITEMS, ARMS = 300, 5


@pytest.fixture
def learned(world: App) -> Iterator[Model]:
    """A model in service: five clusters of the world's items, each liked by one of five types."""
    rng = np.random.default_rng(6)
    arm = (np.arange(ITEMS) % ARMS).astype(np.int32)
    rate = rng.uniform(0.05, 0.2, ITEMS).astype(np.float32)
    best = np.stack([rows[np.argsort(-rate[rows])] for rows in (np.flatnonzero(arm == one) for one in range(ARMS))])
    model = Model(
        centres=np.eye(ARMS, 16, dtype=np.float32),
        arm=arm,
        rate=rate,
        lift=np.where(np.eye(ARMS), 4.0, 0.5).astype(np.float32),
        prior=np.full(ARMS, 1 / ARMS, np.float32),
        typical=np.full(ARMS, 0.1, np.float32),
        best=best.astype(np.int32),
        trust=1.0,
        draws=3,
    )
    before = world.live.snapshot.artifacts
    world.live.swap(replace(before, latent_cluster=model))
    yield model
    world.live.swap(before)


def everything() -> Candidates:
    """All items, of which the ranker expects the same."""
    return ranked(np.full(ITEMS, 0.1))


def ranked(likes: Floats) -> Candidates:
    """All items with the chance of a like that the ranker sees; of everything else it sees none."""
    chances = {f"p_{name}": np.zeros(ITEMS) for name in load_config().kinds.names}
    return Candidates(np.arange(ITEMS, dtype=np.int32), chances | {"p_like": likes})


def test_the_source_brings_what_the_term_values_most_best_first(learned, context: Contexts):
    ctx = context("u1")
    rows = Source(count=30, until=10_000)(ctx).rows
    value = Term(until=10_000)(everything(), ctx)
    value[ctx.person.met] = -1
    assert len(rows) == 30
    np.testing.assert_allclose(value[rows], np.sort(value)[::-1][:30])


def test_other_requests_draw_other_types(learned, context: Contexts):
    first = [Source(count=5)(context(f"nobody{n}")).rows.tolist() for n in range(8)]
    assert len({tuple(rows) for rows in first}) > 1
    assert first[0] == Source(count=5)(context("nobody0")).rows.tolist()


def test_what_the_person_met_is_not_brought(learned, context: Contexts):
    ctx = context("u1")
    rows = Source(until=10_000)(ctx).rows
    assert len(rows)
    assert not ctx.person.met[rows].any()


def test_only_what_the_context_asks_for_is_brought(learned, context: Contexts):
    ctx = context("nobody", context={"label": "l2"})
    assert ctx.eligible is not None
    rows = Source()(ctx).rows
    assert len(rows)
    assert np.isin(rows, ctx.eligible).all()


@pytest.mark.parametrize(("user", "fields"), [("u1", {"profile": False}), ("u1", {}), ("nobody", {"without": True})])
def test_it_is_silent_without_profiling_for_known_people_and_without_a_model(
    user: str, fields: dict[str, Any], learned: Model, context: Contexts
):
    names = {"without": ("latent_cluster",)} if fields.pop("without", False) else {}
    ctx = context(user, **fields, **names)
    assert not Term(until=20)(everything(), ctx).any()
    if ctx.request.profile:
        assert len(Source(until=20)(ctx)) == 0


def test_a_request_without_profiling_does_not_ask_the_source(learned, context: Contexts):
    pipeline = Pipeline(sources=(Stage("sources", "latent_cluster", Source()),))
    assert len(pipeline.candidates(context("nobody"))) == 100
    assert len(pipeline.candidates(context("nobody", profile=False))) == 0


def test_of_somebody_of_whom_nothing_is_known_the_bandit_knows_no_more_than_the_ranker(learned, context: Contexts):
    likes = np.random.default_rng(3).uniform(0.01, 0.5, ITEMS)
    np.testing.assert_allclose(Term()(ranked(likes), context("nobody")), 0, atol=1e-12)


def test_the_term_pools_ranker_and_bandit_by_the_influence_that_is_left(learned, context: Contexts):
    ctx, likes = context("u1"), np.random.default_rng(3).uniform(0.01, 0.5, ITEMS)
    reactions, shown = len(ctx.person.history), len(ctx.person.shown)
    until = 10 * reactions
    left = 1 - (reactions + 4 * (reactions - shown)) / until
    lift = learned.drawn(learned.belief(ctx.person), ctx.rng("latent_cluster"))
    chance = learned.approval(everything().rows, lift, ctx.snapshot.artifacts.vectors)
    n = len(ctx.person.observed[0])
    heard = n / (n + 10) / 2
    pooled = likes ** (1 - heard) * chance**heard
    found = Term(until=until)(ranked(likes), ctx)
    np.testing.assert_allclose(found, left * (pooled * likes.sum() / pooled.sum() - likes))
    assert found.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", ["sources", "value"])
def test_an_end_before_the_first_reaction_is_refused(kind: str):
    with pytest.raises(ConfigError, match="until must be at least 1"):
        load_stage(kind, "latent_cluster", {"until": 0})
