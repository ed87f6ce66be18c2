"""Fair vectors: content-told vectors of new items, corrected so that no item's admirers are all scored low."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from fairshot.core.arrays import Floats

Method = Literal["none", "scale", "gen", "magnitude"]


@dataclass(frozen=True, slots=True)
class AffineMap:
    """e' = e A + b: matrix A (d, d), constant b (d,), float32."""

    matrix: Floats
    constant: Floats

    def __call__(self, vectors: Floats) -> Floats:
        """Corrected vectors, float32 (n, d); zero ones stay zero."""
        moved: Floats = (vectors @ self.matrix + self.constant).astype(np.float32)
        moved[~vectors.any(axis=1)] = 0
        return moved


def fit_fair_vectors(told: Floats, people: Floats, liked: csr_matrix, *, method: Method, strength: float) -> AffineMap:
    """Learn the correction on warm items.

    told: float32 (n, d), the content-told vectors of items that have admirers; people: float32 (p, d), vectors of
    people, whose scores of an item are people @ told; liked: sparse (n, p), non-zero where a person likes an item.
    """
    raise NotImplementedError
