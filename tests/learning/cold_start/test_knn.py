import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from fairshot.learning.cold_start.content import tfidf, unit_rows
from fairshot.learning.cold_start.knn import knn_scores, knn_vectors

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_dense_and_sparse_and_the_definition_agree(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    warm, cold = rng.random((10, 6)), rng.random((4, 6)) * (rng.random((4, 6)) < 0.6) + np.eye(4, 6)
    vectors = rng.normal(size=(10, 3))
    found = knn_vectors(cold, warm, vectors, k)
    assert knn_vectors(csr_array(cold), csr_array(warm), vectors, k) == pytest.approx(found, abs=1e-5)
    likeness = np.asarray(unit_rows(cold)) @ np.asarray(unit_rows(warm)).T
    for i in range(4):
        best = np.argsort(-likeness[i], kind="stable")[:k]
        weight = likeness[i, best]
        assert found[i] == pytest.approx(weight @ vectors[best] / weight.sum(), abs=1e-4)


def test_twin_of_a_warm_item_gets_exactly_its_users() -> None:
    rng = np.random.default_rng(0)
    warm = rng.random((8, 5))
    liked = csr_array((rng.random((6, 8)) < 0.4).astype(float))
    assert (knn_scores(warm[[3]], warm, liked, k=1)[:, 0] == liked.toarray()[:, 3]).all()


def test_vectors_and_scores_are_the_same_prediction() -> None:
    rng = np.random.default_rng(1)
    warm, cold = rng.random((8, 5)), rng.random((3, 5))
    liked = (rng.random((6, 8)) < 0.4).astype(float)
    scores = knn_scores(cold, warm, csr_array(liked), k=4)
    assert scores == pytest.approx(knn_vectors(cold, warm, liked.T, k=4).T, abs=1e-6)


def test_items_unlike_every_warm_item_are_all_alike() -> None:
    warm, cold = np.eye(4)[:2], np.vstack([np.eye(4)[2:], np.zeros(4)])
    liked = csr_array(np.array([[1.0, 1.0], [1.0, 0.0]]))
    assert knn_scores(cold, warm, liked, k=2).tolist() == [[1, 1, 1], [0.5, 0.5, 0.5]]


def test_tfidf_counts_known_items_alone() -> None:
    counts = csr_array(np.array([[1, 0, 0], [1, 1, 0], [0, 1, 7]]))
    weighed = tfidf(counts, np.array([0, 1])).toarray()
    assert weighed.shape == (3, 2)
    assert weighed[2].tolist() == [0, 1]


def test_bad_input_names_the_argument() -> None:
    with pytest.raises(ValueError, match=r"vectors.*\(2, 2\)"):
        knn_vectors(np.eye(3), np.eye(3), np.eye(2))
    with pytest.raises(ValueError, match="k must"):
        knn_vectors(np.eye(3), np.eye(3), np.eye(3), k=0)
    with pytest.raises(ValueError, match=r"cold.*\(2, 2\)"):
        knn_vectors(np.eye(2), np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match=r"cold.*finite"):
        knn_vectors(np.eye(3) * np.nan, np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match=r"liked.*\(3, 2\)"):
        knn_scores(np.eye(3), np.eye(3), csr_array(np.ones((3, 2))))
