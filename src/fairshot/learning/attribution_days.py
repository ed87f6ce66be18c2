"""Attribution by day over an export: a day's new events cost a day's work, however long the log is.

    DIR/attributed/day=YYYY-MM-DD/rows.parquet            what `attribution.examined` gives for the day
    DIR/positions/day=YYYY-MM-DD/positions.parquet        what `attribution.positions` gives for the day
    DIR/attributed.json                                   up to which number of the log, by which rule

Weights depend on the whole log, and so are not in the files: `load` joins them when the rows are read. Only days
whose rows can have changed are computed anew: those that got new entries, and those within reach of these.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fairshot.core.arrays import DAY
from fairshot.core.errors import StoreError
from fairshot.learning.attribution import Rule, Table, examined, positions, weighted
from fairshot.stores.analytics import connect
from fairshot.stores.export import cursor, files, write_parquet
from fairshot.stores.files import sync_folder, write_durably
from fairshot.stores.log_tables import SCHEMAS, day_of

TOGETHER = 7
"""Neighbouring days that are computed together, so that what they have in common is read once."""
_STATE = "attributed.json"
_FILES = {"attributed": "rows.parquet", "positions": "positions.parquet"}


@dataclass(frozen=True, slots=True)
class Attributed:
    """What an update came to: the log's number, the days that were computed anew, and their rows."""

    seq: int
    days: list[str]
    rows: int


def update(folder: Path, rule: Rule, progress: Callable[[float], None] = lambda _share: None) -> Attributed:
    """Bring the attribution of an export up to date; hold `export.only_one` meanwhile.

    Where the rule has changed, every day is computed anew. A call that was killed is made good by the next.
    """
    upto = cursor(folder)
    known = _state(folder)
    after = int(known["seq"]) if known.get("rule") == msgspec.to_builtins(rule) else 0
    inputs = {name: _numbered(files(folder, name, upto=upto)) for name in SCHEMAS}
    stale = _stale(inputs, {name: _numbered(files(folder, name, after, upto)) for name in SCHEMAS}, rule)
    rows, done = 0, 0
    for days in _runs(stale):
        rows += _compute(folder, days, inputs, rule)
        done += len(days)
        progress(done / len(stale))
    state = {"seq": upto, "rule": msgspec.to_builtins(rule)}
    write_durably(folder / _STATE, json.dumps(state).encode())
    return Attributed(upto, [_name(day) for day in stale], rows)


def load(database: Any, folder: Path) -> Table:
    """The training rows of all days, weighted, as `attribution.attributed` would give them from scratch."""
    found = {name: sorted(str(path) for path in folder.glob(f"{name}/day=*/{file}")) for name, file in _FILES.items()}
    if not found["attributed"]:
        raise StoreError(f"{folder} holds no attributed rows")
    rows = database.read_parquet(found["attributed"], hive_partitioning=False)
    if not found["positions"]:  # nothing but organic feedback
        return rows.mutate(weight=ibis.literal(1.0))
    return weighted(rows, database.read_parquet(found["positions"], hive_partitioning=False))


def _reach(rule: Rule) -> int:
    """Days over which an entry can change rows: a report may touch a slate a window away, that one feedback."""
    return -(-rule.longest * (2 if rule.mode == "reported" else 1) // DAY)


def _stale(inputs: Mapping[str, Mapping[int, Any]], new: Mapping[str, Iterable[int]], rule: Rule) -> list[int]:
    """The days to compute anew, ascending: feedback changes earlier rows only, an impression later ones too."""
    reach = _reach(rule)
    near = {day + step for day in new["impressions"] for step in range(-reach, reach + 1)}
    near |= {day - step for day in new["events"] for step in range(reach + 1)}
    return sorted(near & {day for of in inputs.values() for day in of})


def _runs(days: Sequence[int]) -> Iterator[list[int]]:
    """Neighbouring days together, at most TOGETHER."""
    run: list[int] = []
    for day in days:
        if run and (day != run[-1] + 1 or len(run) == TOGETHER):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _compute(folder: Path, days: Sequence[int], inputs: Mapping[str, Mapping[int, list[Path]]], rule: Rule) -> int:
    """Write the files of neighbouring days; returns how many rows they hold."""
    reach = _reach(rule)
    database = connect()
    try:
        shown, told = (_read(database, name, inputs[name], days, reach) for name in SCHEMAS)
        told = told.filter(told.kind == "feedback")
        rows = examined(shown, told, rule)
        rows = database.create_table("rows", _between(rows, days[0] * DAY, (days[-1] + 1) * DAY), temp=True)
        counts = database.to_pyarrow(positions(shown, rows).order_by("day", "position"))
        total = 0
        for day in days:
            own = database.con.sql(f'FROM rows WHERE "at" // {DAY} = {day} ORDER BY "at", seq, position')
            total += _replace(folder, "attributed", day, own.to_arrow_table())
            _replace(folder, "positions", day, counts.filter(pc.equal(counts["day"], day)))
        return total
    finally:
        database.disconnect()


def _read(database: Any, name: str, by_day: Mapping[int, list[Path]], days: Sequence[int], reach: int) -> Table:
    """What was exported of a table for these days and those within reach."""
    near = range(days[0] - reach, days[-1] + reach + 1)
    paths = [str(path) for day in near for path in by_day.get(day, ())]
    if not paths:
        return ibis.memtable(SCHEMAS[name].empty_table())
    return database.read_parquet(paths, hive_partitioning=False)


def _between(table: Table, start: int, end: int) -> Table:
    return table.filter((table["at"] >= start) & (table["at"] < end))


def _replace(folder: Path, name: str, day: int, table: pa.Table) -> int:
    path = folder / name / f"day={_name(day)}" / _FILES[name]
    if len(table):
        write_parquet(table, path)
        sync_folder(path.parent.parent)
    else:
        path.unlink(missing_ok=True)
    return len(table)


def _numbered(by_day: Mapping[str, list[Path]]) -> dict[int, list[Path]]:
    """With days as numbers since 1970."""
    return {int(np.datetime64(day, "D").astype(int)): paths for day, paths in by_day.items()}


def _name(day: int) -> str:
    return day_of(day * DAY)


def _state(folder: Path) -> dict[str, Any]:
    """What the last update wrote; nothing where it is missing or damaged, and then all is computed anew."""
    try:
        found: dict[str, Any] = json.loads((folder / _STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found
