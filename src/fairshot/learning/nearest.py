"""Nearest neighbours by inner product: exact while that is cheap, an inverted file of 8-bit codes beyond."""

from typing import Any, Protocol

import faiss
import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows

EXACT_UP_TO = 150_000
"""Rows that are searched exactly: below this, one matrix product costs less than an index loses in recall."""
CELLS = 4096
PROBES = 48
BLOCK = 50_000
"""Rows that are added at once."""


def build_index(items: Floats) -> Array | None:
    """The index of item vectors (n, d) as bytes, uint8; None where exact search does."""
    if len(items) <= EXACT_UP_TO:
        return None
    cells = min(CELLS, len(items) // 39)
    drawn = np.random.default_rng(0).choice(len(items), min(len(items), 40 * cells), replace=False)
    sample = np.ascontiguousarray(items[drawn])
    # Cells of vectors that lie close together: faiss's own for inner products look at directions alone, and lose the
    # items whose length brings them to the top.
    clusters: Any = faiss.Kmeans(items.shape[1], cells, niter=6, seed=0, max_points_per_centroid=40)
    clusters.train(sample)
    centres: Any = faiss.IndexFlatL2(items.shape[1])
    centres.add(clusters.centroids)
    coarse: Any = faiss.IndexFlatIP(items.shape[1])
    coarse.add(clusters.centroids)
    index: Any = faiss.IndexIVFScalarQuantizer(
        coarse, items.shape[1], cells, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    cell = _cells(centres, sample)
    residuals = np.ascontiguousarray(sample - clusters.centroids[cell])
    index.train_encoder(len(sample), faiss.swig_ptr(residuals), faiss.swig_ptr(cell))
    index.is_trained = True
    for start in range(0, len(items), BLOCK):
        # Named, for faiss is given bare addresses.
        part = np.ascontiguousarray(items[start : start + BLOCK])
        cell = _cells(centres, part)
        index.add_core(len(part), faiss.swig_ptr(part), None, faiss.swig_ptr(cell))
    serialized: Array = faiss.serialize_index(index)
    return serialized


def _cells(centres: Any, items: Floats) -> Ints:
    """The nearest centre of each item, int64 (n,)."""
    found: Ints = centres.search(items, 1)[1].ravel().astype(np.int64)
    return found


class Embedded(Protocol):
    """Holds vectors of items, float32 (n, d), and may append to them."""

    items: Floats


class VectorSearch:
    """Searches the items of `vectors`; rows beyond the index, and small eligible sets, are searched exactly."""

    def __init__(self, vectors: Embedded, index: Array | None = None) -> None:
        """index: what `build_index` returned for the first rows of the vectors."""
        self._vectors = vectors
        # The type of a deserialised index is known only at run time.
        deserialize: Any = faiss.deserialize_index
        self._index: Any = None if index is None else deserialize(index)
        if self._index is not None:
            self._index.nprobe = PROBES

    def search(self, queries: Floats, k: int, eligible: Rows | None = None) -> list[Rows]:
        """For each query (q, d) at most k rows, largest inner product first."""
        items = self._vectors.items
        if eligible is not None:
            rows = eligible[eligible < len(items)]
            if self._index is None or len(rows) <= EXACT_UP_TO:
                return [_best(rows, items[rows] @ query, k) for query in queries]
            parameters: Any = faiss.SearchParametersIVF
            allowed = parameters(sel=faiss.IDSelectorBatch(rows.astype(np.int64)), nprobe=4 * PROBES)
            return self._indexed(queries, k, rows[rows >= self._index.ntotal], allowed)
        if self._index is None:
            rows = np.arange(len(items), dtype=np.int32)
            return [_best(rows, items @ query, k) for query in queries]
        newer = np.arange(self._index.ntotal, len(items), dtype=np.int32)
        return self._indexed(queries, k, newer, None)

    def _indexed(self, queries: Floats, k: int, newer: Rows, allowed: object) -> list[Rows]:
        scores, found = self._index.search(np.ascontiguousarray(queries, np.float32), k, params=allowed)
        results: list[Rows] = []
        for query, score, rows in zip(queries, scores, found, strict=True):
            hit = rows >= 0
            merged = np.concatenate([rows[hit].astype(np.int32), newer])
            fresh = self._vectors.items[newer] @ query
            results.append(_best(merged, np.concatenate([score[hit], fresh]), k))
        return results


def _best(rows: Rows, scores: Floats, k: int) -> Rows:
    """The k rows of highest score, ties by row."""
    if len(rows) > k > 0:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        keep = np.flatnonzero(scores >= least)
        rows, scores = rows[keep], scores[keep]
    order = np.lexsort((rows, -scores))[:k]
    best: Rows = rows[order].astype(np.int32)
    return best
