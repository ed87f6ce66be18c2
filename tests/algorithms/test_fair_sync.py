"""FairSync: the augmented product is score minus price, and minima are reached inside retrieval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.fair_sync import augmented_items, augmented_query, fair_sync, moved_prices


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_the_augmented_product_is_the_score_less_the_price(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    items, queries = rng.normal(size=(7, 3)), rng.normal(size=(4, 3))
    groups, prices = rng.integers(0, count, 7), -rng.random(count)
    product = augmented_query(queries, prices) @ augmented_items(items, groups, count).T
    np.testing.assert_allclose(product, queries @ items.T - prices[groups])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_minima_are_reached_to_within_a_few_positions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat([0, 1, 2], 10)
    items = rng.normal(size=(30, 6)) * np.array([1.5, 1.0, 0.3])[groups][:, None]
    queries = rng.normal(size=(300, 6))
    minimum = np.array([0, 200, 300])
    slates = fair_sync(queries, items, groups, minimum, 5, step=0.05)
    received = np.bincount(groups[slates].ravel(), minlength=3)
    assert np.all(received >= minimum - 10)


def test_without_minima_retrieval_is_plain() -> None:
    rng = np.random.default_rng(1)
    items, queries = rng.normal(size=(9, 2)), rng.normal(size=(5, 2))
    slates = fair_sync(queries, items, np.zeros(9, int), [0], 4)
    np.testing.assert_array_equal(slates, np.argsort(-queries @ items.T, axis=1)[:, :4])


def test_prices_are_subsidies_only() -> None:
    assert moved_prices([-0.1], [5.0], [1.0], 1.0)[0] == 0.0


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"minimum of shape \(1,\) asks for more than 2"):
        fair_sync([[1.0]] * 2, [[1.0]], [0], [3], 1)
    with pytest.raises(ValueError, match="k must lie within"):
        fair_sync([[1.0]], [[1.0]], [0], [0], 2)
    with pytest.raises(ValueError, match=r"groups of shape \(1,\)"):
        augmented_items([[1.0]], [1], 1)
