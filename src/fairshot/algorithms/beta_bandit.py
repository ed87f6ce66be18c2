"""Beta Thompson sampling: try each item as often as it may still be the best, from what all items have shown.

An item with x successes in n impressions has the posterior Beta(a + x, b + n - x). The prior (a, b) is not
chosen: it is fitted by maximum likelihood over items already tried, so a new item starts as a typical one
(empirical Bayes). A draw from each posterior, best draws first, is the whole policy.
Source: Thompson (1933); the fitted prior and the use on fresh items: Wang et al., "Fresh Content Needs More
Attention", KDD 2023.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaln, digamma

from fairshot.algorithms.arguments import Floats, Ints, at_least_zero, real, whole

STRENGTH_BOUNDS = (1e-3, 1e7)
MOST_EVIDENCE = 1e15
"""Largest Beta parameter that is drawn from; far above, the sampler itself overflows to nan."""


def posterior(successes: ArrayLike, trials: ArrayLike, prior: tuple[float, float]) -> tuple[Floats, Floats]:
    """Parameters of the Beta posterior of each item's rate.

    Formula: (a + x, b + n - x) with prior (a, b).
    Shapes: successes and trials [n]; returns (alpha [n], beta [n]). Units: counts, decayed ones too.
    Errors: ValueError where 0 <= successes <= trials does not hold, shapes differ or the prior is not
    positive.

    >>> posterior([0, 3], [0, 10], prior=(1.0, 9.0))
    (array([1., 4.]), array([ 9., 16.]))
    """
    won, played = _counts(successes, trials)
    alpha, beta = real("prior", prior, (2,))
    if not (alpha > 0 and beta > 0):
        raise ValueError(f"prior must be > 0, shape (2,): {prior}")
    return alpha + won, beta + played - won


def thompson_draw(alpha: ArrayLike, beta: ArrayLike, rng: np.random.Generator) -> Floats:
    """Draw a rate from each posterior; showing the largest draws explores in proportion to doubt.

    Formula: r_i ~ Beta(alpha_i, beta_i).
    Shapes: alpha and beta [n]; returns [n] within [0, 1].
    Errors: ValueError where shapes differ or parameters are not within (0, 1e15].

    >>> thompson_draw([3e6, 1e6], [1e6, 3e6], np.random.default_rng(0)).round(2)
    array([0.75, 0.25])
    """
    ups = real("alpha", alpha, None)
    downs = real("beta", beta, ups.shape)
    if not all(np.all((array > 0) & (array <= MOST_EVIDENCE)) for array in (ups, downs)):
        raise ValueError(f"alpha and beta must be within (0, {MOST_EVIDENCE:g}], shape {ups.shape}")
    return rng.beta(ups, downs)


def thompson_top(alpha: ArrayLike, beta: ArrayLike, top: int, rng: np.random.Generator) -> Ints:
    """Pick the items with the `top` largest draws, best first; all of them where there are fewer.

    Formula: theta_i ~ Beta(alpha_i, beta_i) for each i; the `top` largest theta_i, largest first.
    Shapes: alpha and beta [n]; returns rows [min(top, n)]. Errors: as `thompson_draw`, and top < 1.

    >>> thompson_top([1e6, 3e6, 2e6], [3e6, 1e6, 2e6], top=2, rng=np.random.default_rng(0))
    array([1, 2])
    """
    whole("top", top, 1)
    if np.ndim(alpha) != 1:
        raise ValueError(f"alpha must be [n], shape {np.shape(alpha)}")
    draws = thompson_draw(alpha, beta, rng)
    if top < len(draws):
        kept = np.argpartition(-draws, top - 1)[:top]
        return np.asarray(kept[np.argsort(-draws[kept], kind="stable")], np.int64)
    return np.asarray(np.argsort(-draws, kind="stable"), np.int64)


def prior_log_likelihood(successes: ArrayLike, trials: ArrayLike, prior: tuple[float, float]) -> float:
    """Log likelihood of a Beta prior given what items have shown (Beta-Binomial, constants left out).

    Formula: sum_i log B(a + x_i, b + n_i - x_i) - log B(a, b).
    Shapes, errors: as `posterior`.

    >>> round(prior_log_likelihood([1], [2], prior=(1.0, 1.0)), 4)      # log 1/6
    -1.7918
    """
    alpha, beta = posterior(successes, trials, prior)
    return float(np.sum(betaln(alpha, beta) - betaln(*prior)))


def fit_beta_prior(successes: ArrayLike, trials: ArrayLike) -> tuple[float, float]:
    """Fit the Beta prior of rates by maximum likelihood over items already tried (take n >= 100).

    Formula: argmax_{a, b} `prior_log_likelihood`, by L-BFGS in log a and log b from the moments' estimate;
    a and b stay within [1e-3, 1e7], where items that differ no more than chance would have them infinite.
    Shapes: successes and trials [n]; returns (a, b).
    Errors: as `posterior`; ValueError where no item was tried or all rates are 0 or all are 1.

    >>> a, b = fit_beta_prior([1, 5, 10, 4, 8], [100, 100, 100, 100, 100])
    >>> round(a / (a + b), 3)
    0.056
    """
    won, played = _counts(successes, trials)
    won, played = won[played > 0], played[played > 0]
    if not 0 < won.sum() < played.sum():
        raise ValueError(f"successes must hold both outcomes among tried items, shape {won.shape}")

    def loss(logs: Floats) -> tuple[float, Floats]:
        a, b = np.exp(logs)
        lost, total = played - won, a + b
        both = digamma(total) - digamma(total + played)
        slope_a = np.sum(digamma(a + won) - digamma(a) + both)
        slope_b = np.sum(digamma(b + lost) - digamma(b) + both)
        value = np.sum(betaln(a + won, b + lost) - betaln(a, b))
        return -float(value) / len(won), -np.array([slope_a * a, slope_b * b]) / len(won)

    bounds = [tuple(np.log(STRENGTH_BOUNDS))] * 2
    start = np.clip(np.log(_moments(won, played)), *bounds[0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12})
    a, b = np.exp(found.x)
    return float(a), float(b)


def _moments(won: Floats, played: Floats) -> tuple[float, float]:
    """Estimate the prior by the mean and the variance of the rates, less the variance that chance adds."""
    mean = won.sum() / played.sum()
    chance = mean * (1 - mean) * np.mean(1 / played)
    spread = max(float(np.var(won / played) - chance), 1e-3 * mean * (1 - mean))
    strength = max(mean * (1 - mean) / spread - 1, 0.1)
    return mean * strength, (1 - mean) * strength


def _counts(successes: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    played = at_least_zero("trials", trials, (np.size(trials),))
    won = at_least_zero("successes", successes, played.shape)
    if np.any(won > played):
        raise ValueError(f"successes must not exceed trials, shape {won.shape}")
    return won, played
