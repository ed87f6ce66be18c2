"""Mean discounted gain against the definition, its bounds, and its speed."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.mean_discounted_gain import best_share, mean_discounted_gain, summarise, worst_share


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(1, 8), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_gains_equal_the_definition(users: int, items: int, depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, liked = rng.integers(0, 4, (users, items)).astype(float), rng.random((users, items)) < 0.5
    gains = mean_discounted_gain(scores, liked, depth)
    for item in range(items):
        admirers = np.flatnonzero(liked[:, item])
        if len(admirers) == 0:
            assert np.isnan(gains[item])
            continue
        ranks = [
            1 + sum((scores[u] > scores[u, item]) | ((scores[u] == scores[u, item]) & (np.arange(items) < item)))
            for u in admirers
        ]
        expected = np.mean([1 / np.log2(1 + rank) if rank <= depth else 0.0 for rank in ranks])
        assert gains[item] == pytest.approx(expected)
        assert 0 <= gains[item] <= 1


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
def test_the_worst_share_is_at_most_the_mean_and_the_best_at_least(gains: list[float], share: float) -> None:
    assert worst_share(gains, share) <= np.mean(gains) + 1e-12
    assert best_share(gains, share) >= np.mean(gains) - 1e-12
    assert worst_share(gains, 1) == pytest.approx(best_share(gains, 1))


def test_summary_leaves_out_items_that_nobody_likes() -> None:
    assert summarise([np.nan, 0.0, 0.5], 0.5).all == 0.25
    with pytest.raises(ValueError, match="gains"):
        summarise([np.nan])


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="liked must have shape"):
        mean_discounted_gain(np.ones((2, 2)), np.ones((2, 3), bool))
    with pytest.raises(ValueError, match="share"):
        worst_share([0.1], 1.5)


def test_six_thousand_users_by_nine_hundred_items_take_less_than_a_second() -> None:
    rng = np.random.default_rng(0)
    scores, liked = rng.random((6018, 905), np.float32), rng.random((6018, 905), np.float32) < 0.05
    started = time.process_time()
    mean_discounted_gain(scores, liked)
    assert time.process_time() - started < 1.0
