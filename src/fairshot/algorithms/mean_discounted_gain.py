"""Mean discounted gain (MDG): how well each item is placed before the people who like it.

It measures fairness among items as equal opportunity in the max-min sense: not the same exposure for all, but
a place within sight of those who would like the item, judged by the items that fare worst.
Source: Zhu, Kim, Nguyen, Fenton, Caverlee, "Fairness among New Items in Cold Start Recommender Systems",
SIGIR 2021.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, flags, real, within
from fairshot.algorithms.ranked_hits import discounts, top_ranked


def mean_discounted_gain(scores: ArrayLike, liked: ArrayLike, depth: int = 100) -> Floats:
    """Gain of every item: the mean, over the users who like it, of the discounted rank it gets from them.

    Formula: MDG_i = 1/|U_i| sum over u in U_i of [rank_ui <= depth] / log2(1 + rank_ui), U_i the users who
    like i: 1 where all of them have it on top, 0 where none has it within `depth`, NaN where there are none.
    The ranks are those among the items given: a list that also holds other items gives lower gains (see
    `cold_and_warm`).
    Shapes: scores and liked (bool) [users, items] -> [items] within [0, 1]. Costs a partition of each row:
    6,018 x 905 takes about a fifth of a second.
    Errors: ValueError for other shapes, empty axes, scores that are not finite, depth < 1.

    >>> mean_discounted_gain([[3, 2, 1], [3, 2, 1]], [[True, True, False], [True, False, True]], depth=2)
    array([1.        , 0.63092975, 0.        ])
    """
    likes = flags("liked", liked, np.shape(scores))
    top = top_ranked(scores, depth)
    hits = np.take_along_axis(likes, top, 1)
    weights = np.broadcast_to(discounts(top.shape[1]), top.shape)
    gains = np.bincount(top[hits], weights[hits], minlength=likes.shape[1])
    admirers = likes.sum(axis=0)
    mean: Floats = np.divide(gains, admirers, out=np.full(len(gains), np.nan), where=admirers > 0)
    return mean


def worst_share(gains: ArrayLike, share: float) -> float:
    """Mean gain of the worst-placed share of items (MDG-min), the figure that max-min fairness raises.

    Formula: mean of the floor(share * n) least gains, at least one item.
    Shapes: gains [n] -> float. Errors: ValueError for no or not finite gains, and share outside [0, 1].

    >>> worst_share([0.0, 0.5, 0.75, 1.0], 0.5)
    0.25
    """
    ordered = np.sort(real("gains", gains, (None,)))
    return float(ordered[: _count(ordered, share)].mean())


def best_share(gains: ArrayLike, share: float) -> float:
    """Mean gain of the best-placed share of items (MDG-max), what a fairer list takes from.

    Formula: mean of the floor(share * n) greatest gains, at least one item.
    Shapes: gains [n] -> float. Errors: as `worst_share`.

    >>> best_share([0.0, 0.5, 0.75, 1.0], 0.5)
    0.875
    """
    ordered = np.sort(real("gains", gains, (None,)))
    return float(ordered[-_count(ordered, share) :].mean())


@dataclass(frozen=True, slots=True)
class GainSummary:
    """Mean discounted gain of all items, of the worst and best tenth, and the share of items with none."""

    all: float
    worst: float
    best: float
    unseen: float


def summarise(gains: ArrayLike, share: float = 0.1) -> GainSummary:
    """Sum the gains up in the four figures that are read together.

    Formula: all = mean_i g_i, worst and best as `worst_share` and `best_share`, unseen = |{i : g_i = 0}| / n.
    Shapes: gains [n]; items without admirers (NaN) are left out. Errors: ValueError where none is left.

    >>> summarise([0.0, 0.5, 0.75, 1.0], share=0.25)
    GainSummary(all=0.5625, worst=0.0, best=1.0, unseen=0.25)
    """
    values = np.asarray(gains, np.float64)
    known = real("gains", values[~np.isnan(values)], (None,))
    return GainSummary(
        all=float(known.mean()),
        worst=worst_share(known, share),
        best=best_share(known, share),
        unseen=float((known == 0).mean()),
    )


def _count(gains: Floats, share: float) -> int:
    return max(1, int(within("share", share, 0, 1) * len(gains)))
