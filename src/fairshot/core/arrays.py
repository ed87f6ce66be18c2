"""Names for the arrays that everything is made of."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.signedinteger[Any]]
Floats: TypeAlias = NDArray[np.floating[Any]]
Rows: TypeAlias = NDArray[np.int32]
"""Dense row numbers of items, users, creators or labels; -1 stands for none."""
Array: TypeAlias = NDArray[Any]

MICROSECONDS = 1_000_000
HOUR = 3600 * MICROSECONDS
DAY = 24 * HOUR


def distinct(rows: Array) -> Array:
    """The different values, ascending; on few integers many times faster than np.unique, which hashes."""
    ordered = np.sort(rows)
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def counted(rows: Array) -> tuple[Array, Ints]:
    """The different values, ascending, and how often each occurs, int64 (d,)."""
    ordered = np.sort(rows)
    first = np.ones(len(ordered) + 1, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:-1])
    starts = np.flatnonzero(first)
    return ordered[starts[:-1]], np.diff(starts)


def first_places(rows: Array) -> Ints:
    """Where each of the different values stands first, int64 (d,), ascending."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return np.sort(order[first])


def lengthened(held: Floats, room: Floats, n: int) -> tuple[Floats, Floats]:
    """What is held, float (h, d), with at least n rows, new ones zero, and the room that it lies in.

    Room is made an eighth longer than what is held, lest every row that comes copy all.
    """
    have = len(held)
    if n <= have:
        return held, room
    if n > len(room):
        room = np.zeros((max(n, have + have // 8), held.shape[1]), dtype=held.dtype)
        room[:have] = held
    # Searches read all that is held: room for later rows must not look like rows of the catalogue.
    return room[:n], room


def marked(n: int, rows: Array) -> Bools:
    """True at the given rows, bool (n,): a set that is asked for many rows by indexing."""
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask
