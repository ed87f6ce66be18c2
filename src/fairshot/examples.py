"""Examples: what people were shown, or could have been, described as of then by the very stages that serve.

What was shown is described item by item: what was examined and left is a true negative. Feedback that no slate
led to (imported ratings, search) is compared with candidates drawn from those that the pipeline would have had
to choose from. The constant feature `shown` keeps the two apart, for their rates differ by nature.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from fairshot.config import Learning
from fairshot.core.arrays import HOUR, Array, Bools, Floats, Ints, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.events import EventBatch, Kind
from fairshot.core.randomness import stream
from fairshot.core.request import Context, Request
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import Snapshot
from fairshot.learning.impressions import Impressions
from fairshot.learning.interactions import Feedback, grouped
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.features.engagement import SHOWN

TOGETHER = 5
"""Organic feedback that is taken for one occasion, at most, and only"""
SITTING = HOUR
"""within so long, in microseconds."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A person at a moment, and the items met then, with what came of them.

    user: row; at: microseconds; seq: the number of the log whose state they were met in; items: int32 (n,);
    labels: float32 (n, kinds); weights: float32 (n,); seconds: in view, NaN where not told; slate: that showed
    them, None of organic feedback.
    """

    user: int
    at: int
    seq: int
    items: Rows
    labels: Floats
    weights: Floats
    seconds: Floats
    slate: LoggedSlate | None = None


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of one training set, in the order of time.

    features: names (f,); inputs: float32 (n, f); labels: float32 (n, kinds); weights: float32 (n,); seconds: in
    view, NaN where not told; user, item: rows (n,); at: microseconds (n,).
    """

    features: tuple[str, ...]
    inputs: Floats
    labels: Floats
    weights: Floats
    seconds: Floats
    user: Array
    item: Rows
    at: Array

    def __len__(self) -> int:
        return len(self.user)

    def where(self, keep: Bools | Ints) -> "Examples":
        """A part of them, by mask or by indices."""
        return replace(self, **{name: getattr(self, name)[keep] for name in _ARRAYS})


_ARRAYS = tuple(f.name for f in fields(Examples) if f.name != "features")


def joined(parts: Sequence[Examples]) -> Examples | None:
    """Training sets together, in the order of time; None of none.

    Those for which a feature stage failed are left out: what it would have said of them is not known.
    """
    features = max((part.features for part in parts), key=len, default=())
    parts = [part for part in parts if len(part) and part.features == features]
    if not parts:
        return None
    stacked = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS}
    return Examples(parts[0].features, **stacked).where(np.argsort(stacked["at"], kind="stable"))


def shown_occasions(rows: Impressions, slates: Iterable[LoggedSlate]) -> list[Occasion]:
    """Slates with what of them was examined; those without profiling teach nothing of a person."""
    met = np.flatnonzero(~rows.organic & (rows.position > 0))
    chosen = [slate for slate in slates if slate.mode == "personal"]
    places = grouped(rows.seq[met], np.array([slate.served for slate in chosen], dtype=np.int64))
    return [
        _occasion(rows, met[place], slate.at, slate.seq, slate)
        for slate, place in zip(chosen, places, strict=True)
        if len(place)
    ]


def organic_occasions(rows: Impressions, order: Ints, kept: Bools) -> list[Occasion]:
    """Organic feedback of one person close together, as of its first, in the state just before it.

    order: (n,), the place of each row's event in the order of time, from 0; kept: bool (n,), rows to take.
    """
    told = np.flatnonzero(rows.organic & kept)
    told = told[np.lexsort((order[told], rows.user[told]))]
    found: list[Occasion] = []
    start = 0
    user, at = rows.user[told].tolist(), rows.at[told].tolist()
    for end in range(1, len(told) + 1):
        if end == len(told) or user[end] != user[start] or end - start == TOGETHER or at[end] > at[start] + SITTING:
            part = told[start:end]
            found.append(_occasion(rows, part, at[start], int(order[part[0]]), None))
            start = end
    return found


def personal_occasions(answers: Feedback, kinds: int, seq: int, at: int) -> list[Occasion]:
    """Everybody's feedback as one occasion of this moment: what is missing at random has no time of its own."""
    people = np.unique(answers.user)
    found: list[Occasion] = []
    for user, index in zip(people.tolist(), grouped(answers.user, people), strict=True):
        items = distinct(answers.item[index])
        labels = np.zeros((len(items), kinds), dtype=np.float32)
        labels[np.searchsorted(items, answers.item[index]), answers.action[index]] = 1
        ones, unknown = np.ones(len(items), np.float32), np.full(len(items), np.nan, np.float32)
        found.append(Occasion(user, at, seq, items, labels, ones, unknown))
    return found


def _occasion(rows: Impressions, part: Ints, at: int, seq: int, slate: LoggedSlate | None) -> Occasion:
    return Occasion(
        user=int(rows.user[part[0]]),
        at=at,
        seq=seq,
        items=rows.item[part].astype(np.int32),
        labels=rows.labels[part],
        weights=rows.weight[part],
        seconds=rows.seconds[part].astype(np.float32),
        slate=slate,
    )


def drawn(occasions: list[Occasion], most: int, name: str) -> list[Occasion]:
    """At most so many of them, drawn by lot, in the order of their state."""
    if len(occasions) > most:
        picked = stream("training", name).choice(len(occasions), most, replace=False)
        occasions = [occasions[n] for n in picked.tolist()]
    return sorted(occasions, key=lambda occasion: occasion.seq)


def in_order_of_time(events: EventBatch) -> tuple[EventBatch, Ints]:
    """The log as if everything had been told when it happened, numbered from 1, and the place of each event in it.

    Imports tell of years in any order. An item's record counts from its first mention on, if that was earlier;
    records of people and creators from the beginning.
    """
    when = events.at.copy()
    mentioned = np.full(events.sizes.items, np.iinfo(np.int64).max)
    about = events.item >= 0
    np.minimum.at(mentioned, events.item[about], events.at[about])
    records = np.flatnonzero(events.of(Kind.ITEM) & about)
    when[records] = mentioned[events.item[records]]
    when[events.of(Kind.USER, Kind.CREATOR)] = np.iinfo(np.int64).min
    order = np.lexsort((np.arange(len(events)), ~events.of(Kind.ITEM, Kind.USER, Kind.CREATOR), when))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return replace(events.where(order), seq=np.arange(1, len(order) + 1)), place


@dataclass(frozen=True)
class Describer:
    """Describes occasions by the pipeline's features.

    told: float32 (n, d), what content alone tells of each item. A share `as_new` of the examples is described
    once more as if the item had just arrived, so that what is new is ranked by what it is.
    """

    pipeline: Pipeline
    settings: Learning
    told: Floats

    def shown(self, request: Request, snapshot: Snapshot, occasion: Occasion) -> Examples:
        """What a slate showed and was examined."""
        ctx = Context(request, snapshot)
        batch = self.pipeline.describe(ctx, occasion.items)
        return self._with_new(ctx, _examples(batch, occasion, 1.0))

    def organic(self, request: Request, snapshot: Snapshot, occasion: Occasion) -> Examples | None:
        """Feedback beside candidates drawn by lot; each stands for its share of those there were.

        Feedback on what no source brought is left out: it would teach that what sources leave out is good.
        """
        ctx = Context(request, snapshot)
        candidates = self.pipeline.candidates(ctx)
        found = np.isin(occasion.items, candidates)
        if not found.any():
            return None
        answered = occasion.items[found]
        pool = np.setdiff1d(candidates, answered)
        rng = stream("training", request.id)
        rows = rng.choice(pool, min(self.settings.negatives, len(pool)), replace=False)
        weight = len(pool) / max(len(rows), 1)
        compared = Occasion(
            user=occasion.user,
            at=occasion.at,
            seq=occasion.seq,
            items=np.concatenate([answered, rows]).astype(np.int32),
            labels=_extended(occasion.labels[found], len(rows), 0.0),
            weights=_extended(occasion.weights[found], len(rows), weight),
            seconds=_extended(occasion.seconds[found], len(rows), np.nan),
        )
        return self._with_new(ctx, _examples(self.pipeline.describe(ctx, compared.items), compared, 0.0))

    def _with_new(self, ctx: Context, known: Examples) -> Examples:
        """The examples and, of some drawn by lot, their twins without a past."""
        lot = stream("training", "as new", ctx.request.id).random(len(known)) < self.settings.as_new
        twins = np.flatnonzero(lot & (known.item < len(self.told)))
        twins = twins[self.told[known.item[twins]].any(axis=1)]
        if len(twins) == 0:
            return known
        part = known.where(twins)
        batch = self.pipeline.describe(ctx.asked_of(without_past(ctx.snapshot, self.told)), part.item)
        described = replace(part, inputs=_inputs(batch, known.features, part.inputs))
        both = {name: np.concatenate([getattr(known, name), getattr(described, name)]) for name in _ARRAYS}
        return Examples(known.features, **both)


def without_past(snapshot: Snapshot, told: Floats) -> Snapshot:
    """The same moment, but as if no item had ever been shown or reacted to; told: its vectors by content."""
    vectors = snapshot.artifacts.need("vectors")
    known = vectors.items[len(told) :]
    items = told if len(known) == 0 else np.concatenate([told, known])
    # Zeros without memory: this is asked once for each occasion.
    past = {name: snapshot.items[name] for name in PAST}
    nothing = {name: np.broadcast_to(np.zeros((), column.dtype), column.shape) for name, column in past.items()}
    artifacts = replace(snapshot.artifacts, vectors=replace(vectors, items=items), neighbours=None)
    return replace(snapshot, items=snapshot.items.replaced(nothing), artifacts=artifacts)


PAST = ("item_counts", "served", "reported", "trend")
"""The columns of items that say what became of them."""


def _examples(batch: Candidates, occasion: Occasion, shown: float) -> Examples:
    names = tuple(sorted(name for name, column in batch.columns.items() if is_input(name, column)))
    inputs = np.empty((len(batch), len(names) + 1), dtype=np.float32)
    inputs[:, -1] = shown
    n = len(occasion.items)
    return Examples(
        features=(*names, SHOWN),
        inputs=_inputs(batch, (*names, SHOWN), inputs),
        labels=occasion.labels,
        weights=occasion.weights,
        seconds=occasion.seconds,
        user=np.full(n, occasion.user),
        item=occasion.items,
        at=np.full(n, occasion.at),
    )


def _inputs(batch: Candidates, features: tuple[str, ...], before: Floats) -> Floats:
    """The features of a batch as a matrix, float32 (n, f); what the batch does not hold stays as before."""
    inputs = before.copy()
    for place, name in enumerate(features):
        if name in batch:
            inputs[:, place] = batch[name]
    return inputs


def is_input(name: str, column: Array) -> bool:
    """Which columns the net reads: every number that features gave, but not the rates that it replaces."""
    return column.dtype.kind == "f" and not name.startswith("p_") and name != "seconds"


def _extended(values: Floats, n: int, fill: float) -> Floats:
    """The values with n rows of one number after them."""
    return np.concatenate([values, np.full((n, *values.shape[1:]), fill, dtype=np.float32)], dtype=np.float32)
