"""Concave creator value in a feed: exposure evens out, and a little of it raises likes (science table, row 8).

Set-up: 100 creators with one item each, like rates q ~ Beta(2, 20) learned online from clicks on examined
positions (prior 2, 20), 20,000 requests of 5 positions examined with chance 1 / log2(k + 1), log-normal personal
taste of sd 1/2. The slate holds the largest V = p (1 + A / (5 + n)), n the likes since the window of 2,000
requests began: A / (5 + n) is A/5 times the marginal happiness with half = 5. In the variant with departures a
creator with fewer than 8 likes in a window leaves. All runs advance together, on the same
worlds for every A, so likes are compared as ratios: their level depends on the worlds drawn.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairshot.algorithms.arguments import Bools, Floats, Ints
from fairshot.algorithms.happiness import marginal_happiness
from fairshot.reproductions.figure import Figure, at_least, near

CREATORS, POSITIONS, REQUESTS, WINDOW, HALF, ENOUGH = 100, 5, 20_000, 2_000, 5.0, 8
SOURCE = "feed of 100 creators, 20,000 requests, mean of 4 runs of an independent simulation"
GINI = {0: 0.753, 2: 0.664, 10: 0.478, 50: 0.265, 200: 0.183}
DEPARTURES = {0: (0.819, 0.24), 10: (0.634, 0.46)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Gini of exposure, likes a request, share of creators still there: each the mean over runs."""

    gini: float
    likes: float
    staying: float


def gini(exposure: Floats) -> Floats:
    """Gini coefficient along the last axis."""
    ranked, count = np.sort(exposure, axis=-1), exposure.shape[-1]
    return np.asarray(ranked @ (2 * np.arange(1, count + 1) - count - 1) / (count * ranked.sum(axis=-1)))


def feed(weight: float, departures: bool, runs: int = 24, seed: int = 7) -> Outcome:
    """Run the feed with creator weight A."""
    rng, rows = np.random.default_rng(seed), np.arange(runs)[:, None]
    quality, attention = rng.beta(2, 20, (runs, CREATORS)), 1 / np.log2(np.arange(2, POSITIONS + 2))
    liked, seen, recent, exposure = np.zeros((4, runs, CREATORS))
    there, total = np.ones((runs, CREATORS), np.bool_), 0.0
    for request in range(1, REQUESTS + 1):
        taste = np.exp(rng.normal(0, 0.5, (runs, CREATORS)))
        slate = _slate((2 + liked) / (22 + seen) * taste, recent, there, weight)
        examined = rng.random((runs, POSITIONS)) < attention
        likes = examined & (rng.random((runs, POSITIONS)) < np.minimum(1, (quality * taste)[rows, slate]))
        liked[rows, slate] += likes
        recent[rows, slate] += likes
        seen[rows, slate] += examined
        exposure[rows, slate] += attention
        total += likes.sum()
        if request % WINDOW == 0:
            there &= (recent >= ENOUGH) | (not departures)
            recent[:] = 0
    return Outcome(float(gini(exposure).mean()), float(total) / (runs * REQUESTS), float(there.mean()))


def _slate(chance: Floats, recent: Floats, there: Bools, weight: float) -> Ints:
    value = np.where(there, chance * (1 + weight / HALF * marginal_happiness(recent, HALF)), -1.0)
    return np.argsort(-value, axis=1)[:, :POSITIONS]


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Gini by A, likes with and without a little concavity, and who stays where creators may leave."""
    static = {weight: feed(weight, departures=False) for weight in GINI}
    found = [near(f"Gini of exposure, A={a}", static[a].gini, target, 0.05, SOURCE) for a, target in GINI.items()]
    others = max(outcome.likes for a, outcome in static.items() if a != 2)
    found.append(at_least("likes at A=2 / likes at the best other A", static[2].likes / others, 1.0, SOURCE))
    leaving = {weight: feed(weight, departures=True) for weight in DEPARTURES}
    for weight, (spread, staying) in DEPARTURES.items():
        name, outcome = f"with departures, A={weight}", leaving[weight]
        found.append(near(f"Gini of exposure {name}", outcome.gini, spread, 0.05, SOURCE))
        found.append(near(f"share of creators left {name}", outcome.staying, staying, 0.05, SOURCE))
    gain = leaving[10].likes / leaving[0].likes
    return [*found, at_least("likes with departures, A=10 / A=0", gain, 1.0, SOURCE)]
