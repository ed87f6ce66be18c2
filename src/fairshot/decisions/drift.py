"""Drift: whether the features that the ranking net reads still mean what they meant to the one in service.

A feature is looked at in two ways. Raw: its values, in standard deviations of then. Shape: how a person's
candidates differ from each other, which alone ranks them, as the difference to their median in standard
deviations of its own time. Both in steps of a tenth. Growth moves the raw values (everything grows older and
better known) and leaves the shape; another mix of candidates can turn a shape round and leaves the raw values;
a feature that broke is another one in both. So it has drifted when both say so.

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
STEPS = 10
"""Steps to a standard deviation; a net that reads standardised inputs makes little of finer ones."""
LEAST_SHARE = 1e-3
"""Shares below this count as this much: a bin that was empty is no infinite surprise."""
_CHANCE = 3.84
"""No sum of squares of expectation 1 exceeds this in more than 5 of 100 cases (Szekely, Bakirov, 2003)."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a ranking net was taught with.

    features: names (f,); values: float32 (n, f); weights: of the examples (n,); people, items: whose and what (n,).
    """

    features: tuple[str, ...]
    values: Floats
    weights: Floats
    people: Array
    items: Array


@dataclass(frozen=True, slots=True)
class Drifted:
    """How far a feature moved: its index, what chance explains of it, and the bin that moved most.

    most: (lower edge, upper edge, share then, share now), in the units of the way.
    """

    feature: str
    index: float
    chance: float
    most: tuple[float, float, float, float]

    def beyond(self, limit: float) -> bool:
        """Whether the true index is above the limit for all that chance can explain.

        sqrt(PSI) is close to a distance, so what is measured is at most what is true plus what is chance.
        """
        return bool(np.sqrt(self.index) > np.sqrt(limit) + np.sqrt(self.chance))


def limit(tolerance: float, growth: float) -> float:
    """How far features may move while the log grew so many times: the tolerance, and as much again a doubling.

    Counts of a young log are all alike, those of an old one are not: its shapes change by nature too.
    """
    return tolerance * (1 + float(np.log2(max(growth, 1.0))))


def profile(inputs: Inputs) -> dict[str, Any]:
    """How each feature is distributed, in plain types, to be kept beside the models.

    For each its unit, and both ways: edges of its bins (b - 1), shares of the examples' weight in them (b), and
    the shares' standard errors over people and items (b). A feature that tells no candidates apart is left out:
    it has nothing to drift from.
    """
    found: dict[str, Any] = {}
    if not inputs.weights.any():
        return found
    for number, name in enumerate(inputs.features):
        values, centred = inputs.values[:, number].astype(np.float64), _centred(inputs, number)
        if centred.any():
            unit = _spread(values - np.average(values, weights=inputs.weights), inputs.weights)
            found[name] = {"unit": unit, "raw": _described(_steps(values, unit), inputs)}
            found[name]["shape"] = _described(_steps(centred, _spread(centred, inputs.weights)), inputs)
    return found


def drift(standing: Mapping[str, Any], inputs: Inputs) -> list[Drifted]:
    """Each feature of a kept profile that is read now too, against then, in the way in which it moved less."""
    found: list[Drifted] = []
    if not inputs.weights.any():
        return found
    for number, name in enumerate(inputs.features):
        if name in standing:
            then, centred = standing[name], _centred(inputs, number)
            raw = _drifted(name, then["raw"], _steps(inputs.values[:, number], then["unit"]), inputs)
            own = _steps(centred, _spread(centred, inputs.weights))
            shape = _drifted(name, then["shape"], own, inputs)
            found.append(min(raw, shape, key=lambda one: np.sqrt(one.index) - np.sqrt(one.chance)))
    return found


def _described(values: Floats, inputs: Inputs) -> dict[str, list[float]]:
    edges = _edges(values, inputs.weights)
    shares, errors = _shares(values, edges, inputs)
    return {"edges": edges.tolist(), "shares": shares.tolist(), "errors": errors.tolist()}


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
    centred = np.empty(len(values))
    # The lower of two middles: their mean might be a value that no candidate has.
    centred[order] = values - np.repeat(values[starts + (counts - 1) // 2], counts)
    return centred


def _spread(deviations: Floats, weights: Floats) -> float:
    return float(np.sqrt(np.average(np.square(deviations), weights=weights)))


def _steps(values: Floats, unit: float) -> Floats:
    rounded: Floats = np.round(values / (unit or 1.0) * STEPS) / STEPS
    return rounded


def _edges(values: Floats, weights: Floats) -> Floats:
    """Edges between steps, of bins about equally heavy; a step as heavy as a bin has one of its own; ascending."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order], dtype=np.float64) / weights.sum()
    places = np.searchsorted(reached, np.arange(1, BINS) / BINS)
    quantiles = values[order][np.minimum(places, len(order) - 1)]
    found, times = np.unique(quantiles, return_counts=True)
    return np.union1d(found, found[times > 1] - 1 / STEPS) + 0.5 / STEPS


def _shares(values: Floats, edges: Floats, inputs: Inputs) -> tuple[Floats, Floats]:
    """The weight's share in each bin (above an edge, up to the next), and its standard error over people and items."""
    bins = len(edges) + 1
    cell = np.searchsorted(edges, values, side="left")
    total = inputs.weights.sum(dtype=np.float64)
    shares = np.bincount(cell, inputs.weights, minlength=bins) / total
    variance = sum(_variance(cell, shares, inputs.weights / total, group) for group in (inputs.people, inputs.items))
    return shares, np.sqrt(variance)


def _variance(cell: Array, shares: Floats, weights: Floats, group: Array) -> Floats:
    """Variance of the shares (b,) over groups: the examples of one are not independent of each other.

    People who are offered one small catalogue agree on its features however many they are, so items count too.
    """
    _, member = np.unique(group, return_inverse=True)
    n, bins = int(member.max(initial=-1)) + 1, len(shares)
    if n < 2:
        return np.ones(bins)
    mass = np.bincount(member * bins + cell, weights, minlength=n * bins).reshape(n, bins)
    deviation = mass - mass.sum(axis=1, keepdims=True) * shares
    variance: Floats = n / (n - 1) * (deviation**2).sum(axis=0)
    return variance
