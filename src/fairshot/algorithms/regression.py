"""Regression that needs no library: linear and logistic, both shrunken; the models behind a treatment's effect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from fairshot.algorithms.arguments import Floats, at_least_zero, real, whole, within

Predict = Callable[[Floats], Floats]
"""From features [k, d] to predictions [k]."""


def ridge(
    features: ArrayLike, outcome: ArrayLike, weights: ArrayLike | None = None, *, penalty: float = 1.0
) -> Predict:
    """Linear regression with an unpenalised level.

    Formula: min over b, c of sum w (y - c - x b)^2 + penalty |b|^2, x standardised by weighted mean and spread.
    Shapes: features [m, d], outcome and weights [m]; returns a function from [k, d] to [k]. Errors: ValueError
    for other shapes, numbers that are not finite, weights below zero or all zero, and a negative penalty.

    >>> predict = ridge(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), penalty=0.0)
    >>> predict(np.array([[3.0]]))
    array([7.])
    """
    table = real("features", features, (None, None))
    y = real("outcome", outcome, (len(table),))
    w = _weights(weights, len(table))
    within("penalty", penalty, 0, 1e100)
    x, standard = _standardised(table, w)
    level = np.average(y, weights=w)
    gram, response = (x * w[:, None]).T @ x, x.T @ (w * (y - level))
    b = np.linalg.lstsq(gram + penalty * np.eye(x.shape[1]), response, rcond=None)[0]
    return lambda new: np.asarray(level + standard(new) @ b)


def logistic(
    features: ArrayLike,
    outcome: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    penalty: float = 1.0,
    steps: int = 30,
) -> Predict:
    """Logistic regression by Newton's method; the propensity model where none was logged.

    Formula: P = 1 / (1 + exp(-c - x b)), maximum likelihood less penalty/2 |b|^2, x standardised as in `ridge`.
    Shapes: features [m, d], outcome [m] of 0 and 1, weights [m]; returns a function from [k, d] to [k] in (0, 1).
    Errors: as `ridge`; ValueError where outcomes are other than 0 and 1, or steps < 1.

    >>> predict = logistic(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 1.0, 1.0]))
    >>> bool(predict(np.array([[0.0]]))[0] < 0.75 < predict(np.array([[1.0]]))[0])
    True
    """
    table = real("features", features, (None, None))
    y = real("outcome", outcome, (len(table),))
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError(f"outcome of shape {y.shape} must be 0 or 1")
    w = _weights(weights, len(table))
    within("penalty", penalty, 0, 1e100)
    scaled, standard = _standardised(table, w)
    x = np.column_stack([np.ones(len(scaled)), scaled])
    shrink = np.diag(np.append(1e-6, np.full(scaled.shape[1], penalty)))
    b = np.zeros(x.shape[1])
    for _ in range(whole("steps", steps, 1)):
        p = expit(x @ b)
        curvature = (x * (w * p * (1 - p))[:, None]).T @ x + shrink
        step = np.linalg.solve(curvature, x.T @ (w * (y - p)) - shrink @ b)
        b += step
        if np.abs(step).max() < 1e-8:
            break
    return lambda new: np.asarray(expit(b[0] + standard(new) @ b[1:]))


def _weights(weights: ArrayLike | None, n: int) -> Floats:
    """Weights with mean one, so that a penalty means the same whatever their unit."""
    if weights is None:
        return np.ones(n)
    w = at_least_zero("weights", weights, (n,))
    if not w.any():
        raise ValueError(f"weights of shape {w.shape} must not all be zero")
    return np.asarray(w / w.mean())


def _standardised(features: Floats, weights: Floats) -> tuple[Floats, Predict]:
    centre = np.average(features, axis=0, weights=weights)
    spread = np.sqrt(np.average((features - centre) ** 2, axis=0, weights=weights))
    # A constant column's spread is rounding, not information: dividing by it would make noise a feature.
    spread = np.where(spread > 1e-9 * np.maximum(np.abs(centre), 1e-300), spread, 1.0)

    def standard(new: Floats) -> Floats:
        return np.asarray((real("features", new, (len(new), len(centre))) - centre) / spread)

    return standard(features), standard
