"""The inverse of a symmetric positive definite matrix."""

import numpy as np
import pytest
from scipy.linalg import LinAlgError

from fairshot.learning.inverse import inverse_of


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_times_its_inverse_is_one(dtype: type) -> None:
    half: np.ndarray = np.random.default_rng(0).normal(size=(60, 40)).astype(dtype)
    matrix = half.T @ half + np.eye(40, dtype=dtype)
    before = matrix.copy()
    found = inverse_of(matrix)
    assert found.dtype == dtype
    assert np.array_equal(matrix, before)
    assert np.array_equal(found, found.T)
    assert np.abs(found @ matrix - np.eye(40)).max() < 2e4 * np.finfo(dtype).eps


def test_a_matrix_that_is_not_positive_definite_is_refused() -> None:
    with pytest.raises(LinAlgError, match="minor 2 of 2"):
        inverse_of(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_nothing_has_an_inverse_of_nothing() -> None:
    assert inverse_of(np.empty((0, 0), np.float32)).shape == (0, 0)
