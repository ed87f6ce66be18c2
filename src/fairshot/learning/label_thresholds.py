"""Thresholds: from which probability on a label is given, so that micro-F1 is as large as it can be."""

import numpy as np

from fairshot.core.arrays import Bools, Floats

PASSES = 3


def micro_f1(given: Bools | Floats, truth: Floats) -> float:
    """2 |given and true| / (|given| + |true|), over all pairs (n, L) of record and label; 0 where both are empty."""
    both = float(given.sum()) + float(truth.sum())
    return 2 * float((given * truth).sum()) / both if both else 0.0


def common_threshold(probability: Floats, truth: Floats) -> float:
    """The one threshold that gives the best micro-F1 over all pairs (n, L)."""
    order = np.argsort(-probability, axis=None, kind="stable")
    hits = np.cumsum(truth.ravel()[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    return float(probability.ravel()[order[f1.argmax()]])


def chosen_thresholds(probability: Floats, truth: Floats) -> Floats:
    """One threshold for each label, float64 (L,), drawn halfway to the common one.

    Micro-F1 is the largest F for which no label can raise 2 hits - F given; so each label takes the threshold that
    makes this most for the F of all, in turns. A label's own is uncertain where few records bear it, and with true
    probabilities the common one is the best: the geometric middle of both is taken.
    """
    common = common_threshold(probability, truth)
    own = np.full(probability.shape[1], common)
    order = np.argsort(-probability, axis=0, kind="stable")
    ranked = np.take_along_axis(probability, order, axis=0)
    hits = np.cumsum(np.take_along_axis(truth, order, axis=0), axis=0, dtype=np.float64)
    given = np.arange(1, len(truth) + 1)[:, None]
    for _ in range(PASSES):
        gain = 2 * hits - micro_f1(probability >= own, truth) * given
        best = gain.argmax(axis=0)[None]
        never = np.take_along_axis(gain, best, axis=0) <= 0
        own = np.where(never, 1.0, np.take_along_axis(ranked, best, axis=0))[0]
    return np.sqrt(own * common)
