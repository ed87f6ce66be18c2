"""Laws of disparity: antisymmetry, zero under proportional treatment, independence of scale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.exposure_disparity import (
    group_totals,
    overall_disparity,
    pairwise_disparity,
    received_per_merit,
)

amounts = st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 10)), min_size=1, max_size=6)


@settings(deadline=None)
@given(amounts)
def test_disparity_is_antisymmetric_and_its_summary_the_mean_over_pairs(log: list[tuple[float, float]]) -> None:
    received, merit = np.array(log).T
    gaps = pairwise_disparity(received, merit)
    np.testing.assert_allclose(gaps, -gaps.T)
    upper = np.abs(gaps[np.triu_indices(len(log), 1)])
    assert overall_disparity(received, merit) == pytest.approx(upper.mean() if len(upper) else 0.0)


@settings(deadline=None)
@given(amounts, st.floats(0.1, 10))
def test_attention_in_proportion_to_merit_has_no_disparity(log: list[tuple[float, float]], rate: float) -> None:
    merit = np.array([due for _, due in log])
    assert overall_disparity(rate * merit, merit) == pytest.approx(0, abs=1e-9)


def test_sums_and_means_over_a_group_give_the_same_ratio() -> None:
    groups = np.array([0, 0, 0, 1])
    exposure, relevance = np.array([0.5, 0.2, 0.1, 0.7]), np.array([0.4, 0.3, 0.2, 0.9])
    sizes = np.bincount(groups)
    received, merit = group_totals(exposure, groups, 2), group_totals(relevance, groups, 2)
    np.testing.assert_allclose(received_per_merit(received, merit), (received / sizes) / (merit / sizes))


def test_a_group_without_merit_is_divided_by_the_floor() -> None:
    assert received_per_merit([1e-4], [0.0])[0] == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"merit must have shape \(2\)"):
        received_per_merit([1.0, 2.0], [1.0])
