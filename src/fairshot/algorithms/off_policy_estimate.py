"""What an off-policy estimator returns: a value with its error, its interval, and how many samples it rests on.

The estimators themselves stand in `off_policy`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from fairshot.algorithms.arguments import Floats, at_least_zero, finite_result, propensities, real


@dataclass(frozen=True, slots=True)
class Estimate:
    """A policy's mean reward for each decision, its standard error, and how many samples it rests on.

    clipped: share of decisions that a clip touched; terms [n]: what each decision contributes, so that their
    mean is the value and their spread makes the standard error (of a self-normalised estimator to first order);
    skewness: of the mean, that of a term over sqrt(n).
    """

    value: float
    standard_error: float
    effective_samples: float
    clipped: float = 0.0
    terms: Floats = field(default_factory=lambda: np.empty(0), repr=False, compare=False)
    skewness: float = 0.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return an interval of the mean that heeds skewness; too short on few effective samples (below about 100).

        Formula: value - h(z) standard_error to value - h(-z) standard_error, z the normal quantile of
        (1 + confidence) / 2, h(y) = (3 / s) ((1 + s (y - s / 6))^(1/3) - 1) for a mean of skewness s, y for s = 0.
        A few large weights among many small ones skew the mean to the right: a symmetric interval then lies
        above the truth far less often than below it.
        Source: Hall, "On the removal of skewness by transformation", JRSS B 1992.

        >>> low, high = Estimate(1.0, 0.1, 500.0).interval()
        >>> round(low, 3), round(high, 3)
        (0.804, 1.196)
        >>> low, high = Estimate(1.0, 0.1, 500.0, skewness=0.2).interval()
        >>> round(low, 3), round(high, 3)
        (0.828, 1.234)
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence must lie within (0, 1), shape (): {confidence}")
        reach = float(ndtri(0.5 + confidence / 2))
        low, high = (self.standard_error * _unskewed(y, self.skewness) for y in (reach, -reach))
        return self.value - low, self.value - high

    def less(self, rewards: ArrayLike) -> Estimate:
        """Return how much more the policy earns than the logging policy did, decision by decision.

        Formula: mean and spread of term - reward: what both share cancels, so the difference is often known
        better than the value.
        Shapes: rewards [n], of whole slates for slates. Errors: ValueError for another shape.

        >>> one = mean_of(np.array([2.0, 0.0]), np.array([2.0, 0.5]), 0.0)
        >>> one.less([1.0, 0.0]).value
        0.5
        """
        terms = self.terms - real("rewards", rewards, self.terms.shape)
        error, skewness = error_of(terms)
        return Estimate(float(terms.mean()), error, self.effective_samples, self.clipped, terms, skewness)

    def by_group(self, groups: ArrayLike) -> Estimate:
        """Return the same value with the error of decisions that depend on each other within groups (people).

        Formula: sqrt(G / (G - 1) sum_g (sum_{i in g} (term_i - value))^2) / n over G groups.
        Shapes: groups [n], any labels. Errors: ValueError for another shape.
        Source: Liang and Zeger, Biometrika, 1986.

        >>> one = mean_of(np.array([1.0, 0.0, 1.0, 0.0]), np.ones(4), 0.0)
        >>> round(one.standard_error, 3), round(one.by_group([7, 7, 8, 8]).standard_error, 3)
        (0.289, 0.0)
        """
        labels = np.asarray(groups)
        if labels.shape != self.terms.shape:
            raise ValueError(f"groups of shape {labels.shape} must have shape {self.terms.shape}")
        _, index = np.unique(labels, return_inverse=True)
        sums: Floats = np.bincount(index, self.terms - self.terms.mean()).astype(np.float64)
        count = len(sums)
        error = math.sqrt(count / (count - 1) * float(sums @ sums)) / len(labels) if count > 1 else math.inf
        return replace(self, standard_error=error, skewness=skewness_of(sums))


def effective_sample_size(weights: ArrayLike) -> float:
    """Count the equally weighted samples that would be as noisy as these weighted ones.

    Formula: (sum w)^2 / sum w^2, between 0 (all weights zero) and n.
    Shapes: weights [n], at least zero. Errors: ValueError for other shapes, negative or non-finite weights.
    Source: Kish, Survey Sampling, 1965.

    >>> effective_sample_size([1.0, 1.0, 1.0, 3.0])
    3.0
    """
    return effective(at_least_zero("weights", weights, (None,)))


def _unskewed(y: float, skewness: float) -> float:
    return y if abs(skewness) < 1e-6 else 3 / skewness * (math.cbrt(1 + skewness * (y - skewness / 6)) - 1)


def weights_of(target: ArrayLike, logging: ArrayLike, ndim: int, clip: float) -> tuple[Floats, float]:
    """Return target / logging, at most clip, and the share of decisions that the clip touched."""
    shape: Sequence[None] = (None,) * ndim
    logged = propensities("logging", logging, shape)
    wanted = at_least_zero("target", target, logged.shape)
    if wanted.max() > 1:
        raise ValueError(f"target of shape {wanted.shape} must lie within [0, 1]")
    if not clip > 0:
        raise ValueError(f"clip must be positive, shape (): {clip}")
    with np.errstate(over="ignore"):
        weight = wanted / logged
    over = (weight > clip).reshape(len(weight), -1).any(axis=1)
    return finite_result("target / logging", np.minimum(weight, clip)), float(over.mean())


def cumulated(weight: Floats) -> Floats:
    """Return the products of weights [n, L] down to each position."""
    with np.errstate(over="ignore", invalid="ignore"):
        return finite_result("the product of target / logging", np.asarray(np.cumprod(weight, axis=1)))


def mean_of(terms: Floats, weights: Floats, clipped: float) -> Estimate:
    """Return the estimate that terms [n] come to, of which weights [n] say on how many samples it rests."""
    finite_result("the product of target / logging and rewards", terms)
    error, skewness = error_of(terms)
    return Estimate(float(terms.mean()), error, effective(weights), clipped, terms, skewness)


def error_of(terms: Floats) -> tuple[float, float]:
    """Return the standard error of the mean of terms [n], and the skewness of that mean."""
    n = len(terms)
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(terms.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    if n > 1 and not math.isfinite(error):
        raise ValueError(f"rewards or weights of shape {terms.shape} are too large for a standard error")
    return error, skewness_of(terms - terms.mean())


def skewness_of(errors: Floats) -> float:
    """Return the skewness of the sum of independent errors [n] around zero: sum e^3 / (sum e^2)^1.5."""
    largest = float(np.abs(errors).max())
    if len(errors) < 3 or largest == 0:
        return 0.0
    scaled = errors / largest
    return float(np.sum(scaled**3)) / math.sqrt(float(scaled @ scaled)) ** 3


def effective(weights: Floats) -> float:
    """Return (sum w)^2 / sum w^2 of weights [n], 0 of none."""
    largest = float(finite_result("target / logging", weights).max(initial=0.0))
    if largest == 0:
        return 0.0
    shares = weights / largest
    return float(shares.sum()) ** 2 / float(shares @ shares)
