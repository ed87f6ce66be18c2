"""One list: joined scales, a lift that sets the new items' share, and gains counted among all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.cold_and_warm import cold_share, gains_by_kind, joined_scores, lift_for_share
from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain, summarise

seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seeds, st.floats(0.1, 10), st.floats(-5, 5))
def test_the_cold_models_scale_does_not_matter(seed: int, factor: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    warm, cold = rng.normal(size=(4, 6)), rng.normal(size=(4, 5))
    np.testing.assert_allclose(joined_scores(warm, cold), joined_scores(warm, factor * cold + shift))


@settings(deadline=None)
@given(seeds, st.floats(0, 1))
def test_trust_sets_the_spread_and_keeps_each_kinds_order(seed: int, trust: float) -> None:
    rng = np.random.default_rng(seed)
    warm, cold = rng.normal(size=(3, 6)), rng.normal(size=(3, 5))
    joined = joined_scores(warm, cold, trust=trust)
    np.testing.assert_array_equal(joined[:, :6], warm)
    np.testing.assert_allclose(joined[:, 6:].std(axis=1), trust * warm.std(axis=1), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.05, 0.95))
def test_the_lift_gives_new_items_their_share(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    warm, cold = rng.normal(size=(40, 30)), rng.normal(size=(40, 30))
    lift = lift_for_share(warm, cold, share, 10)
    got = cold_share(joined_scores(warm, cold, lift=lift), np.arange(60) >= 30, 10)
    assert got == pytest.approx(share, abs=0.01)


def test_gains_among_all_are_at_most_those_among_new_items_alone() -> None:
    rng = np.random.default_rng(0)
    scores, liked = rng.random((50, 40)), rng.random((50, 40)) < 0.2
    cold = np.arange(40) >= 20
    new, known = gains_by_kind(scores, liked, cold, 10)
    alone = summarise(mean_discounted_gain(scores[:, cold], liked[:, cold], 10))
    assert new.all <= alone.all
    both = np.nanmean(mean_discounted_gain(scores, liked, 10))
    assert (new.all + known.all) / 2 == pytest.approx(both, rel=0.2)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cold must have shape \(2, any"):
        joined_scores(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="trust"):
        joined_scores(np.ones((2, 2)), np.ones((2, 2)), trust=2.0)
    with pytest.raises(ValueError, match="gains"):
        gains_by_kind(np.ones((1, 2)), np.ones((1, 2), bool), np.array([True, True]))


def test_a_share_that_no_lift_gives_is_refused() -> None:
    rng = np.random.default_rng(3)
    many, few = rng.normal(size=(5, 30)), rng.normal(size=(5, 2))
    with pytest.raises(ValueError, match=r"share must lie within \[0, 0.2\]"):
        lift_for_share(many, few, 0.5, 10)
    with pytest.raises(ValueError, match=r"share must lie within \[0.8, 1\]"):
        lift_for_share(few, many, 0.5, 10)
    with pytest.raises(ValueError, match="what lifts can give"):
        lift_for_share(np.ones((5, 30)), many, 0.5, 10)
    assert cold_share(joined_scores(many, few, lift=lift_for_share(many, few, 0.2, 10)), np.arange(32) >= 30, 10) == 0.2
