"""Best arm: chances that are the posterior's, allocations that are the published ones, a prior that is found again."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta as beta_law

from fairshot.algorithms import best_arm as ba

PRIOR = ba.ArmPrior(0.02, 150.0, 16.0)
HERE = np.ones((1, 3), np.bool_)
parameters = st.lists(st.tuples(st.floats(0.7, 80), st.floats(0.7, 2000)), min_size=2, max_size=5)


@given(parameters)
def test_the_chance_to_be_best_is_the_integral(arms: list[tuple[float, float]]) -> None:
    ups, downs = np.array(arms).T
    found = ba.probability_best(ups[None], downs[None], np.ones((1, len(ups)), np.bool_))[0]

    def first_is_best(quantile: float) -> float:
        return float(np.prod(beta_law.cdf(beta_law.ppf(quantile, ups[0], downs[0]), ups[1:], downs[1:])))

    assert found.sum() == pytest.approx(1)
    assert found[0] == pytest.approx(quad(first_is_best, 0, 1, limit=200)[0], abs=2e-3)


@given(parameters, st.integers(0, 3))
def test_absent_arms_have_no_chance_and_change_none(arms: list[tuple[float, float]], absent: int) -> None:
    ups, downs = np.array(arms).T
    shape, more = (1, len(ups)), ((0, 0), (absent, 0))
    alone = ba.probability_best(ups[None], downs[None], np.ones(shape, np.bool_))
    high, low = (np.pad(side[None], more, constant_values=1e6) for side in (ups, downs))
    found = ba.probability_best(high, low, np.pad(np.ones(shape, np.bool_), more))
    np.testing.assert_allclose(found, np.pad(alone, more), atol=1e-12)


@pytest.mark.parametrize("share", [0.5, 0.75, 1.0])
def test_top_two_is_the_two_draws_of_the_paper(share: float) -> None:
    chances, rng = np.array([0.6, 0.3, 0.1]), np.random.default_rng(0)
    first, again = rng.choice(3, 200_000, p=chances), rng.choice(3, (200_000, 40), p=chances)
    differs = again != first[:, None]
    rival = again[np.arange(len(first)), differs.argmax(axis=1)]
    played = np.where(rng.random(len(first)) < share, first, rival)
    np.testing.assert_allclose(ba.top_two([chances], share)[0], np.bincount(played) / len(first), atol=5e-3)


def test_a_settled_test_still_has_an_allocation() -> None:
    np.testing.assert_allclose(ba.top_two([[1.0, 0.0]]).sum(), 1)


def test_the_likelihood_is_that_of_a_test_of_one_level() -> None:
    sharp = ba.ArmPrior(0.02, 1e7, 16.0)
    rest = 16.0 * 0.98 / 0.02
    grid = (np.arange(200_000) + 0.5) / 200_000 * 0.2
    law = beta_law.pdf(grid, 16.0, rest)
    wanted = sum(np.log(np.sum(law * grid**x * (1 - grid) ** (n - x)) * 1e-6) for x, n in ((3, 200), (9, 300)))
    assert ba.arm_prior_log_likelihood([[3, 9]], [[200, 300]], sharp) == pytest.approx(wanted, abs=0.01)


def test_the_prior_is_found_again() -> None:
    rng = np.random.default_rng(1)
    levels = rng.beta(0.02 * 150, 0.98 * 150, (600, 1))
    rates = rng.beta(16.0, 16.0 * (1 - levels) / levels, (600, 5))
    trials = rng.integers(500, 5000, (600, 5)) * (rng.random((600, 5)) < 0.9)
    found = ba.fit_arm_prior(rng.binomial(trials, rates), trials)
    assert found.level == pytest.approx(PRIOR.level, rel=0.07)
    assert found.level_strength == pytest.approx(PRIOR.level_strength, rel=0.2)
    assert found.shape == pytest.approx(PRIOR.shape, rel=0.12)


def test_without_evidence_the_posterior_is_the_prior() -> None:
    alpha, beta = ba.arm_posterior(np.zeros((1, 3)), np.zeros((1, 3)), HERE, PRIOR)
    np.testing.assert_allclose(alpha / (alpha + beta), 0.02)
    np.testing.assert_allclose(alpha, 16.0)


def test_an_untried_arm_is_judged_by_the_others_of_its_test() -> None:
    alpha, beta = ba.arm_posterior([[500, 520, 0]], [[10_000, 10_000, 0]], HERE, PRIOR)
    assert (alpha / (alpha + beta))[0, 2] == pytest.approx(0.05, rel=0.1)


def test_absent_arms_tell_nothing_of_the_level() -> None:
    two = ba.arm_posterior([[30, 40]], [[1000, 1000]], [[True, True]], PRIOR)
    three = ba.arm_posterior([[30, 40, 0]], [[1000, 1000, 0]], [[True, True, False]], PRIOR)
    np.testing.assert_allclose([side[:, :2] for side in three], two)


def test_posteriors_cover_the_rates_that_they_are_about() -> None:
    rng = np.random.default_rng(2)
    levels = rng.beta(0.02 * 150, 0.98 * 150, (2000, 1))
    rates = rng.beta(16.0, 16.0 * (1 - levels) / levels, (2000, 4))
    trials = rng.integers(200, 4000, rates.shape)
    posterior = ba.arm_posterior(rng.binomial(trials, rates), trials, np.ones(rates.shape, np.bool_), PRIOR)
    inside = np.mean((rates > beta_law.ppf(0.05, *posterior)) & (rates < beta_law.ppf(0.95, *posterior)))
    assert 0.87 < inside < 0.92


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_confidence_falls_from_first_to_last(spent: float, one: float, other: float) -> None:
    last, first = sorted((one, other))
    found = float(ba.falling_confidence(spent, first, last))
    assert last - 1e-12 <= found <= first + 1e-12


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: ba.probability_best([[1.0]], [[0.0]], [[True]]), "alpha and beta"),
    (lambda: ba.probability_best([[1.0]], [[1.0]], [[False]]), "each test have an arm"),
    (lambda: ba.top_two([[0.6, 0.6]]), "sum to one"),
    (lambda: ba.top_two([[0.5, 0.5]], 1.5), "share"),
    (lambda: ba.falling_confidence([1.5], 0.9, 0.5), "spent"),
    (lambda: ba.falling_confidence([0.5], 0.5, 0.9), "last"),
    (lambda: ba.arm_posterior([[2]], [[1]], [[True]], PRIOR), "exceed"),
    (lambda: ba.arm_posterior([[1]], [[1]], [[True]], ba.ArmPrior(1.0, 1.0, 1.0)), "prior"),
    (lambda: ba.fit_arm_prior([[0, 0]], [[5, 5]]), "both outcomes"),
]


@pytest.mark.parametrize(("call", "named"), REFUSED)
def test_wrong_input_is_named(call: Callable[[], object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        call()
