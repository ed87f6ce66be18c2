"""The export: the log as Parquet, a folder for each day, which grows by what is new.

    DIR/impressions/day=YYYY-MM-DD/FIRST-LAST.parquet
    DIR/events/day=YYYY-MM-DD/FIRST-LAST.parquet
    DIR/export.json

A file holds what the log's entries FIRST to LAST brought for a day (of their `at`, UTC), and never changes.
export.json says up to which number everything is there. It is written last, so that a call that was killed
leaves nothing that counts: the next one takes its files away and begins where the one before it ended.
"""

import fcntl
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fairshot.core.arrays import DAY
from fairshot.core.errors import StoreError
from fairshot.stores.files import sync_folder, write_durably
from fairshot.stores.log import connect
from fairshot.stores.log_tables import SCHEMAS, Tables, day_of, read_tables

TOGETHER = 1_000_000
"""Rows that are held before they are written: many days in one file each, not a file for each batch."""
_CURSOR = "export.json"
_NAME = re.compile(r"\d{16}-(\d{16})\.parquet")


@dataclass(frozen=True, slots=True)
class Exported:
    """What a call has added: rows of each table, the days that have new files, and the log's number it ends at."""

    seq: int
    impressions: int
    events: int
    days: list[str]


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the export's lock; it goes with the process that holds it, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(f"another export already writes into {folder}") from error
        yield


def export(log: Path, folder: Path, progress: Callable[[float], None] = lambda _share: None) -> Exported:
    """Add what the log holds beyond the folder's number. Hold `only_one` meanwhile.

    Raises StoreError where the folder holds the export of another log.
    """
    with closing(connect(log)) as db:
        (upto,) = db.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
        origin = _origin(db)
        start = _begin(folder, origin, upto)
        seq, counts, days = start, dict.fromkeys(SCHEMAS, 0), set[str]()
        held: dict[str, list[pa.Table]] = {name: [] for name in SCHEMAS}
        for last, tables in read_tables(db, start, upto):
            for name, table in tables.items():
                held[name].append(table)
                counts[name] += len(table)
            if last == upto or sum(len(table) for tables in held.values() for table in tables) >= TOGETHER:
                days |= _write(folder, seq + 1, last, {name: pa.concat_tables(part) for name, part in held.items()})
                write_durably(folder / _CURSOR, json.dumps({"seq": last, "origin": origin}).encode())
                seq, held = last, {name: [] for name in SCHEMAS}
            progress((last - start) / (upto - start))
    return Exported(seq, counts["impressions"], counts["events"], sorted(days))


def cursor(folder: Path) -> int:
    """The log's number up to which everything is there; 0 where there is no export."""
    return int(_cursor(folder).get("seq", 0))


def files(folder: Path, table: str, after: int = 0, upto: int | None = None) -> dict[str, list[Path]]:
    """The whole files of a table by day: those with entries after one number, up to the export's."""
    upto = cursor(folder) if upto is None else upto
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"{table}/day=*/*.parquet")):
        if after < _last(path) <= upto:
            found.setdefault(path.parent.name.removeprefix("day="), []).append(path)
    return found


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table so that it is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    write_durably(path, buffer.getvalue())


def _last(path: Path) -> int:
    """The last number of a file; 0 of one that is not ours."""
    named = _NAME.fullmatch(path.name)
    return int(named[1]) if named else 0


def _cursor(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / _CURSOR).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StoreError(f"{folder / _CURSOR} is damaged ({error}); export into an empty folder") from error
    return found


def _origin(db: sqlite3.Connection) -> list[Any] | None:
    """What tells one log from another: its first entry."""
    first = db.execute("SELECT at, kind, id FROM log WHERE seq = 1").fetchone()
    return None if first is None else list(first)


def _begin(folder: Path, origin: list[Any] | None, upto: int) -> int:
    """Where to go on from; leftovers of a call that was killed are taken away."""
    found = _cursor(folder)
    start = int(found.get("seq", 0))
    if found and (found["origin"] != origin or start > upto):
        raise StoreError(f"{folder} holds the export of another log, or of a later state of this one; name another")
    for name in SCHEMAS:
        for path in (*folder.glob(f"{name}/day=*/*.parquet"), *folder.glob(f"{name}/day=*/.*.tmp")):
            if path.suffix == ".tmp" or _last(path) > start:
                path.unlink()
    return start


def _write(folder: Path, first: int, last: int, tables: Tables) -> set[str]:
    """A file for each day of each table; returns the days."""
    written = set()
    for name, table in tables.items():
        days = table["at"].to_numpy() // DAY
        for day in np.unique(days).tolist():
            path = folder / name / f"day={day_of(day * DAY)}" / f"{first:016d}-{last:016d}.parquet"
            write_parquet(table.filter(pc.equal(pa.array(days), day)), path)
            sync_folder(path.parent.parent)
            written.add(day_of(day * DAY))
    return written
