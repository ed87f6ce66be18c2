"""Re-rankers beside the obvious NumPy version: `measure()` gives milliseconds of both, their ratio and the limit."""

import numpy as np
from benchmarks._speed import Speed, beside, show
from numpy.typing import NDArray

from fairshot.algorithms.diversity import dpp, mmr, ssd
from fairshot.algorithms.spacing import author_decay, excess_of_m, n_of_m

Floats = NDArray[np.floating]
N, D, K = 500, 64, 20
REPEATS = (100, 5)


def candidates(seed: int = 0) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Scores [N], vectors [N, D] and groups [N, 3] (author, topic, format)."""
    rng = np.random.default_rng(seed)
    groups = np.column_stack([rng.integers(0, size, N) for size in (100, 10, 3)])
    return rng.random(N), rng.normal(size=(N, D)).astype(np.float32), groups


def dpp_obvious(quality: Floats, vectors: Floats, k: int) -> list[int]:
    """The whole kernel, and for each pick the determinants of all candidates in one batch."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kernel = quality[:, None] * (unit @ unit.T) * quality
    chosen: list[int] = []
    for _ in range(k):
        rows = np.column_stack([np.tile(chosen, (len(quality), 1)), np.arange(len(quality))]).astype(int)
        volume = np.linalg.slogdet(kernel[rows[:, :, None], rows[:, None, :]])[1]
        volume[chosen] = -np.inf
        chosen.append(int(volume.argmax()))
    return chosen


def ssd_obvious(scores: Floats, vectors: Floats, k: int, gamma: float = 0.5, window: int = 10) -> list[int]:
    """The residual matrix of all candidates, rewritten at every pick."""
    z = (scores - scores.mean()) / scores.std()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    residual = np.column_stack([unit, np.ones(len(unit))]).astype(np.float64)
    chosen: list[int] = []
    taken: list[tuple[Floats, Floats]] = []
    for _ in range(k):
        gain = z + gamma * np.linalg.norm(residual, axis=1)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        if len(taken) == window - 1:
            residual += np.outer(*taken.pop(0))
        direction = residual[chosen[-1]].copy()
        part = residual @ direction / (direction @ direction)
        residual -= np.outer(part, direction)
        taken.append((part, direction))
    return chosen


def mmr_obvious(scores: Floats, vectors: Floats, k: int, relevance: float = 0.7) -> list[int]:
    """All likenesses first, then the maximum over everything picked, anew at every pick."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    chosen: list[int] = []
    for _ in range(k):
        nearest = likeness[:, chosen].max(axis=1) if chosen else np.full(len(scores), -1.0)
        gain = relevance * scores - (1 - relevance) * nearest
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return chosen


def n_of_m_obvious(groups: NDArray[np.int64], limits: list[int], windows: list[int], k: int) -> list[int]:
    """Try the candidates in order; check every rule on the slate with the candidate at its end."""
    chosen: list[int] = []
    for _ in range(k):
        for item in range(len(groups)):
            if item not in chosen and not excess_of_m(groups[[*chosen, item]], limits, windows)[-1]:
                chosen.append(item)
                break
    return chosen


def author_decay_obvious(scores: Floats, authors: NDArray[np.int64]) -> Floats:
    """One post at a time, counting authors in a dictionary."""
    seen: dict[int, int] = {}
    out = scores.copy()
    for i in np.argsort(-scores, kind="stable"):
        earlier = seen.get(int(authors[i]), 0)
        seen[int(authors[i])] = earlier + 1
        out[i] = scores[i] * (0.75 * 0.5**earlier + 0.25)
    return out


def measure(seed: int = 0) -> list[Speed]:
    """Every re-ranker at 500 candidates of 64 dimensions and 20 picks."""
    scores, vectors, groups = candidates(seed)
    rules, authors, of = ([1, 2, 2], [10, 5, 3]), groups[:, 0], f"{N} to {K}"
    return [
        beside(f"DPP {of}", lambda: dpp(scores, vectors, K), lambda: dpp_obvious(scores, vectors, K), 1.0, REPEATS),
        beside(f"SSD {of}", lambda: ssd(scores, vectors, K), lambda: ssd_obvious(scores, vectors, K), 2.0, REPEATS),
        beside(f"MMR {of}", lambda: mmr(scores, vectors, K), lambda: mmr_obvious(scores, vectors, K), 2.0, REPEATS),
        beside(
            f"n of m, {of}",
            lambda: n_of_m(groups, *rules, K),
            lambda: n_of_m_obvious(groups, *rules, K),
            2.0,
            REPEATS,
        ),
        beside(
            f"author decay of {N}",
            lambda: author_decay(scores, authors),
            lambda: author_decay_obvious(scores, authors),
            1.0,
            REPEATS,
        ),
    ]


if __name__ == "__main__":
    show(measure())
