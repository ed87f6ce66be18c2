"""Fairness beside the obvious NumPy version: `measure()` gives milliseconds of both, their ratio and the limit."""

import numpy as np
from benchmarks._speed import Speed, beside, show

from fairshot.algorithms.fairco import fairco_error, fairco_order
from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain


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
        beside("MDG 6018 x 905", lambda: mean_discounted_gain(scores, liked), sorted_gains, 1000.0, (3, 3)),
        beside(
            "FairCo boost of 500 candidates",
            lambda: fairco_order(relevance, groups, fairco_error(received, merit)),
            boosted,
            1.0,
            (200, 200),
        ),
    ]


if __name__ == "__main__":
    show(measure())
