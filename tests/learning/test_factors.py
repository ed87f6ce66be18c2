"""Factors: only items that somebody wanted have a vector, and the same log gives the same ones."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from fairshot.algorithms.fold_in import fold_in
from fairshot.core.arrays import Floats
from fairshot.core.errors import TrainingError
from fairshot.learning.factors import fit_factors, gram_of, scaled_regularization


def fitted(matrix: csr_matrix, factors: int = 4, regularization: float = 0.1) -> Floats:
    return fit_factors(matrix, factors=factors, iterations=3, confidence=3.0, regularization=regularization)


def sparse(rows: Sequence[Sequence[float]]) -> csr_matrix:
    return csr_matrix(np.array(rows, dtype=np.float32))


matrices = st.integers(1, 5).flatmap(
    lambda items: st.lists(
        st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5, -0.5]), min_size=items, max_size=items), min_size=1, max_size=6
    )
)


@given(matrices)
@settings(max_examples=30)
def test_only_items_that_somebody_wanted_have_a_vector_and_it_is_finite(rows):
    items = fitted(sparse(rows))
    wanted = (np.array(rows) > 0).any(axis=0)
    assert items.dtype == np.float32
    assert items.shape == (len(rows[0]), 4)
    assert np.isfinite(items).all()
    assert not items[~wanted].any()


def test_the_same_strengths_give_the_same_vectors_bit_by_bit():
    rng = np.random.default_rng(0)
    matrix = csr_matrix((rng.random((30, 40)) < 0.2).astype(np.float32))
    assert fitted(matrix).tobytes() == fitted(matrix.copy()).tobytes()


def test_what_was_given_is_not_changed():
    matrix = sparse([[1, 0, -1], [0, 2, 0]])
    before = matrix.toarray()
    fitted(matrix)
    assert (matrix.toarray() == before).all()


def test_a_pair_whose_reactions_cancel_is_a_pair_without_any():
    plain = sparse([[1, 0, 0], [1, 1, 0], [0, 1, 1]])
    cancelled = plain.tolil()
    cancelled[0, 1] = 1
    zeroed = csr_matrix(cancelled, dtype=np.float32)
    zeroed[0, 1] = 0  # a stored zero, as 1 and -1 leave it
    assert zeroed.nnz == plain.nnz + 1
    assert np.allclose(fitted(zeroed), fitted(plain), atol=1e-5)


def test_people_with_one_taste_are_told_from_those_with_another():
    """Two halves of people, each wanting its own half of the items: a fold-in finds the rest of one's half."""
    rng = np.random.default_rng(1)
    wants = np.zeros((60, 40))
    wants[:30, :20] = rng.random((30, 20)) < 0.5
    wants[30:, 20:] = rng.random((30, 20)) < 0.5
    matrix = csr_matrix(wants.astype(np.float32))
    regularization = scaled_regularization(matrix, 0.5)
    items = fitted(matrix, factors=8, regularization=regularization)
    gram = gram_of(items, regularization)
    for half, other in ((range(20), range(20, 40)), (range(20, 40), range(20))):
        vector = fold_in(items[list(half)[:3]], np.full(3, 3.0), gram)
        scores = items @ vector
        assert scores[list(half)].min() > scores[list(other)].max()


def test_a_disliked_item_is_pushed_away():
    rows = [[1, 1, 0, 0]] * 6 + [[0, 0, 1, 1]] * 6
    items = fitted(sparse(rows), factors=3)
    gram = gram_of(items, 0.1)
    liking = fold_in(items[[0]], np.array([3.0]), gram)
    torn = fold_in(items[[0, 1]], np.array([3.0, -3.0]), gram)
    assert items[1] @ torn < items[1] @ liking


@pytest.mark.parametrize("rows", [[[1]], [[-1]], [[0]], [[0, 0], [0, 0]], [[1, 1]], [[1], [1]]])
def test_the_smallest_logs_give_finite_vectors(rows):
    matrix = sparse(rows)
    assert np.isfinite(scaled_regularization(matrix, 0.5))
    items = fitted(matrix, factors=16)
    assert np.isfinite(items).all()
    gram = gram_of(items, scaled_regularization(matrix, 0.5))
    assert np.isfinite(np.linalg.solve(gram, np.ones(16, np.float32))).all()


def test_regularisation_grows_with_density_not_with_size():
    rng = np.random.default_rng(0)
    small = csr_matrix(np.ones((10, 10)))
    large = csr_matrix(np.ones((40, 40)))
    thin = csr_matrix(rng.random((40, 40)) < 0.1)
    assert scaled_regularization(large, 1.0) == pytest.approx(40)
    assert scaled_regularization(small, 1.0) == pytest.approx(10)
    assert scaled_regularization(thin, 1.0) < scaled_regularization(large, 1.0) / 5


def test_progress_ends_at_one():
    told: list[float] = []
    fit_factors(
        sparse([[1, 1], [1, 0]]), factors=2, iterations=4, confidence=1, regularization=0.1, progress=told.append
    )
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_equations_that_cannot_be_solved_are_named_with_the_options_that_make_them():
    matrix = sparse(np.random.default_rng(0).integers(0, 2, (30, 40)).tolist())
    with pytest.raises(TrainingError, match="see confidence, activity and regularization"):
        fit_factors(matrix, factors=16, iterations=3, confidence=1e12, regularization=1e-9)
