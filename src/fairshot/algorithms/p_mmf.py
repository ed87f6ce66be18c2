"""P-MMF: re-ranking online so that the worst-off provider fares as well as it can.

Each provider has a price; a slate is the best k of score minus price, and after each slate the prices move by
mirror descent on the dual of the whole horizon's problem. Nothing about coming requests need be known but
their number.
Source: Xu, Chen, Xu, Zhang, Shen, Dong, "P-MMF: Provider Max-min Fairness Re-ranking in Recommender System",
WWW 2023.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, Ints, labels, real, within


def p_mmf(
    scores: ArrayLike,
    providers: ArrayLike,
    capacity: ArrayLike,
    k: int,
    *,
    trade_off: float = 0.1,
    step: float | None = None,
    momentum: float = 0.1,
) -> Ints:
    """Rank requests as they come in, for welfare W = mean slate score + trade_off * min_p e_p / capacity_p.

    Formula: slate_t = best k of s_ti - mu_p(i) among providers that have capacity left; gradient
    g_p = capacity_p - count_tp, smoothed by g <- momentum g + (1 - momentum) g_past; capacity_p mu_p moves by
    -step g_p / capacity_p and is projected by `project_prices`. e_p is p's mean number of positions in a
    slate. The gradient has the constant capacity_p, not the budget that is left over the horizon, B_t / T, as in the
    published code: that shrinks with every position given out, on plan or not, and at the end holds prices up against
    providers who got just what was due; the constant makes g an unbiased gradient of the dual of the whole horizon.
    The budget itself is kept by leaving out providers who have used theirs up.
    Shapes: scores [requests, items], providers [items] within [0, providers), capacity [providers] > 0, in
    positions for each request, together at least k; returns int64 [requests, k], best price-adjusted score
    first. `step` is (trade_off + mean capacity * standard deviation of the scores) / sqrt(requests) where not
    given: far enough for prices to matter, small enough to settle. Where providers with capacity left have fewer
    than k items, the slate is completed from the others.
    Errors: ValueError for other shapes, k outside [1, items], capacities that are not positive or too small.

    >>> scores = [[0.9, 0.8, 0.1]] * 4
    >>> p_mmf(scores, [0, 0, 1], capacity=[1.0, 1.0], k=1, trade_off=10.0).ravel()
    array([0, 0, 2, 2])
    """
    values = real("scores", scores, (None, None))
    room = _capacity(capacity, k)
    owner = labels("providers", providers, values.shape[1], len(room))
    if not 1 <= k <= values.shape[1]:
        raise ValueError(f"k must lie within [1, {values.shape[1]} items], shape (): {k}")
    within("momentum", momentum, 0, 1)
    within("trade_off", trade_off, 0, np.finfo(np.float64).max)
    reach = trade_off + room.mean() * values.std()
    rate = reach / np.sqrt(len(values)) if step is None else step
    prices, past, left = np.zeros(len(room)), np.zeros(len(room)), room * len(values)
    slates = np.empty((len(values), k), np.int64)
    for request, row in enumerate(values):
        order = np.lexsort((prices[owner] - row, left[owner] < 1))
        slates[request] = order[:k]
        count = np.bincount(owner[slates[request]], minlength=len(room))
        left = left - count
        past = momentum * (room - count) + (1 - momentum) * past
        prices = project_prices(prices - rate * past / room**2, room, trade_off)
    return slates


def project_prices(prices: ArrayLike, capacity: ArrayLike, trade_off: float) -> Floats:
    """Return the nearest prices for which the dual is finite: subsidies in all not above the trade-off.

    Formula: with v_p = capacity_p mu_p, the Euclidean projection of v onto {sum_p max(-v_p, 0) <= trade_off}:
    positive prices stay, subsidies shrink by one common amount down to zero at least. (The published
    constraint, sum over every subset of v >= -trade_off, says the same.)
    Shapes: prices and capacity > 0 [providers] -> [providers]. Errors: ValueError for other shapes, capacities
    that are not positive, trade_off < 0.

    >>> project_prices([0.5, -3.0, -1.0], [1.0, 1.0, 1.0], trade_off=2.0)
    array([ 0.5, -2. ,  0. ])
    """
    room = real("capacity", capacity, (None,))
    if not np.all(room > 0):
        raise ValueError(f"capacity of shape {room.shape} must be positive")
    values = real("prices", prices, room.shape) * room
    within("trade_off", trade_off, 0, np.finfo(np.float64).max)
    subsidy = np.maximum(-values, 0)
    if subsidy.sum() > trade_off:
        ordered = np.sort(subsidy)[::-1]
        excess = (np.cumsum(ordered) - trade_off) / np.arange(1, len(ordered) + 1)
        subsidy = np.maximum(subsidy - excess[np.flatnonzero(ordered >= excess)[-1]], 0)
    return np.asarray((np.maximum(values, 0) - subsidy) / room)


def provider_fill(slates: ArrayLike, providers: ArrayLike, capacity: ArrayLike) -> Floats:
    """Positions of each provider for one request, over its capacity; the least of them is max-min fairness.

    Formula: e_p / capacity_p with e_p = positions of p / requests.
    Shapes: slates [requests, k], providers [items], capacity [providers] -> [providers].
    Errors: ValueError for other shapes and labels.

    >>> provider_fill([[0], [2], [0], [2]], [0, 0, 1], [1.0, 1.0])
    array([0.5, 0.5])
    """
    chosen = np.asarray(slates)
    if chosen.ndim != 2 or chosen.size == 0:
        raise ValueError(f"slates must have shape (requests >= 1, k >= 1), got shape {chosen.shape}")
    room = _capacity(capacity, 0)
    owner = labels("providers", providers, None, len(room))
    items = labels("slates", chosen.ravel(), None, len(owner))
    return np.asarray(np.bincount(owner[items], minlength=len(room)) / len(chosen) / room)


def mmf_welfare(
    scores: ArrayLike, slates: ArrayLike, providers: ArrayLike, capacity: ArrayLike, trade_off: float
) -> float:
    """Welfare that P-MMF maximises: mean score of a slate plus the worst-off provider's fill.

    Formula: W = 1/T sum_t sum_{i in slate t} s_ti + trade_off * min_p e_p / capacity_p.
    Shapes: scores [requests, items], slates [requests, k], others as `provider_fill`. Errors: as there.

    >>> round(mmf_welfare([[0.5, 0.2]] * 2, [[0], [1]], [0, 1], [1.0, 1.0], trade_off=0.1), 6)
    0.4
    """
    fill = provider_fill(slates, providers, capacity)
    values = real("scores", scores, (len(np.asarray(slates)), None))
    mean = np.take_along_axis(values, np.asarray(slates), axis=1).sum(axis=1).mean()
    return float(mean + within("trade_off", trade_off, 0, np.inf) * fill.min())


def _capacity(capacity: ArrayLike, k: int) -> Floats:
    room = real("capacity", capacity, (None,))
    if not (room.min() > 0 and room.sum() >= k - 1e-9):
        raise ValueError(f"capacity of shape {room.shape} must be positive and sum to at least k = {k}")
    return room
