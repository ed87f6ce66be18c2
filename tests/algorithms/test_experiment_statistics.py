"""Statistics of experiments: moments merge, A/A tests are right, CUPED and the delta method earn their keep."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from fairshot.algorithms import experiment_statistics as es

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_moments_merge_in_any_grouping(seed: int, a: int, b: int, c: int) -> None:
    table = np.random.default_rng(seed).normal(5, 2, (a + b + c, 2))
    one, two, three = (es.moments(part) for part in np.split(table, [a, a + b]))
    whole = es.moments(table)
    for merged in (
        es.merge_moments(es.merge_moments(one, two), three),
        es.merge_moments(three, es.merge_moments(two, one)),
    ):
        assert merged.count == whole.count
        np.testing.assert_allclose(merged.mean, whole.mean)
        np.testing.assert_allclose(merged.scatter, whole.scatter, atol=1e-9)


def test_the_empty_moments_are_the_identity() -> None:
    empty, some = es.Moments(0, np.zeros(2), np.zeros((2, 2))), es.moments([[1.0, 2.0], [3.0, 5.0]])
    for merged in (es.merge_moments(empty, some), es.merge_moments(some, empty)):
        np.testing.assert_allclose(merged.mean, some.mean)
        np.testing.assert_allclose(merged.scatter, some.scatter)
    assert es.merge_moments(empty, empty).count == 0


@given(seeds)
def test_mean_difference_agrees_with_welch_on_large_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 1, 3000), rng.normal(0.05, 2, 2000)
    found = es.mean_difference(es.moments(a), es.moments(b))
    assert found.p_value == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue, abs=2e-3)
    assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)


def false_positives(draw: Callable[[np.random.Generator], es.Moments], test: Callable[..., es.Effect]) -> float:
    rng = np.random.default_rng(12)
    return float(np.mean([test(draw(rng), draw(rng)).p_value < 0.05 for _ in range(2000)]))


def clicks(rng: np.random.Generator, users: int = 400) -> es.Moments:
    """Clicks and impressions of users who differ in both."""
    shown = rng.poisson(rng.gamma(2, 10, users)) + 1
    return es.moments(np.column_stack([rng.binomial(shown, rng.beta(2, 20, users)), shown]))


@pytest.mark.parametrize("test", [es.mean_difference, es.ratio_difference, es.cuped_difference])
def test_equal_arms_differ_in_five_percent(test: Callable[..., es.Effect]) -> None:
    assert false_positives(clicks, test) == pytest.approx(0.05, abs=0.01)


@given(seeds)
def test_cuped_keeps_the_effect_and_removes_the_explained_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.normal(size=(2, 4000))
    after = 0.8 * before + 0.6 * rng.normal(size=(2, 4000)) + np.array([[0.0], [0.1]])
    control, treatment = (es.moments(np.column_stack([y, x])) for y, x in zip(after, before, strict=True))
    plain, cuped = es.mean_difference(control, treatment), es.cuped_difference(control, treatment)
    assert (cuped.standard_error / plain.standard_error) ** 2 == pytest.approx(1 - 0.8**2, abs=0.03)
    assert abs(cuped.difference - 0.1) < 5 * cuped.standard_error


def test_cuped_with_a_constant_covariate_is_the_plain_difference() -> None:
    a, b = (es.moments([[y, 1.0] for y in values]) for values in ([1.0, 2.0, 4.0], [2.0, 5.0, 3.0]))
    assert es.cuped_difference(a, b) == es.mean_difference(a, b)


def test_sample_size_reaches_its_power() -> None:
    rng, size = np.random.default_rng(7), es.sample_size(sd=2.0, effect=0.5)
    arms = [(es.moments(rng.normal(0, 2, size)), es.moments(rng.normal(0.5, 2, size))) for _ in range(1000)]
    found = np.mean([es.mean_difference(a, b).p_value < 0.05 for a, b in arms])
    assert found == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(("total", "power"), [(100_000, 0.45), (210_000, 0.90)])
def test_power_of_the_ratio_alarm_is_what_simulation_finds(total: int, power: float) -> None:
    heads = np.random.default_rng(8).binomial(total, 0.495, 2000)
    alarms = np.mean([es.sample_ratio_mismatch([n, total - n], [0.5, 0.5]) < 0.001 for n in heads])
    assert es.sample_ratio_power(total, [0.495, 0.505], [0.5, 0.5]) == pytest.approx(power, abs=0.01)
    assert alarms == pytest.approx(power, abs=0.03)


def test_peeking_is_safe_with_always_valid_intervals_and_not_without() -> None:
    rng, runs, looks = np.random.default_rng(9), 400, 40
    peeked, safe = np.zeros(runs, bool), np.zeros(runs, bool)
    for run in range(runs):
        arms = [es.moments(rng.normal(size=50)) for _ in range(2)]
        for _ in range(looks):
            arms = [es.merge_moments(arm, es.moments(rng.normal(size=50))) for arm in arms]
            effect = es.mean_difference(arms[0], arms[1])
            low, high = es.always_valid_interval(effect, expected=0.1)
            peeked[run] |= effect.p_value < 0.05
            safe[run] |= not low <= 0 <= high
    assert safe.mean() <= 0.05
    assert peeked.mean() > 0.2


def test_twenty_units_are_enough_to_look_and_two_are_not() -> None:
    """Share of A/A tests stopped at any of the sizes from the first look to 500, by that first look."""
    n = np.arange(1, 501)
    means, variances = [], []
    for arm in np.random.default_rng(15).normal(size=(2, 3000, 500)):
        mean = arm.cumsum(axis=1) / n
        means.append(mean)
        variances.append(((arm**2).cumsum(axis=1) - n * mean**2) / np.maximum(n - 1, 1))
    squared, tau = np.maximum(sum(variances) / n, 1e-12), 1.0
    half = np.sqrt((2 * np.log(20) + np.log1p(tau / squared)) * squared * (squared + tau) / tau)
    out = np.abs(means[1] - means[0]) > half
    assert out[:, es.FEWEST_UNITS - 1 :].any(axis=1).mean() <= 0.05
    assert out[:, 1:].any(axis=1).mean() > 0.1
    effect = es.Effect(1.0, 0.5, 0.0, 2.0, 0.05)
    low, high = es.always_valid_interval(effect, tau)
    assert (high - low) / 2 == pytest.approx(np.sqrt((2 * np.log(20) + np.log1p(4)) * 0.25 * 1.25))


def test_balance_is_measured_in_standard_deviations() -> None:
    a, b = np.random.default_rng(10).normal(0, 3, (2, 20_000))
    found = es.standardised_difference(es.moments(np.column_stack([a, 0 * a])), es.moments(np.c_[b + 0.6, 0 * b]))
    assert found == pytest.approx([0.2, 0.0], abs=0.03)


ONE, TWO = es.moments([1.0, 2.0]), es.moments([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: es.moments(np.zeros((0, 2))), r"values .*\(0, "),
        (lambda: es.moments([np.nan]), r"values .*\(1,\)"),
        (lambda: es.merge_moments(ONE, TWO), r"other .*\(2,\)"),
        (lambda: es.mean_difference(es.moments([1.0]), ONE), r"moments .*\(1, 1\)"),
        (lambda: es.mean_difference(ONE, ONE, confidence=1.0), "confidence"),
        (lambda: es.ratio_difference(ONE, ONE), r"moments .*\(1,\)"),
        (lambda: es.cuped_difference(ONE, TWO), r"moments .*\(1,\)"),
        (lambda: es.sample_size(1.0, 0.0), "effect"),
        (lambda: es.sample_size(1.0, 0.1, power=1.0), "power"),
        (lambda: es.sample_ratio_mismatch([5], [1.0]), r"shares .*\(1,\)"),
        (lambda: es.sample_ratio_mismatch([5, 5], [0.5, 0.6]), r"shares .*\(2,\)"),
        (lambda: es.sample_ratio_mismatch([0, 0], [0.5, 0.5]), r"counts .*\(2,\)"),
        (lambda: es.sample_ratio_power(0, [0.5, 0.5], [0.5, 0.5]), "total"),
        (lambda: es.always_valid_interval(es.mean_difference(ONE, ONE), expected=0.0), "expected"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
