"""Fairness beside the obvious NumPy version: `measure()` gives milliseconds of both, their ratio and the limit."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fairshot.algorithms.fairco import fairco_error, fairco_order
from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain


class Speed(NamedTuple):
    name: str
    ours_ms: float
    numpy_ms: float
    ratio: float
    limit_ms: float
    holds: bool


def measure(seed: int = 0) -> list[Speed]:
    """MDG of 6,018 users by 905 items, and FairCo's boost of one request of 500 candidates in 8 groups."""
    rng = np.random.default_rng(seed)
    scores, liked = rng.random((6018, 905), np.float32), rng.random((6018, 905), np.float32) < 0.05
    relevance, groups = rng.random(500), rng.integers(0, 8, 500)
    received, merit = rng.random(8) * 1e4, rng.random(8) + 1

    def sorted_gains() -> object:
        ranks = np.argsort(np.argsort(-scores, axis=1), axis=1) + 1
        gain = np.where(liked & (ranks <= 100), 1 / np.log2(1 + ranks), 0.0)
        return gain.sum(axis=0) / liked.sum(axis=0)

    def boosted() -> object:
        ratio = received / merit
        return np.argsort(-(relevance + 0.01 * (ratio.max() - ratio)[groups]))

    return [
        _beside("MDG 6018 x 905", lambda: mean_discounted_gain(scores, liked), sorted_gains, 1000.0, 3),
        _beside(
            "FairCo boost of 500 candidates",
            lambda: fairco_order(relevance, groups, fairco_error(received, merit)),
            boosted,
            1.0,
            200,
        ),
    ]


def _beside(name: str, ours: Callable[[], object], obvious: Callable[[], object], limit: float, repeats: int) -> Speed:
    a, b = _milliseconds(ours, repeats), _milliseconds(obvious, repeats)
    return Speed(name, a, b, a / b, limit, a <= limit)


def _milliseconds(call: Callable[[], object], repeats: int) -> float:
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1e3 * float(best)


if __name__ == "__main__":
    for speed in measure():
        print(
            f"{speed.name}: {speed.ours_ms:.3f} ms, NumPy {speed.numpy_ms:.3f} ms, ratio {speed.ratio:.2f}, "
            f"limit {speed.limit_ms:g} ms {'holds' if speed.holds else 'FAILS'}"
        )
