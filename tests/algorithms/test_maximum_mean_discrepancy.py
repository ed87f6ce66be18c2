"""MMD: zero for equal samples, positive for others, and the fast form equals the definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.maximum_mean_discrepancy import (
    characteristic_mmd,
    kernel_frequencies,
    maximum_mean_discrepancy,
)

samples = st.lists(st.floats(-3, 3), min_size=1, max_size=20)


@settings(deadline=None)
@given(samples, st.randoms(use_true_random=False))
def test_equal_samples_in_any_order_have_none(sample: list[float], random: object) -> None:
    assert maximum_mean_discrepancy(sample, sample[::-1]) == pytest.approx(0, abs=1e-12)
    assert characteristic_mmd(sample, sorted(sample)) == pytest.approx(0, abs=1e-12)


@settings(deadline=None)
@given(samples, samples)
def test_it_is_a_symmetric_non_negative_bounded_gap(first: list[float], second: list[float]) -> None:
    gap = maximum_mean_discrepancy(first, second)
    assert -1e-12 <= gap <= 2
    assert gap == pytest.approx(maximum_mean_discrepancy(second, first))


@settings(deadline=None)
@given(samples, samples)
def test_the_fast_form_equals_the_definition(first: list[float], second: list[float]) -> None:
    expected = maximum_mean_discrepancy(first, second)
    assert characteristic_mmd(first, second) == pytest.approx(expected, abs=1e-8)


def test_weights_of_the_frequencies_sum_to_one() -> None:
    assert kernel_frequencies()[1].sum() == pytest.approx(1.0)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"first .*shape \(0,\)"):
        maximum_mean_discrepancy([], [1.0])
    with pytest.raises(ValueError, match="nodes"):
        characteristic_mmd([0.0], [np.pi], nodes=0)


@settings(deadline=None)
@given(st.floats(0, 40), st.integers(1, 64))
def test_the_fast_form_is_right_or_refuses(span: float, nodes: int) -> None:
    first, second = np.linspace(0, span, 7), np.linspace(0, span, 5) ** 2 / max(span, 1)
    try:
        found = characteristic_mmd(first, second, nodes)
    except ValueError as refusal:
        assert "too wide" in str(refusal)  # noqa: PT017 - either outcome is right
        assert nodes < 32 or span > 6
    else:
        assert found == pytest.approx(maximum_mean_discrepancy(first, second), abs=4e-9)


def test_a_range_beyond_the_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"range over 20: too wide for 32 nodes"):
        characteristic_mmd([0.0, 20.0], [10.0])
    with pytest.raises(ValueError, match="too wide for 4 nodes"):
        characteristic_mmd([0.0, 6.0], [1.0], nodes=4)
