"""Dispatch of new items to users who will come and still have room: the creator side as a mirror of the feed.

The feed asks which items suit a user; dispatch asks which L users suit an item, among the available ones:
active (likely to visit) and with fewer than Q items waiting. What waits for a user is a row of the store,
int [n, Q] item rows with -1 for a free place, so no user can ever hold more than Q. At the user's next
request a waiting item is a candidate with a boost, never a fixed slot.

Dispatch can only feed everybody while the load rho = items L / sum_u active_u (Q - waiting_u) stays below
one; beyond it the last uploads get nothing. So L shrinks in time: `match_limit`.
Source: Chen et al., "DualRec", WWW 2025 Companion (arXiv 2502.20497); the rule for L and the expiry are ours.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Bools, Floats, Ints, flags, labels, real

FREE = -1


def empty_store(users: int, capacity: int) -> tuple[Ints, Ints]:
    """Store in which nothing waits: item rows and the times they were matched.

    Shapes: returns (store [users, capacity] of -1, matched_at [users, capacity] of 0).
    Errors: ValueError where capacity < 1 or users < 0.

    >>> store, matched_at = empty_store(users=1, capacity=2)
    >>> store
    array([[-1, -1]])
    """
    if users < 0 or capacity < 1:
        raise ValueError(f"users >= 0 and capacity >= 1 wanted, shape ({users}, {capacity})")
    return np.full((users, capacity), FREE, np.int64), np.zeros((users, capacity), np.int64)


def available(store: Ints, active: Bools) -> Bools:
    """Users to whom one more item may be dispatched: active, and with a free place.

    Formula: a_u = 1 and |D_u| < Q. Shapes: store [n, Q], active [n]; returns [n].
    Errors: ValueError for other shapes.

    >>> available(np.array([[3, -1], [4, 5], [-1, -1]]), np.array([True, True, False]))
    array([ True, False, False])
    """
    return np.asarray(flags("active", active, (_store(store).shape[0],)) & (store == FREE).any(axis=1))


def match_limit(store: Ints, active: Bools, items_left: int, most: int, load: float = 0.9) -> int:
    """Users each of the remaining items may get, so that the last of them still finds room.

    Formula: min(most, floor(load * sum_u active_u (Q - |D_u|) / items_left)).
    Shapes: store [n, Q], active [n]. Units: items_left are uploads expected until places free up again.
    Errors: ValueError where shapes differ, items_left < 1, most < 0 or load is not in (0, 1].

    >>> match_limit(np.full((10, 5), -1), np.ones(10, bool), items_left=9, most=40)
    5
    """
    if items_left < 1 or most < 0 or not 0 < load <= 1:
        raise ValueError(f"items_left >= 1, most >= 0, 0 < load <= 1 wanted, shape (): {items_left}, {most}, {load}")
    room = int((_store(store) == FREE)[flags("active", active, (len(store),))].sum())
    # Free places over items may land just below a whole number; a nudge keeps the floor what it is on paper.
    return min(most, int(np.floor(load * room / items_left + 1e-9)))


def match_users(scores: ArrayLike, is_available: Bools, limit: int) -> Ints:
    """Users that an item goes to: those with the largest scores among the available.

    Formula: the `limit` largest of {score_u : u available}.
    Shapes: scores and is_available [n]; returns rows [min(limit, available)], best first, the lower row of
    equals.
    Errors: ValueError where shapes differ, scores are not finite or limit < 0.

    >>> match_users([0.9, 0.4, 0.7], np.array([False, True, True]), limit=1)
    array([2])
    """
    if limit < 0:
        raise ValueError(f"limit must be >= 0, shape (): {limit}")
    values = real("scores", scores, (np.size(scores),))
    rows = np.flatnonzero(flags("is_available", is_available, values.shape))
    if 0 < limit < len(rows):
        least = np.partition(values[rows], len(rows) - limit)[len(rows) - limit]
        rows = rows[values[rows] >= least]
    return rows[np.argsort(-values[rows], kind="stable")][:limit]


def free_places(store: Ints, users: ArrayLike, item: int) -> tuple[Ints, Ints]:
    """Places to write an item into: the first free one of each user for whom it does not already wait.

    Formula: column_u = min {q : D_uq free} for each u of `users` with the item not in D_u.
    Shapes: store [n, Q], users [m]; returns (rows, columns) to set by `store[rows, columns] = item`.
    Errors: ValueError where a user has no free place, is named twice or lies outside, or item < 0.

    >>> store, matched_at = empty_store(users=2, capacity=2)
    >>> store[free_places(store, users=[1], item=7)] = 7
    >>> store
    array([[-1, -1],
           [ 7, -1]])
    """
    rows = _users(users, _store(store))
    if item < 0:
        raise ValueError(f"item must be >= 0, shape (): {item}")
    rows = rows[~(store[rows] == item).any(axis=1)]
    free = store[rows] == FREE
    if not free.any(axis=1).all():
        raise ValueError(f"users must have a free place of {store.shape[1]}, shape {np.shape(users)}")
    return rows, np.asarray(free.argmax(axis=1), np.int64)


def is_waiting(store: Ints, user: int, items: ArrayLike) -> Bools:
    """Tell which items wait for a user: those to boost, and whose places to free once they are shown.

    Formula: item in D_u.
    Shapes: store [n, Q], items [m]; returns [m]. Errors: ValueError where the user lies outside.

    >>> is_waiting(np.array([[7, -1]]), user=0, items=[3, 7])
    array([False,  True])
    """
    (row,) = _users([user], _store(store))
    return np.isin(items, store[row][store[row] != FREE])


def has_expired(store: Ints, matched_at: Ints, now: int, lifetime: int) -> Bools:
    """Tell which places hold an item that has waited for `lifetime` or longer: they become free.

    Formula: D_uq not free and now - matched_at_uq >= lifetime.
    Shapes: store and matched_at [n, Q]; returns [n, Q]. Units: microseconds.
    Errors: ValueError where shapes differ or lifetime is not positive.

    >>> has_expired(np.array([[7, 8, -1]]), np.array([[5, 60, 0]]), now=65, lifetime=50)
    array([[ True, False, False]])
    """
    if lifetime <= 0:
        raise ValueError(f"lifetime must be > 0, shape (): {lifetime}")
    if matched_at.shape != store.shape:
        raise ValueError(f"matched_at must have the shape of store {store.shape}, shape {matched_at.shape}")
    return np.asarray((_store(store) != FREE) & (matched_at <= now - lifetime))


def merge_scores(user_score: ArrayLike, creator_score: ArrayLike, waiting: Bools, weight: float) -> Floats:
    """Scores of a feed into which dispatched items are merged: a boost, never a place.

    Formula: f + weight g where the item waits for this user, else f; weight 0 gives f bit by bit.
    Shapes: user_score f, creator_score g and waiting [m]; returns [m]. Errors: ValueError where shapes
    differ, values are not finite or weight < 0.

    >>> merge_scores([0.5, 0.5], [0.4, 0.4], np.array([True, False]), weight=0.5)
    array([0.7, 0.5])
    """
    if not 0 <= weight < np.inf:
        raise ValueError(f"weight must be finite and >= 0, shape (): {weight}")
    base = real("user_score", user_score, (np.size(user_score),))
    boost = real("creator_score", creator_score, base.shape)
    if weight == 0:
        return base.copy()  # -0.0 + 0.0 would flip the sign of a zero
    return np.where(flags("waiting", waiting, base.shape), base + weight * boost, base)


def above_usual(score: ArrayLike, usual: ArrayLike) -> Floats:
    """Score of users for an item relative to what each user likes anyway.

    Without it every item goes to those who like everything.
    Formula: g_ui = sum_a v_a P_a(u, i) - theta_u; learn theta_u by `update_usual`.
    Shapes: score and usual [n]; returns [n]. Errors: ValueError where shapes differ or values are not finite.

    >>> above_usual([0.9, 0.5], usual=[0.8, 0.1]).round(2)
    array([0.1, 0.4])
    """
    values = real("score", score, (np.size(score),))
    return values - real("usual", usual, values.shape)


def update_usual(usual: ArrayLike, score: ArrayLike, rate: float) -> Floats:
    """Usual score of each user after one more item was scored: an exponentially weighted mean.

    Formula: theta <- theta + rate (score - theta).
    Shapes: usual and score [n]; returns [n]. Errors: as `above_usual`, and rate outside [0, 1].

    >>> update_usual([0.5], score=[1.0], rate=0.1)
    array([0.55])
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be in [0, 1], shape (): {rate}")
    values = real("usual", usual, (np.size(usual),))
    return values + rate * above_usual(score, values)


def _store(store: Ints) -> Ints:
    if store.ndim != 2 or store.shape[1] == 0:
        raise ValueError(f"store must be [n, capacity >= 1], shape {store.shape}")
    return store


def _users(users: ArrayLike, store: Ints) -> Ints:
    if np.size(users) == 0:
        return np.zeros(0, np.int64)
    rows = labels("users", users, np.size(users), len(store))
    if len(np.unique(rows)) < len(rows):
        raise ValueError(f"users must be named once, shape {rows.shape}")
    return rows
