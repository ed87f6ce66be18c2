"""The inverse of a symmetric positive definite matrix, at a third of the cost of solving for every unit vector."""

from typing import Any

import numpy as np
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import get_lapack_funcs

from fairshot.core.arrays import Floats


def inverse_of(matrix: Floats) -> Floats:
    """A^-1 = L^-T L^-1 with A = L L^T, in the precision of A: float (m, m), symmetric to the last bit.

    Raises LinAlgError where the matrix is not positive definite.
    """
    if len(matrix) == 0:
        return matrix.copy()
    functions: Any = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factorised, inverted = functions
    # The transpose of a symmetric matrix is itself, and needs no copy for LAPACK but the one that is overwritten.
    factor, failed = factorised(matrix.T, lower=1)
    found, singular = inverted(factor, lower=1, overwrite_c=1) if not failed else (factor, failed)
    if singular:
        raise LinAlgError(f"not positive definite: minor {singular} of {len(matrix)}")
    lower = np.tril(found)
    both: Floats = lower + lower.T
    np.fill_diagonal(both, lower.diagonal())
    return both
