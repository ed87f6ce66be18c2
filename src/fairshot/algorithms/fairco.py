"""FairCo: a proportional controller that holds groups' exposure or impact in proportion to their merit.

Every group has a running sum of what it received. The group that is furthest behind gets the largest boost,
the one ahead gets none, and the boost vanishes as the gap closes. Serving needs one number for each group.
Source: Morik, Singh, Hong, Joachims, "Controlling Fairness and Bias in Dynamic Learning-to-Rank", SIGIR 2020;
forgetting and clipping are fairshot's own.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, Ints, at_least_zero, finite_result, labels, real, within
from fairshot.algorithms.exposure_disparity import received_per_merit


def fairco_error(received: ArrayLike, merit: ArrayLike, limit: float = np.inf) -> Floats:
    """How far each group is behind the best-served one.

    Formula: err_g = min(limit, max_h a_h - a_g), a = received / merit (`received_per_merit`). `received` is
    summed over rounds, not averaged: so the error is the number of rounds times the disparity, and a small
    lasting gap grows until it is corrected.
    Shapes: received and merit [groups] -> [groups] >= 0, zero for the best-served group. O(groups).
    Errors: ValueError for other shapes, negative numbers, a limit below zero.

    >>> fairco_error([6.0, 1.0], [2.0, 1.0])
    array([0., 2.])
    >>> fairco_error([6.0, 1.0], [2.0, 1.0], limit=0.5)
    array([0. , 0.5])
    """
    within("limit", limit, 0, np.inf)
    per_merit = received_per_merit(received, merit)
    return np.asarray(np.minimum(per_merit.max() - per_merit, limit))


def fairco_order(relevance: ArrayLike, groups: ArrayLike, error: ArrayLike, strength: float = 0.01) -> Ints:
    """Rank one request's candidates by relevance plus their group's boost.

    Formula: argsort descending of R_d + strength * err_g(d); ties keep the order given. strength between
    0.001 and 0.1 holds disparity without a loss in relevance; 0 is the plain ranking.
    Shapes: relevance [candidates], groups [candidates] within [0, groups), error [groups] of `fairco_error`
    -> int64 [candidates], best first. Errors: ValueError for other shapes, labels outside, strength < 0
    or so large that a boost is not finite.

    >>> fairco_order([0.9, 0.8, 0.1], [0, 0, 1], error=[0.0, 90.0], strength=0.01)
    array([2, 0, 1])
    """
    scores = real("relevance", relevance, (None,))
    errors = at_least_zero("error", error, (None,))
    within("strength", strength, 0, np.finfo(np.float64).max)
    members = labels("groups", groups, len(scores), len(errors))
    with np.errstate(over="ignore"):
        boosted = finite_result("strength * error", scores + strength * errors[members])
    return np.argsort(-boosted, kind="stable")


def fairco_received(received: ArrayLike, gained: ArrayLike, elapsed: float = 0.0, half_life: float = np.inf) -> Floats:
    """Add what the groups gained since the last update to what they had, forgetting the past slowly.

    Formula: received_g 2^(-elapsed / half_life) + gained_g. Without forgetting (half_life infinite) a group
    that was once left out stays owed for ever; with it, a constant gap D is worth at most D * half_life / ln
    2.
    Shapes: received and gained [groups] -> [groups]; elapsed and half_life in one unit of the caller's
    choice.
    Errors: ValueError for other shapes, negative numbers, half_life <= 0.

    >>> fairco_received([8.0, 2.0], [0.0, 1.0], elapsed=7.0, half_life=7.0)
    array([4., 2.])
    """
    past = at_least_zero("received", received, (None,))
    within("elapsed", elapsed, 0, np.finfo(np.float64).max)
    if not half_life > 0:
        raise ValueError(f"half_life must be > 0, shape (): {half_life}")
    kept = np.exp2(-elapsed / half_life)
    return np.asarray(past * kept + at_least_zero("gained", gained, past.shape))
