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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.integers(1, 6), st.sampled_from([None, 0.0, 0.05]))
def test_minima_are_reached_on_every_scale_and_with_any_step(
    seed: int, scale: float, k: int, step: float | None
) -> None:
    rng = np.random.default_rng(seed)
    groups = np.append(rng.integers(0, 4, 12), [0, 1, 2, 3])
    items = scale * rng.normal(size=(16, 3)) + groups[:, None]
    queries = rng.normal(size=(int(rng.integers(1, 40)), 3))
    most = np.minimum(np.bincount(groups), k) * len(queries)
    share = rng.dirichlet(np.ones(4)) * rng.choice([1.0, 0.5])
    minimum = np.minimum(np.floor(share * len(queries) * k), most)
    slates = fair_sync(queries, items, groups, minimum, k, step=step)
    assert all(len(set(slate)) == k for slate in slates.tolist())
    assert np.all(np.bincount(groups[slates].ravel(), minlength=4) >= minimum)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_is_feasible_is_reached(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, k, queries = np.repeat([0, 1, 2], rng.integers(1, 4, 3)), 3, rng.normal(size=(9, 2))
    any_slates = np.array([rng.permutation(len(groups))[:k] for _ in queries])
    minimum = np.bincount(groups[any_slates].ravel(), minlength=3)
    received = np.bincount(groups[fair_sync(queries, rng.normal(size=(len(groups), 2)), groups, minimum, k)].ravel())
    np.testing.assert_array_equal(received, minimum)


def test_an_unpopular_group_is_shown_before_the_end() -> None:
    slates = fair_sync([[1.0]] * 100, [[9.0], [8.0], [1.0]], [0, 0, 1], [0, 50], 1).ravel()
    assert np.bincount(slates, minlength=3)[2] >= 50
    rng = np.random.default_rng(0)
    items, groups = rng.normal(0, 3, (40, 16)), np.repeat([0, 1], 20)
    items[20:] *= 0.1
    received = fair_sync(rng.normal(size=(400, 16)), items, groups, [0, 400], 4)
    assert groups[received].sum() >= 400
    assert groups[received[:300]].sum() >= 200, "prices move from the start, it is not all forced at the end"


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
    with pytest.raises(ValueError, match=r"100 positions of group 1, which can fill 50"):
        fair_sync([[1.0]] * 50, [[1.0], [0.5], [0.2]], [0, 0, 1], [0, 100], 2)
    with pytest.raises(ValueError, match="k must lie within"):
        fair_sync([[1.0]], [[1.0]], [0], [0], 2)
    with pytest.raises(ValueError, match=r"groups of shape \(1,\)"):
        augmented_items([[1.0]], [1], 1)
