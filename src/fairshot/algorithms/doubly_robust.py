"""Doubly robust effects of a treatment: what it changes, not what it goes with.

n units; outcome y, treatment t (shown or not), propensity e = P(t = 1 | x), and x must hold every reason for
which some units were treated more often than others (above all the base score of the ranker).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from fairshot.algorithms.arguments import Bools, Floats, at_least_zero, flags, real
from fairshot.algorithms.regression import logistic, ridge

Fit = Callable[[Floats, Floats, Floats], Callable[[Floats], Floats]]
"""Learn from features [m, d], outcomes [m] and weights [m]; returns a function from features to predictions."""


@dataclass(frozen=True, slots=True)
class Nuisances:
    """What must be known of each unit to correct it, by models that never saw it.

    treated, control: predicted outcomes with and without the treatment [n]; propensity: P(t = 1 | x) [n].
    """

    treated: Floats
    control: Floats
    propensity: Floats


@dataclass(frozen=True, slots=True)
class Effect:
    """An average effect with its standard error."""

    value: float
    standard_error: float

    @property
    def z(self) -> float:
        """How many standard errors it lies from zero; 0 where there is no spread at all."""
        return self.value / self.standard_error if self.standard_error > 0 else 0.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return a normal interval.

        Formula: value -+ z standard_error, z the normal quantile of (1 + confidence) / 2.

        >>> Effect(0.5, 0.1).interval(0.9)[0] > 0.33
        True
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence must lie within (0, 1), shape (): {confidence}")
        reach = float(ndtri(0.5 + confidence / 2)) * self.standard_error
        return self.value - reach, self.value + reach


def doubly_robust_outcomes(
    outcome: ArrayLike,
    treated: ArrayLike,
    propensity: ArrayLike,
    predicted_treated: ArrayLike,
    predicted_control: ArrayLike,
    *,
    trim: float = 0.02,
) -> Floats:
    """Turn each unit into one number whose mean, given x, is the effect of the treatment there.

    Formula: psi = m1 - m0 + t (y - m1) / e - (1 - t) (y - m0) / (1 - e), e trimmed to [trim, 1 - trim]. Its
    mean is right if either e or the outcome models m1, m0 are. Regress psi on x for the effect by unit.
    Shapes: all [n]; treated boolean; propensity in [0, 1]; trim in (0, .5); returns float64 [n].
    Errors: ValueError for other shapes, propensities outside [0, 1], trim outside (0, .5).
    Source: Robins, Rotnitzky, Zhao, JASA 1994; Kennedy, "Towards optimal doubly robust estimation of
    heterogeneous causal effects", 2023, for the regression of psi.

    >>> doubly_robust_outcomes([1.0, 0.0], np.array([True, False]), [0.5, 0.5], [0.6, 0.6], [0.4, 0.4])
    array([1., 1.])
    """
    t = flags("treated", treated, (None,))
    n = (len(t),)
    y, score = real("outcome", outcome, n), _propensity(propensity, n, trim)
    m1, m0 = real("predicted_treated", predicted_treated, n), real("predicted_control", predicted_control, n)
    return np.asarray(m1 - m0 + np.where(t, (y - m1) / score, (m0 - y) / (1 - score)))


def cross_fitted_outcomes(
    features: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    rng: np.random.Generator,
    *,
    propensity: ArrayLike | None = None,
    fit: Fit | None = None,
    folds: int = 5,
    trim: float = 0.02,
) -> Floats:
    """Doubly robust pseudo-outcomes whose models never saw the unit that they correct.

    Formula: `cross_fitted`, then `doubly_robust_outcomes`.
    Shapes: features [n, d]; outcome, treated, propensity [n]; returns float64 [n].
    Errors: ValueError for other shapes, fewer than two folds, or a fold whose rest lacks treated or control.
    Source: Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 2018.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2000, 1))
    >>> t = rng.random(2000) < 1 / (1 + np.exp(-x[:, 0]))
    >>> psi = cross_fitted_outcomes(x, x[:, 0] + 0.5 * t, t, rng)
    >>> round(float(psi.mean()), 1)
    0.5
    """
    x, t = real("features", features, (None, None)), flags("treated", treated, (None,))
    if not 2 <= folds <= len(x):
        raise ValueError(f"folds must lie within [2, {len(x)}], shape (): {folds}")
    score = None if propensity is None else _propensity(propensity, (len(x),), trim)
    fold = rng.permutation(np.arange(len(x)) % folds)
    found = cross_fitted(x, outcome, t, fold, propensity=score, fit=fit)
    return doubly_robust_outcomes(outcome, t, found.propensity, found.treated, found.control, trim=trim)


def cross_fitted(
    features: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    fold: ArrayLike,
    *,
    propensity: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    fit: Fit | None = None,
) -> Nuisances:
    """Predict both outcomes and the propensity of each unit from the other folds alone.

    Formula: m1 is fitted on the treated of the other folds, m0 on the others there, e by logistic regression on
    both, unless it is given: units that were treated by lot have a known one, NaN stands for an unknown one.
    `fit` learns the outcomes: `ridge` if None. Put units that share noise (one person's) into one fold.
    Shapes: features [n, d]; outcome, treated, fold (its number, any integers), propensity, weights [n].
    Errors: ValueError for other shapes, propensities outside [0, 1], a single fold, or a fold whose rest lacks
    treated or control. Source: Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 2018.

    >>> rng = np.random.default_rng(0)
    >>> x, t = rng.normal(size=(1000, 1)), rng.random(1000) < 0.5
    >>> found = cross_fitted(x, x[:, 0] + t, t, np.arange(1000) % 5)
    >>> round(float((found.treated - found.control).mean()), 1), round(float(found.propensity.mean()), 1)
    (1.0, 0.5)
    """
    x = real("features", features, (None, None))
    n = (len(x),)
    y, t = real("outcome", outcome, n), flags("treated", treated, n)
    known = np.full(n, np.nan) if propensity is None else np.asarray(propensity, dtype=np.float64)
    w = np.ones(n) if weights is None else at_least_zero("weights", weights, n)
    deal, learn = np.asarray(fold), ridge if fit is None else fit
    if deal.shape != n or len(np.unique(deal)) < 2:
        raise ValueError(f"folds: fold must have shape {n} and at least two values, got shape {deal.shape}")
    if known.shape != n or (known < 0).any() or (known > 1).any():
        raise ValueError(f"propensity of shape {known.shape} must lie within [0, 1] and have shape {n}")
    m1, m0, e = np.empty((3, len(x)))
    for one in np.unique(deal):
        rest, own = deal != one, deal == one
        if not (t[rest].any() and (~t[rest]).any()):
            raise ValueError(f"treated of shape {t.shape} is constant outside of a fold")
        m1[own] = learn(x[rest & t], y[rest & t], w[rest & t])(x[own])
        m0[own] = learn(x[rest & ~t], y[rest & ~t], w[rest & ~t])(x[own])
        e[own] = _estimated(x, t, w, (rest & np.isnan(known), own), known[own])
    return Nuisances(m1, m0, e)


def _estimated(x: Floats, t: Bools, w: Floats, split: tuple[Bools, Bools], known: Floats) -> Floats:
    """Propensities of one fold: the known ones, and for the others what units without a known one teach."""
    rest, own = split
    if not np.isnan(known).any():
        return known
    if not (t[rest].any() and (~t[rest]).any()):
        raise ValueError(f"treated of shape {t.shape} is constant outside of a fold, so no propensity can be learned")
    return np.where(np.isnan(known), logistic(x[rest], t[rest].astype(np.float64), w[rest])(x[own]), known)


def mean_effect(outcomes: ArrayLike, weights: ArrayLike | None = None, groups: ArrayLike | None = None) -> Effect:
    """Average effect of pseudo-outcomes, its standard error robust to noise that a group's units share.

    Formula: v = sum w psi / sum w; se = sqrt(G / (G - 1) sum over groups of (sum w (psi - v))^2) / sum w.
    Shapes: outcomes (psi), weights, groups (any labels; each unit its own if None) [n]. Errors: ValueError for
    other shapes, weights below zero or all zero, a single group.
    Source: Liang and Zeger, "Longitudinal data analysis using generalized linear models", 1986.

    >>> round(mean_effect([0, 0, 1, 1], groups=[0, 0, 1, 1]).standard_error, 2)
    0.5
    """
    psi = real("outcomes", outcomes, (None,))
    w = np.ones(len(psi)) if weights is None else at_least_zero("weights", weights, psi.shape)
    label = np.arange(len(psi)) if groups is None else np.asarray(groups)
    if label.shape != psi.shape:
        raise ValueError(f"groups must have shape {psi.shape}, got shape {label.shape}")
    if not w.any():
        raise ValueError(f"weights of shape {w.shape} must not all be zero")
    value = float(np.average(psi, weights=w))
    _, member = np.unique(label, return_inverse=True)
    count = int(member.max()) + 1
    if count < 2:
        raise ValueError(f"groups of shape {label.shape} must hold at least two")
    sums = np.bincount(member, w * (psi - value))
    return Effect(value, float(np.sqrt(count / (count - 1) * (sums**2).sum()) / w.sum()))


def standardised_differences(features: ArrayLike, treated: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """How unlike treated and control units are in each feature; below .1 counts as balanced.

    Formula: (weighted mean of the treated - that of control) / sqrt of the mean of both unweighted variances.
    With weights 1 / e for treated and 1 / (1 - e) for control units it says whether e explains the treatment.
    Shapes: features [n, d], treated and weights [n]; returns float64 [d], 0 for constant features. Errors:
    ValueError for other shapes, or no treated or control unit of positive weight.
    Source: Austin, "An introduction to propensity score methods", Multivariate Behavioral Research 2011.

    >>> standardised_differences([[0.0], [2.0], [2.0], [4.0]], np.array([False, False, True, True]))
    array([2.])
    """
    x = real("features", features, (None, None))
    t = flags("treated", treated, (len(x),))
    w = np.ones(len(x)) if weights is None else at_least_zero("weights", weights, (len(x),))
    if not (w[t].any() and w[~t].any()):
        raise ValueError(f"treated of shape {t.shape} must hold both treated and control units")
    gap = np.average(x[t], axis=0, weights=w[t]) - np.average(x[~t], axis=0, weights=w[~t])
    spread = np.sqrt((x[t].var(axis=0) + x[~t].var(axis=0)) / 2)
    return np.asarray(np.where(spread > 0, gap / np.where(spread > 0, spread, 1.0), 0.0))


def _propensity(propensity: ArrayLike, shape: tuple[int], trim: float) -> Floats:
    score = at_least_zero("propensity", propensity, shape)
    if score.max() > 1:
        raise ValueError(f"propensity of shape {score.shape} must lie within [0, 1]")
    if not 0 < trim < 0.5:
        raise ValueError(f"trim must lie within (0, 0.5), shape (): {trim}")
    return np.clip(score, trim, 1 - trim)
