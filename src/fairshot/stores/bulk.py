"""Many rows in few statements.

`executemany` lets go of the interpreter's lock at every row and, where another thread is busy, gets it back only
after a switch interval: ten thousand rows then take seconds. One statement of many rows lets go of it once.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

_SIZES = (512, 64, 8, 1)
"""Rows in a statement: few sizes, so that SQLite's module finds each statement prepared."""


def insert(db: sqlite3.Connection, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of equal width; into: a table with its columns."""
    for part, marks in _parts(rows):
        statement = f"INSERT INTO {into} VALUES {marks}"  # noqa: S608  of names in our own code and marks
        db.execute(statement, [value for row in part for value in row])


def update(db: sqlite3.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run an UPDATE with `{rows}` in its FROM, a table whose columns are column1, column2 and so on.

    No two rows may meet the same row of the database: which of them would count is open.
    """
    for part, marks in _parts(rows):
        db.execute(statement.format(rows=f"(VALUES {marks})"), [value for row in part for value in row])


def _parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Sequence[tuple[Any, ...]], str]]:
    start = 0
    while start < len(rows):
        size = next(size for size in _SIZES if size <= len(rows) - start)
        mark = f"({','.join('?' * len(rows[0]))})"
        yield rows[start : start + size], ",".join([mark] * size)
        start += size
