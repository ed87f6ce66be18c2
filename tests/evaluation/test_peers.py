"""Peers: each scores as its definition says, and is ranked like the pipeline."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fairshot.evaluation.peers import discounted, ease, peer_slates, peers, popularity

RNG = np.random.default_rng(4)
MATRIX = csr_matrix((RNG.random((40, 15)) < np.linspace(0.6, 0.05, 15)).astype(np.float64))
EVERYBODY = np.arange(40)


def test_ease_is_the_ridge_regression_of_each_item_on_the_others():
    dense = MATRIX.toarray()
    scores = ease(MATRIX)(EVERYBODY)
    for item in range(15):
        others = np.delete(dense, item, axis=1)
        weights = np.linalg.solve(others.T @ others + 500 * np.eye(14), others.T @ dense[:, item])
        assert scores[:, item] == pytest.approx(others @ weights)


def test_popularity_counts_people_and_the_discount_divides_by_it():
    counts = MATRIX.toarray().sum(axis=0)
    assert (popularity(MATRIX)(np.array([3]))[0] == counts).all()
    scores = discounted(popularity(MATRIX), MATRIX, 0.5)(np.array([3]))
    assert scores[0] == pytest.approx(counts / np.sqrt(1 + counts))


def test_slates_are_the_best_listed_items_not_met():
    listed = np.array([0, 2, 3, 7, 11])
    slates = peer_slates(popularity(MATRIX), MATRIX, EVERYBODY, listed, 3)
    counts = MATRIX.toarray().sum(axis=0)
    for row, slate in enumerate(slates):
        left = [item for item in listed.tolist() if MATRIX[row, item] == 0]
        assert slate.tolist() == sorted(left, key=lambda item: (-counts[item], item))[:3]


def test_whoever_met_everything_is_shown_nothing():
    everything = csr_matrix(np.ones((2, 4)))
    assert [len(slate) for slate in peer_slates(popularity(everything), everything, np.arange(2), np.arange(4), 3)] == [
        0,
        0,
    ]


def test_all_peers_score_everybody_finitely():
    found = dict(peers(MATRIX))
    assert {"popularity", "implicit ALS", "implicit BM25", "EASE"} < set(found)
    for name, scores in found.items():
        values = scores(np.array([1, 2]))
        assert values.shape == (2, 15), name
        assert np.isfinite(values).all(), name
