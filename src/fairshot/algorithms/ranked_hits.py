"""Accuracy of ranked lists against known likes: hits by rank, recall and NDCG, averaged over users."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairshot.algorithms.arguments import Floats, Ints, flags

Scores = NDArray[np.floating]


def top_ranked(scores: ArrayLike, depth: int) -> Ints:
    """Pick every user's best items, best first; equal scores are ordered by item number.

    Costs one partition of each row plus a sort of `depth`, instead of a sort of the row.
    Formula: the first `depth` items by falling score_ui, then by rising i.
    Shapes: scores [users, items] -> int64 [users, min(depth, items)].
    Errors: ValueError for scores that are not [users >= 1, items >= 1] or not finite, and depth < 1.

    >>> top_ranked([[0.1, 0.9, 0.9, 0.5]], depth=3)
    array([[1, 2, 3]])
    """
    values = _scores(scores)
    if depth < 1:
        raise ValueError(f"depth must be >= 1, shape (): {depth}")
    if depth >= values.shape[1]:
        return np.argsort(-values, axis=1, kind="stable")
    chosen = np.sort(np.argpartition(-values, depth - 1, axis=1)[:, :depth], axis=1)
    least = np.take_along_axis(values, chosen, 1).min(axis=1, keepdims=True)
    # A tie at the edge of the list may be cut anywhere by the partition: those rows are sorted whole.
    tied = np.flatnonzero((values >= least).sum(axis=1) > depth)
    chosen[tied] = np.sort(np.argsort(-values[tied], axis=1, kind="stable")[:, :depth], axis=1)
    order = np.argsort(-np.take_along_axis(values, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def discounts(depth: int) -> Floats:
    """Weight of each rank r = 1 .. depth, rank 1 first.

    Formula: weight_r = 1 / log2(1 + r).
    Shapes: returns [depth]. Source: Jarvelin and Kekalainen, TOIS 2002.

    >>> discounts(3).round(3)
    array([1.   , 0.631, 0.5  ])
    """
    return 1 / np.log2(np.arange(2, depth + 2))


def recall(scores: ArrayLike, liked: ArrayLike, depth: int) -> Floats:
    """Share of a user's likes that are within the first `depth` ranks, for each user.

    Formula: |likes of u within the list| / |likes of u|; a user without likes gets NaN, so that a mean over
    users says whether they are left out (`numpy.nanmean`).
    Shapes: scores and liked (bool) [users, items] -> [users]. Errors: ValueError for other shapes.

    >>> recall([[3, 2, 1]], [[True, False, True]], depth=2)
    array([0.5])
    """
    values, likes = _scores(scores), flags("liked", liked, np.shape(scores))
    hits = np.take_along_axis(likes, top_ranked(values, depth), 1)
    return _ratio(hits.sum(axis=1), likes.sum(axis=1))


def ndcg(scores: ArrayLike, liked: ArrayLike, depth: int) -> Floats:
    """Discounted gain of the first `depth` ranks over the best possible one, for each user.

    Formula: sum over hits of 1 / log2(1 + rank), over the same sum for min(|likes of u|, depth) hits at the
    top; NaN for a user without likes.
    Shapes: scores and liked (bool) [users, items] -> [users]. Errors: ValueError for other shapes.

    >>> ndcg([[3, 2, 1]], [[True, False, True]], depth=2).round(4)
    array([0.6131])
    """
    values, likes = _scores(scores), flags("liked", liked, np.shape(scores))
    hits = np.take_along_axis(likes, top_ranked(values, depth), 1)
    weights = discounts(hits.shape[1])
    best = np.concatenate(([0.0], np.cumsum(weights)))
    return _ratio(hits @ weights, best[np.minimum(likes.sum(axis=1), len(weights))])


def _scores(scores: ArrayLike) -> Scores:
    values = np.asarray(scores)
    values = values if values.dtype.kind == "f" else values.astype(np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"scores must have shape (users >= 1, items >= 1), got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"scores of shape {values.shape} must be finite")
    return values


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Floats:
    parts, wholes = part.astype(np.float64), whole.astype(np.float64)
    ratio: Floats = np.divide(parts, wholes, out=np.full(parts.shape, np.nan), where=wholes > 0)
    return ratio
