"""Scale's targets: admirers end up at one level, others stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.scale import scale_targets, scale_weights


def case(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    liked = rng.random((6, 9)) < 0.4
    liked[:, 0] = True
    return rng.uniform(0.1, 1.0, (6, 9)), liked


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_strength_one_puts_all_admirers_at_the_same_mean(seed: int) -> None:
    scores, liked = case(seed)
    targets = scale_targets(scores, liked, 1.0)
    means = np.where(liked, targets, 0).sum(axis=1) / liked.sum(axis=1)
    np.testing.assert_allclose(means, means[0])


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 8))
def test_only_admirers_move_and_only_up(seed: int, strength: float) -> None:
    scores, liked = case(seed)
    targets = scale_targets(scores, liked, strength)
    np.testing.assert_array_equal(targets[~liked], scores[~liked])
    assert np.all(targets >= scores - 1e-12)
    assert scale_weights(scores, liked, strength).min() == pytest.approx(1.0)


def test_strength_zero_changes_nothing() -> None:
    scores, liked = case(0)
    np.testing.assert_array_equal(scale_targets(scores, liked, 0.0), scores)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"liked of shape \(1, 1\) has items that nobody likes: \[0\]"):
        scale_weights([[1.0]], [[False]])
    with pytest.raises(ValueError, match=r"scores of shape \(1, 1\) must not be negative"):
        scale_weights([[-1.0]], [[True]])
    with pytest.raises(ValueError, match=r"scores of shape \(1, 1\) are zero for every admirer"):
        scale_weights([[0.0]], [[True]])
    with pytest.raises(ValueError, match="strength"):
        scale_targets([[1.0]], [[True]], -1.0)
