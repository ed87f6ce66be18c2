"""FairRec: every provider in at least a guaranteed number of slates, the cost shared evenly among users.

Source: Patro, Biswas, Ganguly, Gummadi, Chakraborty, "FairRec: Two-Sided Fairness for Personalized
Recommendations in Two-Sided Platforms", WWW 2020. The published round robin can strand copies (all users who
still have room hold them already); here an exchange places those too, so that the guarantee holds for every
matrix.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairshot.algorithms.arguments import Floats, Ints, labels, real, within

ROUNDING = 1e-9
"""Envy that is taken for rounding of the sums, and what a number of slates may lack to a whole one."""

Held = NDArray[np.bool_]


def guaranteed_slates(users: int, providers: int, k: int, guarantee: float = 1.0) -> int:
    """Slates that every provider is certain of.

    Formula: floor(guarantee * users * k / providers + 1e-9), so that .29 of 100 is 29 in floating point too;
    guarantee 1 is the even share of all positions.
    Errors: ValueError for counts below 1, k above the number of providers, guarantee outside [0, 1].

    >>> guaranteed_slates(users=100, providers=40, k=10, guarantee=0.5)
    12
    """
    if users < 1 or not 1 <= k <= providers:
        raise ValueError(f"needs users >= 1 and 1 <= k <= providers, got {users=} {providers=} {k=}")
    within("guarantee", guarantee, 0, 1)
    return int(guarantee * users * k / providers + ROUNDING)


def fairrec(relevance: ArrayLike, k: int, guarantee: float = 1.0, order: ArrayLike | None = None) -> Ints:
    """Fill every user's slate with k providers so that each provider is in enough slates.

    First, users take turns: in each round everyone picks the best provider that has guaranteed copies left
    and is not in their slate yet. Then everyone fills up with the best of all. Whoever picks earlier in a
    round is ahead by one item at most; where copies run out between two picks of one user that can fail,
    rarely, and `settle_envy` repairs it.
    Formula: in turn, user u adds argmax of v_u(p) over p outside A_u with copies_p > 0, which falls by one; at last A_u
    is filled up to k by the largest v_u(p) outside it.
    Shapes: relevance [users, providers]; order: a permutation of the users, drawn at random by the caller to
    be fair among them, as given otherwise; returns int64 [users, k], distinct providers, best first. Costs
    one argmax over providers for each pick, and users^2 k for the check of envy.
    Errors: ValueError for other shapes, relevance that is not finite, as `guaranteed_slates`, or an order
    that is no permutation.

    >>> fairrec([[0.9, 0.1, 0.0], [0.8, 0.0, 0.1], [0.7, 0.1, 0.2]], k=1)
    array([[0],
           [2],
           [1]])
    """
    values = real("relevance", relevance, (None, None))
    users, providers = values.shape
    copies = np.full(providers, guaranteed_slates(users, providers, k, guarantee))
    held = np.zeros(values.shape, np.bool_)
    _take_turns(values, held, copies, k, _turns(order, users))
    _place_stranded(values, held, copies, k)
    return settle_envy(values, _filled(values, held, k))


def provider_slates(slates: ArrayLike, providers: int) -> Ints:
    """Count the slates that each provider is in.

    Formula: count_p = |{(u, j) : slate_uj = p}|.
    Shapes: slates [users, k] within [0, providers) -> [providers]. Errors: ValueError for other shapes,
    labels.

    >>> provider_slates([[0, 1], [0, 2]], providers=4)
    array([2, 1, 1, 0])
    """
    members = labels("slates", np.ravel(np.asarray(slates)), None, providers)
    return np.bincount(members, minlength=providers)


def settle_envy(relevance: ArrayLike, slates: ArrayLike) -> Ints:
    """Exchange single items between users until nobody's envy is more than one item, where that can be.

    While user i envies j by more than one item, i takes the best item of j that i lacks and gives the worst
    one that j lacks: no provider's count changes. Ends when nobody does, or after users * k exchanges.
    Formula: while v_i(A_j) - max_{p in A_j} v_i(p) > v_i(A_i) for some i, j, exchange argmax of v_i over A_j without
    A_i for argmin of v_i over A_i without A_j.
    Shapes: relevance [users, providers], slates [users, k] -> int64 [users, k], best first. Costs users^2 k,
    and users k for each exchange. Errors: as `envy_beyond_one`.

    >>> settle_envy([[0.9, 0.8, 0.7, 0, 0, 0], [0.9, 0.8, 0.7, 0, 0, 0]], [[0, 1, 2], [3, 4, 5]])
    array([[1, 2, 3],
           [0, 4, 5]])
    """
    values, chosen = _checked(relevance, slates)
    held = np.zeros(values.shape, np.bool_)
    np.put_along_axis(held, chosen, True, axis=1)
    waiting = list(range(len(values)))
    for _ in range(chosen.size):
        while waiting and _envied(values[waiting[-1]], chosen, waiting[-1]) is None:
            waiting.pop()
        if not waiting:
            break
        user = waiting[-1]
        other = _envied(values[user], chosen, user)
        theirs = np.flatnonzero(held[other] & ~held[user])
        mine = np.flatnonzero(held[user] & ~held[other])
        pair = [theirs[values[user, theirs].argmax()], mine[values[user, mine].argmin()]]
        held[user, pair], held[other, pair] = (True, False), (False, True)
        chosen = _filled(values, held, chosen.shape[1])
        waiting = list(range(len(values)))
    return chosen


def envy_beyond_one(relevance: ArrayLike, slates: ArrayLike) -> float:
    """Largest envy that is left when the best item is taken from the envied slate; <= 0 is "EF1".

    Formula: max over users i, j of v_i(A_j) - max_{p in A_j} v_i(p) - v_i(A_i), v_i(A) the sum of i's
    relevance over slate A.
    Shapes: relevance [users, providers], slates [users, k] -> float. Costs users^2 k.
    Errors: ValueError for other shapes and providers outside the matrix.

    >>> round(envy_beyond_one([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]], [[2, 1], [0, 1]]), 6)
    -0.1
    """
    values, chosen = _checked(relevance, slates)
    return max(float(_envy(row, chosen, user).max()) for user, row in enumerate(values))


def _checked(relevance: ArrayLike, slates: ArrayLike) -> tuple[Floats, Ints]:
    values, chosen = real("relevance", relevance, (None, None)), np.asarray(slates)
    labels("slates", chosen.ravel(), None, values.shape[1])
    if chosen.ndim != 2 or len(chosen) != len(values):
        raise ValueError(f"slates must have shape ({len(values)}, k), got shape {chosen.shape}")
    return values, chosen


def _envy(row: Floats, slates: Ints, user: int) -> Floats:
    """Envy of one user for every slate without its best item."""
    worth = row[slates]
    totals = worth.sum(axis=1)
    return np.asarray(totals - worth.max(axis=1) - totals[user])


def _envied(row: Floats, slates: Ints, user: int) -> int | None:
    envy = _envy(row, slates, user)
    return int(envy.argmax()) if envy.max() > ROUNDING else None


def _turns(order: ArrayLike | None, users: int) -> Ints:
    if order is None:
        return np.arange(users)
    turns = labels("order", order, users, users)
    if len(np.unique(turns)) != users:
        raise ValueError(f"order of shape {turns.shape} must be a permutation of the users")
    return turns


def _take_turns(relevance: Floats, held: Held, copies: Ints, k: int, turns: Ints) -> None:
    """Let users pick in rounds until no one can: fills `held`, uses up `copies`."""
    for _ in range(k):
        for user in turns:
            free = (copies > 0) & ~held[user]
            if free.any():
                pick = int(np.where(free, relevance[user], -np.inf).argmax())
                held[user, pick] = True
                copies[pick] -= 1


def _place_stranded(relevance: Floats, held: Held, copies: Ints, k: int) -> None:
    """Place copies whose remaining takers all hold them: a full slate takes one and passes an item on."""
    for provider in np.repeat(np.arange(len(copies)), copies):
        room = int(np.flatnonzero(held.sum(axis=1) < k)[0])
        passable = held & ~held[:, provider, None] & ~held[room]
        change = relevance[:, provider, None] - relevance + relevance[room]
        giver, passed = np.unravel_index(np.where(passable, change, -np.inf).argmax(), held.shape)
        held[giver, [provider, passed]] = True, False
        held[room, passed] = True
        copies[provider] -= 1


def _filled(relevance: Floats, held: Held, k: int) -> Ints:
    """Complete every slate with the best providers it lacks, then order it by relevance."""
    slates = np.empty((len(relevance), k), np.int64)
    for user, row in enumerate(relevance):
        mine = np.flatnonzero(held[user])
        others = np.argsort(np.where(held[user], np.inf, -row), kind="stable")[: k - len(mine)]
        both = np.concatenate((mine, others))
        slates[user] = both[np.argsort(-row[both], kind="stable")]
    return slates
