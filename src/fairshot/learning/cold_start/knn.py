"""Cold items by their nearest warm neighbours in content: nothing to train, and every answer can be shown.

Formula: s_ij = max(0, cos(content_i, content_j)), N the k warm items of largest s_ij; the prediction of item
i is sum_N s_ij x_j / sum_N s_ij, where x_j is what is known of j: its collaborative vector, or the users who
liked it. An item unlike every warm one gets the mean of them all. Costs one product of sparse or dense
content matrices, in blocks of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from fairshot.algorithms.arguments import whole
from fairshot.learning.cold_start.content import Content, Floats32, Sparse, checked, sparse, unit_rows

BLOCK = 512


def knn_vectors(cold: Content, warm: Content, vectors: NDArray[np.floating], k: int = 100) -> Floats32:
    """Vectors of cold items: the mean of their neighbours' collaborative vectors, weighted by likeness.

    Shapes: cold [m, c] and warm [n, c] content, dense or sparse; vectors [n, d]; returns float32 [m, d].
    Errors: ValueError for other shapes, values that are not finite, k < 1.

    >>> warm, vectors = np.eye(2), np.array([[1.0, 0.0], [0.0, 4.0]])
    >>> knn_vectors(np.array([[3.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), warm, vectors, k=2)
    array([[1. , 0. ],
           [0.5, 2. ],
           [0.5, 2. ]], dtype=float32)
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or len(vectors) != warm.shape[0] or not np.isfinite(vectors).all():
        raise ValueError(f"vectors must be finite [{warm.shape[0]}, d] as warm, got shape {vectors.shape}")
    out = np.tile(vectors.mean(axis=0), (cold.shape[0], 1))
    for rows, weights in _neighbours(cold, warm, k):
        known = np.asarray(weights.sum(axis=1)).ravel() > 0
        out[rows[known]] = (weights @ vectors)[known]
    return out


def knn_scores(cold: Content, warm: Content, liked: Sparse, k: int = 100) -> Floats32:
    """Scores of cold items for every user: the share of an item's neighbours, by likeness, that the user liked.

    Shapes: cold [m, c], warm [n, c]; liked sparse [users, n]; returns float32 [users, m].
    Errors: ValueError for other shapes, likes or content that are not finite, k < 1.

    >>> liked = csr_array(np.array([[1.0, 0.0], [1.0, 1.0]]))
    >>> knn_scores(np.array([[1.0, 0.0], [0.0, 1.0]]), np.eye(2), liked, k=1)
    array([[1., 0.],
           [1., 1.]], dtype=float32)
    """
    if liked.ndim != 2 or liked.shape[1] != warm.shape[0]:
        raise ValueError(f"liked must be [users, {warm.shape[0]}] as warm, got shape {liked.shape}")
    by_item = sparse(liked.T)
    if not np.isfinite(by_item.data).all():
        raise ValueError(f"liked of shape {liked.shape} must be finite")
    mean = np.asarray(by_item.mean(axis=0), np.float32).ravel()
    out = np.repeat(mean[:, None], cold.shape[0], axis=1)
    for rows, weights in _neighbours(cold, warm, k):
        known = np.asarray(weights.sum(axis=1)).ravel() > 0
        out[:, rows[known]] = (weights @ by_item).toarray()[known].T
    return out


def _neighbours(cold: Content, warm: Content, k: int) -> Iterator[tuple[NDArray[np.int64], Sparse]]:
    """Yield rows of cold items and their weights [rows, n], which sum to one or are all zero."""
    whole("k", k, 1)
    if cold.ndim != 2 or warm.ndim != 2 or cold.shape[1] != warm.shape[1] or not warm.shape[0]:
        raise ValueError(f"cold and warm must be [m, c] and [n >= 1, c], got {cold.shape} and {warm.shape}")
    ours, theirs = unit_rows(checked("cold", cold)), unit_rows(checked("warm", warm))
    k = min(k, warm.shape[0])
    for start in range(0, cold.shape[0], BLOCK):
        product = ours[start : start + BLOCK] @ theirs.T
        likeness = np.maximum(product.toarray() if hasattr(product, "toarray") else product, 0.0)
        best = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        weight = np.take_along_axis(likeness, best, 1)
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        row = np.repeat(np.arange(len(best)), k)
        shape = (len(best), warm.shape[0])
        yield np.arange(start, start + len(best)), csr_array((weight.ravel(), (row, best.ravel())), shape=shape)
