"""Accuracy of slates against what was held out: recall, nDCG and average precision of each person."""

from collections.abc import Sequence

import numpy as np

from fairshot.algorithms.ranked_hits import discounts
from fairshot.core.arrays import Array, Floats


def accuracy(slates: Sequence[Array], truth: Sequence[Array], k: int) -> dict[str, Floats]:
    """Figures of each person with anything held out, float64 (people,), by name.

    With hit_r = 1 where the item at rank r is relevant, R relevant items, and ranks up to k:
    recall@k = sum_r hit_r / R; nDCG@k = sum_r hit_r / log2(1 + r) over the same sum for an ideal slate, whose
    first min(k, R) ranks are hits; MAP@k = sum_r hit_r * (sum_{s <= r} hit_s) / r over min(k, R). A slate
    shorter than k misses at its empty ranks. slates, truth: item rows, one array a person.
    """
    discount, ranks = discounts(k), np.arange(1, k + 1)
    found: list[tuple[float, float, float]] = []
    for slate, relevant in zip(slates, truth, strict=True):
        if len(relevant) == 0:
            continue
        hits = np.isin(slate[:k], relevant)
        n, best = len(hits), min(k, len(relevant))
        precision = np.cumsum(hits) / ranks[:n]
        found.append(
            (
                (hits * discount[:n]).sum() / discount[:best].sum(),
                hits.sum() / len(relevant),
                (hits * precision).sum() / best,
            )
        )
    columns = np.array(found, dtype=np.float64).reshape(-1, 3)
    return {name: columns[:, n] for n, name in enumerate((f"nDCG@{k}", f"recall@{k}", f"MAP@{k}"))}
