"""The engine: runs the stages of a pipeline, times them, checks what they return, and accounts for every candidate.

It alone decides what a failure means: a stage that fails is left out and the slate is marked degraded;
a filter that `fails_closed` removes everything instead.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows, distinct, first_places, marked
from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.errors import FairshotError, StageError
from fairshot.core.request import Context
from fairshot.core.slate import Slate, Step, Trace, placed
from fairshot.pipeline.stages import Stage

T = TypeVar("T")

# What a stage may do wrong; anything else is a bug of the engine itself and must be seen.
FAILURES = (FairshotError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The configured stages in order, and the weight of each value term."""

    sources: tuple[Stage, ...] = ()
    filters: tuple[Stage, ...] = ()
    features: tuple[Stage, ...] = ()
    value: tuple[Stage, ...] = ()
    rerankers: tuple[Stage, ...] = ()
    blenders: tuple[Stage, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, ctx: Context) -> Slate:
        """Answer a request. Pure: the same context gives the same slate, and nothing is written."""
        return _Run(self, ctx).slate()

    def distribution(self, ctx: Context) -> tuple[Candidates, Floats]:
        """The pool, best value first, and with which probability each of it would stand at each position.

        float64 (pool, positions): exact, over all that a last blender could have drawn by lot. Raises
        StageError where something is drawn by lot that does not say with which probabilities.
        """
        return _Run(self, ctx).distribution()

    def candidates(self, ctx: Context) -> Rows:
        """The rows that sources bring and filters pass: what training compares with."""
        run = _Run(self, ctx)
        passed, _ = run.filter(run.gather())
        return passed.rows

    def describe(self, ctx: Context, rows: Rows) -> Candidates:
        """The features of given rows: what training learns from, by the very stages that serve."""
        return _Run(self, ctx).features(Candidates(rows))

    def value_of(self, ctx: Context, rows: Rows) -> Candidates:
        """Given rows, in their order, with features, terms and the column `value`: before any re-ranker."""
        run = _Run(self, ctx)
        valued, order = run.value(run.features(Candidates(rows)))
        return valued.take(np.argsort(order))


class _Run:
    """One request on its way through the stages."""

    __slots__ = ("all_rows", "all_source", "ctx", "error", "fate", "pipeline", "seconds", "started", "steps")

    def __init__(self, pipeline: Pipeline, ctx: Context) -> None:
        self.pipeline = pipeline
        self.ctx = ctx
        self.steps: list[Step] = []
        self.started = perf_counter()
        self.seconds = 0.0
        self.error: str | None = None

    def slate(self) -> Slate:
        batch = self.gather()
        batch, alive = self.filter(batch)
        batch = self.features(batch)
        pool, order = self.value(batch)
        chosen, notes = self._rerank(pool)
        slate = self._blend(self._place(pool, chosen, notes), self.pipeline.blenders)
        shown = marked(len(self.ctx.snapshot.ids.items), slate.rows)[self.all_rows[alive[order]]]
        self.fate[alive[order[shown]]] = Trace.SHOWN
        return slate.with_trace(
            Trace(
                rows=self.all_rows,
                source=self.all_source,
                fate=self.fate,
                sources=slate.sources,
                filters=tuple(stage.name for stage in self.pipeline.filters),
                steps=tuple(self.steps),
                seconds=perf_counter() - self.started,
            )
        )

    def distribution(self) -> tuple[Candidates, Floats]:
        passed, _ = self.filter(self.gather())
        pool, _ = self.value(self.features(passed))
        blenders = self.pipeline.blenders
        lot = blenders[-1:] if blenders and blenders[-1].by_lot else ()
        slate = self._blend(self._place(pool, *self._rerank(pool)), blenders[: len(blenders) - len(lot)])
        if not (slate.propensity == 1).all():
            raise StageError("a blender that is not the last draws by lot, or one does not say its probabilities")
        for stage in lot:
            found = self._attempt(_checked_probabilities, stage, slate)
            if found is not None:
                return pool, found
        certain = np.zeros((len(pool), len(slate)))
        certain[pool.places(slate.rows), np.arange(len(slate))] = 1
        return pool, certain

    def _attempt(self, work: Callable[..., T], stage: Stage, *given: Any) -> T | None:
        """What came of a stage, None where it failed; how long it took and what went wrong is kept for `_done`."""
        start = perf_counter()
        try:
            result, self.error = work(stage, *given, self.ctx), None
        except FAILURES as failure:
            result, self.error = None, f"{type(failure).__name__}: {failure}"
        self.seconds = perf_counter() - start
        return result

    def _done(self, stage: Stage, before: int, after: int) -> None:
        """Take down what became of the stage that was attempted last."""
        self.steps.append(Step(stage.kind, stage.name, before, after, self.seconds, self.error))

    def gather(self) -> Candidates:
        """Merge what the sources bring; a row belongs to the first source that brought it."""
        brought, codes = [no_candidates()], [0]
        for code, stage in enumerate(self.pipeline.sources):
            if stage.personal and not self.ctx.request.profile:
                continue
            found = self._attempt(_checked_source, stage) or no_candidates()
            self._done(stage, 0, len(found))
            brought.append(found)
            codes.append(code)
        rows = np.concatenate([found.rows for found in brought])
        source = np.repeat(np.array(codes, dtype=np.int16), [len(found) for found in brought])
        arm = np.concatenate([found.arm for found in brought])
        first = first_places(rows)
        self.all_rows, self.all_source = rows[first], source[first]
        self.fate = np.zeros(len(first), dtype=np.int16)
        return Candidates(self.all_rows, {"source": self.all_source, "trial_arm": arm[first]})

    def filter(self, batch: Candidates) -> tuple[Candidates, Ints]:
        alive: Ints = np.arange(len(batch))
        for number, stage in enumerate(self.pipeline.filters, start=1):
            before, keep = len(batch), self._attempt(_checked_filter, stage, batch)
            if keep is None:
                keep = np.full(before, not stage.fails_closed)
            if np.count_nonzero(keep) < before:
                self.fate[alive[~keep]] = number
                alive, batch = alive[keep], batch.take(keep)
            self._done(stage, before, len(batch))
        return batch, alive

    def features(self, batch: Candidates) -> Candidates:
        for stage in self.pipeline.features:
            columns = self._attempt(_checked_features, stage, batch)
            self._done(stage, len(batch), len(batch))
            if columns is not None:
                batch = batch.with_columns(columns)
        return batch

    def value(self, batch: Candidates) -> tuple[Candidates, Ints]:
        """The weighted sum of all terms; best first, ties by row so that order of arrival cannot matter."""
        total = np.zeros(len(batch))
        parts: dict[str, Array] = {}
        for stage in self.pipeline.value:
            weight, raw = self.pipeline.weights[stage.name], None
            # What weighs nothing is not worth asking for.
            if weight:
                raw = self._attempt(_checked_value, stage, batch)
                self._done(stage, len(batch), len(batch))
            part = np.zeros(len(batch)) if raw is None else weight * raw
            parts[f"value.{stage.name}"] = part
            total += part
        order = np.lexsort((batch.rows, -total))
        return batch.with_columns({**parts, "value": total}).take(order), order

    def _rerank(self, pool: Candidates) -> tuple[Ints, tuple[tuple[str, ...], ...]]:
        """Indices into the pool in slate order, at most `limit`, and for each the rules that moved it."""
        chosen: Ints = np.arange(len(pool))
        orders: list[tuple[str, Ints]] = [("value", chosen)]
        batch = pool
        for stage in self.pipeline.rerankers:
            before, order = len(batch), self._attempt(_checked_order, stage, batch)
            if order is not None:
                chosen = chosen[order]
                batch = pool.take(chosen)
                orders.append((stage.name, chosen))
            self._done(stage, before, len(batch))
        chosen = chosen[: self.ctx.request.limit]
        return chosen, _moves(chosen, [(name, _ranks(order, len(pool))[chosen]) for name, order in orders])

    def _place(self, pool: Candidates, chosen: Ints, notes: tuple[tuple[str, ...], ...]) -> Slate:
        sources, terms = (tuple(stage.name for stage in kind) for kind in (self.pipeline.sources, self.pipeline.value))
        return placed(pool, chosen, notes, sources, terms)

    def _blend(self, slate: Slate, blenders: tuple[Stage, ...]) -> Slate:
        for stage in blenders:
            before, blended = len(slate), self._attempt(_checked_blend, stage, slate)
            slate = slate if blended is None else blended
            self._done(stage, before, len(slate))
        return slate


def _ranks(chosen: Ints, n: int) -> Ints:
    ranks = np.full(n, -1)
    ranks[chosen] = np.arange(1, len(chosen) + 1)
    return ranks


def _moves(chosen: Ints, ranks: list[tuple[str, Ints]]) -> tuple[tuple[str, ...], ...]:
    """For each of the chosen the rules that moved it, by its rank after each of them, (k,)."""
    notes: list[list[str]] = [[] for _ in chosen]
    for (_, before), (name, after) in pairwise(ranks):
        for place in np.flatnonzero(before != after).tolist():
            notes[place].append(f"{name}: {before[place]} -> {after[place]}")
    return tuple(map(tuple, notes))


def _checked_source(stage: Stage, ctx: Context) -> Candidates:
    found: Candidates = stage.call(ctx)
    if found.rows.ndim != 1 or found.rows.dtype != np.int32:
        raise StageError(f"rows must be int32 (n,), got {found.rows.dtype} {found.rows.shape}")
    # Read without its sign, a negative row is beyond every catalogue.
    if len(found) and found.rows.view(np.uint32).max() >= len(ctx.snapshot.ids.items):
        raise StageError("a row lies outside the catalogue")
    return found


def _checked_filter(stage: Stage, batch: Candidates, ctx: Context) -> Array:
    keep: Array = stage.call(batch, ctx)
    if keep.shape != (len(batch),) or keep.dtype != bool:
        raise StageError(f"a filter returns bool ({len(batch)},), got {keep.dtype} {keep.shape}")
    return keep


def _checked_features(stage: Stage, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
    columns: Mapping[str, Array] = stage.call(batch, ctx)
    expected = (len(batch),)
    for name, column in columns.items():
        if column.shape[:1] != expected:
            raise StageError(f"the feature {name} has shape {column.shape}, expected {expected}")
        _finite(column, name)
    return columns


def _checked_value(stage: Stage, batch: Candidates, ctx: Context) -> Array:
    value: Array = stage.call(batch, ctx)
    if value.shape != (len(batch),) or value.dtype.kind != "f":
        raise StageError(f"a value term returns float ({len(batch)},), got {value.dtype} {value.shape}")
    _finite(value, stage.name)
    return value


def _checked_order(stage: Stage, batch: Candidates, ctx: Context) -> Ints:
    order: Ints = stage.call(batch, ctx)
    if order.ndim != 1 or order.dtype.kind != "i":
        raise StageError(f"a re-ranker returns integers (k,), got {order.dtype} {order.shape}")
    if len(order) and order.astype(np.uint64).max() >= len(batch):
        raise StageError("a re-ranker named a candidate that is not there")
    if len(order) and np.bincount(order).max() > 1:
        raise StageError("a re-ranker named a candidate twice")
    return order


def _checked_blend(stage: Stage, slate: Slate, ctx: Context) -> Slate:
    blended: Slate = stage.call(slate, ctx)
    if blended is slate:
        return slate
    k = len(slate)
    if len(blended) != k or len(distinct(blended.rows)) != k:
        raise StageError("a blender lost or doubled a row")
    if blended.rows is not slate.rows and not np.isin(blended.rows, slate.pool.rows).all():
        raise StageError("a blender showed what no filter has passed")
    propensity = blended.propensity
    if propensity.shape != (k,) or not ((propensity > 0) & (propensity <= 1)).all():
        raise StageError("propensities must be probabilities above zero")
    return blended


def _checked_probabilities(stage: Stage, slate: Slate, _ctx: Context) -> Floats:
    found: Floats = stage.call.probabilities(slate)
    if found.shape != (len(slate.pool), len(slate)) or not np.allclose(found.sum(axis=0), 1) or (found < 0).any():
        raise StageError(
            f"probabilities of {len(slate.pool)} candidates at {len(slate)} positions must sum to 1 at each"
        )
    return found


def _finite(column: Array, name: str) -> None:
    # A finite sum of squares proves finite entries at a third of the cost; only a suspicious one is looked at in full.
    if column.dtype.kind != "f" or math.isfinite(np.vdot(column, column)):
        return
    if not np.isfinite(column).all():
        raise StageError(f"{name} is not finite")
