"""Events: everything that happened, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Bools, Floats, Ints, Rows
from fairshot.core.ids import Sizes


class Kind(IntEnum):
    """What sort of thing happened."""

    ITEM = 0
    CREATOR = 1
    USER = 2
    FOLLOW = 3
    SLATE = 4
    """A slate was served: in the log one entry, in a batch one row for each of its positions (one of none if empty)."""
    IMPRESSION = 5
    """A client says that a position was really seen; its value is seconds in view."""
    FEEDBACK = 6
    MODERATION = 7
    VERDICT = 8
    FORGET = 9


VERDICT_FAMILIES = ("verdict", "tuning", "trial", "trial_prior")
"""What the ids of verdicts begin with, a slash following: on snapshots, weights, trials, and what trials told.

Nobody else may name an event so: whoever took the id of a verdict would keep it from being written.
"""


@dataclass(slots=True, kw_only=True)
class Draft:
    """One event on its way to the log, still with outside ids.

    `id` makes it idempotent; `data` is whatever the kind carries (a record, a slate, an exposure), in
    plain JSON types.
    """

    kind: Kind
    at: int
    id: str | None = None
    action: str | None = None
    user: str | None = None
    item: str | None = None
    creator: str | None = None
    value: float | None = None
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events as a struct of arrays, all of length n, in the order of the log.

    seq: the log's number, ascending (positions of one slate share it); at: microseconds since 1970, UTC;
    kind: `Kind`; action: index of the feedback kind, -1 where there is none or it is no longer configured;
    user, item, creator: rows, -1 for none; value: NaN for none; position (1-based) and propensity: of the
    impression itself (slates) or of the verified exposure that feedback answers, 0 and NaN where unknown;
    arm: what the impression tells a trial (`core.trial`), 0 for nothing; segments:
    int32 (n, SEGMENTS), label rows of what the person of a slate likes most, -1 where not needed or not known;
    data: the records of those kinds that carry one.
    """

    seq: Ints
    kind: Ints
    action: Ints
    at: Ints
    user: Rows
    item: Rows
    creator: Rows
    value: Floats
    position: Ints
    propensity: Floats
    arm: Ints
    segments: Rows
    data: tuple[dict[str, Any] | None, ...]
    sizes: Sizes = field(default_factory=Sizes)

    def __len__(self) -> int:
        return len(self.seq)

    def of(self, *kinds: Kind) -> Bools:
        """Which rows are of these kinds: bool[n]."""
        found: Bools = self.kind == kinds[0]
        for kind in kinds[1:]:
            found = found | (self.kind == kind)
        return found

    def where(self, keep: Bools | Ints) -> "EventBatch":
        """The events kept, sizes unchanged."""
        index = np.flatnonzero(keep) if keep.dtype == bool else keep
        arrays = {name: getattr(self, name)[index] for name in _ARRAYS}
        return EventBatch(**arrays, data=tuple(map(self.data.__getitem__, index.tolist())), sizes=self.sizes)

    def part(self, start: int, stop: int) -> "EventBatch":
        """The events from start up to stop, sizes unchanged: views, nothing is copied but references to records."""
        arrays = {name: getattr(self, name)[start:stop] for name in _ARRAYS}
        return EventBatch(**arrays, data=self.data[start:stop], sizes=self.sizes)


_DTYPES: dict[str, Any] = {
    "seq": np.int64,
    "kind": np.int8,
    "action": np.int8,
    "at": np.int64,
    "user": np.int32,
    "item": np.int32,
    "creator": np.int32,
    "value": np.float64,
    "position": np.int16,
    "propensity": np.float32,
    "arm": np.int8,
    "segments": np.int32,
}
_ABSENT = {"arm": 0, "segments": -1}
SEGMENTS = 3
"""Labels that say what sort of person somebody is: those that they like most."""
_WIDTHS: dict[str, tuple[int, ...]] = {"segments": (SEGMENTS,)}
_ARRAYS = tuple(f.name for f in fields(EventBatch) if f.name in _DTYPES)


def event_batch(columns: Mapping[str, Sequence[Any] | Array], data: Sequence[Any], sizes: Sizes) -> EventBatch:
    """Build a batch from plain columns, each cast to its dtype; without `arm` and `segments` nothing was a trial."""
    n = len(columns["seq"])
    arrays = {
        name: (
            np.asarray(columns[name], dtype=dtype).reshape(n, *_WIDTHS.get(name, ()))
            if name in columns
            else np.full((n, *_WIDTHS.get(name, ())), _ABSENT[name], dtype)
        )
        for name, dtype in _DTYPES.items()
    }
    return EventBatch(**arrays, data=tuple(data), sizes=sizes)


def no_events(sizes: Sizes | None = None) -> EventBatch:
    """A batch of nothing."""
    return event_batch(dict.fromkeys(_ARRAYS, ()), (), sizes or Sizes())


def concatenate(batches: Sequence[EventBatch]) -> EventBatch:
    """Join batches in order; sizes become the largest."""
    if not batches:
        return no_events()
    sizes = batches[0].sizes
    for batch in batches[1:]:
        sizes = sizes | batch.sizes
    arrays = {name: np.concatenate([getattr(b, name) for b in batches]) for name in _ARRAYS}
    return event_batch(arrays, [d for b in batches for d in b.data], sizes)
