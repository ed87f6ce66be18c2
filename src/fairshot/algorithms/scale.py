"""Scale: targets that put every item's admirers at the same level of predicted score.

A model that has learnt from few or unusual items scores some items' true admirers low, and those items sink
in every list. Scale teaches a post-processor the corrected scores of items whose admirers are known, so that
it can correct new items whose admirers are not (`fairshot.learning.fair_scores.scale`).
Source: Zhu, Kim, Nguyen, Fenton, Caverlee, "Fairness among New Items in Cold Start Recommender Systems",
SIGIR 2021.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Bools, Floats, at_least_zero, finite_result, flags, within


def scale_weights(scores: ArrayLike, liked: ArrayLike, strength: float = 4.0) -> Floats:
    """Factor by which the scores of each item's admirers are to grow.

    Formula: w_i = (max_j m_j / m_i)^strength with m_i the mean score of i among the users who like it. An
    item whose admirers are scored highest has 1, all others more; strength 0 leaves every item as it is, 1
    makes all means equal.
    Shapes: scores >= 0 and liked (bool) [items, users] -> [items] >= 1. Scores that may be negative are to be
    shifted first, by their minimum.
    Errors: ValueError for other shapes, negative scores, an item that nobody likes or whose admirers all
    score zero, a strength outside [0, 20], and factors that are not finite.

    >>> scale_weights([[2.0, 0.0], [1.0, 0.0]], [[True, False], [True, False]], strength=2.0)
    array([1., 4.])
    """
    values = at_least_zero("scores", scores, (None, None))
    likes = flags("liked", liked, values.shape)
    within("strength", strength, 0, 20)
    means = _admirers_mean(values, likes)
    with np.errstate(over="ignore"):
        return finite_result("scores' spread to the power of strength", np.asarray((means.max() / means) ** strength))


def scale_targets(scores: ArrayLike, liked: ArrayLike, strength: float = 4.0) -> Floats:
    """Scores that the post-processor is to learn: admirers scaled up, all others as they were.

    Formula: target_iu = w_i r_iu where u likes i, else r_iu, with w of `scale_weights`.
    Shapes, errors: as `scale_weights`; returns [items, users].

    >>> scale_targets([[2.0, 0.5], [1.0, 0.5]], [[True, False], [True, False]], strength=1.0)
    array([[2. , 0.5],
           [2. , 0.5]])
    """
    weights = scale_weights(scores, liked, strength)[:, None]
    with np.errstate(over="ignore"):
        return finite_result("scores", np.where(liked, weights, 1.0) * np.asarray(scores, np.float64))


def _admirers_mean(scores: Floats, liked: Bools) -> Floats:
    admirers = liked.sum(axis=1)
    if not admirers.all():
        raise ValueError(f"liked of shape {liked.shape} has items that nobody likes: {_some(admirers == 0)}")
    means = (np.where(liked, scores, 0.0) / admirers[:, None]).sum(axis=1)
    if not means.all():
        raise ValueError(f"scores of shape {scores.shape} are zero for every admirer of items {_some(means == 0)}")
    return np.asarray(means)


def _some(mask: Bools) -> str:
    return str(np.flatnonzero(mask)[:5].tolist())
