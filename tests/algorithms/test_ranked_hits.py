"""Ranking, recall and NDCG against the obvious way of computing them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.ranked_hits import discounts, ndcg, recall, top_ranked


@st.composite
def tied_scores(draw: st.DrawFn) -> np.ndarray:
    users, items = draw(st.integers(1, 5)), draw(st.integers(1, 12))
    flat = draw(st.lists(st.integers(0, 3), min_size=users * items, max_size=users * items))
    return np.array(flat, np.float64).reshape(users, items)


@settings(deadline=None)
@given(tied_scores(), st.integers(1, 14))
def test_top_ranked_is_the_start_of_a_stable_sort_also_among_ties(scores: np.ndarray, depth: int) -> None:
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    np.testing.assert_array_equal(top_ranked(scores, depth), expected)


@settings(deadline=None)
@given(tied_scores(), st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_recall_and_ndcg_equal_a_loop(scores: np.ndarray, depth: int, seed: int) -> None:
    liked = np.random.default_rng(seed).random(scores.shape) < 0.4
    got_recall, got_ndcg = recall(scores, liked, depth), ndcg(scores, liked, depth)
    for user in range(len(scores)):
        likes = int(liked[user].sum())
        if likes == 0:
            assert np.isnan(got_recall[user])
            assert np.isnan(got_ndcg[user])
            continue
        order = sorted(range(scores.shape[1]), key=lambda item: (-scores[user, item], item))[:depth]
        ranks = [rank for rank, item in enumerate(order, 1) if liked[user, item]]
        best = sum(1 / np.log2(1 + rank) for rank in range(1, min(likes, len(order)) + 1))
        assert got_recall[user] == pytest.approx(len(ranks) / likes)
        assert got_ndcg[user] == pytest.approx(sum(1 / np.log2(1 + rank) for rank in ranks) / best)


def test_a_perfect_ranking_has_ndcg_one() -> None:
    liked = np.array([[True, True, False]])
    assert ndcg(liked.astype(float), liked, 3)[0] == pytest.approx(1.0)
    assert discounts(1)[0] == 1.0


@pytest.mark.parametrize("scores", [np.zeros((0, 3)), np.zeros(3), np.array([[np.inf]])])
def test_bad_scores_are_refused_with_their_shape(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"scores .*shape \("):
        top_ranked(scores, 1)


def test_other_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="depth"):
        top_ranked(np.ones((1, 2)), 0)
    with pytest.raises(ValueError, match=r"liked must have shape \(1, 2\)"):
        recall(np.ones((1, 2)), np.ones((2, 1), bool), 1)
