"""The file of rejected rows: each row as it was, with where it stood and why it was refused."""

import csv
from pathlib import Path
from typing import IO, NamedTuple

from fairshot.importing.columns import printable
from fairshot.importing.rows import Row

_NOTES = ("rejected_line", "rejected_field", "rejected_reason", "rejected_raw")
"""Columns that an import leaves out, so that the mended file can be imported as it is."""


class RejectedRow(NamedTuple):
    """A row that was refused; field: empty where the row as a whole is at fault."""

    row: Row
    field: str
    reason: str


class RejectedFile:
    """Appears with the first rejected row: beside the imported file, or where that folder is not writable elsewhere."""

    def __init__(self, source: Path, columns: list[str], elsewhere: Path | None) -> None:
        self.path: Path | None = None
        self._source = source
        self._elsewhere = elsewhere
        self._columns = columns if source.suffix.lower() in (".csv", ".tsv") else None
        self._file: IO[str] | None = None

    def add(self, rejected: RejectedRow) -> None:
        """Write one row."""
        file = self._file or self._open()
        notes = dict(zip(_NOTES, (rejected.row.line, rejected.field, rejected.reason, rejected.row.raw), strict=True))
        values = rejected.row.values or {}
        if self._columns is None:
            if values:
                del notes["rejected_raw"]
            file.write(printable({**values, **notes}) + "\n")
        else:
            csv.writer(file, lineterminator="\n").writerow(
                [*(values.get(column, "") for column in self._columns), *notes.values()]
            )

    def close(self) -> None:
        """Finish the file, where there is one."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> IO[str]:
        suffix = ".rejected.ndjson" if self._columns is None else ".rejected.csv"
        self.path, self._file = _writable(self._source.with_name(self._source.name + suffix), self._elsewhere)
        if self._columns is not None:
            self._columns = [column for column in self._columns if column not in _NOTES]
            csv.writer(self._file, lineterminator="\n").writerow([*self._columns, *_NOTES])
        return self._file


def _writable(path: Path, elsewhere: Path | None) -> tuple[Path, IO[str]]:
    try:
        return path, path.open("w", encoding="utf-8", newline="")
    except OSError:
        if elsewhere is None:
            raise
        other = elsewhere / path.name
        return other, other.open("w", encoding="utf-8", newline="")
