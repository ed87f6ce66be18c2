"""Disparity between groups: attention received in proportion to merit.

The same measure serves exposure (how probably a group's items are examined) and impact (how often they are
clicked); controlling the one leaves the other uneven, so say which is meant.
Source: Morik, Singh, Hong, Joachims, "Controlling Fairness and Bias in Dynamic Learning-to-Rank", SIGIR 2020.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, at_least_zero, labels, real

MERIT_FLOOR = 1e-4
"""Least merit that is divided by, so that a group without known merit yet does not take the whole list."""


def group_totals(values: ArrayLike, groups: ArrayLike, count: int) -> Floats:
    """Sum values of items within each group: relevance to merit, examination to exposure, clicks to impact.

    Formula: total_g = sum of values_d over items d of group g. Sums stand for means, as the group's size
    cancels in received / merit.
    Shapes: values [items], groups [items] within [0, count) -> [count]; a group without items has 0.
    Errors: ValueError for other shapes, labels outside, values that are not finite.

    >>> group_totals([0.5, 0.25, 1.0], [0, 0, 1], count=2)
    array([0.75, 1.  ])
    """
    amounts = real("values", values, (None,))
    members = labels("groups", groups, len(amounts), count)
    return np.bincount(members, amounts, minlength=count).astype(np.float64, copy=False)


def received_per_merit(received: ArrayLike, merit: ArrayLike) -> Floats:
    """Attention of each group for one unit of its merit.

    Formula: a_g = received_g / max(1e-4, merit_g).
    Shapes: received and merit [groups] >= 0 -> [groups]. Errors: ValueError for other shapes and negatives.

    >>> received_per_merit([6.0, 1.0], [2.0, 1.0])
    array([3., 1.])
    """
    amounts = at_least_zero("received", received, (None,))
    return np.asarray(amounts / np.maximum(at_least_zero("merit", merit, amounts.shape), MERIT_FLOOR))


def pairwise_disparity(received: ArrayLike, merit: ArrayLike) -> Floats:
    """Disparity of every pair of groups; positive where the row's group gets more than its due.

    Formula: D(g, h) = received_g / merit_g - received_h / merit_h, antisymmetric. With `received` a mean over
    rounds it is the disparity up to now; with a sum over rounds, that times the number of rounds.
    Shapes, errors: as `received_per_merit`; returns [groups, groups].

    >>> pairwise_disparity([6.0, 1.0], [2.0, 1.0])
    array([[ 0.,  2.],
           [-2.,  0.]])
    """
    per_merit = received_per_merit(received, merit)
    return np.asarray(per_merit[:, None] - per_merit[None, :])


def overall_disparity(received: ArrayLike, merit: ArrayLike) -> float:
    """Mean absolute disparity over all pairs of groups, the figure to report.

    Formula: 2 / (m (m - 1)) sum over g < h of |D(g, h)|; 0 for a single group.
    Shapes, errors: as `received_per_merit`.

    >>> overall_disparity([6.0, 1.0, 2.0], [2.0, 1.0, 2.0])
    1.3333333333333333
    """
    gaps = np.abs(pairwise_disparity(received, merit))
    pairs = len(gaps) * (len(gaps) - 1)
    return float(gaps.sum() / pairs) if pairs else 0.0
