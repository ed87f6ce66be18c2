"""Embedding magnitude: the popularity that a model predicts for an item, and a way to temper it.

A cold-start model tends to give long vectors to items that resemble popular ones, and a long vector is near
the top of every list at once.
Source: after Meehan and Pauwels, "On Inherited Popularity Bias in Cold-Start Item Recommendation", RecSys
2025; the power form is fairshot's own.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, real, within


def temper_magnitudes(embeddings: ArrayLike, strength: float) -> Floats:
    """Draw the lengths of item vectors towards their mean; the directions stay.

    Formula: e'_i = e_i (|e_i| / mean_j |e_j|)^-strength. 0 changes nothing; 1 gives all the same length, so
    that a dot product ranks by direction alone. No training, no dependence on users.
    Shapes: embeddings [items, dimensions] -> the same. A zero vector stays zero.
    Errors: ValueError for other shapes, numbers that are not finite, strength outside [0, 1].

    >>> temper_magnitudes([[3.0, 0.0], [0.0, 1.0]], strength=1.0)
    array([[2., 0.],
           [0., 2.]])
    """
    vectors = real("embeddings", embeddings, (None, None))
    within("strength", strength, 0, 1)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = length.mean()
    factor = np.divide(mean, length, out=np.ones_like(length), where=length > 0) ** strength
    return np.asarray(vectors * factor)


def temper_spreads(scores: ArrayLike, strength: float) -> Floats:
    """Draw the spreads of items' scores over users towards their mean; each item's mean and order of users stay.

    Formula: s'_iu = m_i + (s_iu - m_i) (d_i / mean_j d_j)^-strength with m_i the mean and d_i the standard
    deviation of i's scores. It is `temper_magnitudes` for the personal part of the scores alone: an item
    that a model is unsure about gets scores so alike that it is high in nobody's list; its best users now
    see it.
    Shapes: scores [items, users] -> the same. An item with equal scores stays as it is.
    Errors: as `temper_magnitudes`.

    >>> temper_spreads([[0.0, 4.0], [1.0, 3.0]], strength=1.0)
    array([[0.5, 3.5],
           [0.5, 3.5]])
    """
    values = real("scores", scores, (None, None))
    within("strength", strength, 0, 1)
    mean = values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, keepdims=True)
    target = spread.mean()
    factor = np.divide(target, spread, out=np.ones_like(spread), where=spread > 0) ** strength
    return np.asarray(mean + (values - mean) * factor)
