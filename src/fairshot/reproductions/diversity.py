"""Fast greedy DPP against determinants computed one by one, and its time and that of SSD (table, row 9).

Set-up: 50 random cases of 30 items in 16 dimensions, 8 picks; speed at 500 items of 64 dimensions, 20 picks,
the median of 200 calls in one thread.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.diversity import dpp, ssd
from fairshot.reproductions.figure import Figure, at_most, near

CASES, PICKS = 50, 8
SPEED = "500 items of 64 dimensions, 20 picks, one thread, milliseconds"


def greedy_determinants(quality: Floats, vectors: Floats, picks: int) -> list[int]:
    """Greedy picks by the definition: log det of the chosen rows with each candidate, for every candidate."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kernel = quality[:, None] * (unit @ unit.T) * quality
    chosen: list[int] = []
    for _ in range(picks):
        left = [i for i in range(len(quality)) if i not in chosen]
        volumes = [np.linalg.slogdet(kernel[np.ix_([*chosen, i], [*chosen, i])])[1] for i in left]
        chosen.append(left[int(np.argmax(volumes))])
    return chosen


def agreement() -> int:
    """Count the random cases in which the fast picks are the same, in the same order."""
    rng = np.random.default_rng(0)
    same = 0
    for _ in range(CASES):
        vectors, quality = rng.normal(size=(30, 16)), np.exp(rng.normal(size=30) * 0.5)
        same += dpp(quality, vectors, PICKS).tolist() == greedy_determinants(quality, vectors, PICKS)
    return same


def milliseconds(call: Callable[[], object], repeats: int = 200) -> float:
    """Median wall time of one call."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken)) * 1e3


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Agreement with the definition, and the two times."""
    rng = np.random.default_rng(0)
    vectors, scores = rng.normal(size=(500, 64)).astype(np.float32), rng.random(500)
    return [
        near("DPP, cases equal to greedy determinants", agreement(), CASES, 0, "50 of 50 random cases"),
        at_most("DPP, milliseconds", milliseconds(lambda: dpp(scores, vectors, 20)), 1.0, SPEED),
        at_most("SSD, milliseconds", milliseconds(lambda: ssd(scores, vectors, 20)), 2.0, SPEED),
    ]
