"""FairRec's two guarantees on any matrix: enough slates for every provider, envy up to one item."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.fairrec import (
    envy_beyond_one,
    fairrec,
    guaranteed_slates,
    provider_slates,
    settle_envy,
)


@pytest.mark.parametrize(
    ("users", "providers", "k", "guarantee", "slates"),
    [(100, 50, 25, 0.58, 29), (100, 100, 100, 0.29, 29), (100, 100, 100, 0.2899, 28), (7, 7, 3, 1.0, 3)],
)
def test_the_guarantee_is_the_floor_in_decimal(
    users: int, providers: int, k: int, guarantee: float, slates: int
) -> None:
    assert guaranteed_slates(users, providers, k, guarantee) == slates


@st.composite
def markets(draw: st.DrawFn) -> tuple[np.ndarray, int, float]:
    users, providers = draw(st.integers(1, 10)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = {
        "independent": rng.random((users, providers)),
        "skewed": rng.random((users, providers)) * rng.random(providers) ** 4,
        "tied": rng.integers(0, 3, (users, providers)).astype(float),
        "alike": np.tile(rng.random(providers) ** 6, (users, 1)),
    }
    relevance = shapes[draw(st.sampled_from(sorted(shapes)))]
    return relevance, draw(st.integers(1, providers)), draw(st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0]))


@settings(max_examples=200, deadline=None)
@given(markets())
def test_every_provider_has_its_guarantee_and_envy_is_up_to_one_item(
    market: tuple[np.ndarray, int, float],
) -> None:
    relevance, k, guarantee = market
    slates = fairrec(relevance, k, guarantee)
    users, providers = relevance.shape
    assert provider_slates(slates, providers).min() >= guaranteed_slates(users, providers, k, guarantee)
    assert all(len(set(slate)) == k for slate in slates.tolist())
    assert envy_beyond_one(relevance, slates) <= 1e-9


def test_the_least_exposure_is_the_guarantee_where_nobody_wants_the_tail() -> None:
    rng = np.random.default_rng(3)
    relevance = rng.random((60, 30)) * np.linspace(1, 0.01, 30) ** 3
    for guarantee in (0.2, 0.5, 0.9):
        slates = fairrec(relevance, 5, guarantee, order=rng.permutation(60))
        assert provider_slates(slates, 30).min() == guaranteed_slates(60, 30, 5, guarantee)


def test_without_a_guarantee_everyone_gets_their_best() -> None:
    relevance = np.random.default_rng(0).random((7, 9))
    np.testing.assert_array_equal(fairrec(relevance, 3, 0.0), np.argsort(-relevance, axis=1)[:, :3])


def test_a_full_guarantee_where_copies_would_be_stranded() -> None:
    """One user comes last and finds only copies of what they hold already."""
    relevance = np.array([[0.9, 0.8, 0.1], [0.9, 0.8, 0.1], [0.1, 0.8, 0.9]])
    assert provider_slates(fairrec(relevance, 2), 3).tolist() == [2, 2, 2]


def test_exchanges_keep_every_providers_count() -> None:
    relevance = np.random.default_rng(1).random((6, 12))
    unfair = np.vstack([np.argsort(-relevance[0])[:4]] * 3 + [np.argsort(relevance[0])[:4]] * 3)
    settled = settle_envy(relevance, unfair)
    np.testing.assert_array_equal(provider_slates(settled, 12), provider_slates(unfair, 12))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="k <= providers"):
        fairrec(np.ones((2, 2)), 3)
    with pytest.raises(ValueError, match=r"order of shape \(2,\) must be a permutation"):
        fairrec(np.ones((2, 2)), 1, order=[0, 0])
    with pytest.raises(ValueError, match="slates must have shape"):
        envy_beyond_one(np.ones((2, 2)), [[0]])
