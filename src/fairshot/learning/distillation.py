"""Distillation: the retrieval model learns the ranker's order from what the ranker says of well-chosen rows.

For sampled people the teacher values rows near the top (brought by the vectors, then round after round by the student
itself, so that what it wrongly brings is what it learns from) and rows drawn at random, which stand for the rest. Some
rows are valued and described a second time as if their items had just arrived: what is new must be found as well.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from fairshot.core.arrays import Array, Floats, Rows
from fairshot.core.randomness import stream
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.learning.nearest import build_index
from fairshot.learning.retrieval import RetrievalModel, alike, item_inputs, item_matrix, label_directions, person_inputs
from fairshot.learning.towers import BEST, WHOLE, Lesson, aligned, first_towers, taught
from fairshot.pipeline.engine import Pipeline

POOL = 50_000
"""Items from which those at random are drawn."""
TOGETHER = 32
"""People whose search over the whole catalogue shares one matrix product."""


@dataclass(frozen=True, slots=True)
class Distillation:
    """How the student is fitted.

    width: dimensions of the common space; hidden: units of each tower; people: taught with at most; rounds: of mining;
    steps: of descent in each; near, wide: rows of each person brought by the student and drawn at random, a round;
    as_new: share of the rows that are also taught as if they had just arrived.
    A catalogue that the towers see whole needs a single short round: every item is valued, nothing is drawn.
    """

    width: int = 64
    hidden: int = 128
    people: int = 400
    rounds: int = 3
    steps: int = 200
    near: int = 500
    wide: int = 1000
    as_new: float = 0.2

    def for_whole(self) -> "Distillation":
        """The same for a catalogue that is seen whole."""
        return replace(self, people=min(self.people, 200), rounds=1, steps=min(self.steps, 60), wide=0)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items as they are, rows below `items`, and as if they had just arrived, `items` further up."""

    pipeline: Pipeline
    snapshot: Snapshot
    fresh: Snapshot | None
    items: int

    def values(self, ctx: Context, rows: Rows) -> Floats:
        """What the teacher says of rows, float (n,)."""
        new = rows >= self.items
        values = np.empty(len(rows))
        values[~new] = self.pipeline.value_of(ctx, rows[~new])["value"]
        if self.fresh is not None and new.any():
            values[new] = self.pipeline.value_of(ctx.asked_of(self.fresh), rows[new] - self.items)["value"]
        return values

    def inputs(self, student: RetrievalModel, rows: Rows) -> Floats:
        """The item tower's inputs, float32 (n, f); rows ascending."""
        known, new = np.split(rows, [np.searchsorted(rows, self.items)])
        told = student.inputs(self.snapshot, known)
        if self.fresh is None or len(new) == 0:
            return told
        return np.concatenate([told, student.inputs(self.fresh, (new - self.items).astype(np.int32))])

    def with_new(self, rows: Rows, share: float, rng: np.random.Generator) -> Rows:
        """The rows, and a share of them as if just arrived."""
        if self.fresh is None:
            return rows
        return np.concatenate([rows, rng.permutation(rows)[: int(share * len(rows))] + np.int32(self.items)])


@dataclass(slots=True)
class Pupil:
    """A person that the student is taught with: rows valued so far, and which of them were drawn at random."""

    ctx: Context
    inputs: Floats
    rows: Rows = field(default_factory=lambda: np.empty(0, np.int32))
    values: Floats = field(default_factory=lambda: np.empty(0))
    drawn: Rows = field(default_factory=lambda: np.empty(0, np.int32))

    def ask(self, catalogue: Catalogue, near: Rows, drawn: Rows) -> None:
        """Ask the teacher for rows that were not asked for yet; what the person met is left out."""
        met = self.ctx.person.met
        near, drawn = (part[~met[part % catalogue.items]] for part in (near, drawn))
        self.drawn = np.union1d(self.drawn, drawn).astype(np.int32)
        rows = np.setdiff1d(np.concatenate([near, self.drawn]), self.rows).astype(np.int32)
        self.rows = np.concatenate([self.rows, rows])
        self.values = np.concatenate([self.values, catalogue.values(self.ctx, rows)])

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
    fresh: Snapshot | None = None,
    settings: Distillation | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> RetrievalModel | None:
    """Fit the student on the value that the pipeline gives with the snapshot's models.

    people: rows of those who may be taught with; now: microseconds, as of when; fresh: the same moment, but as if all
    items had just arrived. None where nobody has a vector or anything left to
    meet, or the catalogue holds fewer than two items.
    """
    settings, rng = settings or Distillation(), stream("distillation")
    whole = len(snapshot.ids.items) <= WHOLE
    settings = settings.for_whole() if whole else settings
    catalogue = Catalogue(pipeline, snapshot, fresh, len(snapshot.ids.items))
    labels = label_directions(snapshot)
    pupils = _pupils(snapshot, rng.permutation(people)[: settings.people], now, labels)
    if not pupils or catalogue.items < 2:
        return None
    pool = rng.permutation(catalogue.items)[:POOL].astype(np.int32)
    student = _untaught(catalogue, pupils, pool, labels, settings, rng)
    asked = np.stack([pupil.inputs for pupil in pupils])
    for number in range(settings.rounds):
        if whole:
            brought = [np.arange(catalogue.items, dtype=np.int32)] * len(pupils)
        elif number == 0:
            brought = _brought(*_plain(snapshot, pupils), settings.near)
        else:
            brought = _brought(student.towers[0](asked), student.items, settings.near)
        for pupil, near in zip(pupils, brought, strict=True):
            wide = rng.permutation(pool)[: settings.wide]
            new = partial(catalogue.with_new, share=settings.as_new, rng=rng)
            pupil.ask(catalogue, new(near), new(wide))
        if not any(len(pupil.rows) for pupil in pupils):  # everybody has met everything
            return None
        lessons = [pupil.lesson(catalogue.items) for pupil in pupils]
        student.towers = taught(student.towers, lessons, partial(catalogue.inputs, student), settings.steps, rng)
        student.place(snapshot, np.arange(catalogue.items))
        progress((number + 1) / settings.rounds)
    student.towers = aligned(*student.towers, asked, student.items.mean(axis=0))
    student.place(snapshot, np.arange(catalogue.items))
    return student.indexed(build_index(student.items))


def _untaught(
    catalogue: Catalogue,
    pupils: list[Pupil],
    pool: Rows,
    labels: Floats,
    settings: Distillation,
    rng: np.random.Generator,
) -> RetrievalModel:
    """A student with drawn weights that standardises what it reads."""
    now = pupils[0].ctx.now
    sample = np.sort(pool)
    described = item_inputs(catalogue.pipeline, catalogue.snapshot, sample, now)
    columns = tuple(sorted(described))
    told = item_matrix(described, columns, catalogue.snapshot, sample, labels)
    asked = np.stack([pupil.inputs for pupil in pupils])
    towers = first_towers(asked, told, (settings.hidden, settings.width), alike(labels.shape[1]), rng)
    nothing = np.zeros((0, settings.width), np.float32)
    return RetrievalModel(catalogue.pipeline, towers, columns, labels, now, nothing)


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
