"""What every stage owes the engine, proven for each by its being in its folder.

Shape, dtype and finiteness of what it returns; purity; the same answer whatever the order of rows; the
empty batch; a person and a context about whom nothing is known; a round trip of its options; a docstring.
"""

import dataclasses
import inspect
import tomllib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from fairshot.app import App
from fairshot.config import load_config
from fairshot.core.candidates import Candidates
from fairshot.core.errors import MissingArtifactError
from fairshot.core.request import Context
from fairshot.core.slate import Slate, take_positions
from fairshot.pipeline.stages import KINDS, Stage, known_stages, load_stage

CONFIG = load_config()
STAGES = [(kind, name) for kind in KINDS for name in known_stages(kind)]
Contexts = Callable[..., Context]


def stage_of(kind: str, name: str) -> Stage:
    return load_stage(kind, name, CONFIG.options(kind, name))


def of_kind(*kinds: str) -> Any:
    return pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in STAGES if k in kinds])


def batch_for(world: App, ctx: Context, n: int = 120) -> Candidates:
    """A described and valued batch, in the order of value as re-rankers get it."""
    rows = np.random.default_rng(5).choice(300, n, replace=False).astype(np.int32)
    batch = world.pipeline.describe(ctx, rows).with_columns({"source": np.zeros(n, np.int16)})
    value = np.random.default_rng(6).normal(size=n)
    order = np.lexsort((rows, -value))
    return batch.with_columns({"value": value, "value.engagement": value}).take(order)


def slate_for(batch: Candidates, k: int) -> Slate:
    blank = Slate(
        rows=batch.rows[:0],
        source=batch["source"][:0],
        score=batch["value"][:0],
        propensity=np.ones(min(k, len(batch))),
        sources=("interest",),
        parts={"engagement": batch["value"][:0]},
        pool=batch,
    )
    return take_positions(blank, np.arange(min(k, len(batch))), ((),) * min(k, len(batch)))


def everybody(context: Contexts) -> list[Context]:
    """The cases that every stage must stand: known, unknown, unprofiled, restricted, unrestricted."""
    return [
        context("u1"),
        context("u19", limit=200),
        context("nobody"),
        context("u2", profile=False),
        context("u3", context={"label": "l2"}),
        context("u4", context={"label": "no such label"}),
        context("c3", limit=1),
    ]


def frozen(ctx: Context) -> list[bytes]:
    """All state, as bytes: what a stage must not change."""
    snapshot = ctx.snapshot
    parts = []
    for view in (snapshot.users, snapshot.items, snapshot.creators, snapshot.labels):
        parts += [view[name].tobytes() for name in sorted(view._owner)]
        parts += [lists.dump()[2].tobytes() for lists in view.lists.values()]
    return [*parts, snapshot.artifacts.vectors.items.tobytes() if snapshot.artifacts.vectors else b""]


@pytest.mark.parametrize(("kind", "name"), STAGES)
def test_is_documented_and_configurable(kind: str, name: str) -> None:
    stage = stage_of(kind, name)
    cls = type(stage.call)
    module = inspect.getmodule(cls)
    assert module is not None
    assert (module.__doc__ or "").strip(), "the module says what the stage is for"
    assert (cls.__doc__ or "").strip(), "the class says what it keeps, adds or orders"
    parameters: Any = cls.__dict__["__dataclass_params__"]
    assert parameters.frozen
    options = dataclasses.asdict(stage.call)
    assert load_stage(kind, name, options).call == stage.call
    documented = tomllib.loads(files("fairshot").joinpath("defaults.toml").read_text("utf-8"))[kind][name]
    assert set(documented) == set(options), "every option stands in defaults.toml"
    assert all(options[key] == value for key, value in documented.items()), "with the default of the code"


@of_kind("sources")
def test_a_source_brings_valid_rows(kind: str, name: str, context: Contexts) -> None:
    stage = stage_of(kind, name)
    for ctx in everybody(context):
        found = stage.call(ctx)
        assert found.rows.dtype == np.int32
        assert found.rows.ndim == 1
        assert len(np.unique(found.rows)) == len(found.rows)
        assert not len(found) or 0 <= found.rows.min() <= found.rows.max() < 300
        if "count" in dataclasses.asdict(stage.call):
            assert len(found) <= stage.call.count
        if ctx.eligible is not None:
            assert np.isin(found.rows, ctx.eligible).all() or name == "followed"


@of_kind("filters")
def test_a_filter_judges_each_row_alone(kind: str, name: str, world: App, context: Contexts) -> None:
    stage = stage_of(kind, name)
    for ctx in everybody(context):
        batch = batch_for(world, ctx)
        keep = stage.call(batch, ctx)
        assert keep.dtype == bool
        assert keep.shape == (len(batch),)
        order = np.random.default_rng(2).permutation(len(batch))
        np.testing.assert_array_equal(stage.call(batch.take(order), ctx), keep[order])


@of_kind("features", "value")
def test_columns_are_finite_and_follow_their_rows(kind: str, name: str, world: App, context: Contexts) -> None:
    stage = stage_of(kind, name)
    for ctx in everybody(context):
        batch = batch_for(world, ctx)
        order = np.random.default_rng(3).permutation(len(batch))
        found, moved = stage.call(batch, ctx), stage.call(batch.take(order), ctx)
        if kind == "value":
            found, moved = {name: found}, {name: moved}
        for column, values in found.items():
            assert values.shape == (len(batch),), column
            assert np.isfinite(values).all(), column
            np.testing.assert_allclose(moved[column], values[order], rtol=1e-5, atol=1e-6, err_msg=column)
            if column.startswith("p_"):
                assert ((values >= 0) & (values <= 1)).all(), column


@of_kind("rerankers")
def test_a_reranker_loses_nobody_twice(kind: str, name: str, world: App, context: Contexts) -> None:
    stage = stage_of(kind, name)
    for ctx in everybody(context):
        batch = batch_for(world, ctx)
        order = stage.call(batch, ctx)
        assert order.dtype.kind == "i"
        assert len(np.unique(order)) == len(order)
        assert len(order) >= min(ctx.request.limit, len(batch))
        np.testing.assert_array_equal(stage.call(batch, ctx), order)


@of_kind("blenders")
def test_a_blender_keeps_a_slate_whole(kind: str, name: str, world: App, context: Contexts) -> None:
    stage = stage_of(kind, name)
    for ctx in everybody(context):
        slate = slate_for(batch_for(world, ctx), ctx.request.limit)
        blended = stage.call(slate, ctx)
        assert len(blended) == len(slate)
        assert len(np.unique(blended.rows)) == len(slate)
        assert np.isin(blended.rows, slate.pool.rows).all()
        assert ((blended.propensity > 0) & (blended.propensity <= 1)).all()
        again = stage.call(slate, ctx)
        np.testing.assert_array_equal(again.rows, blended.rows)
        np.testing.assert_array_equal(again.propensity, blended.propensity)


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in STAGES if k != "sources"])
def test_the_empty_batch(kind: str, name: str, world: App, context: Contexts) -> None:
    ctx = context("u1")
    batch = batch_for(world, ctx).take(np.zeros(120, bool))
    stage = stage_of(kind, name)
    if kind == "blenders":
        assert len(stage.call(slate_for(batch, 0), ctx)) == 0
        return
    found = stage.call(batch, ctx)
    for values in found.values() if kind == "features" else [found]:
        assert values.shape == (0,)


@pytest.mark.parametrize(("kind", "name"), STAGES)
def test_a_stage_changes_nothing_and_repeats_itself(kind: str, name: str, world: App, context: Contexts) -> None:
    stage, ctx = stage_of(kind, name), context("u5")
    batch = batch_for(world, ctx)
    before = frozen(ctx), [column.tobytes() for column in batch.columns.values()]
    arguments: tuple[Any, ...] = (ctx,) if kind == "sources" else (batch, ctx)
    if kind == "blenders":
        arguments = (slate_for(batch, 10), ctx)
    one, two = stage.call(*arguments), stage.call(*arguments)
    assert before == (frozen(ctx), [column.tobytes() for column in batch.columns.values()])
    rows = [getattr(x, "rows", x) for x in (one, two)]
    if kind == "features":
        for column in one:
            np.testing.assert_array_equal(one[column], two[column])
    else:
        np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize(("kind", "name"), STAGES)
def test_without_models_a_stage_works_or_says_what_it_misses(
    kind: str, name: str, world: App, context: Contexts
) -> None:
    ctx = context("u1", without=("vectors", "nearest", "engagement"))
    stage = stage_of(kind, name)
    batch = batch_for(world, ctx)
    arguments: tuple[Any, ...] = (ctx,) if kind == "sources" else (batch, ctx)
    if kind == "blenders":
        arguments = (slate_for(batch, 10), ctx)
    needs_models = {("sources", "interest"), ("sources", "session"), ("features", "engagement")}
    if (kind, name) in needs_models:
        with pytest.raises(MissingArtifactError, match="fairshot train"):
            stage.call(*arguments)
    else:
        stage.call(*arguments)
