"""Tables: columns and ragged lists indexed by a dense row, growing in place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Ints
from fairshot.core.ids import SIDES, Side, Sizes

OWN_ROW = "own row"
"""As the fill of a column: a new row holds its own number."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is kept: its dtype, the value of a new row, and its width where a row holds many."""

    dtype: Any
    fill: Any = 0
    width: int | None = None

    def empty(self, n: int) -> Array:
        """A column of n new rows: shape (n,) or (n, width)."""
        if self.fill is OWN_ROW:
            return np.arange(n, dtype=self.dtype)
        shape = (n,) if self.width is None else (n, self.width)
        # Zeros cost no memory until they are written to.
        return np.full(shape, self.fill, dtype=self.dtype) if self.fill else np.zeros(shape, dtype=self.dtype)


class Lists:
    """One growing list of fixed-width entries for each row: a person's history, a creator's items.

    Each list is one byte buffer, so that an entry costs its own width and reading is one copy.
    `keep` bounds every list to the entries that come last in the dtype's own order (its fields from
    left to right, time first where age decides), of which it may hold up to twice as many; `distinct` makes
    it a set.
    """

    __slots__ = ("_buffers", "distinct", "dtype", "keep")

    def __init__(self, dtype: Any, keep: int | None = None, *, distinct: bool = False) -> None:
        self.dtype = np.dtype(dtype)
        self.keep = keep
        self.distinct = distinct
        self._buffers: dict[int, bytearray] = {}

    def __getitem__(self, row: int) -> Array:
        """The entries of a row, in the order they were added: a copy."""
        buffer = self._buffers.get(row)
        return np.frombuffer(b"" if buffer is None else bytes(buffer), dtype=self.dtype)

    def __len__(self) -> int:
        return len(self._buffers)

    def rows(self) -> Iterator[int]:
        """The rows that have entries."""
        return iter(self._buffers)

    def extend(self, rows: Ints, entries: Array) -> None:
        """Add entries[i] to the list of rows[i]; entries of one row keep their order."""
        if len(rows) == 0:
            return
        entries = entries.astype(self.dtype, copy=False)
        order = np.argsort(rows, kind="stable")
        rows, entries = rows[order], entries[order]
        starts = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        for row, lo, hi in zip(rows[starts].tolist(), starts, np.r_[starts[1:], len(rows)], strict=True):
            buffer = self._buffers.setdefault(row, bytearray())
            buffer += entries[lo:hi].tobytes()
            # Twice the bound before cutting: the sort is then paid once in `keep` entries.
            if self.keep is not None and len(buffer) > 2 * self.keep * self.dtype.itemsize:
                held = self._cut(np.frombuffer(bytes(buffer), self.dtype), 2 * self.keep)
                self._buffers[row] = bytearray(held.tobytes())

    def _cut(self, entries: Array, most: int) -> Array:
        """What is left when a list was cut each time that it held more than `most`, entry by entry.

        So what a list holds depends on the entries alone, not on how they were batched.
        """
        held, done = entries[:most], most
        while done < len(entries):
            held = self._last(np.append(held, entries[done]))
            done += 1
            if not self.distinct:
                # Cutting now and once more is cutting once: all but the last cut can wait.
                skipped = (len(entries) - done) // (most + 1 - len(held)) * (most + 1 - len(held))
                held, done = self._last(np.append(held, entries[done : done + skipped])), done + skipped
            room = most - len(held)
            held, done = np.append(held, entries[done : done + room]), done + room
        return held

    def last(self, row: int) -> Array:
        """The entries of a row that count, ordered by their first field: at most `keep`, the last."""
        entries = self[row]
        if self.distinct or (self.keep is not None and len(entries) > self.keep):
            return self._last(entries)
        key = entries if self.dtype.names is None else entries[self.dtype.names[0]]
        return entries if (key[1:] >= key[:-1]).all() else entries[np.argsort(key, kind="stable")]

    def put(self, row: int, entries: Array) -> None:
        """Replace a row's list."""
        if len(entries):
            self._buffers[row] = bytearray(entries.astype(self.dtype, copy=False).tobytes())
        else:
            self._buffers.pop(row, None)

    def _last(self, entries: Array) -> Array:
        ordered = np.unique(entries) if self.distinct else np.sort(entries, kind="stable")
        return ordered if self.keep is None else ordered[-self.keep :]

    def dump(self) -> tuple[Ints, Ints, Array]:
        """All lists for storage: rows int64 (r,), bytes of each int64 (r,), all bytes uint8."""
        rows = np.fromiter(self._buffers, dtype=np.int64, count=len(self._buffers))
        lengths = np.fromiter(map(len, self._buffers.values()), dtype=np.int64, count=len(rows))
        return rows, lengths, np.frombuffer(b"".join(self._buffers.values()), dtype=np.uint8)

    def load(self, rows: Ints, lengths: Ints, data: Array) -> None:
        """Take over what `dump` gave."""
        raw, ends = data.tobytes(), np.cumsum(lengths).tolist()
        starts = [0, *ends[:-1]]
        self._buffers = {row: bytearray(raw[lo:hi]) for row, lo, hi in zip(rows.tolist(), starts, ends, strict=False)}

    def flat(self) -> tuple[Ints, Array]:
        """Every entry with its row, rows ascending, entries in the dtype's own order: one canonical form."""
        rows = sorted(self._buffers)
        parts = [self.last(row) for row in rows]
        lengths = [len(part) for part in parts]
        entries = np.concatenate(parts) if parts else np.empty(0, self.dtype)
        return np.repeat(np.asarray(rows, dtype=np.int64), lengths), entries


class Table:
    """Named columns and lists over the same rows; `table["likes"]` is the whole column, shape (rows, ...)."""

    __slots__ = ("_arrays", "_columns", "_views", "lists", "n")

    def __init__(self, columns: Mapping[str, Column], lists: Mapping[str, Lists] | None = None) -> None:
        self.n = 0
        self._columns = dict(columns)
        self._arrays = {name: column.empty(0) for name, column in columns.items()}
        self._views: dict[str, Array] = dict(self._arrays)
        self.lists: dict[str, Lists] = dict(lists or {})

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __contains__(self, name: str) -> bool:
        return name in self._views

    @property
    def columns(self) -> Mapping[str, Column]:
        """The declared columns."""
        return self._columns

    def grow(self, n: int) -> None:
        """Have at least n rows; new ones hold each column's fill."""
        if n <= self.n:
            return
        for name, column in self._columns.items():
            array = self._arrays[name]
            if len(array) < n:
                larger = column.empty(max(n, len(array) + len(array) // 2, 64 if n > 1 else 1))
                larger[: self.n] = array[: self.n]
                self._arrays[name] = larger
            self._views[name] = self._arrays[name][:n]
        self.n = n

    def load(self, n: int, arrays: Mapping[str, Array]) -> None:
        """Take over stored columns of n rows."""
        self.n = n
        for name, column in self._columns.items():
            array = np.ascontiguousarray(arrays[name], dtype=column.dtype)
            if array.shape != column.empty(n).shape:
                raise ValueError(f"the column {name} is stored as {array.shape}, expected {column.empty(n).shape}")
            self._arrays[name] = array
            self._views[name] = array


def no_table() -> Table:
    """A table without columns."""
    return Table({})


@dataclass(frozen=True, slots=True)
class State:
    """What one fold remembers, side by side; `world` has one row for what belongs to nobody."""

    users: Table = field(default_factory=no_table)
    items: Table = field(default_factory=no_table)
    creators: Table = field(default_factory=no_table)
    labels: Table = field(default_factory=no_table)
    world: Table = field(default_factory=no_table)

    def __getitem__(self, side: str) -> Table:
        table: Table = getattr(self, side)
        return table

    def grow(self, sizes: Sizes) -> None:
        """Have a row for everybody."""
        for side in SIDES:
            self[side].grow(getattr(sizes, side))
        self.world.grow(1)

    @property
    def sizes(self) -> Sizes:
        """The rows that every side has."""
        return Sizes(self.users.n, self.items.n, self.creators.n, self.labels.n)


class View:
    """The columns of many folds as if they were one table: `view["recent_likes"]`, `view.lists["history"]`."""

    __slots__ = ("_owner", "lists")

    def __init__(self, tables: list[Table]) -> None:
        self._owner: dict[str, Mapping[str, Array] | Table] = {}
        self.lists: dict[str, Lists] = {}
        for table in tables:
            for name in [*table.columns, *table.lists]:
                if name in self._owner or name in self.lists:
                    raise ValueError(f"two folds keep a column named {name}")
                if name in table.lists:
                    self.lists[name] = table.lists[name]
                else:
                    self._owner[name] = table

    def __getitem__(self, name: str) -> Array:
        return self._owner[name][name]

    def replaced(self, columns: Mapping[str, Array]) -> "View":
        """The same rows with other columns of these names."""
        other = View([])
        other._owner = {**self._owner, **dict.fromkeys(columns, columns)}
        other.lists = self.lists
        return other

    def __contains__(self, name: str) -> bool:
        return name in self._owner


def views(states: Mapping[str, State]) -> dict[Side | str, View]:
    """One view for each side over all folds."""
    return {side: View([state[side] for state in states.values()]) for side in (*SIDES, "world")}
