"""Embedding magnitude: the popularity that a model predicts for an item, and a way to temper it.

A cold-start model tends to give long vectors to items that resemble popular ones, and a long vector is near
the top of every list at once.
Source: after Meehan and Pauwels, "On Inherited Popularity Bias in Cold-Start Item Recommendation", RecSys
2025; the power form is fairshot's own.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, finite_result, real, within


def temper_magnitudes(embeddings: ArrayLike, strength: float) -> Floats:
    """Draw the lengths of item vectors towards their mean; the directions stay.

    Formula: e'_i = e_i (|e_i| / mean_j |e_j|)^-strength. 0 changes nothing; 1 gives all the same length, so
    that a dot product ranks by direction alone. No training, no dependence on users.
    Shapes: embeddings [items, dimensions] -> the same. A zero vector stays zero.
    Errors: ValueError for other shapes, numbers that are not finite, strength outside [0, 1], or a result
    beyond the largest number.

    >>> temper_magnitudes([[3.0, 0.0], [0.0, 1.0]], strength=1.0)
    array([[2., 0.],
           [0., 2.]])
    """
    vectors = real("embeddings", embeddings, (None, None))
    within("strength", strength, 0, 1)
    power = np.frexp(np.abs(vectors).max(axis=1, keepdims=True))[1]
    length = np.ldexp(np.linalg.norm(np.ldexp(vectors, -power), axis=1, keepdims=True), power - power.max())
    return finite_result("embeddings", np.asarray(vectors * _factor(length, strength)))


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
    power = int(np.frexp(np.abs(values).max())[1])
    values = np.ldexp(values, -power)
    mean = values.mean(axis=1, keepdims=True)
    factor = _factor(values.std(axis=1, keepdims=True), strength)
    with np.errstate(over="ignore"):
        return finite_result("scores", np.asarray(np.ldexp(mean + (values - mean) * factor, power)))


def _factor(size: Floats, strength: float) -> Floats:
    """(size_i / mean size)^-strength, 1 where the size is zero; sizes come scaled by a power of two of the largest."""
    ratio = np.divide(size.mean(), size, out=np.ones_like(size), where=size > 0)
    return np.asarray(ratio**strength)
