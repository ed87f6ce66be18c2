"""Inputs of the networks brought to one scale: standardised, clipped, and remembered as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairshot.learning.cold_start.content import Floats32


@dataclass(frozen=True, slots=True)
class Scaling:
    """Maps x to clip((x - centre) / spread, -limit, limit); centre and spread [d]."""

    centre: Floats32
    spread: Floats32
    limit: float

    def __call__(self, values: NDArray[np.floating]) -> Floats32:
        """Scale [n, d] to float32 [n, d]; ValueError for another width or values that are not finite."""
        array = np.asarray(values, np.float32)
        if array.ndim != 2 or array.shape[1] != len(self.centre) or not np.isfinite(array).all():
            raise ValueError(f"values must be finite [n, {len(self.centre)}], got shape {array.shape}")
        return np.asarray(np.clip((array - self.centre) / self.spread, -self.limit, self.limit))


def fit_scaling(values: NDArray[np.floating], limit: float, *, common: bool = False) -> Scaling:
    """Learn centre and spread of each column; `common` keeps the zero and one spread for all columns.

    The common form is for reduced content, whose columns differ in importance, and where zero means "none".

    >>> fit_scaling(np.array([[1.0], [3.0]]), limit=5.0)(np.array([[5.0]]))
    array([[3.]], dtype=float32)
    """
    array = np.asarray(values, np.float32)
    if common:
        root = float(np.sqrt(np.mean(array**2))) or 1.0
        width = array.shape[1]
        return Scaling(np.zeros(width, np.float32), np.full(width, root, np.float32), limit)
    spread = array.std(axis=0)
    return Scaling(array.mean(axis=0), np.where(spread > 0, spread, 1).astype(np.float32), limit)


def matched(
    user_vectors: NDArray[np.floating], item_vectors: NDArray[np.floating], content: NDArray[np.floating]
) -> tuple[Floats32, Floats32, Floats32]:
    """Return users [users, d], items [n, d] and content [n, c] as float32; ValueError where they do not fit.

    >>> users, items, content = matched(np.ones((2, 3)), np.ones((4, 3)), np.ones((4, 5)))
    >>> users.shape, items.shape, content.shape
    ((2, 3), (4, 3), (4, 5))
    """
    u, v, c = (np.asarray(array, np.float32) for array in (user_vectors, item_vectors, content))
    if u.ndim != 2 or not len(u) or not np.isfinite(u).all():
        raise ValueError(f"user_vectors must be finite [users >= 1, d], got shape {u.shape}")
    if v.ndim != 2 or not len(v) or v.shape[1] != u.shape[1] or not np.isfinite(v).all():
        raise ValueError(f"item_vectors must be finite [n >= 1, {u.shape[1]}], got shape {v.shape}")
    if c.ndim != 2 or len(c) != len(v) or not np.isfinite(c).all():
        raise ValueError(f"content must be finite [{len(v)}, c], got shape {c.shape}")
    return u, v, c
