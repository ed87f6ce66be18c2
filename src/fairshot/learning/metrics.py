"""How good predicted probabilities are, with weighted examples."""

import numpy as np

from fairshot.core.arrays import Floats


def auc(truth: Floats, predicted: Floats, weights: Floats) -> float:
    """Probability that a positive is ranked above a negative, ties counting half; all arrays (n,)."""
    values, index = np.unique(predicted, return_inverse=True)
    positive = np.bincount(index, truth * weights, minlength=len(values))
    negative = np.bincount(index, (1 - truth) * weights, minlength=len(values))
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


def log_loss(truth: Floats, predicted: Floats, weights: Floats) -> float:
    """Mean negative log likelihood, in nats; all arrays (n,)."""
    p = np.clip(predicted.astype(np.float64), 1e-12, 1 - 1e-12)
    return float(-np.average(truth * np.log(p) + (1 - truth) * np.log(1 - p), weights=weights))


def calibration_error(truth: Floats, predicted: Floats, weights: Floats, bins: int = 15) -> float:
    """Expected calibration error: weighted mean of |observed rate - mean prediction| over equally heavy bins.

    Equal predictions share a bin: told apart by their order they would look wrong where they are right.
    """
    values, index = np.unique(predicted, return_inverse=True)
    mass = np.bincount(index, weights, minlength=len(values))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    cell = np.minimum((middle * bins).astype(int), bins - 1)[index]
    gap = np.bincount(cell, weights * (truth - predicted), minlength=bins)
    return float(np.abs(gap).sum() / mass.sum())
