"""Distillation: the retrieval model learns the ranker's order from what the ranker says of well-chosen rows.

For sampled people the teacher values rows near the top (brought by the vectors, then round after round by the student
itself, so that what it wrongly brings is what it learns from) and rows drawn at random, which stand for the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from fairshot.core.arrays import Array, Floats, Rows
from fairshot.core.randomness import stream
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.learning.nearest import build_index
from fairshot.learning.retrieval import (
    RetrievalModel,
    item_inputs,
    item_matrix,
    label_directions,
    person_inputs,
)
from fairshot.learning.towers import BEST, Lesson, first_towers, taught
from fairshot.pipeline.engine import Pipeline

POOL = 50_000
"""Items from which those at random are drawn."""
TOGETHER = 32
"""People whose search over the whole catalogue shares one matrix product."""


@dataclass(frozen=True, slots=True)
class Distillation:
    """How the student is fitted.

    width: dimensions of the common space; hidden: units of each tower; people: taught with at most; rounds: of mining;
    steps: of descent in each; near, wide: rows of each person brought by the student and drawn at random, a round.
    """

    width: int = 64
    hidden: int = 64
    people: int = 400
    rounds: int = 3
    steps: int = 100
    near: int = 500
    wide: int = 1000


@dataclass(slots=True)
class Pupil:
    """A person that the student is taught with: rows valued so far, and which of them were drawn at random."""

    ctx: Context
    inputs: Floats
    rows: Rows = field(default_factory=lambda: np.empty(0, np.int32))
    values: Floats = field(default_factory=lambda: np.empty(0))
    drawn: Rows = field(default_factory=lambda: np.empty(0, np.int32))

    def value(self, pipeline: Pipeline, near: Rows, drawn: Rows) -> None:
        """Ask the teacher for rows that were not asked for yet; what the person met is left out."""
        met = self.ctx.person.met
        self.drawn = np.union1d(self.drawn, drawn[~met[drawn]]).astype(np.int32)
        rows = np.setdiff1d(np.concatenate([near[~met[near]], self.drawn]), self.rows).astype(np.int32)
        if len(rows):
            self.rows = np.concatenate([self.rows, rows])
            self.values = np.concatenate([self.values, pipeline.value_of(self.ctx, rows)["value"]])

    def lesson(self, items: int) -> Lesson:
        """The best rows in the teacher's order, the others that were near, and those that stand for the rest."""
        order = np.lexsort((self.rows, -self.values))
        best = self.rows[order[:BEST]]
        drawn = np.setdiff1d(self.drawn, best)
        near = np.setdiff1d(self.rows[order[BEST:]], drawn)
        return Lesson(self.inputs, best, near, drawn, max(items - len(best) - len(near), 1))


def fit_retrieval(
    pipeline: Pipeline,
    snapshot: Snapshot,
    people: Rows,
    *,
    now: int,
    settings: Distillation | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> RetrievalModel | None:
    """Fit the student on the value that the pipeline gives with the snapshot's models.

    people: rows of those who may be taught with; now: microseconds, as of when. None where nobody has a vector or
    the catalogue holds fewer than two items.
    """
    settings = settings or Distillation()
    rng = stream("distillation")
    items, labels = len(snapshot.ids.items), label_directions(snapshot)
    pupils = _pupils(snapshot, rng.permutation(people)[: settings.people], now, labels)
    if not pupils or items < 2:
        return None
    pool = rng.permutation(items)[:POOL].astype(np.int32)
    described = item_inputs(pipeline, snapshot, pool, now)
    columns = tuple(sorted(described))
    asked = np.stack([pupil.inputs for pupil in pupils])
    told = item_matrix(described, columns, snapshot, pool, labels)
    towers = first_towers(asked, told, (settings.hidden, settings.width), rng)
    student = RetrievalModel(pipeline, towers, columns, labels, now, np.zeros((0, settings.width), np.float32))
    for number in range(settings.rounds):
        searched = _plain(snapshot, pupils) if number == 0 else (student.towers[0](asked), student.items)
        for pupil, near in zip(pupils, _brought(*searched, settings.near), strict=True):
            pupil.value(pipeline, near, rng.permutation(pool)[: settings.wide])
        lessons = [pupil.lesson(items) for pupil in pupils]
        student.towers = taught(student.towers, lessons, partial(student.inputs, snapshot), settings.steps, rng)
        student.place(snapshot, np.arange(items))
        progress((number + 1) / settings.rounds)
    student.index = build_index(student.items)
    return student


def _pupils(snapshot: Snapshot, rows: Array, now: int, labels: Floats) -> list[Pupil]:
    pupils = []
    for row in rows.tolist():
        request = Request(id="distillation", user=snapshot.ids.users.id(row), row=row, limit=1, now=now)
        ctx = Context(request, snapshot)
        inputs = person_inputs(ctx.person, labels)
        if inputs is not None:
            pupils.append(Pupil(ctx, inputs))
    return pupils


def _plain(snapshot: Snapshot, pupils: list[Pupil]) -> tuple[Floats, Floats]:
    """Queries and items before there is a student: the vectors themselves."""
    vectors: Floats = snapshot.artifacts.need("vectors").items
    return np.stack([pupil.ctx.person.vector for pupil in pupils if pupil.ctx.person.vector is not None]), vectors


def _brought(queries: Floats, items: Floats, k: int) -> list[Rows]:
    """About k rows of highest inner product for each query, in no order."""
    found: list[Rows] = []
    for start in range(0, len(queries), TOGETHER):
        found += [_highest(scores, k) for scores in queries[start : start + TOGETHER] @ items.T]
    return found


def _highest(scores: Floats, k: int) -> Rows:
    """The places of about k highest scores: those of a large array lie above what a sample says."""
    if len(scores) <= k:
        return np.arange(len(scores), dtype=np.int32)
    every = max(1, min(50, len(scores) // (40 * k)))
    sample = scores[::every]
    rank = min(max(1, round(len(sample) * k / len(scores))), len(sample) - 1)
    least = -np.partition(-sample, rank)[rank]
    return np.flatnonzero(scores > least)[: 4 * k].astype(np.int32)
