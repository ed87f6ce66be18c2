"""Peers: plain recommenders to compare with, under the same splits and by the same metrics; no part of the product.

Each is fitted on the binary matrix of people and items that have any reaction in training, and gives scores.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from fairshot.algorithms.ranked_hits import top_ranked
from fairshot.core.arrays import Array, Floats, Ints

Scores = Callable[[Ints], Floats]
"""Scores of all items for people (rows), float (people, items)."""
Peer = Callable[[csr_matrix], Scores]
EASE_REGULARIZATION = 500.0
EASE_LARGEST = 20_000
"""Items beyond which EASE is left out: its matrix has a column and a row for each."""
DISCOUNTS = (0.15, 0.3, 0.4, 0.5)
EVERYBODY = 256


def popularity(matrix: csr_matrix) -> Scores:
    """How many people reacted to each item."""
    counts = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
    return lambda people: np.broadcast_to(counts, (len(people), len(counts)))


def ease(matrix: csr_matrix) -> Scores:
    """EASE: X B with B = I - P diag(P)^-1, P = (X^T X + 500 I)^-1.

    Source: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
    """
    gram = (matrix.T @ matrix).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += EASE_REGULARIZATION
    precision = np.linalg.inv(gram)
    weights = precision / -np.diag(precision)
    np.fill_diagonal(weights, 0)
    return lambda people: np.asarray(matrix[people] @ weights)


def discounted(scores: Scores, matrix: csr_matrix, power: float) -> Scores:
    """Scores over (1 + popularity)^power: a popularity discount."""
    divisor = (1 + np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()) ** power
    return lambda people: scores(people) / divisor


def als(matrix: csr_matrix) -> Scores:
    """Alternating least squares of the package implicit: 32 factors, alpha 5, regularisation 30, 15 rounds."""
    from implicit.cpu.als import AlternatingLeastSquares

    model: Any = AlternatingLeastSquares(factors=32, regularization=30.0, alpha=5.0, iterations=15, random_state=0)
    with threadpool_limits(1, "blas"):
        model.fit(matrix.astype(np.float32), show_progress=False)
    return lambda people: model.user_factors[people] @ model.item_factors.T


def bm25(matrix: csr_matrix) -> Scores:
    """Nearest items by BM25, of the package implicit: K = 500 neighbours, K1 = 1.2, B = .75."""
    from implicit.nearest_neighbours import BM25Recommender

    model: Any = BM25Recommender(K=500, K1=1.2, B=0.75, num_threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own weighting changes the format that its own fit warns of
        model.fit(matrix.astype(np.float64), show_progress=False)
    return lambda people: (matrix[people] @ model.similarity).toarray()


def peers(matrix: csr_matrix) -> Iterator[tuple[str, Scores]]:
    """All peers, fitted, by name; EASE, and it with each discount, where the catalogue is not too large."""
    plain: Mapping[str, Peer] = {"popularity": popularity, "implicit ALS": als, "implicit BM25": bm25}
    for name, peer in plain.items():
        yield name, peer(matrix)
    if matrix.shape[1] <= EASE_LARGEST:
        scores = ease(matrix)
        yield "EASE", scores
        for power in DISCOUNTS:
            yield discount_name(power), discounted(scores, matrix, power)


def discount_name(power: float) -> str:
    """What EASE with a popularity discount is called."""
    return f"EASE / (1 + popularity)^{power:g}"


def peer_slates(scores: Scores, matrix: csr_matrix, people: Ints, listed: Ints, k: int) -> list[Array]:
    """Each person's k best listed items that they had not met in training, item rows, ties by row."""
    slates: list[Array] = []
    for start in range(0, len(people), EVERYBODY):
        part = people[start : start + EVERYBODY]
        values = np.array(scores(part), dtype=np.float64)[:, listed]
        values[matrix[part][:, listed].toarray() > 0] = LEAST
        for row, top in zip(values, top_ranked(values, k), strict=True):
            slates.append(listed[top[row[top] > LEAST]].astype(np.int32))
    return slates


LEAST = float(np.finfo(np.float64).min)
