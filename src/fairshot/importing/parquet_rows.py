"""Rows of a Parquet file, a batch at a time."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from fairshot.core.strict_json import Flaw
from fairshot.importing import ImportFileError
from fairshot.importing.rows import Row

_BATCH = 5_000


class ParquetRows:
    """An open Parquet file; its values become those that JSON has."""

    tabular = True

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{path} cannot be read as Parquet: {_line(error)}") from error
        self.columns: list[str] = self._file.schema_arrow.names
        self.size: int = self._file.metadata.num_rows
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def position(self) -> int:
        """Rows read so far."""
        return self._position

    def rows(self) -> Iterator[Row]:
        """All rows."""
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH):
                for values in _to_microseconds(batch).to_pylist():
                    self._position += 1
                    yield Row(self._position, {name: _plain(value) for name, value in values.items()})
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(
                f"{self._path} cannot be read after row {self._position} ({_line(error)}); the rows before it were kept"
            ) from error


def _to_microseconds(batch: Any) -> Any:
    """Timestamps in nanoseconds have no plain counterpart; microseconds are what the log keeps."""
    table = pa.Table.from_batches([batch])
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            cast = table.column(index).cast(pa.timestamp("us", field.type.tz), safe=False)
            table = table.set_column(index, field.name, cast)
    return table


def _plain(value: Any) -> Any:
    """A value as JSON would have it; a Flaw where JSON has none."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if isfinite(value) else Flaw("is not a finite number")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return Flaw(f"is of a type that JSON has no counterpart for ({type(value).__name__})")


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
