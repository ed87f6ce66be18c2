"""Figures with their intervals, by bootstrap or jackknife over people (or items), and differences paired by person."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Array, Floats
from fairshot.core.randomness import stream

DRAWS, GROUPS = 1000, 200
PerPerson = Mapping[str, Floats]
"""Figures by name, each with one value a person, float (people,), in the same order of people."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of one arm: mean over people (or a share), with a 95 % interval where it has one."""

    arm: str
    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of an arm minus that of another, on the same people, with a 95 % interval where it has one."""

    arm: str
    less: str
    name: str
    value: float
    low: float | None = None
    high: float | None = None


def resamples(n: int, draws: int = DRAWS) -> Array:
    """Bootstrap weights, float64 (draws, n): how often each of n units is drawn; the same for every figure and arm.

    That they are the same makes intervals repeatable and differences of arms paired.
    """
    drawn = stream("bootstrap", str(n)).integers(0, n, (draws, n))
    flat = drawn + n * np.arange(draws)[:, None]
    return np.bincount(flat.ravel(), minlength=draws * n).reshape(draws, n).astype(np.float64)


def interval(statistics: Array, units: int) -> tuple[float, float] | tuple[None, None]:
    """The middle 95 % of a bootstrap's statistics (draws,); none of a single unit, which tells of no spread."""
    if units < 2:
        return None, None
    low, high = np.nanquantile(statistics, [0.025, 0.975])
    return float(low), float(high)


def left_out(n: int) -> Array:
    """Weights that leave one group of n units out, float64 (groups, n): min(n, 200) groups of like size, by lot."""
    groups = min(n, GROUPS)
    group = stream("jackknife", str(n)).permutation(np.arange(n) % max(groups, 1))
    weights: Array = (group != np.arange(groups)[:, None]).astype(np.float64)
    return weights


def jackknifed(value: float, statistics: Array, units: int) -> tuple[float, float] | tuple[None, None]:
    """95 % interval of a figure that is no mean, by its values without each of G groups (G,); none of a single unit.

    value -+ 1.96 * sqrt((G - 1) / G * sum_g (v_g - mean)^2), Quenouille's jackknife by groups. A bootstrap would
    not do: resamples have fewer different units, so that e.g. every Gini of theirs can lie above that of all.
    """
    if units < 2:
        return None, None
    reach = 1.96 * float(np.sqrt((len(statistics) - 1) * np.var(statistics)))
    return value - reach, value + reach


def means(arm: str, figures: PerPerson) -> list[Measured]:
    """The mean of each figure over people, with its interval; nothing where there is nobody."""
    found = []
    for name, values in figures.items():
        if len(values):
            found.append(Measured(arm, name, float(values.mean()), *interval(_means_of(values), len(values))))
    return found


def paired(arm: str, figures: PerPerson, less: str, others: PerPerson) -> list[Difference]:
    """How far an arm's means lie above another's: differences are taken person by person, then resampled."""
    found = []
    for name in figures:
        if name in others and len(figures[name]):
            gaps = figures[name] - others[name]
            found.append(Difference(arm, less, name, float(gaps.mean()), *interval(_means_of(gaps), len(gaps))))
    return found


def _means_of(values: Floats) -> Array:
    """The bootstrap's means (draws,): by blocks, lest a million people need a matrix of a thousand million."""
    n = len(values)
    if n <= 20_000:
        means_: Array = resamples(n) @ values / n
        return means_
    rng = stream("bootstrap", str(n))
    return np.array([values[rng.integers(0, n, n)].mean() for _ in range(DRAWS)])
