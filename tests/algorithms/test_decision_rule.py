"""The expand / stop / graduate rule: calibrated however often one looks, within budget, and monotone."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom

from fairshot.algorithms import decision_rule as dr

seeds = st.integers(0, 2**32 - 1)
positive = st.floats(0.2, 200)
PRIOR, THRESHOLD = (1.5, 28.5), 0.05


@given(positive, positive, st.integers(0, 60))
def test_predictive_is_the_beta_binomial(alpha: float, beta: float, trials: int) -> None:
    wanted = betabinom.pmf(np.arange(trials + 1), trials, alpha, beta)
    np.testing.assert_allclose(dr.beta_binomial([alpha], [beta], trials)[0], wanted, atol=1e-9)


@given(positive, positive, st.integers(0, 40), st.floats(0.01, 0.99))
def test_graduation_probability_equals_enumeration(alpha: float, beta: float, extra: int, threshold: float) -> None:
    wins = np.arange(extra + 1)
    graduates = dr.decide(alpha + wins, beta + extra - wins, threshold) == dr.GRADUATE
    wanted = dr.beta_binomial([alpha], [beta], extra)[0][graduates].sum()
    found = dr.graduation_probability([alpha], [beta], extra, threshold)
    np.testing.assert_allclose(found, [wanted], atol=1e-12)


@given(positive, positive, st.integers(1, 50), st.floats(0.02, 0.98))
def test_a_success_helps_and_a_failure_does_not(alpha: float, beta: float, extra: int, limit: float) -> None:
    below, here, above = dr.graduation_probability([alpha, alpha, alpha + 1], [beta + 1, beta, beta], extra, limit)
    assert below <= here + 1e-12
    assert here <= above + 1e-12


@given(positive, positive, st.floats(0.02, 0.98))
def test_no_more_impressions_means_the_verdict_of_now(alpha: float, beta: float, threshold: float) -> None:
    graduated = dr.decide([alpha], [beta], threshold) == dr.GRADUATE
    assert dr.graduation_probability([alpha], [beta], 0, threshold) == graduated


@given(seeds, st.floats(0, 300))
def test_the_budget_is_never_exceeded_and_nothing_that_fits_is_left(seed: int, budget: float) -> None:
    rng = np.random.default_rng(seed)
    gain, cost = rng.normal(size=12), rng.integers(0, 60, 12).astype(float)
    granted = dr.spend_budget(gain, cost, budget)
    assert cost[granted].sum() <= budget
    assert not np.any(granted & (gain <= 0))
    left = budget - cost[granted].sum()
    assert np.all(cost[~granted & (gain > 0)] > left)


def stopped_ever(rates: np.ndarray, rng: np.random.Generator, looks: int, batch: int) -> np.ndarray:
    """Run trials with a look after each batch; return the final verdicts."""
    won, played = np.zeros(len(rates)), np.zeros(len(rates))
    verdict = np.zeros(len(rates), np.int64)
    for _ in range(looks):
        won += rng.binomial(batch, rates)
        played += batch
        now = dr.decide(PRIOR[0] + won, PRIOR[1] + played - won, THRESHOLD)
        verdict = np.where(verdict == dr.EXPAND, now, verdict)
    return verdict


def test_stopped_and_graduated_are_right_however_often_one_looks() -> None:
    rng = np.random.default_rng(5)
    rates = rng.beta(*PRIOR, 6000)
    verdict = stopped_ever(rates, rng, looks=50, batch=20)
    assert np.mean(rates[verdict == dr.STOP] >= THRESHOLD) <= 0.05
    assert np.mean(rates[verdict == dr.GRADUATE] < THRESHOLD) <= 0.05
    assert np.mean(verdict != dr.EXPAND) > 0.7


def test_a_good_item_is_falsely_stopped_in_at_most_five_percent() -> None:
    """Rate two points above the threshold of five, 20 looks over 1,000 impressions."""
    verdict = stopped_ever(np.full(4000, THRESHOLD + 0.02), np.random.default_rng(6), looks=20, batch=50)
    assert np.mean(verdict == dr.STOP) <= 0.05


def test_nothing_is_stopped_without_evidence() -> None:
    """A prior far below the threshold alone stops nobody, nor do 29 impressions; 30 may."""
    alpha, beta = np.full(3, 1.0), 99.0 + np.array([0, 29, 30])
    assert dr.decide(alpha, beta, 0.1, prior_strength=100.0).tolist() == [dr.EXPAND, dr.EXPAND, dr.STOP]


@pytest.mark.parametrize(("rate", "share"), [(0.055, 0.165), (0.06, 0.105), (0.075, 0.035)])
def test_false_stops_by_distance_from_the_threshold_are_as_documented(rate: float, share: float) -> None:
    rng, won, stopped = np.random.default_rng(7), np.zeros(4000), np.zeros(4000, bool)
    for played in range(25, 1001, 25):
        won += rng.binomial(25, rate, 4000)
        stopped |= dr.decide(1 + won, 19 + played - won, 0.05) == dr.STOP
    assert stopped.mean() == pytest.approx(share, abs=0.02)


def test_expansion_prefers_the_open_case() -> None:
    """Nothing to gain from what has graduated; little from the hopeless; much from what is near the line."""
    gain = dr.expansion_gain([60.0, 1.0, 11.0], [440.0, 500.0, 89.0], extra=200, threshold=0.09)
    assert gain[2] > 10 * max(gain[1], gain[0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dr.probability_above([1.0], [0.0], 0.5), r"beta .*\(1,\)"),
        (lambda: dr.probability_above([1.0], [1.0, 1.0], 0.5), r"beta .*\(2,\)"),
        (lambda: dr.probability_above([1.0], [1.0], 1.5), "threshold"),
        (lambda: dr.decide([1.0], [1.0], 0.5, stop_below=0.9, graduate_above=0.5), "graduate_above"),
        (lambda: dr.graduation_probability([1.0], [1.0], -1, 0.5), "extra"),
        (lambda: dr.expansion_gain([1.0], [1.0], 0, 0.5), "extra"),
        (lambda: dr.spend_budget([1.0], [-1.0], 5), r"cost .*\(1,\)"),
        (lambda: dr.spend_budget([1.0], [1.0], -5), "budget"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
