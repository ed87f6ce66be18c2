"""P-MMF: the projection is one, the limits hold, and welfare comes close to the best one known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from fairshot.algorithms.p_mmf import mmf_welfare, p_mmf, project_prices, provider_fill

prices = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=6)


def subsidy(mu: np.ndarray, capacity: np.ndarray) -> float:
    return float(np.maximum(-mu * capacity, 0).sum())


@settings(deadline=None)
@given(prices, st.floats(0, 3))
def test_projected_prices_are_feasible_and_stay_where_they_are(
    log: list[tuple[float, float]], trade_off: float
) -> None:
    mu, capacity = np.array(log).T
    once = project_prices(mu, capacity, trade_off)
    assert subsidy(once, capacity) <= trade_off + 1e-9
    np.testing.assert_allclose(project_prices(once, capacity, trade_off), once, atol=1e-9)
    if subsidy(mu, capacity) <= trade_off:
        np.testing.assert_allclose(once, mu, atol=1e-300)


@settings(deadline=None)
@given(prices, st.floats(0.1, 3), st.integers(0, 2**32 - 1))
def test_no_feasible_prices_are_nearer(log: list[tuple[float, float]], trade_off: float, seed: int) -> None:
    mu, capacity = np.array(log).T
    once = project_prices(mu, capacity, trade_off)
    rng = np.random.default_rng(seed)
    other = rng.normal(0, 1, (50, len(mu)))
    other *= np.minimum(1, trade_off / np.maximum(np.maximum(-other, 0).sum(1, keepdims=True), 1e-12))
    best = np.square(other - mu * capacity).sum(axis=1).min()
    assert np.square(once * capacity - mu * capacity).sum() <= best + 1e-9


def best_welfare(scores: np.ndarray, owner: np.ndarray, capacity: np.ndarray, k: int, trade_off: float) -> float:
    """The upper bound from the linear programme over fractional slates."""
    requests, items = scores.shape
    columns = requests * items + 1
    fair = np.zeros((len(capacity), columns))
    for provider in range(len(capacity)):
        fair[provider, :-1] = np.tile(owner == provider, requests) / requests
    below, above = fair.copy(), -fair
    above[:, -1] = capacity
    slate = np.hstack((np.kron(np.eye(requests), np.ones(items)), np.zeros((requests, 1))))
    aim = np.append(-scores.ravel() / requests, -trade_off)
    answer = linprog(
        aim,
        A_ub=np.vstack((below, above)),
        b_ub=np.append(capacity, np.zeros(len(capacity))),
        A_eq=slate,
        b_eq=np.full(requests, k),
        bounds=(0, 1),
    )
    assert answer.fun is not None
    return -float(answer.fun)


def test_welfare_is_near_the_linear_programme_and_above_plain_ranking() -> None:
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(4), 5)
    scores = rng.random((200, 20)) * 0.6 + np.array([0.4, 0.2, 0.1, 0.0])[owner]
    capacity, k, trade_off = np.full(4, 4 / 4 * 2.0), 4, 1.0
    top = np.argsort(-scores, axis=1)[:, :k]
    fair = p_mmf(scores, owner, capacity, k, trade_off=trade_off)
    bound = best_welfare(scores, owner, capacity, k, trade_off)
    got = mmf_welfare(scores, fair, owner, capacity, trade_off)
    assert mmf_welfare(scores, top, owner, capacity, trade_off) < got <= bound + 1e-6
    assert got > 0.97 * bound
    assert provider_fill(fair, owner, capacity).min() > 2 * provider_fill(top, owner, capacity).min()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_slates_hold_distinct_items_and_capacity_is_kept_where_it_can_be(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(3), 4)
    capacity = np.full(3, k / 2)
    slates = p_mmf(rng.random((40, 12)), owner, capacity, k)
    assert all(len(set(slate)) == k for slate in slates.tolist())
    # A slate is drawn up as a whole: capacity may be passed within the last one.
    assert provider_fill(slates, owner, capacity).max() <= 1 + k / (40 * capacity[0])


def test_without_trade_off_and_with_ample_capacity_the_ranking_is_plain() -> None:
    scores = np.random.default_rng(2).random((30, 8))
    slates = p_mmf(scores, np.arange(8) % 2, [9.0, 9.0], 3, trade_off=0.0)
    np.testing.assert_array_equal(slates, np.argsort(-scores, axis=1)[:, :3])


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"capacity of shape \(2,\) must be positive and sum"):
        p_mmf(np.ones((1, 2)), [0, 1], [0.5, 0.4], 1)
    with pytest.raises(ValueError, match="k must lie within"):
        p_mmf(np.ones((1, 2)), [0, 1], [5, 5], 3)
    with pytest.raises(ValueError, match=r"providers must have shape \(2\)"):
        p_mmf(np.ones((1, 2)), [0], [1.0, 1.0], 1)
