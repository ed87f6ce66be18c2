"""Minimum regulariser: the deficit of a provider added to its items' scores, without a solver.

The simplest way to max-min fairness online, and FairCo's cousin: there the received attention is summed over
rounds, so that small lasting gaps grow; here it is a mean, so that a gap is worth the same at any time.
Source: baseline of Xu et al., "P-MMF", WWW 2023.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, Ints, at_least_zero, labels, real, within


def provider_deficit(positions: ArrayLike, weight: ArrayLike) -> Floats:
    """How far each provider's exposure is behind the best-served one's.

    Formula: deficit_p = max_q e_q / weight_q - e_p / weight_p.
    Shapes: positions (mean for one request, or any multiple) and weight > 0 [providers] -> [providers] >= 0.
    Errors: ValueError for other shapes, negative positions, weights that are not positive.

    >>> provider_deficit([3.0, 1.0], [1.0, 1.0])
    array([0., 2.])
    """
    received = at_least_zero("positions", positions, (None,))
    due = at_least_zero("weight", weight, received.shape)
    if not due.all():
        raise ValueError(f"weight of shape {due.shape} must be positive")
    return np.asarray((received / due).max() - received / due)


def min_regularizer(
    scores: ArrayLike, providers: ArrayLike, weight: ArrayLike, k: int, *, strength: float = 0.1
) -> Ints:
    """Rank requests as they come in, each by score plus strength times the provider's deficit so far.

    Formula: slate_t = best k of s_ti + strength * deficit_p(i), the deficit of mean positions over the
    requests before t; equal sums keep the items' order.
    Shapes: scores [requests, items], providers [items] within [0, providers), weight [providers] > 0; returns
    int64 [requests, k], best first. Errors: ValueError for other shapes, k outside [1, items], strength < 0.

    >>> min_regularizer([[0.9, 0.8, 0.1]] * 4, [0, 0, 1], [1.0, 1.0], k=1, strength=3.0).ravel()
    array([0, 2, 0, 2])
    """
    values = real("scores", scores, (None, None))
    due = real("weight", weight, (None,))
    owner = labels("providers", providers, values.shape[1], len(due))
    if not 1 <= k <= values.shape[1]:
        raise ValueError(f"k must lie within [1, {values.shape[1]} items], shape (): {k}")
    within("strength", strength, 0, np.inf)
    positions = np.zeros(len(due))
    slates = np.empty((len(values), k), np.int64)
    for request, row in enumerate(values):
        deficit = provider_deficit(positions / max(request, 1), due)
        slates[request] = np.argsort(-(row + strength * deficit[owner]), kind="stable")[:k]
        positions += np.bincount(owner[slates[request]], minlength=len(due))
    return slates
