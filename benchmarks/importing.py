"""Rows a second of an import, beside SQLite alone writing the same rows as durably: `measure()`."""

import csv
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fairshot
from fairshot.importing.run import BATCH, import_file, plan
from fairshot.stores.log import connect

ROWS = 200_000
Row = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Speed:
    """Rows a second of the import and of SQLite alone, and the first over the second."""

    name: str
    rows: int
    import_per_second: float
    sqlite_per_second: float
    ratio: float
    peak_mib: float


def measure(rows: int = ROWS) -> list[Speed]:
    """Import a CSV of events into an empty log; the peak is that of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        events = write_events(root / "events.csv", rows)
        ours, raw = timed_import(root), timed_sqlite(root / "raw.db", events)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return [Speed("CSV of events", rows, rows / ours, rows / raw, raw / ours, peak)]


def write_events(path: Path, rows: int) -> list[Row]:
    """A file of so many different likes, and the same as rows for SQLite."""
    events = [(f"e{n}", "like", f"u{n % 5003}", f"i{n % 1999}", 1_600_000_000 + n) for n in range(rows)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("event_id", "kind", "user_id", "item_id", "at"))
        writer.writerows(events)
    return events


def timed_import(root: Path) -> float:
    """Seconds that the import takes, everything acknowledged."""
    with fairshot.open(str(root / "data")) as app:
        start = time.perf_counter()
        report = import_file(plan(root / "events.csv", None, {}, {}), app.submit)
        seconds = time.perf_counter() - start
    if report.rejected:
        raise RuntimeError(f"{report.rejected} rows were rejected")
    return seconds


def timed_sqlite(path: Path, events: list[Row]) -> float:
    """Seconds that SQLite takes for the same rows in the same table and batches, each fsynced."""
    db = connect(path)
    start = time.perf_counter()
    for begin in range(0, len(events), BATCH):
        batch = events[begin : begin + BATCH]
        entries = [(begin + n, e[0], 6, e[1], e[4], None, None, None, None, None) for n, e in enumerate(batch, 1)]
        _write(db, entries)
    seconds = time.perf_counter() - start
    db.close()
    return seconds


def _write(db: sqlite3.Connection, entries: Sequence[tuple[object, ...]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?,?)", entries)
    db.execute("COMMIT")
