"""Sums that forget: exponentially decayed sums, and exact sums over a window of days.

Both carry their own time, so that events may come late, in any order and in parts, and the merged answer
is the same (a commutative monoid). A decayed sum is a pair (value, last_at); the empty one is (0.0, 0). A
window is a ring of day buckets: the count of day d stands in column d mod days, and `day` is the last day of
the row; the empty one is all zeros at day 0. Windows are integers and merge exactly; decayed sums merge up to
rounding.

Units: times are int64 microseconds since 1970 (UTC), half-lives are microseconds, days are days since 1970.
Source: forward decay (Cormode et al., ICDE 2009), kept relative to each row's own last event.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, Ints, broadcast, real

MICROSECONDS_PER_DAY = 86_400_000_000


def day_of(at: ArrayLike) -> Ints:
    """Day, counted from 1970, in which a time in microseconds lies (UTC).

    Formula: floor(at / 86,400,000,000).

    >>> day_of([0, 86_399_999_999, 86_400_000_000])
    array([0, 0, 1])
    """
    return _ints("at", at) // MICROSECONDS_PER_DAY


def decayed(value: ArrayLike, last_at: ArrayLike, now: ArrayLike, half_life: ArrayLike) -> Floats:
    """Value of a decayed sum as seen at `now`; it halves in every half-life since `last_at`.

    Formula: value * 2^(-(now - last_at) / half_life). A `now` before `last_at` reads the value undecayed,
    for a sum cannot forget what it has not yet seen.
    Shapes: value, last_at, now and half_life broadcast. Errors: ValueError where values are not finite, times are not
    integers, shapes do not broadcast, or half_life is not positive.

    >>> decayed([8.0, 8.0], last_at=[0, 30], now=30, half_life=10.0)
    array([1., 8.])
    """
    lives = np.asarray(half_life, np.float64)
    if not (np.isfinite(lives) & (lives > 0)).all():
        raise ValueError(f"half_life must be finite and > 0, shape {lives.shape}: {lives}")
    values, then, current = real("value", value, None), _ints("last_at", last_at), _ints("now", now)
    broadcast(value=values, last_at=then, now=current, half_life=lives)
    elapsed = np.maximum(current - then, 0)
    return np.asarray(values * np.exp2(-elapsed / lives))


def merge_decayed(
    value: ArrayLike, last_at: ArrayLike, other: ArrayLike, other_at: ArrayLike, half_life: float
) -> tuple[Floats, Ints]:
    """Merge two decayed sums into the one that had seen all of both.

    Formula: last = max(last_at, other_at); the sum of both values, each decayed to `last`.
    Shapes: all broadcast; returns (value, last_at). Errors: as `decayed`.

    >>> merge_decayed([4.0], [0], [1.0], [10], half_life=10.0)
    (array([3.]), array([10]))
    """
    last = np.maximum(_ints("last_at", last_at), _ints("other_at", other_at))
    return decayed(value, last_at, last, half_life) + decayed(other, other_at, last, half_life), last


def add_decayed(
    value: Floats, last_at: Ints, rows: ArrayLike, amounts: ArrayLike, at: ArrayLike, half_life: float
) -> tuple[Floats, Ints]:
    """Add a batch of events to an array of decayed sums; a row may occur many times, in any order of time.

    Formula: value 2^(-(last - last_at) / half_life) + sum of amount 2^(-(last - at) / half_life), last the
    latest time of the row.
    Shapes: value [n], last_at [n]; rows, amounts and at [m] (or scalars); returns a new (value, last_at).
    Errors: as `decayed`; ValueError where rows lie outside [0, n).

    >>> add_decayed(np.array([4.0, 2.0]), np.array([0, 0]), rows=[0, 0], amounts=[1.0, 1.0], at=[10, 0],
    ...             half_life=10.0)
    (array([3.5, 2. ]), array([10,  0]))
    """
    index, added = _rows(rows, len(value)), real("amounts", amounts, None)
    if not all(np.shape(array) in ((), index.shape) for array in (added, at)):
        raise ValueError(f"amounts {added.shape} and at {np.shape(at)} must be scalars or of shape {index.shape}")
    times = np.broadcast_to(_ints("at", at), index.shape)
    last = _ints("last_at", last_at).copy()
    np.maximum.at(last, index, times)
    total = decayed(value, last_at, last, half_life)
    np.add.at(total, index, decayed(added, times, last[index], half_life))
    return total, last


def roll(buckets: Ints, day: ArrayLike, to_day: ArrayLike) -> Ints:
    """Open the buckets of the days up to `to_day`, forgetting those that leave the window.

    A `to_day` before a row's day leaves the row as it is: the new last day is max(day, to_day).
    Formula: the column of day t keeps its count where t > max(day, to_day) - days; it is 0 otherwise.
    Shapes: buckets [n, days], day and to_day [n] or scalar; returns buckets [n, days].
    Errors: ValueError where buckets are not integers [n, days >= 1] or the days do not fit.

    >>> roll(np.array([[5, 6, 7]]), day=[2], to_day=[3])      # day 3 takes the column of day 0
    array([[0, 6, 7]])
    """
    last, target = _days(buckets, day=day), _days(buckets, to_day=to_day)
    kept = _day_of_column(buckets, last) > (np.maximum(last, target) - buckets.shape[1])[:, None]
    return np.where(kept, buckets, 0)


def window_sum(buckets: Ints, day: ArrayLike, today: ArrayLike) -> Ints:
    """Sum of the last `days` days up to and including `today`, whatever the last day of each row.

    Formula: sum of count_t over the days t that a row holds with today - days < t <= today.
    Shapes: buckets [n, days], day [n], today [n] or scalar; returns [n]. Errors: as `roll`.

    >>> window_sum(np.array([[5, 6, 7], [5, 6, 7]]), day=[2, 2], today=[2, 4])
    array([18,  7])
    """
    last, now = _days(buckets, day=day), _days(buckets, today=today)
    # Of each column: by how many days it is older than the row's last.
    age = _age_of_column(buckets, last)
    behind = (now - last)[:, None]
    inside = (age + behind >= 0) & (age + behind < buckets.shape[1])
    return np.asarray((buckets * inside).sum(axis=1))


def merge_windows(buckets: Ints, day: ArrayLike, other: Ints, other_day: ArrayLike) -> tuple[Ints, Ints]:
    """Merge two windows over the same rows into the one that had counted all of both.

    Formula: last = max(day, other_day); buckets rolled to `last` + other rolled to `last`.
    Shapes: buckets and other [n, days], day and other_day [n]; returns (buckets, day). Errors: as `roll`.

    >>> merge_windows(np.array([[5, 6, 7]]), [2], np.array([[1, 0, 0]]), [3])
    (array([[1, 6, 7]]), array([3]))
    """
    if np.shape(buckets) != np.shape(other):
        raise ValueError(f"other must have the shape of buckets {np.shape(buckets)}, shape {np.shape(other)}")
    last = np.maximum(_days(buckets, day=day), _days(other, other_day=other_day))
    return roll(buckets, day, last) + roll(other, other_day, last), last


def add_to_window(
    buckets: Ints, day: ArrayLike, rows: ArrayLike, amounts: ArrayLike, on_day: ArrayLike
) -> tuple[Ints, Ints]:
    """Count a batch of events into their day buckets; what is older than the window is forgotten at once.

    Formula: last_r = max(day_r, on_day of r's events); column t mod days of r, rolled to last_r, grows by the sum of
    r's amounts on day t, for t > last_r - days.
    Shapes: buckets [n, days], day [n]; rows, amounts and on_day [m] (or scalars); returns new (buckets, day).
    Errors: as `roll`; ValueError where rows lie outside [0, n) or amounts are not integers.

    >>> add_to_window(np.zeros((1, 3), np.int64), [2], rows=[0, 0], amounts=1, on_day=[0, 3])
    (array([[1, 0, 0]]), array([3]))
    """
    index = _rows(rows, len(buckets))
    days = np.broadcast_to(_ints("on_day", on_day), index.shape)
    last = _days(buckets, day=day).copy()
    np.maximum.at(last, index, days)
    total = roll(buckets, day, last)
    recent = days > last[index] - buckets.shape[1]
    counted = np.broadcast_to(_ints("amounts", amounts), index.shape)[recent]
    np.add.at(total, (index[recent], days[recent] % buckets.shape[1]), counted)
    return total, last


def _day_of_column(buckets: Ints, last: Ints) -> Ints:
    """Day that each column of each row stands for: the latest one <= last with that remainder."""
    return np.asarray(last[:, None] - _age_of_column(buckets, last))


def _age_of_column(buckets: Ints, last: Ints) -> Ints:
    """By how many days each column of each row is older than the row's last day."""
    days = buckets.shape[1]
    column = np.arange(days)
    return np.asarray(((column[:, None] - column) % days)[last % days])


def _ints(name: str, value: ArrayLike) -> Ints:
    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"{name} must be integers, shape {array.shape}: {array.dtype}")
    return array.astype(np.int64, copy=False)


def _days(buckets: Ints, **named: ArrayLike) -> Ints:
    if np.ndim(buckets) != 2 or buckets.shape[1] == 0 or buckets.dtype.kind not in "iu":
        raise ValueError(f"buckets must be integers [n, days >= 1], shape {np.shape(buckets)}")
    ((name, value),) = named.items()
    if np.shape(value) not in ((), (len(buckets),)):
        raise ValueError(f"{name} must be a scalar or [{len(buckets)}], shape {np.shape(value)}")
    return np.broadcast_to(_ints(name, value), (len(buckets),))


def _rows(rows: ArrayLike, size: int) -> Ints:
    index = _ints("rows", rows)
    if index.ndim != 1 or (index.size and not 0 <= index.min() <= index.max() < size):
        raise ValueError(f"rows must be [m] within [0, {size}), shape {index.shape}")
    return index
