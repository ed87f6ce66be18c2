"""A slate and the trace that accounts for every candidate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows
from fairshot.core.candidates import Candidates

SLATE_PREFIX = "slate/"
"""What the id of a slate's entry in the log begins with; the request's id follows."""


class Step(NamedTuple):
    """What one stage did: how many candidates came in and went out, how long it took, what went wrong."""

    kind: str
    name: str
    before: int
    after: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The fate of every candidate of a request.

    rows: int32 (n,), every candidate that any source brought; source: int16 (n,), index into `sources` of
    the first that did; fate: int16 (n,), -1 shown, 0 outranked, otherwise 1 + index into `filters` of the
    one that removed it.
    """

    rows: Rows
    source: Ints
    fate: Ints
    sources: tuple[str, ...]
    filters: tuple[str, ...]
    steps: tuple[Step, ...]
    seconds: float

    SHOWN = -1
    OUTRANKED = 0

    @property
    def errors(self) -> list[str]:
        """What failed on the way, in words."""
        return [f"{s.kind}.{s.name}: {s.error}" for s in self.steps if s.error]

    def funnel(self) -> list[dict[str, Any]]:
        """How many candidates each stage left, and what it cost."""
        told: list[dict[str, Any]] = []
        for kind, name, before, after, seconds, error in self.steps:
            cost = round(seconds * 1e6, 1)
            told.append({"stage": f"{kind}.{name}", "before": before, "after": after, "microseconds": cost})
            if error:
                told[-1]["error"] = error
        return told

    def removed(self) -> dict[str, int]:
        """How many candidates each filter removed."""
        counts = np.bincount(self.fate[self.fate > 0] - 1, minlength=len(self.filters))
        return {name: int(count) for name, count in zip(self.filters, counts, strict=True)}


@dataclass(frozen=True, slots=True)
class Slate:
    """The answer: rows in order of position, and how each came to be there.

    rows: int32 (k,); source: int16 (k,), index into `sources`; score: float64 (k,); propensity: float64
    (k,), the probability with which this row stood at this position; arm: int8 (k,), what the position
    tells a trial (`core.trial`), 0 for nothing; parts: what each value term gave,
    float64 (k,); notes: rules that moved a position; pool: all candidates that passed the filters, best
    value first.
    """

    rows: Rows
    source: Ints
    score: Floats
    propensity: Floats
    sources: tuple[str, ...]
    parts: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[tuple[str, ...], ...] = ()
    arm: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    pool: Candidates = field(default_factory=lambda: Candidates(np.empty(0, dtype=np.int32)))
    trace: Trace | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def with_trace(self, trace: Trace) -> "Slate":
        """The same slate, accounted for."""
        return replace(self, trace=trace)


@dataclass(frozen=True, slots=True)
class LoggedSlate:
    """What the log keeps of a served slate, as far as replay and off-policy evaluation read it.

    request: its id; served: number of its entry; seq: number of the state that it was served from; at:
    microseconds since 1970; user: row; mode: "personal" or "nonprofiling"; snapshot: version of the models;
    exclude: item ids; rows: int32 (k,); propensity: float64 (k,).
    """

    request: str
    served: int
    seq: int
    at: int
    user: int
    limit: int
    surface: str
    mode: str
    snapshot: str | None
    exclude: tuple[str, ...]
    context: Mapping[str, Any]
    rows: Rows
    propensity: Floats


def placed(
    pool: Candidates, index: Ints, notes: tuple[tuple[str, ...], ...], sources: tuple[str, ...], terms: tuple[str, ...]
) -> Slate:
    """The slate of these indices into a pool, int (k,), certain as yet; terms: names of the value's parts."""
    parts: dict[str, Floats] = dict.fromkeys(terms, pool["value"])
    blank = Slate(pool.rows, pool["source"], pool["value"], np.ones(len(index)), sources, parts, pool=pool)
    return take_positions(blank, index, notes)


def take_positions(slate: Slate, index: Array, notes: tuple[tuple[str, ...], ...], **changes: Any) -> Slate:
    """The slate rebuilt from indices into its pool, everything that follows the row following along.

    index: int (k,) into slate.pool; changes: arrays that the blender decides itself (propensity).
    """
    pool = slate.pool
    return replace(
        slate,
        rows=pool.rows[index],
        source=pool["source"][index],
        score=pool["value"][index],
        arm=pool.arm[index],
        parts={name: pool[f"value.{name}"][index] for name in slate.parts},
        notes=notes,
        **changes,
    )
