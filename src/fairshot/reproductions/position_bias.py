"""Examination curve from clicks, by expectation maximisation and by harvesting (science table, row 12).

Set-up: 200 items with attraction from Beta(1, 4), 10 ranks with examination 1 / log2(1 + rank), each
impression one item at one rank, both uniform; error = largest absolute difference over the ranks, relative to
the first. With 60,000 impressions sampling noise alone is of the size of the bounds (an estimator that is
told the true attractions has a mean error of .033), so the figures are means over 20 logs, not one lucky
log. Smoothing presumes a curve that falls smoothly; the error on a step (1 in the upper half, .4 below) is
reported, for it has no published target.
"""

from pathlib import Path

import numpy as np

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.position_bias import click_table, em_examination, harvest_examination
from fairshot.reproductions.figure import Figure, at_most

LOGS, ITEMS, RANKS = 20, 200, 10
TRUTH = 1 / np.log2(np.arange(2, RANKS + 2))
STEP = np.where(np.arange(RANKS) < RANKS // 2, 1.0, 0.4)
SOURCE = "simulated log with known examination, {:,} impressions of one item each, 10 ranks, mean of 20 logs"


def log(seed: int, impressions: int, truth: Floats = TRUTH) -> tuple[Floats, Floats]:
    """Clicks and impressions [items, ranks] of one simulated log."""
    rng = np.random.default_rng(seed)
    attraction = rng.beta(1, 4, ITEMS)
    items, ranks = rng.integers(0, ITEMS, impressions), rng.integers(0, RANKS, impressions)
    clicks = rng.random(impressions) < truth[ranks] * attraction[items]
    return click_table(items, ranks, clicks, ITEMS, RANKS)


def error(examination: Floats, truth: Floats = TRUTH) -> float:
    """Largest absolute error over the ranks."""
    return float(np.abs(examination - truth).max())


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Mean of the largest error, by method."""
    logs = [log(seed, 60_000) for seed in range(LOGS)]
    larger = [log(seed, 600_000) for seed in range(LOGS)]
    one, ten = SOURCE.format(60_000), SOURCE.format(600_000)
    em = np.mean([error(em_examination(*table)[0]) for table in logs])
    harvest = np.mean([error(harvest_examination(*table)) for table in logs])
    bare = np.mean([error(harvest_examination(*table, smooth=False)) for table in larger])
    stepped = [error(harvest_examination(*log(seed, 60_000, STEP)), STEP) for seed in range(LOGS)]
    return [
        at_most("PBM by EM, largest error", float(em), 0.05, one),
        at_most("PBM by harvesting, largest error", float(harvest), 0.03, one),
        at_most("PBM by harvesting without smoothing, largest error", float(bare), 0.03, ten),
        Figure("PBM by harvesting, largest error on a step", float(np.mean(stepped)), "reported", 0.0, one, True),
    ]
