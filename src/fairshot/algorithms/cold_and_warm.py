"""One list for new and known items together, and how each kind fares in it.

Scores of new items come from another model than those of known ones and live on another scale, and figures
that rank new items only among themselves say nothing about a feed that holds both. Here the scales are
joined, the new items' place is one number, and gains are counted in the joint list.
Source: fairshot's own; the gain is that of `mean_discounted_gain`.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, flags, real, within
from fairshot.algorithms.mean_discounted_gain import GainSummary, mean_discounted_gain, summarise
from fairshot.algorithms.ranked_hits import top_ranked

FARTHEST = 20.0
"""Lift, in standard deviations, beyond which none is looked for."""
ROUNDING = 1e-9
"""What a share may lie outside the shares that can be had, for rounding."""


def joined_scores(warm: ArrayLike, cold: ArrayLike, *, trust: float = 1.0, lift: float = 0.0) -> Floats:
    """Put the scores of new items on the scale of the known items', user by user.

    Formula: cold'_ui = mean_u(warm) + sd_u(warm) (trust (cold_ui - mean_u(cold)) / sd_u(cold) + lift). trust
    is the correlation that the cold model's scores are believed to have with the warm one's: below 1 new
    items crowd around the middle, away from both ends of the list. lift moves all of them, in standard
    deviations.
    Shapes: warm [users, known], cold [users, new] -> [users, known + new], the known first. Where a user's
    cold scores are all equal they stand at the mean.
    Errors: ValueError for other shapes, scores that are not finite, trust outside [0, 1].

    >>> joined_scores([[1.0, 3.0]], [[10.0, 30.0]])
    array([[1., 3., 1., 3.]])
    """
    known = real("warm", warm, (None, None))
    new = real("cold", cold, (len(known), None))
    within("trust", trust, 0, 1)
    spread = new.std(axis=1, keepdims=True)
    centred = new - new.mean(axis=1, keepdims=True)
    standard = np.divide(centred, spread, out=np.zeros_like(new), where=spread > 0)
    moved = known.mean(axis=1, keepdims=True) + known.std(axis=1, keepdims=True) * (trust * standard + lift)
    return np.hstack((known, moved))


def cold_share(scores: ArrayLike, cold: ArrayLike, depth: int) -> float:
    """Share of the first `depth` positions, over all users, that new items hold.

    Formula: new items within the first `depth` ranks, counted over all users, / (users * min(depth, items)).
    Shapes: scores [users, items], cold (bool) [items] -> float. Errors: ValueError for other shapes.

    >>> cold_share([[3.0, 2.0, 1.0]], [False, True, True], depth=2)
    0.5
    """
    values = real("scores", scores, (None, None))
    new = flags("cold", cold, (values.shape[1],))
    return float(new[top_ranked(values, depth)].mean())


def lift_for_share(warm: ArrayLike, cold: ArrayLike, share: float, depth: int, *, trust: float = 1.0) -> float:
    """Find the lift at which new items hold a share of the first `depth` positions.

    Formula: bisection on `joined_scores`, whose share can only grow with the lift; between -20 and 20
    standard deviations, to 1e-3. The share returned for it is the nearest from below that whole positions
    allow.
    Shapes: as `joined_scores`. Errors: as there, and ValueError for a share that no such lift gives: outside [0, 1],
    more than the new items can fill, less than the known items leave over, or where users' known scores do not differ,
    so that no lift moves anything.

    >>> round(lift_for_share([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]], share=0.5, depth=2), 1)
    1.2
    """
    within("share", share, 0, 1)
    new = np.arange(np.shape(warm)[-1] + np.shape(cold)[-1]) >= np.shape(warm)[-1]

    def got(lift: float) -> float:
        return cold_share(joined_scores(warm, cold, trust=trust, lift=lift), new, depth)

    low, high = -FARTHEST, FARTHEST
    least, most = got(low), got(high)
    if not least - ROUNDING <= share <= most + ROUNDING:
        raise ValueError(f"share must lie within [{least:g}, {most:g}], what lifts can give, shape (): {share}")
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if got(middle) <= share else (low, middle)
    return low


def gains_by_kind(
    scores: ArrayLike, liked: ArrayLike, cold: ArrayLike, depth: int = 100
) -> tuple[GainSummary, GainSummary]:
    """Sum up the gains of new and of known items, both ranked in the one list that users see.

    Formula: `mean_discounted_gain` over all items, then `summarise` over the new and over the known.
    Shapes: scores and liked (bool) [users, items], cold (bool) [items] -> (new, known).
    Errors: ValueError for other shapes, and where either kind has no item that anybody likes.

    >>> new, known = gains_by_kind([[3.0, 2.0, 1.0]], [[True, True, False]], [False, True, True])
    >>> known.all, round(new.all, 3)
    (1.0, 0.631)
    """
    gains = mean_discounted_gain(scores, liked, depth)
    new = flags("cold", cold, gains.shape)
    return summarise(gains[new]), summarise(gains[~new])
