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

    Formula: item' = (item, e_g), e_g the unit vector of the item's group g.
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

    Formula: query' = (query, -prices).
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
    queries: ArrayLike, items: ArrayLike, groups: ArrayLike, minimum: ArrayLike, k: int, *, step: float | None = None
) -> Ints:
    """Retrieve for queries as they come in, so that each group reaches its minimum over all of them.

    Formula: best k by <augmented_query, augmented_items>; after each query `moved_prices`, the due of a group
    being what it lacks to its minimum, spread over the queries that remain. `step` is the standard deviation of all
    scores over sqrt(queries) where not given (1 / sqrt(queries) where all scores are equal). Prices alone may come
    late; the minimum is kept whatever the step: where a group could not catch up in the queries after this one, or
    the groups together could not, as many positions as that takes go to the best items of those groups, group by
    group the most it lacks first.
    Shapes: queries [queries, d], items [items, d], groups [items] within [0, groups), minimum [groups] >= 0
    in positions over all queries, together at most queries * k; returns int64 [queries, k], best price-adjusted score
    first. A fraction of a position counts as a whole one.
    Errors: ValueError for other shapes, labels outside, k outside [1, items], minima that do not fit: together more
    than queries * k, or one of them more than queries * min(k, items of its group).

    >>> fair_sync([[1.0]] * 4, [[0.9], [0.8], [0.7]], [0, 0, 1], [0, 2], k=1, step=0.5).ravel()
    array([0, 2, 0, 2])
    """
    vectors = real("queries", queries, (None, None))
    least = np.ceil(at_least_zero("minimum", minimum, (None,)))
    plain = real("items", items, (None, vectors.shape[1]))
    index = augmented_items(plain, groups, len(least))
    if not 1 <= k <= len(index):
        raise ValueError(f"k must lie within [1, {len(index)} items], shape (): {k}")
    members = np.asarray(groups)
    most = np.minimum(np.bincount(members, minlength=len(least)), k)
    _feasible(least, most, len(vectors), k)
    rate = _settling_step(vectors, plain) if step is None else step
    prices, received = np.zeros(len(least)), np.zeros(len(least))
    slates = np.empty((len(vectors), k), np.int64)
    for position in range(len(vectors)):
        scores = (augmented_query(vectors[position : position + 1], prices) @ index.T)[0]
        lack = np.maximum(least - received, 0)
        slates[position] = _kept_slate(scores, members, _forced(lack, most, len(vectors) - position - 1, k), k)
        shown = np.bincount(members[slates[position]], minlength=len(least))
        received += shown
        prices = moved_prices(prices, shown, lack / (len(vectors) - position), rate)
    return slates


def _feasible(least: Floats, most: Ints, queries: int, k: int) -> None:
    if least.sum() > queries * k:
        raise ValueError(f"minimum of shape {least.shape} asks for more than {queries * k} positions")
    if (least > queries * most).any():
        group = int((least - queries * most).argmax())
        raise ValueError(
            f"minimum of shape {least.shape} asks for {least[group]:g} positions of group {group}, "
            f"which can fill {queries * most[group]}"
        )


def _settling_step(queries: Floats, items: Floats) -> float:
    """Standard deviation of all scores over sqrt(queries), from first and second moments of the vectors."""
    mean = queries.mean(axis=0) @ items.mean(axis=0)
    square = np.sum((queries.T @ queries / len(queries)) * (items.T @ items / len(items)))
    spread = float(np.sqrt(max(square - mean**2, 0.0)))
    return (spread or 1.0) / float(np.sqrt(len(queries)))


def _forced(lack: Floats, most: Ints, later: int, k: int) -> Ints:
    """Positions of this slate that each group must have, so that `later` slates can still make up the rest [groups].

    A group can make up later * most_g at best, all groups together later * k.
    """
    need = np.maximum(lack - later * most, 0)
    extra = lack.sum() - later * k - need.sum()
    for group in np.argsort(-lack, kind="stable"):
        if extra <= 0:
            break
        more = min(extra, min(lack[group], most[group]) - need[group])
        need[group] += more
        extra -= more
    return need.astype(np.int64)


def _kept_slate(scores: Floats, members: Ints, forced: Ints, k: int) -> Ints:
    """Best k by score among slates that hold the forced number of each group, best first."""
    if not forced.any():
        return np.asarray(top_ranked(scores[None], k)[0], np.int64)
    order = np.argsort(-scores, kind="stable")
    due = [order[members[order] == group][:count] for group, count in enumerate(forced)]
    certain = np.isin(order, np.concatenate(due))
    chosen = np.concatenate((order[certain], order[~certain]))[:k]
    return np.asarray(chosen[np.argsort(-scores[chosen], kind="stable")], np.int64)
