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
