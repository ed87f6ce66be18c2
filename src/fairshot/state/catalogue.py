"""What exists: the latest record of every item, creator and user, as columns.

The record with the highest log number stands (last writer wins), so parts of a log can be merged in any
grouping. The lists hold every pair that was ever stated; who reads one checks it against the columns.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from fairshot.core.arrays import MICROSECONDS, Array, Ints
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

UNKNOWN = -1
NEWEST = np.dtype([("created_at", np.int64), ("item", np.int32)])
_LATEST = np.iinfo(np.int64).max
LABELS_KEPT = 8
"""How many of an item's labels can be asked for; further ones only shape its vector."""
WEEK = 7 * 24 * 3600
NEWEST_KEPT = 2048
"""How many of the newest items are kept at hand."""


@dataclass(frozen=True)
class Catalogue:
    """Columns `items.{record, creator, label, labels, created_at, durable, price, burst}` and their inverse lists.

    record is the number of the record's event, 0 where only the id is known; labels: int32 (n, 8), -1
    padded; label is the first of them; created_at is in microseconds; durable is -1 where the record does
    not say; burst: how many works of its creator came out in the seven days before an item.

    Lists: `creators.works`, `labels.label_items`, `world.newest`; column `labels.label_count`:
    items that have a label as their first.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ITEM, Kind.CREATOR, Kind.USER})

    def empty(self) -> State:
        """No records."""
        return State(
            users=Table({"user_record": Column(np.int64), "user_joined_at": Column(np.int64)}),
            items=Table(
                {
                    "record": Column(np.int64),
                    "labels": Column(np.int32, UNKNOWN, width=LABELS_KEPT),
                    "creator": Column(np.int32, UNKNOWN),
                    "label": Column(np.int32, UNKNOWN),
                    "created_at": Column(np.int64),
                    "durable": Column(np.int8, UNKNOWN),
                    "price": Column(np.float32, np.nan),
                    "burst": Column(np.int32),
                }
            ),
            creators=Table(
                {"creator_record": Column(np.int64), "creator_joined_at": Column(np.int64)},
                {"works": Lists(np.int32, distinct=True)},
            ),
            labels=Table({"label_count": Column(np.int64)}, {"label_items": Lists(np.int32, distinct=True)}),
            world=Table({}, {"newest": Lists(NEWEST, NEWEST_KEPT, distinct=True)}),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Take over the records among the events."""
        state.grow(events.sizes)
        users = events.where(events.of(Kind.USER))
        _joined(state.users, "user", users.user, users)
        creators = events.where(events.of(Kind.CREATOR))
        _joined(state.creators, "creator", creators.creator, creators)
        items = events.where(events.of(Kind.ITEM))
        if len(items):
            _add_items(state, items)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """The later record of each subject stands; counts are taken anew."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        for side, key in (("items", "record"), ("creators", "creator_record"), ("users", "user_record")):
            newer = later[side][key] > earlier[side][key]
            for name in earlier[side].columns:
                earlier[side][name][newer] = later[side][name][newer]
        for side, name in (("creators", "works"), ("labels", "label_items"), ("world", "newest")):
            earlier[side].lists[name].extend(*later[side].lists[name].flat())
        labels = earlier.items["label"]
        earlier.labels["label_count"][:] = np.bincount(labels[labels >= 0], minlength=sizes.labels)
        known = np.flatnonzero(earlier.items["record"] > 0)
        earlier.items["burst"][known] = _bursts(earlier.items, known)
        return earlier


def _joined(table: Table, side: str, rows: Ints, events: EventBatch) -> None:
    for index in _latest(rows, events.seq, table[f"{side}_record"]).tolist():
        row, record = rows[index], events.data[index] or {}
        table[f"{side}_record"][row] = events.seq[index]
        table[f"{side}_joined_at"][row] = _time(record.get("joined_at"), int(events.at[index]))


def _add_items(state: State, items: EventBatch) -> None:
    records: list[dict[str, Any]] = [record or {} for record in items.data]
    labels = [record.get("label_rows") or () for record in records]
    created_at = np.array(
        [_time(r.get("created_at"), at) for r, at in zip(records, items.at.tolist(), strict=True)], np.int64
    )
    _list_items(state, items, labels, created_at)
    latest = _latest(items.item, items.seq, state.items["record"])
    rows = items.item[latest]
    before = state.items["creator"][rows], state.items["created_at"][rows][state.items["record"][rows] > 0]
    kept = [records[i] for i in latest.tolist()]
    counts, old = state.labels["label_count"], state.items["label"][rows]
    np.subtract.at(counts, old[old >= 0], 1)
    padded = [[*labels[i][:LABELS_KEPT], *[UNKNOWN] * (LABELS_KEPT - len(labels[i]))] for i in latest.tolist()]
    table = state.items
    table["labels"][rows] = padded
    first = table["labels"][rows, 0]
    np.add.at(counts, first[first >= 0], 1)
    table["record"][rows] = items.seq[latest]
    table["creator"][rows] = items.creator[latest]
    table["label"][rows] = first
    table["created_at"][rows] = created_at[latest]
    table["durable"][rows] = [UNKNOWN if r.get("durable") is None else int(r["durable"]) for r in kept]
    table["price"][rows] = [np.nan if r.get("price") is None else r["price"] for r in kept]
    creators = np.unique(np.concatenate([before[0], table["creator"][rows]]))
    since = min(created_at[latest].min(initial=_LATEST), before[1].min(initial=_LATEST))
    _count_bursts(state, creators[creators >= 0], since)


def _count_bursts(state: State, creators: Ints, since: int) -> None:
    """Count anew the bursts of what these creators brought out from a moment on."""
    items, works = state.items, state.creators.lists["works"]
    if len(creators) == 0:
        return
    found = [works[row] for row in creators.tolist()]
    rows, by = np.concatenate(found), np.repeat(creators, [len(own) for own in found])
    # A record may have named another creator before, and what came long before counts for nothing.
    near = (items["creator"][rows] == by) & (items["created_at"][rows] > since - (WEEK + 1) * MICROSECONDS)
    rows = np.unique(rows[near])
    late = items["created_at"][rows] >= since
    items["burst"][rows[late]] = _bursts(items, rows)[late]


def _bursts(items: Table, rows: Ints) -> Ints:
    """Of each of these items, how many others of them its creator brought out in the seven days before, (n,)."""
    creator, seconds = items["creator"][rows].astype(np.int64), items["created_at"][rows] // MICROSECONDS
    order = np.lexsort((rows, seconds, creator))
    key = (creator[order] << 32) + np.clip(seconds[order], 0, (1 << 32) - 1)
    first = np.searchsorted(key, np.maximum(key - WEEK, creator[order] << 32))
    burst = np.empty(len(rows), np.int64)
    burst[order] = np.where(creator[order] >= 0, np.arange(len(rows)) - first, 0)
    return burst


def _list_items(state: State, items: EventBatch, labels: list[Any], created_at: Array) -> None:
    by = items.creator >= 0
    state.creators.lists["works"].extend(items.creator[by], items.item[by])
    lengths = [len(row) for row in labels]
    flat = np.array([label for row in labels for label in row], np.int32)
    state.labels.lists["label_items"].extend(flat, np.repeat(items.item, lengths))
    newest = np.empty(len(items), NEWEST)
    newest["created_at"], newest["item"] = created_at, items.item
    state.world.lists["newest"].extend(np.zeros(len(items), np.int64), newest)


def _latest(rows: Ints, seq: Ints, standing: Array) -> Ints:
    """Index of the last entry for each row, where it is newer than what stands."""
    _, last = np.unique(rows[::-1], return_index=True)
    index = len(rows) - 1 - last
    found: Ints = index[seq[index] > standing[rows[index]]]
    return found


def _time(value: Any, otherwise: int) -> int:
    return otherwise if value is None else int(datetime.fromisoformat(value).timestamp() * 1_000_000)
