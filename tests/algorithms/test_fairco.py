"""The controller holds disparity at O(1/t), needs no boost when fair, and forgets when told to."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fairshot.algorithms.exposure_disparity import group_totals, overall_disparity
from fairshot.algorithms.fairco import fairco_error, fairco_order, fairco_received
from fairshot.algorithms.ranked_hits import discounts

shares = st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 5)), min_size=1, max_size=5)


@settings(deadline=None)
@given(shares, st.floats(0, 20))
def test_the_error_is_zero_for_the_best_served_and_never_above_the_limit(
    log: list[tuple[float, float]], limit: float
) -> None:
    received, merit = np.array(log).T
    error = fairco_error(received, merit, limit)
    assert error[np.argmax(received / merit)] == 0
    assert np.all((error >= 0) & (error <= limit))


@settings(deadline=None)
@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_within_a_group_the_boost_never_changes_the_order(error: float, relevance: list[float]) -> None:
    order = fairco_order(relevance, [0] * len(relevance), [error], 1.0)
    assert np.all(np.diff(np.asarray(relevance)[order]) <= 1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_rounds_times_disparity_stay_bounded(seed: int, count: int) -> None:
    """Exposure control of several groups: without it the product grows with the rounds.

    Where no ranking could give exposure by merit (the best groups deserve more than the first places hold), none can
    bound it.
    """
    rng = np.random.default_rng(seed)
    groups = np.arange(5 * count) % count
    relevance = rng.uniform(0.3, 0.9, len(groups)) + 0.1 * groups
    merit = group_totals(relevance, groups, count)
    weights, received = discounts(len(groups)), np.zeros(count)
    deserved = np.cumsum(np.sort(merit / merit.sum())[::-1])
    assume(np.all(deserved <= np.cumsum(weights / weights.sum())[4::5] + 1e-9))
    scaled = np.empty(600)
    for past in range(600):
        order = fairco_order(relevance, groups, fairco_error(received, merit), 0.1)
        examined = np.empty(len(groups))
        examined[order] = weights
        received = fairco_received(received, group_totals(examined, groups, count))
        scaled[past] = overall_disparity(received, merit)
    assert scaled[300:].max() <= max(20.0, 1.5 * scaled[:300].max())
    assert scaled[-1] / 600 < 0.05


def test_without_control_the_product_grows() -> None:
    groups, relevance = np.array([0, 0, 1, 1]), np.array([0.9, 0.8, 0.7, 0.6])
    merit, weights = group_totals(relevance, groups, 2), discounts(4)
    received = group_totals(weights, groups, 2)
    assert overall_disparity(600 * received, merit) > 100


@settings(deadline=None)
@given(st.floats(0.1, 100), st.floats(0.01, 5))
def test_a_forgotten_debt_is_bounded_by_the_half_life(half_life: float, gap: float) -> None:
    owed = np.zeros(2)
    for _ in range(300):
        owed = fairco_received(owed, [gap, 0.0], 1.0, half_life)
    assert fairco_error(owed, [1.0, 1.0])[1] <= gap * (half_life / np.log(2) + 1)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"received .*shape \(0,\)"):
        fairco_error([], [])
    with pytest.raises(ValueError, match="limit"):
        fairco_error([1.0], [1.0], -1.0)
    with pytest.raises(ValueError, match=r"groups of shape \(1,\)"):
        fairco_order([1.0], [1], [0.0])
    with pytest.raises(ValueError, match="half_life"):
        fairco_received([1.0], [1.0], 1.0, 0.0)
