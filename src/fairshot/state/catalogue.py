"""What exists: the latest record of every item, creator and user, as columns.

The record with the highest log number stands (last writer wins), so parts of a log can be merged in any
grouping. The lists hold every pair that was ever stated; who reads one checks it against the columns.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from fairshot.core.arrays import DAY, Array, Ints
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

UNKNOWN = -1
NEWEST = np.dtype([("created_at", np.int64), ("item", np.int32)])
LABELS_KEPT = 8
"""How many of an item's labels can be asked for; further ones only shape its vector."""
WEEK = 7 * DAY
NEWEST_KEPT = 2048
"""How many of the newest items are kept at hand."""


@dataclass(frozen=True)
class Catalogue:
    """Columns `items.{record, creator, label, labels, created_at, durable, price, came_at, burst}`, and inverse lists.

    record is the number of the record's event, 0 where only the id is known; labels: int32 (n, 8), -1
    padded; label is the first of them; created_at is in microseconds; durable is -1 where the record does
    not say; came_at: microseconds, when the first record came; burst: how many works of the creator came before the
    item in the same week (of seven days, counted from 1970).

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
                    "came_at": Column(np.int64),
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
        came = np.where(earlier.items["record"] > 0, earlier.items["came_at"], later.items["came_at"])
        for side, key in (("items", "record"), ("creators", "creator_record"), ("users", "user_record")):
            newer = later[side][key] > earlier[side][key]
            for name in earlier[side].columns:
                earlier[side][name][newer] = later[side][name][newer]
        for side, name in (("creators", "works"), ("labels", "label_items"), ("world", "newest")):
            earlier[side].lists[name].extend(*later[side].lists[name].flat())
        labels = earlier.items["label"]
        earlier.labels["label_count"][:] = np.bincount(labels[labels >= 0], minlength=sizes.labels)
        earlier.items["came_at"][:] = came
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
    creator, fresh = state.items["creator"][rows], state.items["record"][rows] == 0
    came = _first_came(items, rows)
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
    # An item came when its first record did, whatever date that states, and however often it is sent again.
    table["came_at"][rows[fresh]] = came[fresh]
    changed = fresh | (creator != table["creator"][rows])
    table["burst"][rows[changed]] = 0
    creators = np.unique(np.concatenate([creator[changed], table["creator"][rows][changed]]))
    for by in creators[creators >= 0].tolist():
        works = state.creators.lists["works"].last(by)
        # A record may have named another creator before.
        works = works[(table["creator"][works] == by) & (table["record"][works] > 0)]
        table["burst"][works] = _bursts(table, works)


def _bursts(items: Table, rows: Ints) -> Ints:
    """Of each of these items, how many others of them of its creator came before it in the same week, (n,)."""
    creator, came = items["creator"][rows].astype(np.int64), items["came_at"][rows]
    order = np.lexsort((rows, came, came // WEEK, creator))
    first = np.ones(len(rows), dtype=bool)
    for key in (creator[order], came[order] // WEEK):
        first[1:] &= key[1:] == key[:-1]
    first[1:] = ~first[1:]
    place = np.arange(len(rows))
    burst = np.empty(len(rows), np.int64)
    burst[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    burst[creator < 0] = 0
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


def _first_came(items: EventBatch, rows: Ints) -> Ints:
    """When the first of these records of each of these items came, (n,) microseconds."""
    found, first = np.unique(items.item, return_index=True)
    when: Ints = items.at[first][np.searchsorted(found, rows)]
    return when


def _latest(rows: Ints, seq: Ints, standing: Array) -> Ints:
    """Index of the last entry for each row, where it is newer than what stands."""
    _, last = np.unique(rows[::-1], return_index=True)
    index = len(rows) - 1 - last
    found: Ints = index[seq[index] > standing[rows[index]]]
    return found


def _time(value: Any, otherwise: int) -> int:
    return otherwise if value is None else int(datetime.fromisoformat(value).timestamp() * 1_000_000)
