"""Rows as they come from files, whatever the format."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self


class Row(NamedTuple):
    """One row: where it stood, what it held, or why it cannot be read.

    line: 1-based, the line of a text file (where a record of several lines begins) or the row of a Parquet
    file; values: by column, None where the row is unreadable; reason: why it is; raw: the text, for those.
    """

    line: int
    values: dict[str, Any] | None
    reason: str = ""
    raw: str = ""


class RowSource(Protocol):
    """An open file of rows, read once from the front."""

    columns: list[str]
    """The columns; of NDJSON those of the first record."""
    tabular: bool
    """Whether every row has exactly these columns, and text in a cell may stand for another type."""
    size: int
    """How much there is to read, in the unit of `position`."""

    def position(self) -> int:
        """How much has been read."""
        ...

    def rows(self) -> Iterator[Row]:
        """All rows, broken ones too."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...
