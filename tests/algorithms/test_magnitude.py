"""Tempered magnitudes: directions stay, lengths draw together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.magnitude import temper_magnitudes, temper_spreads


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_directions_stay_and_the_order_of_lengths_too(seed: int, strength: float) -> None:
    vectors = np.random.default_rng(seed).normal(size=(8, 3))
    tempered = temper_magnitudes(vectors, strength)
    before, after = np.linalg.norm(vectors, axis=1), np.linalg.norm(tempered, axis=1)
    np.testing.assert_allclose(tempered / after[:, None], vectors / before[:, None])
    assert after.max() / after.min() == pytest.approx((before.max() / before.min()) ** (1 - strength))


def test_ends_of_the_scale() -> None:
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [0.6, 0.8]])
    np.testing.assert_array_equal(temper_magnitudes(vectors, 0.0), vectors)
    assert np.linalg.norm(temper_magnitudes(vectors, 1.0), axis=1).tolist() == pytest.approx([2.0, 0.0, 2.0])


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="strength"):
        temper_magnitudes([[1.0]], 1.5)
    with pytest.raises(ValueError, match=r"embeddings must have shape .* got shape \(1,\)"):
        temper_magnitudes([1.0], 0.5)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_tempered_spreads_keep_means_and_each_items_order_of_users(seed: int, strength: float) -> None:
    scores = np.random.default_rng(seed).normal(size=(5, 8)) * np.arange(1, 6)[:, None]
    tempered = temper_spreads(scores, strength)
    np.testing.assert_allclose(tempered.mean(axis=1), scores.mean(axis=1))
    np.testing.assert_array_equal(np.argsort(tempered, axis=1), np.argsort(scores, axis=1))
    before, after = scores.std(axis=1), tempered.std(axis=1)
    assert after.max() / after.min() == pytest.approx((before.max() / before.min()) ** (1 - strength))


def test_an_item_with_equal_scores_stays() -> None:
    np.testing.assert_array_equal(temper_spreads([[2.0, 2.0], [0.0, 1.0]], 1.0)[0], [2.0, 2.0])
