"""Content matrices, dense or sparse: the shapes that the cold-start models accept, and TF-IDF of labels."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, issparse

Floats32 = NDArray[np.float32]
Sparse: TypeAlias = "csr_array[Any, Any]"
Content: TypeAlias = "NDArray[np.floating] | Sparse"


def checked(name: str, content: Content) -> Content:
    """Return content as float32 [n, c], sparse if it was; ValueError for other shapes or what is not finite.

    >>> checked("content", np.array([[1.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """
    if content.ndim != 2:
        raise ValueError(f"{name} must be [n, c], got shape {content.shape}")
    values: Content = sparse(content) if issparse(content) else np.asarray(content, np.float32)
    if not np.isfinite(values.data if issparse(values) else np.asarray(values)).all():
        raise ValueError(f"{name} of shape {content.shape} must be finite")
    return values


def sparse(values: Any) -> Sparse:
    """Return any sparse or dense matrix as float32 rows.

    >>> sparse([[0.0, 2.0]]).toarray()
    array([[0., 2.]], dtype=float32)
    """
    rows: Sparse = csr_array(values).astype(np.float32)
    return rows


def unit_rows(content: Content) -> Content:
    """Scale each row to length one, first by its largest entry, so that no square overflows; rows of zeros stay.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    if issparse(content):
        rows: Sparse = csr_array(content, copy=True)
        peak = np.asarray(abs(rows).max(axis=1).toarray()).ravel() if rows.shape[1] else np.zeros(rows.shape[0])
        rows.data = rows.data / np.repeat(np.where(peak > 0, peak, 1), np.diff(rows.indptr))
        length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        return csr_array(diags_array(1 / np.where(length > 0, length, 1)) @ rows)
    peak = np.abs(content).max(axis=1, keepdims=True, initial=0.0)
    content = np.asarray(content / np.where(peak > 0, peak, 1))
    length = np.linalg.norm(content, axis=1, keepdims=True)
    return np.asarray(content / np.where(length > 0, length, 1))


def tfidf(counts: Sparse, known: NDArray[np.integer]) -> Sparse:
    """Weigh labels by rarity: count * log(known items / known items with the label), rows of length one.

    Shapes: counts sparse [n, labels]; known rows whose frequencies are counted (so that new items do not
    leak); labels that no known item has are dropped. Returns float32 sparse [n, kept labels].
    Source: Sparck Jones, "A statistical interpretation of term specificity", 1972.

    >>> tfidf(csr_array(np.array([[1, 1], [1, 0], [0, 5]])), np.array([0, 1])).toarray().round(2)
    array([[0., 1.],
           [0., 0.],
           [0., 1.]], dtype=float32)
    """
    present = np.asarray((counts[known] > 0).sum(axis=0)).ravel()
    kept = np.flatnonzero(present)
    weight = np.log(len(known) / present[kept])
    return sparse(unit_rows(csr_array(counts[:, kept] @ diags_array(weight))))
