"""Backward rewards are marginal contributions to welfare, whatever the slate."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import backward_rewarding as br
from fairshot.algorithms.ranked_hits import discounts

score_lists = st.lists(st.floats(0, 1e3), min_size=1, max_size=9)


@given(score_lists, st.integers(1, 12))
def test_reward_is_the_marginal_contribution(scores: list[float], positions: int) -> None:
    weights = discounts(positions)
    rewards, total = br.backward_rewards(scores, weights), br.welfare(scores, weights)
    for i in range(len(scores)):
        rest = scores[:i] + scores[i + 1 :]
        without = br.welfare(rest, weights) if rest else 0.0
        assert rewards[i] == pytest.approx(float(total - without), abs=1e-9)


@given(score_lists, st.integers(1, 12))
def test_rewards_are_monotone_and_within_the_welfare(scores: list[float], positions: int) -> None:
    weights = discounts(positions)
    rewards = br.backward_rewards(scores, weights)
    assert np.all(rewards >= 0)
    assert rewards.sum() <= br.welfare(scores, weights) + 1e-9
    assert np.all(np.diff(rewards[np.argsort(scores, kind="stable")]) >= -1e-9)


@given(score_lists)
def test_a_clone_is_worth_only_the_next_position(scores: list[float]) -> None:
    """With one position, a copy of the best takes the credit of both away."""
    rewards = br.backward_rewards([*scores, max(scores)], [1.0])
    np.testing.assert_allclose(rewards, 0, atol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_many_requests_at_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, weights = rng.random((3, 4, 5)), discounts(3)
    rewards = br.backward_rewards(scores, weights)
    np.testing.assert_allclose(rewards[1, 2], br.backward_rewards(scores[1, 2], weights))
    np.testing.assert_allclose(br.welfare(scores, weights)[1, 2], br.welfare(scores[1, 2], weights))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: br.backward_rewards([], [1.0]), r"scores .*\(0,\)"),
        (lambda: br.backward_rewards([-1.0], [1.0]), r"scores .*\(1,\)"),
        (lambda: br.welfare([1.0], []), r"weights .*\(0,\)"),
        (lambda: br.welfare([1.0], [0.5, 1.0]), r"weights .*\(2,\)"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
