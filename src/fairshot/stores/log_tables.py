"""The log as two Arrow tables with outside ids: impressions, and every other event. Their schemas are a promise."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from fairshot.core.arrays import DAY, Array
from fairshot.core.events import Kind
from fairshot.core.slate import SLATE_PREFIX

IMPRESSIONS = pa.schema(
    {
        "seq": pa.int64(),
        "request": pa.string(),
        "user": pa.string(),
        "item": pa.string(),
        "at": pa.int64(),
        "position": pa.int32(),
        "propensity": pa.float64(),
        "source": pa.string(),
        "score": pa.float64(),
        "seconds": pa.float64(),
        "reported": pa.bool_(),
        "surface": pa.string(),
        "snapshot": pa.string(),
    }
)
EVENTS = pa.schema(
    {
        "seq": pa.int64(),
        "id": pa.string(),
        "kind": pa.string(),
        "action": pa.string(),
        "user": pa.string(),
        "item": pa.string(),
        "creator": pa.string(),
        "at": pa.int64(),
        "value": pa.float64(),
        "data": pa.string(),
    }
)
SCHEMAS = {"impressions": IMPRESSIONS, "events": EVENTS}
Tables = dict[str, pa.Table]
"""A table for each of SCHEMAS."""

_SELECT = """SELECT seq, id, kind, action, at, user, item, creator, value, data FROM log
    WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"""
_SIDES = ("users", "items", "creators")
_unpack = msgspec.msgpack.Decoder().decode
_json = msgspec.json.Encoder(order="deterministic").encode


class _Slate(msgspec.Struct):
    """What an impression keeps of a logged slate."""

    rows: bytes
    propensity: bytes
    source: bytes
    score: bytes
    sources: list[str]
    surface: str
    snapshot: str | None


_slate = msgspec.msgpack.Decoder(_Slate).decode
Entry = tuple[Any, ...]


def day_of(at: int) -> str:
    """The day of a time in microseconds, UTC: YYYY-MM-DD."""
    return str(np.datetime64(at // DAY, "D"))


def read_tables(db: sqlite3.Connection, after: int, upto: int, entries: int = 20_000) -> Iterator[tuple[int, Tables]]:
    """What the log holds after one number up to another, so many entries at a time, each with its last number."""
    query = "SELECT id FROM ids WHERE side = ? ORDER BY row"
    names = [np.array([name for (name,) in db.execute(query, (side,))] + [None], object) for side in _SIDES]
    while read := db.execute(_SELECT, (after, upto, entries)).fetchall():
        after = read[-1][0]
        yield after, _tables(read, *names)


def _tables(entries: Sequence[Entry], users: Array, items: Array, creators: Array) -> Tables:
    """Names are looked up by row; the last stands for none."""
    slates = [entry for entry in entries if entry[2] == Kind.SLATE]
    reports = [entry for entry in entries if entry[2] == Kind.IMPRESSION]
    others = [entry for entry in entries if entry[2] not in (Kind.SLATE, Kind.IMPRESSION)]
    shown = pa.concat_tables([_of_slates(slates, users, items), _of_reports(reports, users, items)])
    return {"impressions": shown, "events": _of_events(others, users, items, creators)}


def _of_slates(entries: Sequence[Entry], users: Array, items: Array) -> pa.Table:
    slates = [_slate(entry[9]) for entry in entries]
    parts = [
        (
            np.frombuffer(slate.rows, np.int32),
            np.frombuffer(slate.propensity),
            np.frombuffer(slate.score),
            [slate.sources[source] for source in np.frombuffer(slate.source, np.int16).tolist()],
        )
        for slate in slates
    ]
    lengths = [len(part[0]) for part in parts]
    position = [np.arange(1, length + 1) for length in lengths]
    each = np.repeat(np.arange(len(entries)), lengths)
    return _table(
        IMPRESSIONS,
        seq=np.array([entry[0] for entry in entries], np.int64)[each],
        request=_objects([entry[1].removeprefix(SLATE_PREFIX) for entry in entries])[each],
        user=users[_rows([entry[5] for entry in entries])][each],
        item=items[np.concatenate([*(part[0] for part in parts), np.empty(0, np.int32)])],
        at=np.array([entry[4] for entry in entries], np.int64)[each],
        position=np.concatenate([*position, np.empty(0, np.int64)]),
        propensity=np.concatenate([*(part[1] for part in parts), np.empty(0)]),
        score=np.concatenate([*(part[2] for part in parts), np.empty(0)]),
        source=[name for part in parts for name in part[3]],
        reported=np.zeros(len(each), dtype=bool),
        surface=_objects([slate.surface for slate in slates])[each],
        snapshot=_objects([slate.snapshot for slate in slates])[each],
    )


def _of_reports(entries: Sequence[Entry], users: Array, items: Array) -> pa.Table:
    said = [_unpack(entry[9]) if entry[9] else {} for entry in entries]
    return _table(
        IMPRESSIONS,
        seq=[entry[0] for entry in entries],
        request=[one.get("request") for one in said],
        user=users[_rows([entry[5] for entry in entries])],
        item=items[_rows([entry[6] for entry in entries])],
        at=[entry[4] for entry in entries],
        position=[one.get("position", 0) for one in said],
        propensity=[one.get("propensity") for one in said],
        seconds=[entry[8] for entry in entries],
        reported=np.ones(len(entries), dtype=bool),
    )


def _of_events(entries: Sequence[Entry], users: Array, items: Array, creators: Array) -> pa.Table:
    return _table(
        EVENTS,
        seq=[entry[0] for entry in entries],
        id=[entry[1] for entry in entries],
        kind=[Kind(entry[2]).name.lower() for entry in entries],
        action=[entry[3] for entry in entries],
        user=users[_rows([entry[5] for entry in entries])],
        item=items[_rows([entry[6] for entry in entries])],
        creator=creators[_rows([entry[7] for entry in entries])],
        at=[entry[4] for entry in entries],
        value=[entry[8] for entry in entries],
        data=[_json(_unpack(entry[9])).decode() if entry[9] else None for entry in entries],
    )


def _table(schema: pa.Schema, **columns: Any) -> pa.Table:
    """Columns that are not given are null."""
    length = len(columns["seq"])
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(length, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _objects(values: Sequence[Any]) -> Array:
    found = np.empty(len(values), object)
    found[:] = values
    return found


def _rows(found: Sequence[int | None]) -> Array:
    return np.array([-1 if row is None else row for row in found], np.int64)
