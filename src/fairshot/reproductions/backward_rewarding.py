"""Backward rewards equal marginal contributions (science table, row 13).

Set-up: scores .9, .8, .4 and position weights 1, .5, .25, whose contributions by hand are .4, .3, .1; then
1,000 random requests of up to 12 candidates and up to 12 positions with the DCG discount.
"""

from pathlib import Path

import numpy as np

from fairshot.algorithms import backward_rewarding as br
from fairshot.algorithms.ranked_hits import discounts
from fairshot.reproductions.figure import Figure, at_most, near

SOURCE = "by hand, scores (.9, .8, .4), weights (1, .5, .25)"


def largest_gap(requests: int = 1000, seed: int = 13) -> float:
    """Find the largest |reward - (W(S) - W(S without i))| over random requests."""
    rng, worst = np.random.default_rng(seed), 0.0
    for _ in range(requests):
        scores, weights = rng.random(rng.integers(2, 13)), discounts(int(rng.integers(1, 13)))
        rewards, total = br.backward_rewards(scores, weights), br.welfare(scores, weights)
        without = [br.welfare(np.delete(scores, i), weights) for i in range(len(scores))]
        worst = max(worst, float(np.max(np.abs(rewards - (total - np.array(without))))))
    return worst


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - by hand and simulated
    """Three rewards by hand, and the largest gap to the marginal contribution."""
    rewards = br.backward_rewards([0.9, 0.8, 0.4], [1.0, 0.5, 0.25])
    found = [
        near(f"backward reward of rank {rank}", reward, target, 1e-9, SOURCE)
        for rank, reward, target in zip((1, 2, 3), rewards, (0.4, 0.3, 0.1), strict=True)
    ]
    identity = "identity of reward and marginal contribution, 1,000 random requests"
    return [*found, at_most("gap of reward and contribution", largest_gap(), 1e-9, identity)]
