"""Repeat purchase: what is bought again, how soon, and so how much to hold back what was just bought.

- Repeat probability of a category: buyers of two or more over buyers of one or more.
- Time between purchases: log-normal; its distribution function F tells what share is due after a time.
- Rate of a buyer: Poisson purchases with a Gamma prior, lambda = (k + alpha) / (t + beta). The modified rate
  dips after a purchase, is back at the mean interval, and falls again for who never returned.
- Weight of a bought thing: repeat probability times F(elapsed): ovens near nothing, coffee near its interval.

Source: Bhagat et al., "Buy It Again: Modeling Repeat Purchase Recommendations", KDD 2018.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, ndtr

from fairshot.algorithms.arguments import Floats, at_least_zero, labels, real


def repeat_probability(purchases: ArrayLike, category: ArrayLike, categories: int) -> Floats:
    """Share of the buyers of each category who bought in it again; 0 where nobody bought.

    Formula: #(buyers with >= 2) / #(buyers with >= 1).
    Shapes: purchases and category int [m], one entry a (buyer, category); returns [categories].
    Errors: ValueError where shapes differ, purchases are negative or categories lie outside.

    >>> repeat_probability(purchases=[1, 1, 3, 1, 0], category=[0, 0, 1, 1, 1], categories=3)
    array([0. , 0.5, 0. ])
    """
    counts = at_least_zero("purchases", purchases, (None,))
    index = labels("category", category, len(counts), categories)
    buyers = np.bincount(index[counts >= 1], minlength=categories)
    again = np.bincount(index[counts >= 2], minlength=categories)
    return again / np.maximum(buyers, 1)


def fit_log_normal(intervals: ArrayLike) -> tuple[float, float]:
    """Fit the log-normal distribution of the times between purchases by maximum likelihood.

    Formula: mean and standard deviation of log(interval).
    Shapes: intervals [m >= 2]; returns (mu, sigma). Units: any, kept; mu and sigma are of the logarithm.
    Errors: ValueError where there are fewer, or intervals are not positive.

    >>> [round(value, 4) for value in fit_log_normal([10.0, 20.0, 40.0])]
    [2.9957, 0.566]
    """
    times = real("intervals", intervals, (None,))
    if len(times) < 2 or not np.all(times > 0):
        raise ValueError(f"intervals must be two or more > 0, shape {times.shape}")
    logs = np.log(times)
    return float(logs.mean()), float(logs.std())


def interval_distribution(elapsed: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Floats:
    """Share of repeat purchases that come within `elapsed` of the last one.

    Formula: F(t) = Phi((log t - mu) / sigma), F(0) = 0.
    Shapes: all broadcast. Units: those of the fit. Errors: ValueError where elapsed is negative or sigma not
    positive.

    >>> interval_distribution([0.0, 20.0], mu=np.log(20.0), sigma=0.5)
    array([0. , 0.5])
    """
    times, spread = at_least_zero("elapsed", elapsed, np.shape(elapsed)), _positive("sigma", sigma)
    with np.errstate(divide="ignore"):
        return np.asarray(ndtr((np.log(times) - real("mu", mu, np.shape(mu))) / spread))


def repurchase_weight(repeat: ArrayLike, elapsed: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Floats:
    """Factor on the score of what was bought `elapsed` ago: 0 hides it, 1 leaves it alone.

    Formula: repeat * F(elapsed), by `repeat_probability` and `interval_distribution` of its category.
    Shapes: all broadcast. Errors: as `interval_distribution`, and repeat outside [0, 1].

    >>> repurchase_weight([0.02, 0.9], elapsed=40.0, mu=np.log(20.0), sigma=0.5).round(3)     # oven, coffee
    array([0.018, 0.825])
    """
    shares = at_least_zero("repeat", repeat, np.shape(repeat))
    if np.any(shares > 1):
        raise ValueError(f"repeat must be in [0, 1], shape {shares.shape}")
    return shares * interval_distribution(elapsed, mu, sigma)


def purchase_rate(purchases: ArrayLike, time: ArrayLike, prior: tuple[float, float]) -> Floats:
    """Rate at which each buyer buys, shrunk to the rate of all buyers.

    Formula: (k + alpha) / (t + beta) with the Gamma prior (alpha, beta).
    Shapes: purchases and time broadcast. Units: purchases a unit of time. Errors: ValueError where purchases
    or time are negative or the prior is not positive.

    >>> purchase_rate([0, 4], time=[0.0, 8.0], prior=(1.0, 2.0))
    array([0.5, 0.5])
    """
    alpha, beta = _positive("prior", prior)
    counts, spans = (at_least_zero(name, v, np.shape(v)) for name, v in (("purchases", purchases), ("time", time)))
    return np.asarray((counts + alpha) / (spans + beta))


def modified_purchase_rate(
    purchases: ArrayLike, history: ArrayLike, since: ArrayLike, interval: ArrayLike, prior: tuple[float, float]
) -> Floats:
    """Rate that knows when the last purchase was: low just after it, highest at the mean interval.

    Formula: `purchase_rate` at time t = history + 2 |interval - since| while since < 2 interval, after that
    at t = history + since; both agree at since = 2 interval.
    Shapes: all broadcast; history is the time from the first to the last purchase, since the time from the last.
    Errors: as `purchase_rate`; ValueError where since or interval are negative.

    >>> modified_purchase_rate(4, history=6.0, since=[0.0, 2.0, 4.0, 9.0], interval=2.0, prior=(1.0, 2.0)).round(3)
    array([0.417, 0.625, 0.417, 0.294])
    """
    spans = at_least_zero("history", history, np.shape(history))
    ago, mean = at_least_zero("since", since, np.shape(since)), at_least_zero("interval", interval, np.shape(interval))
    return purchase_rate(purchases, spans + np.where(ago < 2 * mean, 2 * np.abs(mean - ago), ago), prior)


def fit_gamma_prior(purchases: ArrayLike, time: ArrayLike) -> tuple[float, float]:
    """Fit the Gamma prior of rates by maximum likelihood over buyers (negative binomial counts).

    Formula: argmax of sum_i log Gamma(a + k_i) - log Gamma(a) + a log b - (a + k_i) log(b + t_i), in
    logarithms.
    Shapes: purchases and time [m]; returns (alpha, beta). Units: beta is a time.
    Errors: ValueError where shapes differ, time is not positive or nothing was bought.

    >>> alpha, beta = fit_gamma_prior([0, 1, 2, 4, 9], [10.0, 10.0, 10.0, 10.0, 10.0])
    >>> round(alpha / beta, 3)                                    # the mean rate of all
    0.32
    """
    spans = _positive("time", time)
    counts = at_least_zero("purchases", purchases, spans.shape)
    if counts.sum() == 0:
        raise ValueError(f"purchases must hold one or more, shape {counts.shape}")

    def loss(logs: Floats) -> tuple[float, Floats]:
        a, b = np.exp(logs)
        value = gammaln(a + counts) - gammaln(a) + a * logs[1] - (a + counts) * np.log(b + spans)
        slope_a = a * (digamma(a + counts) - digamma(a) + logs[1] - np.log(b + spans))
        slope_b = a - b * (a + counts) / (b + spans)
        return -float(value.mean()), -np.array([slope_a.mean(), slope_b.mean()])

    mean = float(counts.sum() / spans.sum())
    centre = np.array([0.0, -np.log(mean)])
    bounds = [(middle - 14.0, middle + 14.0) for middle in centre]
    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    alpha, beta = np.exp(found.x)
    return float(alpha), float(beta)


def _positive(name: str, value: ArrayLike) -> Floats:
    array = real(name, value, np.shape(value))
    if not np.all(array > 0):
        raise ValueError(f"{name} must be > 0, shape {array.shape}")
    return array
