"""Factors: vectors of items by implicit alternating least squares; people are folded in when they come.

Source: Hu, Koren, Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
"""

from collections.abc import Callable

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from fairshot.core.arrays import Floats
from fairshot.core.errors import TrainingError


def fit_factors(
    strengths: csr_matrix,
    *,
    factors: int,
    iterations: int,
    confidence: float,
    regularization: float,
    progress: Callable[[float], None] | None = None,
) -> Floats:
    """Item vectors, float32 (items, factors); rows of items without positive feedback are zero.

    A pair of strength s > 0 has confidence 1 + confidence * s in "wanted", one of s < 0 as much in "not
    wanted", every other pair confidence 1 in "not wanted": the same objective as `algorithms.fold_in`.
    Raises TrainingError where confidences are so far apart that the equations cannot be solved.
    """
    matrix = strengths.astype(np.float32, copy=True)
    # Reactions that cancel leave a stored zero, which the solver would take for "not even unwanted".
    matrix.eliminate_zeros()
    matrix.data = np.sign(matrix.data) * (1 + confidence * np.abs(matrix.data))

    def tick(iteration: int, *_: object) -> None:
        if progress is not None:
            progress((iteration + 1) / iterations)

    # implicit runs its own threads; BLAS threads below them only get in the way.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularization,
            alpha=1.0,
            iterations=iterations,
            use_cg=False,
            random_state=0,
        )
        try:
            model.fit(matrix, show_progress=False, callback=tick)
        except ValueError as error:
            raise TrainingError(
                f"the item vectors cannot be solved for ({error}); see confidence, activity and regularization "
                "under [learning]"
            ) from error
    items: Floats = np.array(model.item_factors, dtype=np.float32)
    liked = np.zeros(matrix.shape[1], dtype=bool)
    liked[matrix.indices[matrix.data > 0]] = True
    items[~liked] = 0
    return items


def scaled_regularization(strengths: csr_matrix, regularization: float) -> float:
    """Regularisation in units of the data's density: times interactions over sqrt(people * items).

    One setting then serves ten people and a million alike: without it small catalogues collapse to zero.
    """
    people, items = (len(np.unique(index)) for index in strengths.nonzero())
    return float(regularization * max(int(strengths.count_nonzero()), 1) / max(np.sqrt(people * items), 1.0))


def gram_of(items: Floats, regularization: float) -> Floats:
    """What a fold-in starts from: Y^T Y + regularization I, float32 (d, d)."""
    gram: Floats = (items.T @ items + regularization * np.eye(items.shape[1])).astype(np.float32)
    return gram
