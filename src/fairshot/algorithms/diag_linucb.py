"""Diag-LinUCB: a contextual bandit over user clusters that needs two counters an edge and no matrix.

Users are clustered, and each cluster c holds its W most promising fresh items: a sparse bipartite graph,
items [C, W] (rows of the item table, -1 for an empty slot). A request weighs a few clusters (w, softmax of
similarities); each edge (c, i) keeps the evidence n = sum w^2 and the reward b = sum w r, which start at zero
and simply add up, so counting may be distributed and merged. With d = 1 + n:

    UCB_i = sum_c w_c b_ci / d_ci + alpha sqrt(sum_c w_c^2 / d_ci)

which is LinUCB with the off-diagonal terms left out, and exactly LinUCB where each request has one cluster.
Between clusters the estimate is biased (b / d of an edge also takes in what the other clusters of the same
requests like), so regret is sublinear for sharp weights but not for blurred ones: keep the softmax cold.
The sums run over the edges that exist: an item outside a cluster's W neither gains nor loses there.
Source: Yi et al., "Online Matching: A Real-time Bandit System for Large-scale Recommendations", RecSys 2023.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from fairshot.algorithms.arguments import Floats, Ints, at_least_zero, real, whole

EMPTY = -1


def nearest_items(centres: ArrayLike, vectors: ArrayLike, width: int) -> Ints:
    """Graph that gives each cluster its `width` items with the largest inner product, best first.

    Formula: row c holds the `width` items i of largest <centre_c, vector_i>, the lower item of equals first.
    Shapes: centres [C, D], vectors [N, D]; returns items [C, width], the rest filled with -1 where N < width.
    Errors: ValueError where shapes do not fit or width < 1.

    >>> nearest_items([[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], width=2)
    array([[0, 2],
           [1, 2]])
    """
    whole("width", width, 1)
    middles = real("centres", centres, (None, None))
    scores = middles @ real("vectors", vectors, (None, middles.shape[1])).T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :width]
    return np.pad(order, ((0, 0), (0, width - order.shape[1])), constant_values=EMPTY)


def cluster_weights(users: ArrayLike, centres: ArrayLike, top: int, temperature: float) -> tuple[Ints, Floats]:
    """Sparse context of each request: its `top` clusters and their softmax weights.

    Formula: w = softmax(<user, centre> / temperature) over the `top` largest.
    Shapes: users [m, D], centres [C, D]; returns clusters int [m, top] and weights [m, top], best first.
    Errors: ValueError where shapes do not fit, top is not in [1, C] or temperature is not positive.

    >>> cluster_weights([[1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]], top=1, temperature=0.1)
    (array([[1]]), array([[1.]]))
    """
    middles = real("centres", centres, (None, None))
    if not (whole("top", top, 1) <= len(middles) and 0 < temperature < np.inf):
        raise ValueError(f"1 <= top <= {len(middles)}, temperature > 0 wanted, shape (): {top}, {temperature}")
    similarity = real("users", users, (None, middles.shape[1])) @ middles.T / temperature
    clusters = np.argsort(-similarity, axis=1, kind="stable")[:, :top]
    return clusters, np.asarray(softmax(np.take_along_axis(similarity, clusters, axis=1), axis=1))


def upper_bounds(
    clusters: Ints, weights: ArrayLike, items: Ints, evidence: Floats, reward: Floats, alpha: float
) -> tuple[Ints, Floats]:
    """Score every item on the edges of one request's clusters by its upper confidence bound.

    Formula: sum_c w_c b_ci / d_ci + alpha sqrt(sum_c w_c^2 / d_ci), d = 1 + evidence.
    Shapes: clusters and weights [k]; items, evidence and reward [C, W]; returns (rows [m], scores [m]), rows
    ascending and each once. Errors: ValueError where shapes differ, clusters lie outside, alpha < 0, or the
    edges used hold negative or non-finite evidence or a reward that is not finite.

    >>> graph, evidence, reward = np.array([[4, 7]]), np.array([[3.0, 0.0]]), np.array([[2.0, 0.0]])
    >>> upper_bounds(np.array([0]), [1.0], graph, evidence, reward, alpha=1.0)
    (array([4, 7]), array([1., 1.]))
    """
    if not 0 <= alpha < np.inf:
        raise ValueError(f"alpha must be >= 0 and finite, shape (): {alpha}")
    index, share, precision, mean = _edges(clusters, weights, items, evidence, reward)
    rows, slot = np.unique(index, return_inverse=True)
    value = np.bincount(slot, share * mean, len(rows))
    return rows, value + alpha * np.sqrt(np.bincount(slot, share**2 / precision, len(rows)))


def thompson_scores(
    clusters: Ints,
    weights: ArrayLike,
    items: Ints,
    evidence: Floats,
    reward: Floats,
    sd: float,
    rng: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Score every item on the edges of one request's clusters by a draw from each edge's posterior.

    Formula: sum_c w_c x_ci, x_ci ~ Normal(b_ci / d_ci, sd^2 / d_ci).
    Shapes, errors: as `upper_bounds`; sd is the standard deviation of a reward.

    >>> graph, evidence, reward = np.array([[4, 7]]), np.array([[3.0, 0.0]]), np.array([[2.0, 0.0]])
    >>> thompson_scores(np.array([0]), [1.0], graph, evidence, reward, sd=0.0, rng=np.random.default_rng(0))
    (array([4, 7]), array([0.5, 0. ]))
    """
    if not 0 <= sd < np.inf:
        raise ValueError(f"sd must be >= 0 and finite, shape (): {sd}")
    index, share, precision, mean = _edges(clusters, weights, items, evidence, reward)
    rows, slot = np.unique(index, return_inverse=True)
    draws = mean + sd / np.sqrt(precision) * rng.standard_normal(len(mean))
    return rows, np.asarray(np.bincount(slot, share * draws, len(rows)), np.float64)


def update_edges(
    clusters: Ints,
    weights: ArrayLike,
    item: ArrayLike,
    outcome: ArrayLike,
    items: Ints,
    evidence: Floats,
    reward: Floats,
) -> tuple[Floats, Floats]:
    """Count a batch of impressions on the edges they used; impressions without such an edge change nothing.

    Formula: on each edge (c, item) of a request, evidence += w_c^2 and reward += w_c outcome.
    Shapes: clusters and weights [m, k], item and outcome [m]; items, evidence and reward [C, W]; returns new
    (evidence, reward), float64. Errors: as `upper_bounds`; ValueError for items that are not integers >= 0 (-1
    is an empty slot, not an item).

    >>> graph, zero = np.array([[4, 7]]), np.zeros((1, 2))
    >>> update_edges(np.array([[0], [0]]), [[1.0], [0.5]], [7, 7], [1.0, 0.0], graph, zero, zero)
    (array([[0.  , 1.25]]), array([[0., 1.]]))
    """
    share = at_least_zero("weights", weights, np.shape(clusters))
    shown, seen = np.asarray(item), real("outcome", outcome, (len(clusters),))
    if shown.shape != seen.shape or (shown.size and (shown.dtype.kind not in "iu" or shown.min() < 0)):
        raise ValueError(f"item must be integers >= 0 [{len(clusters)}], shape {shown.shape}")
    _check_graph(clusters, items, evidence, reward)
    request, place, slot = np.nonzero(items[clusters] == shown[:, None, None])
    edge, used = (clusters[request, place], slot), share[request, place]
    new_evidence = at_least_zero("evidence", evidence, items.shape).copy()
    new_reward = real("reward", reward, items.shape).copy()
    np.add.at(new_evidence, edge, used**2)
    np.add.at(new_reward, edge, used * seen[request])
    return new_evidence, new_reward


def _edges(
    clusters: Ints, weights: ArrayLike, items: Ints, evidence: Floats, reward: Floats
) -> tuple[Ints, Floats, Floats, Floats]:
    """Take the filled edges of one request: item row, cluster weight, precision d and mean b / d of each."""
    share = at_least_zero("weights", weights, np.shape(clusters))
    _check_graph(clusters, items, evidence, reward)
    filled = items[clusters] != EMPTY
    precision = 1.0 + at_least_zero("evidence", evidence[clusters][filled], None)
    shares = np.broadcast_to(share[:, None], filled.shape)[filled]
    return items[clusters][filled], shares, precision, real("reward", reward[clusters][filled], None) / precision


def _check_graph(clusters: Ints, items: Ints, evidence: Floats, reward: Floats) -> None:
    shapes: list[NDArray[np.generic]] = [items, evidence, reward]
    if items.ndim != 2 or len({array.shape for array in shapes}) != 1:
        raise ValueError(f"items, evidence and reward must be [C, W], shape {[array.shape for array in shapes]}")
    if clusters.size and not (clusters.dtype.kind in "iu" and 0 <= clusters.min() <= clusters.max() < len(items)):
        raise ValueError(f"clusters must be integers within [0, {len(items)}), shape {clusters.shape}")
