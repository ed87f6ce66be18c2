"""Uplift: what showing an item changes, judged by curves over rankings; the estimates are of `doubly_robust`.

n units; outcome y, treatment t (shown or not), scores by which a ranking would treat first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairshot.algorithms.arguments import Bools, Floats, at_least_zero, flags, real, whole, within
from fairshot.algorithms.doubly_robust import Effect


@dataclass(frozen=True, slots=True)
class Band:
    """Gain from treating the top share of a ranking, with the interval of each share by itself; all [k]."""

    shares: Floats
    gain: Floats
    low: Floats
    high: Floats


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
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Effect:
    """Test whether a ranking puts the units with larger effects first, in any design that yields psi.

    Formula: TOC(q) = mean psi of the top share q - mean psi; the rate is the mean of TOC over q (`autoc`:
    looks at the very top) or of q TOC (`qini`: looks at everyone), shares and means by weight. Standard error:
    sd of the rate over random halves of the units, of whole groups where units share noise.
    Shapes: scores [n]; outcomes [n], pseudo-outcomes psi made without the scores' training data; tied scores
    share their mean psi; weights [n] at least zero; groups [n], any labels (one person's units).
    Errors: ValueError for other shapes, other weightings, fewer than four units or groups.
    Source: Yadlowsky, Fleming, Shah, Brunskill, Wager, "Evaluating treatment prioritization rules via
    rank-weighted average treatment effects", JASA 2025.

    >>> effect = np.linspace(1, 0, 400)
    >>> found = rate(effect, effect, np.random.default_rng(0))
    >>> found.interval()[0] > 0
    True
    """
    score, psi, w, member = _units(scores, outcomes, weights, groups)
    if weighting not in ("autoc", "qini"):
        raise ValueError(f"weighting must be 'autoc' or 'qini', shape (): {weighting}")
    ranking = _Ranking(score, psi, w, weighting)
    spread = np.array([ranking.rate(half) for half in _halves(member, samples, rng)]).std(ddof=1)
    return Effect(ranking.rate(), float(spread))


def auuc_gain(
    scores: ArrayLike,
    base: ArrayLike,
    outcomes: ArrayLike,
    rng: np.random.Generator,
    *,
    samples: int = 200,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Effect:
    """How much larger the area under the uplift curve is than that of a base ranking, on the same units.

    Formula: AUUC = rate(`qini`) + half of the average effect, so the difference is that of both rates; its
    standard error is the sd of the difference over the same random halves.
    Shapes and errors: as `rate`; base [n]. Source: as `rate`.

    >>> effect = np.linspace(1, 0, 400)
    >>> found = auuc_gain(effect, -effect, effect, np.random.default_rng(0))
    >>> round(found.value, 2), found.interval()[0] > 0
    (0.17, True)
    """
    score, psi, w, member = _units(scores, outcomes, weights, groups)
    own = _Ranking(score, psi, w, "qini")
    other = _Ranking(real("base", base, score.shape), psi, w, "qini")
    spread = np.array([own.rate(half) - other.rate(half) for half in _halves(member, samples, rng)]).std(ddof=1)
    return Effect(own.rate() - other.rate(), float(spread))


def uplift_band(
    scores: ArrayLike,
    outcomes: ArrayLike,
    rng: np.random.Generator,
    *,
    shares: ArrayLike | None = None,
    samples: int = 200,
    confidence: float = 0.95,
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> Band:
    """Draw the uplift curve of a ranking from pseudo-outcomes, with an interval.

    Formula: U(q) = q mean psi of the top share q, by weight; the interval holds the middle `confidence` of the
    Bayesian bootstrap, in which every group has an exponential weight. At one share at a time, not of the whole curve.
    Shapes: scores, outcomes (psi, made without the scores' training data), weights, groups [n]; shares [k]
    within [0, 1], every twentieth if None. Errors: as `rate`; ValueError for shares or a confidence outside.
    Source: Rubin, "The Bayesian bootstrap", Annals of Statistics 1981.

    >>> band = uplift_band([2, 1, 4, 3], [0.0, 0.0, 1.0, 1.0], np.random.default_rng(0), shares=[0, 0.5, 1])
    >>> band.gain
    array([0. , 0.5, 0.5])
    """
    score, psi, w, member = _units(scores, outcomes, weights, groups)
    at = np.linspace(0, 1, 21) if shares is None else real("shares", shares, (None,))
    if at.min() < 0 or at.max() > 1:
        raise ValueError(f"shares of shape {at.shape} must lie within [0, 1]")
    within("confidence", confidence, 0, 1)
    order = np.argsort(-score, kind="stable")
    psi, w, member = psi[order], w[order], member[order]
    count = int(member.max()) + 1
    drawn = np.array(
        [_gain(psi, w * rng.exponential(size=count)[member], at) for _ in range(whole("samples", samples, 2))]
    )
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return Band(at, _gain(psi, w, at), low, high)


def _gain(psi: Floats, weights: Floats, shares: Floats) -> Floats:
    """The curve of units that come in the order of their ranking."""
    total = max(weights.sum(), 1e-300)
    reached = np.append(0.0, np.cumsum(weights) / total)
    return np.asarray(np.interp(shares, reached, np.append(0.0, np.cumsum(weights * psi) / total)))


def _units(
    scores: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None, groups: ArrayLike | None
) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """Scores, pseudo-outcomes and weights, checked, and the number of each unit's group."""
    score = real("scores", scores, (None,))
    psi = real("outcomes", outcomes, score.shape)
    w = np.ones(len(score)) if weights is None else at_least_zero("weights", weights, score.shape)
    label = np.arange(len(score)) if groups is None else np.asarray(groups)
    if label.shape != score.shape:
        raise ValueError(f"groups must have shape {score.shape}, got shape {label.shape}")
    values, member = np.unique(label, return_inverse=True)
    if len(values) < 4:
        raise ValueError(f"scores of shape {score.shape} must hold at least four units or groups")
    return score, psi, w, member


def _halves(member: NDArray[np.intp], samples: int, rng: np.random.Generator) -> Iterator[Bools]:
    """Random halves of the groups, as masks of units."""
    count = int(member.max()) + 1
    for _ in range(whole("samples", samples, 2)):
        chosen = np.zeros(count, dtype=bool)
        chosen[rng.permutation(count)[: count // 2]] = True
        yield chosen[member]


class _Ranking:
    """Units in the order of their scores, so that many halves of them need no sorting."""

    def __init__(self, scores: Floats, psi: Floats, weights: Floats, weighting: str) -> None:
        self.order = np.argsort(-scores, kind="stable")
        self.scores, self.psi, self.weights = scores[self.order], psi[self.order], weights[self.order]
        self.by_share = weighting == "qini"

    def rate(self, part: Bools | None = None) -> float:
        """The rate of all units, or of those marked."""
        chosen = slice(None) if part is None else part[self.order]
        score, w = self.scores[chosen], self.weights[chosen]
        group = np.cumsum(np.append(False, score[1:] != score[:-1]))
        mass = np.maximum(np.bincount(group, w), 1e-300)
        tied = (np.bincount(group, w * self.psi[chosen]) / mass)[group]
        total, below = max(w.sum(), 1e-300), np.maximum(np.cumsum(w), 1e-300)
        toc = np.cumsum(w * tied) / below - (w * tied).sum() / total
        return float((w * (toc * below / total if self.by_share else toc)).sum() / total)


def _ranked(scores: ArrayLike, outcome: ArrayLike, treated: ArrayLike) -> tuple[Floats, Bools]:
    score = real("scores", scores, (None,))
    y, t = real("outcome", outcome, score.shape), flags("treated", treated, score.shape)
    if t.all() or not t.any():
        raise ValueError(f"treated of shape {t.shape} must hold both treated and control units")
    order = np.argsort(-score, kind="stable")
    return y[order], t[order]
