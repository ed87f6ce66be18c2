"""Fold-in: the vector of a person from the items they reacted to, without training.

Source: Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008, equation 4.
"""

import numpy as np
from numpy.typing import NDArray


def fold_in(
    items: NDArray[np.float32], strength: NDArray[np.floating], gram: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Solve one row of implicit alternating least squares.

    Formula: x = (G + sum_i |s_i| y_i y_i^T)^-1 sum_i p_i y_i with p_i = 1 + s_i for s_i > 0, else 0: a
    negative reaction is a confident zero.

    items: float32 (h, d), the vectors y_i; strength: float (h,), confidence s_i beyond an item never met,
    negative against it; gram: float32 (d, d), sum of y y^T over the catalogue plus regularisation.
    Returns float32 (d,). Raises ValueError when the shapes do not fit together.

    >>> y = np.eye(2, dtype=np.float32)
    >>> fold_in(y[:1], np.array([1.0]), np.eye(2, dtype=np.float32)).tolist()
    [1.0, 0.0]
    """
    if items.ndim != 2 or strength.shape != items.shape[:1] or gram.shape != (items.shape[1],) * 2:
        raise ValueError(f"items {items.shape}, strength {strength.shape} and gram {gram.shape} do not fit")
    weight = np.abs(strength).astype(np.float32)
    system = gram + (items * weight[:, None]).T @ items
    target = np.where(strength > 0, 1.0 + strength, 0.0).astype(np.float32) @ items
    solved: NDArray[np.float32] = np.linalg.solve(system, target).astype(np.float32)
    return solved
