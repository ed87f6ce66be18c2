"""Which of a few arms is best: whom to try next, and when to stop trying.

The arms of one test (headlines of a story, versions of an item) share a level and scatter about it by a factor.
The level of test t is m_t ~ Beta(m0 L, (1 - m0) L); the rate of an arm is r ~ Beta(k, k (1 - m_t) / m_t), which has
mean m_t and a spread of about m_t / sqrt(k). The prior (m0, L, k) is fitted on other tests. Impressions go
to the arm that is probably best and, as often, to the one that is best if that one is not (top-two Thompson). A
test stops when the chance of the likeliest arm reaches a confidence that falls as the budget is spent: what is
settled early costs little, and two arms that remain alike are not told apart at any price.
Source: top-two Thompson sampling, Russo, "Simple Bayesian Algorithms for Best Arm Identification", COLT 2016; the
prior of two levels is the standard empirical Bayes of grouped rates; the falling confidence is ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, digamma, polygamma

from fairshot.algorithms.arguments import Floats, Ints, at_least_zero, flags, real, within

LEVELS = 80
"""Equally likely levels over which the likelihood of a test is averaged."""
WIDTH = 6.0
"""Standard deviations of the log odds that integrals over rates cover."""


@dataclass(frozen=True, slots=True)
class ArmPrior:
    """Prior of arms in tests: mean and strength of the tests' levels, and the shape k of arms about their level."""

    level: float
    level_strength: float
    shape: float


def arm_prior_log_likelihood(successes: ArrayLike, trials: ArrayLike, prior: ArmPrior) -> float:
    """Log likelihood of a prior given tests (constants left out).

    Formula: sum_t log mean_j prod_i B(k + x_ti, k (1 - m_j) / m_j + n_ti - x_ti) / B(k, k (1 - m_j) / m_j), m_j the 80
    equally likely quantiles of the prior of levels. Shapes: [tests, arms]; an arm with no trials tells nothing.
    Errors: ValueError where 0 <= successes <= trials does not hold, shapes differ or the prior is not positive.

    >>> round(arm_prior_log_likelihood([[1, 0]], [[1, 0]], ArmPrior(0.5, 1e6, 1.0)), 4)      # log 1/2
    -0.6931
    """
    won, played = _counts(successes, trials)
    _positive(prior)
    strength = prior.level_strength
    quantiles = (np.arange(LEVELS) + 0.5) / LEVELS
    levels = betaincinv(prior.level * strength, (1 - prior.level) * strength, quantiles)
    lost, logs = played - won, np.empty((len(won), LEVELS))
    for column, level in enumerate(np.clip(levels, 1e-9, 1 - 1e-9)):
        rest = prior.shape * (1 - level) / level
        logs[:, column] = (betaln(prior.shape + won, rest + lost) - betaln(prior.shape, rest)).sum(axis=1)
    most = logs.max(axis=1)
    return float(np.sum(most + np.log(np.exp(logs - most[:, None]).mean(axis=1))))


def fit_arm_prior(successes: ArrayLike, trials: ArrayLike) -> ArmPrior:
    """Fit the prior by maximum likelihood over tests already run (take 100 or more).

    Formula: argmax `arm_prior_log_likelihood`, by Nelder-Mead in the logit of m0, log L and log k.
    Shapes: [tests, arms]; an arm with no trials is no arm. Cost: about 40 ms for 100 tests.
    Errors: as `arm_prior_log_likelihood`; ValueError where no arm was tried or all rates are 0 or all are 1.

    >>> rng = np.random.default_rng(0)
    >>> rates = rng.beta(30, 270, (200, 1)) * rng.gamma(25, 1 / 25, (200, 4))
    >>> prior = fit_arm_prior(rng.binomial(2000, rates), np.full((200, 4), 2000))
    >>> bool(abs(prior.level - 0.1) < 0.005), bool(18 < prior.shape < 35)
    (True, True)
    """
    won, played = _counts(successes, trials)
    if not 0 < won.sum() < played.sum():
        raise ValueError(f"successes must hold both outcomes among tried arms, shape {won.shape}")
    mean = won.sum() / played.sum()

    def prior(free: Floats) -> ArmPrior:
        logit, strength, shape = np.clip(free, (-20, -5, -5), (20, 15, 15))
        return ArmPrior(float(1 / (1 + np.exp(-logit))), float(np.exp(strength)), float(np.exp(shape)))

    def loss(free: Floats) -> float:
        return -arm_prior_log_likelihood(won, played, prior(free))

    start = np.array([np.log(mean / (1 - mean)), np.log(100.0), np.log(15.0)])
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 0.01, "fatol": 0.05, "maxiter": 200})
    return prior(found.x)


def arm_posterior(
    successes: ArrayLike, trials: ArrayLike, present: ArrayLike, prior: ArmPrior
) -> tuple[Floats, Floats]:
    """Parameters of the Beta posterior of each arm's rate, the level of its test being estimated from all its arms.

    Formula: (k + x, k (1 - m) / m + n - x), where the level is m = (w0 m0 + sum w_i x_i / n_i) / (w0 + sum w_i) with
    w_i = n_i / (n_i + k / m) and w0 = (L + 1) / (k / m + 1), each by the inverse of its variance, iterated three times.
    Shapes: counts and present (bool) [tests, arms]; returns two of them, the prior's own where no arm is present.
    Errors: as `arm_prior_log_likelihood`.

    >>> alpha, beta = arm_posterior([[0, 0]], [[0, 0]], [[True, True]], ArmPrior(0.1, 50.0, 20.0))
    >>> (alpha / (alpha + beta)).round(3)
    array([[0.1, 0.1]])
    """
    won, played = _counts(successes, trials)
    there = flags("present", present, won.shape)
    _positive(prior)
    level = np.full((len(won), 1), prior.level)
    for _ in range(3):
        strength = prior.shape / level
        share = there / (played + strength)
        first = (prior.level_strength + 1) / (strength + 1)
        level = (first * prior.level + np.sum(share * won, axis=1, keepdims=True)) / (
            first + np.sum(share * played, axis=1, keepdims=True)
        )
    return prior.shape + won, prior.shape * (1 - level) / level + played - won


def probability_best(alpha: ArrayLike, beta: ArrayLike, present: ArrayLike, points: int = 64) -> Floats:
    """Chance of each arm to have the highest rate of its test.

    Formula: P_i = integral of f_i(r) prod_{j != i} F_j(r) dr, by the trapezium rule over the log odds of r.
    Shapes: alpha, beta and present (bool) [tests, arms]; returns the same, rows that sum to one, 0 where no arm is.
    Cost: 0.6 ms for 100 tests of 5 arms. Errors: ValueError where shapes differ, parameters are not positive or a
    test has no arm. Error of the integral: below .001 with 64 points.

    >>> probability_best([[2.0, 2.0], [90.0, 1.0]], [[8.0, 8.0], [10.0, 9.0]], [[True, True], [True, True]]).round(3)
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    ups = real("alpha", alpha, (None, None))
    downs = real("beta", beta, ups.shape)
    there = flags("present", present, ups.shape)
    if not (np.all(ups > 0) and np.all(downs > 0) and there.any(axis=1).all()):
        raise ValueError(f"alpha and beta must be > 0 and each test have an arm, shape {ups.shape}")
    test = np.nonzero(there)[0]
    first = np.flatnonzero(np.diff(test, prepend=-1))
    density, step = _densities(ups[there], downs[there], test, first, points)
    below = np.zeros_like(density)
    np.cumsum((density[:, 1:] + density[:, :-1]) / 2, axis=1, out=below[:, 1:])
    # From above, as the grid begins where only the chance to be best begins, not where an arm's rate may lie.
    chance = np.log(np.clip(1 - (below[:, -1:] - below) * step[:, None], 1e-300, 1))
    best = np.sum(density * np.exp(np.add.reduceat(chance, first, axis=0)[test] - chance), axis=1)
    result = np.zeros(ups.shape)
    result[there] = best / np.add.reduceat(best, first)[test]
    return result


def top_two(chances: ArrayLike, share: float = 0.5) -> Floats:
    """Share of the next impressions that each arm gets by top-two Thompson sampling; share = 1 is Thompson's own.

    Formula: P_i (s + (1 - s) sum_{j != i} P_j / (1 - P_j)): with chance s the arm that one draw finds best, else the
    one found best by the first later draw that differs.
    Shapes: chances of being best [tests, arms], rows that sum to one; returns the same. Errors: ValueError
    where a row does not sum to one, a chance is negative or share outside [0, 1].

    >>> top_two([[0.8, 0.15, 0.05]]).round(3)
    array([[0.492, 0.379, 0.129]])
    """
    best = at_least_zero("chances", chances, (None, None))
    if not np.allclose(best.sum(axis=1), 1):
        raise ValueError(f"chances must sum to one in each row, shape {best.shape}")
    within("share", share, 0, 1)
    odds = best / np.maximum(1 - best, 1e-12)
    spread = best * (share + (1 - share) * (odds.sum(axis=1, keepdims=True) - odds))
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))


def falling_confidence(spent: ArrayLike, first: float, last: float) -> Floats:
    """Confidence at which to decide, falling from `first` to `last` as the budget is spent.

    Formula: first - (first - last) s. Shapes: share of the budget spent, any shape; returns the same. For a
    trial against a threshold: graduate where P(rate >= threshold) is above it, stop where below one minus it.
    Errors: ValueError where spent is outside [0, 1] or 0 <= last <= first does not hold.

    >>> falling_confidence([0.0, 0.5, 1.0], first=0.95, last=0.5)
    array([0.95 , 0.725, 0.5  ])
    """
    shares = at_least_zero("spent", spent, None)
    within("last", last, 0, first)
    if shares.max(initial=0.0) > 1:
        raise ValueError(f"spent must lie within [0, 1], shape {shares.shape}")
    return np.asarray(first - (first - last) * shares)


def _densities(alpha: Floats, beta: Floats, test: Ints, first: Ints, points: int) -> tuple[Floats, Floats]:
    """Densities of log odds [arms, points] on each test's grid, and the grid's step [arms]."""
    middle = digamma(alpha) - digamma(beta)
    wide = WIDTH * np.sqrt(polygamma(1, alpha) + polygamma(1, beta))
    low, high = (np.maximum.reduceat(end, first)[test] for end in (middle - wide, middle + wide))
    at = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)
    # log(1 + exp(at)), in a form that is a hundred times as fast as logaddexp and cannot overflow.
    total = np.maximum(at, 0) + np.log1p(np.exp(-np.abs(at)))
    logs = alpha[:, None] * at - (alpha + beta)[:, None] * total - betaln(alpha, beta)[:, None]
    return np.exp(logs), (high - low) / (points - 1)


def _positive(prior: ArmPrior) -> None:
    if not (0 < prior.level < 1 and prior.level_strength > 0 and prior.shape > 0):
        raise ValueError(f"prior must have a level within (0, 1) and be > 0, shape (3,): {prior}")


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    played = at_least_zero("trials", trials, (None, None))
    won = at_least_zero("successes", successes, played.shape)
    if np.any(won > played):
        raise ValueError(f"successes must not exceed trials, shape {won.shape}")
    return won, played
