"""Beta Thompson sampling: calibrated draws, a prior that is recovered, and more likes than uniform trial."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution
from scipy.stats import kstest

from fairshot.algorithms import beta_bandit as bb

seeds = st.integers(0, 2**32 - 1)


def test_draws_follow_the_posterior() -> None:
    draws = bb.thompson_draw(np.full(20_000, 2.5), np.full(20_000, 30.0), np.random.default_rng(0))
    assert kstest(draws, beta_distribution(2.5, 30.0).cdf).pvalue > 0.01


@given(seeds, st.integers(1, 12))
def test_top_holds_distinct_rows_in_falling_order_of_one_draw(seed: int, top: int) -> None:
    alpha, beta = np.random.default_rng(seed).uniform(0.5, 9, (2, 8))
    rows = bb.thompson_top(alpha, beta, top, np.random.default_rng(seed))
    draws = bb.thompson_draw(alpha, beta, np.random.default_rng(seed))
    np.testing.assert_array_equal(rows, np.argsort(-draws)[:top])


@pytest.mark.parametrize("prior", [(1.5, 28.5), (0.5, 4.0), (20.0, 60.0)])
def test_the_prior_is_recovered_within_ten_percent(prior: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    trials = rng.integers(100, 1000, 3000)
    found = bb.fit_beta_prior(rng.binomial(trials, rng.beta(*prior, 3000)), trials)
    np.testing.assert_allclose(found, prior, rtol=0.1)


@given(seeds)
def test_the_fitted_prior_is_at_least_as_likely_as_its_neighbours(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trials = rng.integers(5, 200, 40)
    successes = rng.binomial(trials, rng.beta(2, 8, 40))
    a, b = bb.fit_beta_prior(successes, trials)
    best = bb.prior_log_likelihood(successes, trials, (a, b))
    for other in ((a * 1.05, b), (a, b * 1.05), (a * 0.95, b * 0.95), (2.0, 8.0)):
        assert best >= bb.prior_log_likelihood(successes, trials, other) - 1e-3


def test_items_that_differ_by_chance_alone_get_a_strong_prior() -> None:
    successes = np.random.default_rng(2).binomial(1000, 0.1, 500)
    a, b = bb.fit_beta_prior(successes, np.full(500, 1000))
    assert a + b > 1e3
    assert a / (a + b) == pytest.approx(0.1, abs=0.005)


@given(seeds)
def test_the_posterior_concentrates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.05, 0.95)
    alpha, beta = bb.posterior([rng.binomial(100_000, rate)], [100_000], (1.0, 1.0))
    assert abs(bb.thompson_draw(alpha, beta, rng)[0] - rate) < 0.015


def test_ten_thousand_posteriors_are_drawn_within_a_millisecond() -> None:
    rng = np.random.default_rng(3)
    alpha, beta = rng.uniform(0.5, 20, 10_000), rng.uniform(5, 300, 10_000)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        bb.thompson_draw(alpha, beta, rng)
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bb.posterior([2], [1], (1, 1)), r"successes .*\(1,\)"),
        (lambda: bb.posterior([1, 1], [1], (1, 1)), r"successes .*\(2,\)"),
        (lambda: bb.posterior([1], [-1], (1, 1)), r"trials .*\(1,\)"),
        (lambda: bb.posterior([1], [1], (0, 1)), "prior"),
        (lambda: bb.thompson_draw([1.0], [1.0, 2.0], np.random.default_rng(0)), r"beta .*\(2,\)"),
        (lambda: bb.thompson_draw([0.0], [1.0], np.random.default_rng(0)), r"alpha .*\(1,\)"),
        (lambda: bb.thompson_top([1.0], [1.0], 0, np.random.default_rng(0)), "top"),
        (lambda: bb.fit_beta_prior([], []), r"successes .*\(0,\)"),
        (lambda: bb.fit_beta_prior([0, 0], [5, 5]), r"successes .*\(2,\)"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
