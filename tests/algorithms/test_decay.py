"""Decayed sums and day windows are commutative monoids: order and partition of the events cannot matter."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import decay

HALF_LIFE = 3.0 * decay.MICROSECONDS_PER_DAY
ROWS, DAYS = 3, 4
times = st.integers(0, 40 * decay.MICROSECONDS_PER_DAY)
events = st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(-5, 5), times), max_size=30)
Events = list[tuple[int, int, int]]


def columns(batch: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(batch, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def sums(batch: Events) -> tuple[np.ndarray, np.ndarray]:
    rows, amounts, at = columns(batch)
    return decay.add_decayed(np.zeros(ROWS), np.zeros(ROWS, np.int64), rows, amounts, at, HALF_LIFE)


def windows(batch: Events) -> tuple[np.ndarray, np.ndarray]:
    rows, amounts, at = columns(batch)
    empty = np.zeros((ROWS, DAYS), np.int64), np.zeros(ROWS, np.int64)
    return decay.add_to_window(*empty, rows, amounts, decay.day_of(at))


@given(events, events, events)
def test_decayed_sums_merge_in_any_grouping_and_order(a: Events, b: Events, c: Events) -> None:
    whole = sums(a + b + c)
    left = decay.merge_decayed(*decay.merge_decayed(*sums(a), *sums(b), HALF_LIFE), *sums(c), HALF_LIFE)
    right = decay.merge_decayed(*sums(c), *decay.merge_decayed(*sums(b), *sums(a), HALF_LIFE), HALF_LIFE)
    for value, last in (left, right):
        np.testing.assert_allclose(value, whole[0], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(last, whole[1])


@given(events)
def test_the_empty_decayed_sum_is_the_identity(a: Events) -> None:
    value, last = decay.merge_decayed(*sums(a), *sums([]), HALF_LIFE)
    np.testing.assert_array_equal(value, sums(a)[0])
    np.testing.assert_array_equal(last, sums(a)[1])


@given(events, times)
def test_a_decayed_sum_equals_its_definition(a: Events, later: int) -> None:
    now = 40 * decay.MICROSECONDS_PER_DAY + later
    seen = decay.decayed(*sums(a), now, HALF_LIFE)
    for row in range(ROWS):
        wanted = sum(amount * 2.0 ** (-(now - at) / HALF_LIFE) for r, amount, at in a if r == row)
        assert seen[row] == pytest.approx(wanted, abs=1e-9)


# Far above the subnormal numbers, which have no relative precision to compare by.
far_from_zero = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-200)


@given(far_from_zero, times, times)
def test_decay_in_two_steps_is_decay_in_one(value: float, first: int, second: int) -> None:
    halfway = decay.decayed(value, 0, first, HALF_LIFE)
    twice = decay.decayed(halfway, first, first + second, HALF_LIFE)
    np.testing.assert_allclose(twice, decay.decayed(value, 0, first + second, HALF_LIFE), rtol=1e-12)


@given(events, events, events)
def test_windows_merge_exactly(a: Events, b: Events, c: Events) -> None:
    whole = windows(a + b + c)
    left = decay.merge_windows(*decay.merge_windows(*windows(a), *windows(b)), *windows(c))
    right = decay.merge_windows(*windows(c), *decay.merge_windows(*windows(b), *windows(a)))
    for merged in (left, right, windows(c + a + b), decay.merge_windows(*whole, *windows([]))):
        np.testing.assert_array_equal(merged[0], whole[0])
        np.testing.assert_array_equal(merged[1], whole[1])


@given(events, st.integers(0, 60))
def test_a_window_sum_equals_its_definition(a: Events, ahead: int) -> None:
    today = 40 + ahead
    seen = decay.window_sum(*windows(a), today)
    for row in range(ROWS):
        days = [(amount, at // decay.MICROSECONDS_PER_DAY) for r, amount, at in a if r == row]
        assert seen[row] == sum(amount for amount, day in days if today - DAYS < day <= today)


@given(events, st.integers(0, 60), st.integers(0, 60))
def test_rolling_in_two_steps_is_rolling_in_one(a: Events, first: int, second: int) -> None:
    buckets, day = windows(a)
    halfway = np.maximum(day, first)
    stepped = decay.roll(decay.roll(buckets, day, first), halfway, max(first, second))
    np.testing.assert_array_equal(stepped, decay.roll(buckets, day, max(first, second)))


def test_a_clock_behind_the_last_event_does_not_inflate() -> None:
    assert decay.decayed(2.0, 100, 50, 10.0) == 2.0


BUCKETS = np.zeros((2, 3), np.int64)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: decay.decayed(1.0, 0, 1, 0.0), "half_life"),
        (lambda: decay.decayed(1.0, 0.5, 1, 1.0), r"last_at .*\(\)"),
        (lambda: decay.decayed(np.ones(2), np.zeros(3, int), 1, 1.0), r"value \(2,\), last_at \(3,\)"),
        (lambda: decay.add_decayed(np.zeros(2), np.zeros(2, int), [2], 1, 0, 1.0), r"rows .*\(1,\)"),
        (lambda: decay.roll(np.zeros(3, int), [0], [1]), r"buckets .*\(3,\)"),
        (lambda: decay.roll(BUCKETS, [0, 0, 0], [1]), r"day .*\(3,\)"),
        (lambda: decay.window_sum(BUCKETS, [0, 0], 1.5), "today"),
        (lambda: decay.merge_windows(BUCKETS, 0, BUCKETS[:1], 0), r"other .*\(1, 3\)"),
        (lambda: decay.add_to_window(BUCKETS, 0, [-1], 1, 0), r"rows .*\(1,\)"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
