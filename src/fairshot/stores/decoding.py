"""Decoding: entries of the log as arrays; a slate becomes one row for each of its positions."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np

from fairshot.core.arrays import Array, Bools, Ints
from fairshot.core.events import SEGMENTS, EventBatch, Kind, event_batch, no_events
from fairshot.core.ids import Ids

NOBODYS = (-1,) * SEGMENTS
"""What somebody likes most of whom that is not known."""
Entry: TypeAlias = tuple[Any, ...]
"""Number, kind, action, time, user, item, creator, value and data, as they are stored; None for none."""


class SlateHead(msgspec.Struct):
    """The part of a logged slate that folds need; the rest is skipped in decoding."""

    rows: bytes
    propensity: bytes
    arm: bytes = b""
    segments: tuple[int, ...] = NOBODYS

    def __len__(self) -> int:
        return len(self.rows) // np.dtype(np.int32).itemsize


_slate_head = msgspec.msgpack.Decoder(SlateHead).decode
_unpack = msgspec.msgpack.Decoder().decode


def decode(entries: Sequence[Entry], actions: Mapping[str, int], ids: Ids) -> EventBatch:
    """Entries in their order; an empty slate is a row of no item. actions: codes of the configured feedback kinds."""
    if not entries:
        return no_events(ids.sizes())
    by_column: list[Sequence[Any]] = list(zip(*entries, strict=True))
    seq, kind, action, at, user, item, creator, value, blobs = by_column
    served = np.array(kind) == Kind.SLATE
    slates = [_slate_head(blob) for of, blob in zip(kind, blobs, strict=True) if of == Kind.SLATE]
    others = [n for n, of in enumerate(kind) if of != Kind.SLATE]
    records = [None if (blob := blobs[n]) is None else _unpack(blob) for n in others]
    exposures = [
        record if record and kind[n] in (Kind.FEEDBACK, Kind.IMPRESSION) else {}
        for n, record in zip(others, records, strict=True)
    ]
    for n, record in zip(others, records, strict=True):
        if kind[n] == Kind.ITEM and record is not None:
            record["label_rows"] = [ids.labels.row(name) for name in record.get("labels") or ()]
    lengths = np.ones(len(entries), np.int64)
    lengths[served] = [max(1, len(slate)) for slate in slates]
    each, shown = np.repeat(np.arange(len(entries)), lengths), np.repeat(served, lengths)
    heads: dict[str, Array] = {
        "seq": np.array(seq, np.int64),
        "kind": np.array(kind, np.int8),
        "action": np.array([-1 if name is None else actions.get(name, -1) for name in action], np.int8),
        "at": np.array(at, np.int64),
        "user": _rows(user),
        "creator": _rows(creator),
        "value": np.array([np.nan if told is None else told for told in value], np.float64),
    }
    columns = {name: column[each] for name, column in heads.items()}
    columns |= _positions(slates, shown, lengths[served])
    columns["item"][~shown] = _rows([item[n] for n in others])
    for name in ("position", "propensity", "arm"):
        columns[name][~shown] = [exposure.get(name, _UNKNOWN[name]) for exposure in exposures]
    data: list[dict[str, Any] | None] = [None] * len(each)
    for place, record in zip(np.flatnonzero(~shown).tolist(), records, strict=True):
        data[place] = record
    return event_batch(columns, data, ids.sizes())


_UNKNOWN = {"position": 0, "propensity": np.nan, "arm": 0}


def _positions(slates: Sequence[SlateHead], shown: Bools, lengths: Ints) -> dict[str, Array]:
    """What slates say of each of their positions, at the rows that are shown; those that are not say nothing yet.

    lengths: rows of each slate, int64 (slates,).
    """
    n = len(shown)
    columns: dict[str, Array] = {
        "item": np.full(n, -1, np.int32),
        "position": np.zeros(n, np.int64),
        "propensity": np.full(n, np.nan),
        "arm": np.zeros(n, np.int8),
        "segments": np.full((n, SEGMENTS), -1, np.int32),
    }
    filled = np.repeat(np.array([len(slate) > 0 for slate in slates], bool), lengths)
    places = np.flatnonzero(shown)[filled]
    each = np.repeat(np.arange(len(slates)), lengths)[filled]
    starts = np.cumsum(lengths) - lengths
    columns["item"][places] = np.frombuffer(b"".join(slate.rows for slate in slates), np.int32)
    columns["position"][places] = np.flatnonzero(filled) - starts[each] + 1
    columns["propensity"][places] = np.frombuffer(b"".join(slate.propensity for slate in slates))
    arm = np.frombuffer(b"".join(slate.arm or bytes(len(slate)) for slate in slates), np.int8)
    columns["arm"][places] = arm
    tried = arm != 0
    segments = np.array([slate.segments for slate in slates], np.int32).reshape(-1, SEGMENTS)
    columns["segments"][places[tried]] = segments[each[tried]]
    return columns


def _rows(found: Sequence[int | None]) -> Array:
    return np.array([-1 if row is None else row for row in found], np.int32)
