"""Drift: whether the features that the ranking net reads still mean what they meant to the one in service.

What counts is how a person's candidates differ from each other, for that alone ranks them; so each feature is
taken less its median among the person's candidates. What all candidates share moves by nature: everything
grows older and better known while the log grows.

The measure is the population stability index over the bins of the snapshot in service,
PSI = sum_b (q_b - p_b) * log(q_b / p_b), with shares p then and q now (Siddiqi, "Credit Risk Scorecards",
2006): an effect size, not a test, for with enough examples every test finds a difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Floats

BINS = 10
LEAST_SHARE = 1e-3
"""Shares below this count as this much: a bin that was empty is no infinite surprise."""
_CHANCE = 3.84
"""No sum of squares of expectation 1 exceeds this in more than 5 of 100 cases (Szekely, Bakirov, 2003)."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a ranking net was taught with. features: names (f,); values: float32 (n, f); weights, people: (n,)."""

    features: tuple[str, ...]
    values: Floats
    weights: Floats
    people: Array


@dataclass(frozen=True, slots=True)
class Drifted:
    """How far a feature moved: its index, what chance explains of it, and the bin that moved most.

    most: (lower edge, upper edge, share then, share now), of differences to the median candidate.
    """

    feature: str
    index: float
    chance: float
    most: tuple[float, float, float, float]

    def beyond(self, tolerance: float) -> bool:
        """Whether the true index is above the tolerance for all that chance can explain.

        sqrt(PSI) is close to a distance, so what is measured is at most what is true plus what is chance.
        """
        return bool(np.sqrt(self.index) > np.sqrt(tolerance) + np.sqrt(self.chance))


def profile(inputs: Inputs) -> dict[str, Any]:
    """How each feature is distributed, in plain types, to be kept beside the models.

    For each: edges of its bins (b - 1), shares of the examples' weight in them (b), and the shares' standard
    errors (b). A feature that tells no candidates apart is left out: it has nothing to drift from.
    """
    found = {}
    for number, name in enumerate(inputs.features):
        values = _centred(inputs, number)
        edges = _edges(values, inputs.weights)
        shares, errors = _shares(values, edges, inputs)
        if (shares < 1).all():
            found[name] = {"edges": edges.tolist(), "shares": shares.tolist(), "errors": errors.tolist()}
    return found


def drift(standing: Mapping[str, Any], inputs: Inputs) -> list[Drifted]:
    """Each feature of a kept profile that is read now too, against its distribution then."""
    return [
        _drifted(name, standing[name], _centred(inputs, number), inputs)
        for number, name in enumerate(inputs.features)
        if name in standing
    ]


def _drifted(name: str, then: Mapping[str, Any], values: Floats, inputs: Inputs) -> Drifted:
    edges, before, error = (np.asarray(then[key], dtype=np.float64) for key in ("edges", "shares", "errors"))
    shares, errors = _shares(values, edges, inputs)
    p, q = np.maximum(before, LEAST_SHARE), np.maximum(shares, LEAST_SHARE)
    parts = (q - p) * np.log(q / p)
    chance = _CHANCE * float(((error**2 + errors**2) / ((p + q) / 2)).sum())
    most = int(np.argmax(parts))
    ends: Sequence[float] = [-np.inf, *edges.tolist(), np.inf]
    return Drifted(
        name, float(parts.sum()), chance, (ends[most], ends[most + 1], float(before[most]), float(shares[most]))
    )


def _centred(inputs: Inputs, number: int) -> Floats:
    """A feature less its median among each person's candidates, (n,)."""
    order = np.lexsort((inputs.values[:, number], inputs.people))
    _, starts, counts = np.unique(inputs.people[order], return_index=True, return_counts=True)
    values = inputs.values[order, number]
    centred = np.empty_like(values)
    # The lower of two middles: their mean might be a value that no candidate has.
    centred[order] = values - np.repeat(values[starts + (counts - 1) // 2], counts)
    return centred


def _edges(values: Floats, weights: Floats) -> Floats:
    """Edges of bins about equally heavy; a value as heavy as a bin has one of its own, ascending float64."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order], dtype=np.float64) / weights.sum()
    places = np.searchsorted(reached, np.arange(1, BINS) / BINS)
    quantiles = values[order][np.minimum(places, len(order) - 1)]
    found, times = np.unique(quantiles, return_counts=True)
    below = np.nextafter(found[times > 1], np.float32(-np.inf), dtype=np.float32)
    return np.union1d(found, below).astype(np.float64)


def _shares(values: Floats, edges: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    """The weight's share in each bin (above an edge, up to the next), and its standard error over people."""
    bins = len(edges) + 1
    cell = np.searchsorted(edges, values, side="left")
    _, person = np.unique(inputs.people, return_inverse=True)
    n = int(person.max(initial=-1)) + 1
    mass = np.bincount(person * bins + cell, inputs.weights, minlength=n * bins).reshape(n, bins)
    total = mass.sum()
    shares = mass.sum(axis=0) / total
    if n < 2:
        return shares, np.full(bins, 1.0)
    deviation = (mass - mass.sum(axis=1, keepdims=True) * shares) / total
    return shares, np.sqrt(n / (n - 1) * (deviation**2).sum(axis=0))
