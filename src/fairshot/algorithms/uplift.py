"""Uplift: what showing an item changes, not what it goes with; estimated doubly robust and judged by curves.

n units; outcome y, treatment t (shown or not), propensity e = P(t = 1 | x), and x must hold every reason for
which some units were treated more often than others (above all the base score of the ranker).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, ndtri

from fairshot.algorithms.arguments import Bools, Floats, at_least_zero, flags, real, whole, within

Fit = Callable[[Floats, Floats], Callable[[Floats], Floats]]
"""Learn from features [m, d] and outcomes [m]; returns a function from features to predictions."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Rank-weighted average treatment effect, with its standard error by the half-sample bootstrap."""

    value: float
    standard_error: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return a normal interval; a ranking that tells nothing has one that covers zero.

        Formula: value -+ z standard_error, z the normal quantile of (1 + confidence) / 2.

        >>> Rate(0.5, 0.1).interval(0.9)[0] > 0.33
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

    Formula: units are dealt into folds; m1, m0 (and e, where no propensity was logged: logistic regression)
    are fitted on the other folds, then `doubly_robust_outcomes`. `fit` learns the outcomes: `ridge` if None.
    Shapes: features [n, d]; outcome, treated, propensity [n]; returns float64 [n].
    Errors: ValueError for other shapes, fewer than two folds, or a fold whose rest lacks treated or control.
    Source: Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 2018.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2000, 1))
    >>> t = rng.random(2000) < expit(x[:, 0])
    >>> psi = cross_fitted_outcomes(x, x[:, 0] + 0.5 * t, t, rng)
    >>> round(float(psi.mean()), 2)
    0.5
    """
    x = real("features", features, (None, None))
    n = (len(x),)
    y, t = real("outcome", outcome, n), flags("treated", treated, n)
    if not 2 <= folds <= len(x):
        raise ValueError(f"folds must lie within [2, {len(x)}], shape (): {folds}")
    score = None if propensity is None else _propensity(propensity, n, trim)
    learn = ridge if fit is None else fit
    fold = rng.permutation(np.arange(len(x)) % folds)
    m1, m0, e = np.empty((3, len(x)))
    for one in range(folds):
        rest, own = fold != one, fold == one
        if not (t[rest].any() and (~t[rest]).any()):
            raise ValueError(f"treated of shape {t.shape} is constant outside of a fold")
        m1[own] = learn(x[rest & t], y[rest & t])(x[own])
        m0[own] = learn(x[rest & ~t], y[rest & ~t])(x[own])
        e[own] = logistic(x[rest], t[rest].astype(np.float64))(x[own]) if score is None else score[own]
    return doubly_robust_outcomes(y, t, e, m1, m0, trim=trim)


def ridge(features: Floats, outcome: Floats, *, penalty: float = 1.0) -> Callable[[Floats], Floats]:
    """Linear regression with an unpenalised level; the outcome model when none is given.

    Formula: min over b, c of |y - c - X b|^2 + penalty |b|^2, X standardised.
    Shapes: features [m, d], outcome [m]; returns a function from [k, d] to [k]. Errors: ValueError for other
    shapes, numbers that are not finite, and a negative penalty.

    >>> predict = ridge(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), penalty=0.0)
    >>> predict(np.array([[3.0]]))
    array([7.])
    """
    table = real("features", features, (None, None))
    outcome = real("outcome", outcome, (len(table),))
    within("penalty", penalty, 0, 1e100)
    x, standard = _standardised(table)
    level = outcome.mean()
    b = np.linalg.lstsq(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (outcome - level), rcond=None)[0]
    return lambda new: np.asarray(level + standard(new) @ b)


def logistic(features: Floats, outcome: Floats, *, penalty: float = 1.0, steps: int = 30) -> Callable[[Floats], Floats]:
    """Logistic regression by Newton's method; the propensity model when none was logged.

    Formula: P = 1 / (1 + exp(-c - X b)), maximum likelihood less penalty/2 |b|^2, X standardised.
    Shapes: features [m, d], outcome [m] of 0 and 1; returns a function from [k, d] to [k] in (0, 1). Errors:
    as `ridge`; ValueError where outcomes are other than 0 and 1, or steps < 1.

    >>> predict = logistic(np.array([[0.0], [0.0], [1.0], [1.0]]), np.array([0.0, 1.0, 1.0, 1.0]))
    >>> bool(predict(np.array([[0.0]]))[0] < 0.75 < predict(np.array([[1.0]]))[0])
    True
    """
    table = real("features", features, (None, None))
    outcome = real("outcome", outcome, (len(table),))
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise ValueError(f"outcome of shape {outcome.shape} must be 0 or 1")
    within("penalty", penalty, 0, 1e100)
    scaled, standard = _standardised(table)
    x = np.column_stack([np.ones(len(scaled)), scaled])
    shrink = np.diag(np.append(1e-6, np.full(scaled.shape[1], penalty)))
    b = np.zeros(x.shape[1])
    for _ in range(whole("steps", steps, 1)):
        p = expit(x @ b)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + shrink, x.T @ (outcome - p) - shrink @ b)
        b += step
        if np.abs(step).max() < 1e-8:
            break
    return lambda new: np.asarray(expit(b[0] + standard(new) @ b[1:]))


def uplift_curve(scores: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> Floats:
    """Gain from treating the top units of a ranking, for randomised treatment.

    Formula: U_k = (k/n) (mean y of the treated among the top k - mean y of the control there), 0 while one of
    them is empty; U_n is the average effect. Ties keep the order given: shuffle them where they are many.
    Shapes: scores, outcome, treated [n]; returns float64 [n]. Errors: ValueError for other shapes, or no
    treated or no control units at all.

    >>> uplift_curve([4, 3, 2, 1], [1, 0, 1, 1], np.array([True, False, True, False]))
    array([0.  , 0.5 , 0.75, 0.5 ])
    """
    y, t = _ranked(scores, outcome, treated)
    shown, rest = np.cumsum(t), np.cumsum(~t)
    gain = np.cumsum(y * t) / np.maximum(shown, 1) - np.cumsum(y * ~t) / np.maximum(rest, 1)
    return np.where((shown > 0) & (rest > 0), gain, 0.0) * np.arange(1, len(y) + 1) / len(y)


def auuc(scores: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> float:
    """Area under the uplift curve: mean gain over all shares of units treated.

    Formula: mean over k of U_k (`uplift_curve`); a random ranking has half of the average effect.
    Shapes and errors: as `uplift_curve`. Source: Gutierrez and Gerardy, "Causal inference and uplift
    modelling: a review of the literature", 2017.

    >>> auuc([4, 3, 2, 1], [1, 0, 1, 1], np.array([True, False, True, False]))
    0.4375
    """
    return float(uplift_curve(scores, outcome, treated).mean())


def qini(scores: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> float:
    """Qini coefficient: area between the curve of incremental outcomes and that of a random ranking.

    Formula: Q_k = (sum y of the treated among the top k - sum y of control there * treated / control there)
    / n, 0 while control is empty; the coefficient is the mean over k of Q_k - (k/n) Q_n.
    Shapes and errors: as `uplift_curve`. Source: Radcliffe, "Using control groups to target on predicted
    lift", 2007.

    >>> qini([4, 3, 2, 1], [1, 0, 1, 1], np.array([True, False, True, False]))
    0.09375
    """
    y, t = _ranked(scores, outcome, treated)
    shown, rest = np.cumsum(t), np.cumsum(~t)
    ratio = np.where(rest > 0, shown / np.maximum(rest, 1), 0.0)
    gain = np.where(rest > 0, np.cumsum(y * t) - np.cumsum(y * ~t) * ratio, 0.0) / len(y)
    return float((gain - gain[-1] * np.arange(1, len(y) + 1) / len(y)).mean())


def rate(
    scores: ArrayLike,
    outcomes: ArrayLike,
    rng: np.random.Generator,
    *,
    weighting: str = "autoc",
    samples: int = 200,
) -> Rate:
    """Test whether a ranking puts the units with larger effects first, in any design that yields psi.

    Formula: TOC(q) = mean psi of the top share q - mean psi; the rate is the mean of TOC over q (`autoc`:
    looks at the very top) or of q TOC (`qini`: looks at everyone). Standard error: sd of the rate over
    random halves of the units, which is that of the whole sample.
    Shapes: scores [n]; outcomes [n], pseudo-outcomes psi made without the scores' training data; tied scores
    share their mean psi. Errors: ValueError for other shapes, other weightings, n < 4.
    Source: Yadlowsky, Fleming, Shah, Brunskill, Wager, "Evaluating treatment prioritization rules via
    rank-weighted average treatment effects", JASA 2025.

    >>> effect = np.linspace(1, 0, 400)
    >>> found = rate(effect, effect, np.random.default_rng(0))
    >>> found.interval()[0] > 0
    True
    """
    score = real("scores", scores, (None,))
    psi = real("outcomes", outcomes, (len(score),))
    if weighting not in ("autoc", "qini"):
        raise ValueError(f"weighting must be 'autoc' or 'qini', shape (): {weighting}")
    if len(score) < 4:
        raise ValueError(f"scores of shape {score.shape} must hold at least four units")
    whole("samples", samples, 2)
    halves = np.array([_rate(score[half], psi[half], weighting) for half in _halves(len(score), samples, rng)])
    return Rate(_rate(score, psi, weighting), float(halves.std(ddof=1)))


def _halves(n: int, samples: int, rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.permutation(n)[: n // 2] for _ in range(samples)]


def _rate(scores: Floats, psi: Floats, weighting: str) -> float:
    order = np.argsort(-scores, kind="stable")
    _, group = np.unique(-scores[order], return_inverse=True)
    tied = (np.bincount(group, psi[order]) / np.bincount(group))[group]
    share = np.arange(1, len(psi) + 1) / len(psi)
    toc = np.cumsum(tied) / np.arange(1, len(psi) + 1) - tied.mean()
    return float((toc * share if weighting == "qini" else toc).mean())


def _ranked(scores: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> tuple[Floats, Bools]:
    score = real("scores", scores, (None,))
    y, t = real("outcome", outcome, score.shape), flags("treated", treated, score.shape)
    if t.all() or not t.any():
        raise ValueError(f"treated of shape {t.shape} must hold both treated and control units")
    order = np.argsort(-score, kind="stable")
    return y[order], t[order]


def _propensity(propensity: ArrayLike, shape: tuple[int], trim: float) -> Floats:
    score = at_least_zero("propensity", propensity, shape)
    if score.max() > 1:
        raise ValueError(f"propensity of shape {score.shape} must lie within [0, 1]")
    if not 0 < trim < 0.5:
        raise ValueError(f"trim must lie within (0, 0.5), shape (): {trim}")
    return np.clip(score, trim, 1 - trim)


def _standardised(features: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)

    def standard(new: Floats) -> Floats:
        return np.asarray((real("features", new, (len(new), len(centre))) - centre) / spread)

    return standard(features), standard
