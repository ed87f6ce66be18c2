"""FairSync: a minimum of exposure for every group, kept inside the nearest-neighbour search itself.

Each group has a price (negative: a subsidy). Items carry their group as extra dimensions and the query
carries the prices, so an ordinary inner-product index retrieves by score minus price and groups that are
owed exposure are present among the candidates already.
Source: Xu, Xu, Chen, Dai, Pang, Dong, "FairSync: Ensuring Amortized Group Exposure in Distributed
Recommendation Retrieval", WWW 2024.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, Ints, at_least_zero, labels, real, within
from fairshot.algorithms.ranked_hits import top_ranked


def augmented_items(items: ArrayLike, groups: ArrayLike, count: int) -> Floats:
    """Append to each item's vector a one at its group's place: what the index stores.

    Shapes: items [items, d], groups [items] within [0, count) -> [items, d + count].
    Errors: ValueError for other shapes and labels.

    >>> augmented_items([[0.5], [0.2]], [1, 0], count=2)
    array([[0.5, 0. , 1. ],
           [0.2, 1. , 0. ]])
    """
    vectors = real("items", items, (None, None))
    members = labels("groups", groups, len(vectors), count)
    return np.hstack((vectors, np.eye(count)[members]))


def augmented_query(queries: ArrayLike, prices: ArrayLike) -> Floats:
    """Append the negated prices to each query, so that <query', item'> = <query, item> - price of its group.

    Shapes: queries [queries, d], prices [groups] -> [queries, d + groups]. Errors: ValueError for other
    shapes.

    >>> augmented_query([[2.0]], [0.0, -0.5])
    array([[ 2. , -0. ,  0.5]])
    """
    vectors = real("queries", queries, (None, None))
    values = real("prices", prices, (None,))
    return np.hstack((vectors, np.broadcast_to(-values, (len(vectors), len(values)))))


def moved_prices(prices: ArrayLike, exposure: ArrayLike, due: ArrayLike, step: float) -> Floats:
    """Move the prices after a batch: down for groups below their due, up to zero for those above.

    Formula: mu_g <- min(0, mu_g + step (exposure_g - due_g)), projected descent on the dual of "at least
    due".
    Shapes: prices <= 0, exposure and due >= 0, all [groups] -> [groups] <= 0.
    Errors: ValueError for other shapes, negative exposure or due, step < 0.

    >>> moved_prices([0.0, -0.1], exposure=[3.0, 1.0], due=[1.0, 2.0], step=0.1)
    array([ 0. , -0.2])
    """
    values = real("prices", prices, (None,))
    shown = at_least_zero("exposure", exposure, values.shape)
    owed = at_least_zero("due", due, values.shape)
    return np.asarray(np.minimum(0.0, values + within("step", step, 0, np.inf) * (shown - owed)))


def fair_sync(
    queries: ArrayLike, items: ArrayLike, groups: ArrayLike, minimum: ArrayLike, k: int, *, step: float = 0.01
) -> Ints:
    """Retrieve for queries as they come in, so that each group reaches its minimum over all of them.

    Formula: best k by <augmented_query, augmented_items>; after each query `moved_prices`, the due of a group
    being what it lacks to its minimum, spread over the queries that remain.
    Shapes: queries [queries, d], items [items, d], groups [items] within [0, groups), minimum [groups] >= 0
    in positions over all queries, together at most queries * k; returns int64 [queries, k], best first.
    Errors: ValueError for other shapes, labels outside, k outside [1, items], minima that do not fit.

    >>> fair_sync([[1.0]] * 4, [[0.9], [0.8], [0.7]], [0, 0, 1], [0, 2], k=1, step=0.5).ravel()
    array([0, 2, 0, 2])
    """
    vectors = real("queries", queries, (None, None))
    least = at_least_zero("minimum", minimum, (None,))
    index = augmented_items(real("items", items, (None, vectors.shape[1])), groups, len(least))
    if not 1 <= k <= len(index):
        raise ValueError(f"k must lie within [1, {len(index)} items], shape (): {k}")
    if least.sum() > len(vectors) * k:
        raise ValueError(f"minimum of shape {least.shape} asks for more than {len(vectors) * k} positions")
    members = np.asarray(groups)
    prices, received = np.zeros(len(least)), np.zeros(len(least))
    slates = np.empty((len(vectors), k), np.int64)
    for position in range(len(vectors)):
        query = augmented_query(vectors[position : position + 1], prices)
        slates[position] = top_ranked(query @ index.T, k)[0]
        shown = np.bincount(members[slates[position]], minlength=len(least))
        due = np.maximum(least - received, 0) / (len(vectors) - position)
        received += shown
        prices = moved_prices(prices, shown, due, step)
    return slates
