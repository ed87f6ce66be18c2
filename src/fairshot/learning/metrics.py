"""How good predicted probabilities are, with weighted examples, and how far chance moves such a figure.

Examples of one person, or of one item, are not independent of each other, so standard errors count groups: the
deviation of a figure is a sum of parts, one for each group (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988,
for the area under the curve; Obuchowski, Biometrics 53, 1997, for its clusters). Of several groupings the
variances add up, which is never too little (Cameron, Gelbach, Miller, 2011, without what both share).
"""

from collections.abc import Sequence

import numpy as np

from fairshot.core.arrays import Array, Floats
from fairshot.core.randomness import stream

_BINS = 15
LEAST_GROUPS = 20


def auc(truth: Floats, predicted: Floats, weights: Floats) -> float:
    """Probability that a positive is ranked above a negative, ties counting half; all arrays (n,)."""
    values, index = np.unique(predicted, return_inverse=True)
    positive = np.bincount(index, truth * weights, minlength=len(values))
    negative = np.bincount(index, (1 - truth) * weights, minlength=len(values))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def auc_error(truth: Floats, predicted: Floats, weights: Floats, *groups: Array) -> float:
    """Standard error of `auc`; groups: (n,) each, whose example each is, and of what; each its own without any.

    sqrt(K / (K - 1) * sum_k (sum_{i of k} psi_i)^2) with K groups and psi_i the part of example i in the
    figure's deviation: w_i (F(s_i) - AUC) / W of its class, F the share of the other class on the right side.
    Infinite for fewer than two groups.

    >>> truth, p = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.4, 0.5, 0.1])
    >>> round(auc_error(truth, p, np.ones(4)), 4)
    0.2887
    """
    return _clustered(_auc_parts(truth, predicted, weights), groups)


def paired_auc_difference(
    truth: Floats, one: Floats, other: Floats, weights: Floats, *groups: Array
) -> tuple[float, float]:
    """AUC of `one` minus that of `other` on the same examples, and its standard error; all arrays (n,).

    What both find hard moves both alike, so the error is that of the difference of their parts (see `auc_error`).

    >>> truth, p = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.9, 0.4, 0.5, 0.1])
    >>> paired_auc_difference(truth, p, p, np.ones(4))
    (0.0, 0.0)
    """
    parts = _auc_parts(truth, one, weights) - _auc_parts(truth, other, weights)
    return auc(truth, one, weights) - auc(truth, other, weights), _clustered(parts, groups)


def _auc_parts(truth: Floats, predicted: Floats, weights: Floats) -> Floats:
    """Each example's part in the deviation of the AUC, float64 (n,)."""
    values, index = np.unique(predicted, return_inverse=True)
    positive = np.bincount(index, truth * weights, minlength=len(values))
    negative = np.bincount(index, (1 - truth) * weights, minlength=len(values))
    below = (np.cumsum(negative) - negative / 2) / negative.sum()
    above = 1 - (np.cumsum(positive) - positive / 2) / positive.sum()
    area = float((positive * below).sum() / positive.sum())
    of_positive = truth * weights * (below[index] - area) / positive.sum()
    of_negative = (1 - truth) * weights * (above[index] - area) / negative.sum()
    parts: Floats = of_positive + of_negative
    return parts


def _clustered(parts: Floats, groups: Sequence[Array]) -> float:
    """Standard error of a figure whose deviation is the sum of the parts (n,)."""
    variance = 0.0
    for group in groups or (np.arange(len(parts)),):
        sums = np.bincount(np.unique(group, return_inverse=True)[1], parts)
        n = len(sums)
        variance += n / (n - 1) * float((sums**2).sum()) if n > 1 else float("inf")
    return float(np.sqrt(variance))


def log_loss(truth: Floats, predicted: Floats, weights: Floats) -> float:
    """Mean negative log likelihood, in nats; all arrays (n,)."""
    p = np.clip(predicted.astype(np.float64), 1e-12, 1 - 1e-12)
    return float(-np.average(truth * np.log(p) + (1 - truth) * np.log(1 - p), weights=weights))


def calibration_error(truth: Floats, predicted: Floats, weights: Floats, bins: int = _BINS) -> float:
    """Expected calibration error: weighted mean of |observed rate - mean prediction| over equally heavy bins.

    Equal predictions share a bin: told apart by their order they would look wrong where they are right.
    """
    gap = np.bincount(_cells(predicted, weights, bins), weights * (truth - predicted), minlength=bins)
    return float(np.abs(gap).sum() / weights.sum())


def calibration_noise(truth: Floats, predicted: Floats, weights: Floats, *groups: Array, level: float = 0.95) -> float:
    """What chance adds to `calibration_error`: the `level` quantile of the error of a calibrated model.

    Wild bootstrap: the residuals of each person, and of each item, the bins' means taken out, keep or change
    their sign together, 1,000 times; the measured error is at most the true one plus this with probability
    `level`. Never less than what independent outcomes of the predicted probabilities would give, for in bins of
    few examples the means take all residuals with them. Infinite for fewer than twenty people or items: so few
    differ too much from any others.
    """
    cells = _cells(predicted, weights, _BINS)
    residual = weights * (truth - predicted)
    mass = np.maximum(np.bincount(cells, weights, minlength=_BINS), 1e-300)
    residual = residual - weights * (np.bincount(cells, residual, minlength=_BINS) / mass)[cells]
    rng, drawn = stream("calibration"), np.zeros((1000, _BINS))
    for group in groups or (np.arange(len(truth)),):
        _, member = np.unique(group, return_inverse=True)
        n = int(member.max(initial=-1)) + 1
        if n < LEAST_GROUPS:
            return float("inf")
        sums = np.bincount(member * _BINS + cells, residual, minlength=n * _BINS).reshape(n, _BINS)
        drawn += np.sqrt(n / (n - 1)) * ((2.0 * rng.integers(0, 2, (1000, n)) - 1) @ sums)
    spread = np.sqrt(np.bincount(cells, weights**2 * predicted * (1 - predicted), minlength=_BINS))
    independent = rng.normal(size=(1000, _BINS)) * spread
    found = max(np.quantile(np.abs(draws).sum(axis=1), level) for draws in (drawn, independent))
    return float(found / weights.sum())


def _cells(predicted: Floats, weights: Floats, bins: int) -> Array:
    """The bin of each prediction (n,): equally heavy ones, equal predictions together."""
    values, index = np.unique(predicted, return_inverse=True)
    mass = np.bincount(index, weights, minlength=len(values))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    cells: Array = np.minimum((middle * bins).astype(int), bins - 1)[index]
    return cells
