"""Import files: check every header first, then read, submit and report one file after the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from fairshot.core.answers import Receipt
from fairshot.core.records import Refused
from fairshot.importing import ImportFileError
from fairshot.importing.columns import KINDS, Columns, guess_kind
from fairshot.importing.csv_rows import CsvRows
from fairshot.importing.event_ids import EventIds
from fairshot.importing.ndjson_rows import NdjsonRows
from fairshot.importing.rejected import RejectedFile, RejectedRow
from fairshot.importing.rows import Row, RowSource

BATCH = 5_000
"""Rows read and written at a time."""
SHOWN = 20
"""Rejected rows that a report holds; the file of rejected rows has them all."""
Sink: TypeAlias = Callable[[str, Sequence[dict[str, Any]]], Callable[[], Receipt]]
"""Takes records of a kind; the result waits for their receipt. `App.submit` is one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A file whose header has been checked."""

    path: Path
    columns: Columns

    @property
    def kind(self) -> str:
        """What its rows are."""
        return self.columns.kind


@dataclass(slots=True)
class Report:
    """What became of the rows of a file."""

    file: str
    kind: str
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    first_rejected: list[dict[str, Any]] = field(default_factory=list)
    rejected_file: str | None = None


def open_rows(path: Path) -> RowSource:
    """Open a file by its ending."""
    if not path.is_file():
        raise ImportFileError(f"{path}: there is no such file")
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return CsvRows(path)
        case ".ndjson" | ".jsonl":
            return NdjsonRows(path)
        case ".parquet" | ".pq":
            from fairshot.importing.parquet_rows import ParquetRows

            return ParquetRows(path)
    raise ImportFileError(f"{path}: files end with .csv, .tsv, .ndjson, .jsonl or .parquet")


def plan(path: Path, kind: str | None, mapping: Mapping[str, str], constants: Mapping[str, str]) -> Plan:
    """Find out what a file holds and whether its columns make records; raises ImportFileError where not."""
    with open_rows(path) as source:
        fields = [mapping.get(column, column) for column in source.columns]
        columns = Columns(kind or guess_kind(path, [*fields, *constants]), mapping, constants)
        columns.check(path, source.columns, fixed=source.tabular)
    return Plan(path, columns)


def in_order(plans: Iterable[Plan]) -> list[Plan]:
    """Creators before items before users before events, so that nothing speaks of what is not there yet."""
    return sorted(plans, key=lambda p: KINDS.index(p.kind))


def import_file(
    planned: Plan,
    sink: Sink,
    *,
    elsewhere: Path | None = None,
    keep_rejected: bool = True,
    progress: Callable[[float], None] = lambda _share: None,
) -> Report:
    """Read a file into a sink; `elsewhere` takes the rejected rows where the file's own folder is not writable."""
    report = Report(str(planned.path), planned.kind)
    with open_rows(planned.path) as source:
        rejected = RejectedFile(planned.path, source.columns, elsewhere) if keep_rejected else None
        reader = _BatchReader(planned.columns, text=source.tabular)
        try:
            for rows in _batches(source.rows()):
                batch = reader.read(rows)
                # Waiting for the disk before reading on is faster: two busy threads would fight over the
                # interpreter at every row that SQLite takes (docs/decisions/0022-import-in-turns.md).
                _settle(batch, sink(planned.kind, batch.records)(), report, rejected)
                progress(source.position() / max(source.size, 1))
        finally:
            if rejected is not None:
                rejected.close()
                report.rejected_file = None if rejected.path is None else str(rejected.path)
    progress(1.0)
    return report


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: list[Row]
    """Of the records, one each."""
    records: list[dict[str, Any]]
    refused: list[RejectedRow]


class _BatchReader:
    """Turns rows into records; those that cannot become one are refused here already."""

    def __init__(self, columns: Columns, *, text: bool) -> None:
        self._columns = columns
        self._text = text
        self._ids = EventIds() if columns.kind == "events" else None

    def read(self, rows: Iterable[Row]) -> _Batch:
        batch = _Batch([], [], [])
        for row in rows:
            if row.values is None:
                batch.refused.append(RejectedRow(row, "", row.reason))
                continue
            try:
                batch.records.append(self._columns.record(row.values, text=self._text))
                batch.rows.append(row)
            except Refused as refused:
                batch.refused.append(RejectedRow(row, refused.field, refused.reason))
        if self._ids is not None:
            self._ids.fill(batch.records)
        return batch


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _settle(batch: _Batch, receipt: Receipt, report: Report, file: RejectedFile | None) -> None:
    report.accepted += receipt.accepted
    report.duplicate += receipt.duplicate
    refused = batch.refused + [RejectedRow(batch.rows[r.index], r.field, r.reason) for r in receipt.rejected]
    report.rejected += len(refused)
    for one in sorted(refused, key=lambda r: r.row.line):
        if len(report.first_rejected) < SHOWN:
            report.first_rejected.append({"line": one.row.line, "field": one.field, "reason": one.reason})
        if file is not None:
            file.add(one)
