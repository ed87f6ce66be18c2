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


def marked(n: int, rows: Array) -> Bools:
    """True at the given rows, bool (n,): a set that is asked for many rows by indexing."""
    mask = np.zeros(n, dtype=bool)
    mask[rows] = True
    return mask
