"""Accuracy: each figure is the one that a hand would compute."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.worlds import rows_of

from fairshot.evaluation.accuracy import accuracy
from fairshot.evaluation.measured import means, paired


def figures(slates: list[Any], truth: list[Any], k: int) -> dict[str, float]:
    return {one.name: one.value for one in means("a", accuracy(slates, truth, k))}


def test_ndcg_and_recall_by_hand():
    slates = rows_of([1, 2, 3], [4, 5, 6], [7, 8, 9], [])
    truth = rows_of([2, 9], [4, 5, 6, 7, 8], [1], [])
    found = figures(slates, truth, 3)
    first = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    # The second is ideal: three of its five fit into three positions; the fourth has nothing held out.
    assert found["nDCG@3"] == pytest.approx((first + 1.0 + 0.0) / 3)
    assert found["recall@3"] == pytest.approx((1 / 2 + 3 / 5 + 0) / 3)
    # Precision at the hits: 1/2 of two findable; 1, 1, 1 of three; nothing.
    assert found["MAP@3"] == pytest.approx((1 / 2 / 2 + 1 + 0) / 3)


def test_a_short_slate_is_measured_against_what_could_have_been():
    found = figures(rows_of([5], []), rows_of([5, 6], [1]), 10)
    assert found["nDCG@10"] == pytest.approx(1 / (1 + 1 / np.log2(3)) / 2)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30, unique=True), st.integers(1, 12))
def test_ndcg_is_one_for_the_ideal_slate_and_in_between_otherwise(relevant, k):
    truth = rows_of(relevant)
    assert figures(rows_of(relevant[:k]), truth, k)[f"nDCG@{k}"] == pytest.approx(1.0)
    other = [row + 1 for row in relevant][:k]
    assert 0 <= figures(rows_of(other), truth, k)[f"nDCG@{k}"] <= 1


def test_intervals_hold_the_mean_and_narrow_with_more_people():
    def width(people: int) -> float:
        slates = rows_of(*([[1]] * people))
        ndcg = means("a", accuracy(slates, rows_of(*[[1] if n % 2 else [2] for n in range(people)]), 1))[0]
        assert ndcg.low is not None
        assert ndcg.high is not None
        assert ndcg.low <= ndcg.value <= ndcg.high
        return ndcg.high - ndcg.low

    assert width(400) < width(40) < 1


def test_differences_are_of_the_same_people():
    """Two arms that differ by the same for everybody differ for certain, however different the people are."""
    rng = np.random.default_rng(0)
    one = rng.random(50)
    (found,) = paired("a", {"x": one + 0.01}, "b", {"x": one})
    assert (found.arm, found.less, found.name) == ("a", "b", "x")
    assert found.low == pytest.approx(0.01) == found.high == found.value
    (wide,) = paired("a", {"x": rng.permutation(one)}, "b", {"x": one})
    assert wide.low is not None
    assert wide.high is not None
    assert wide.low < 0 < wide.high


def test_a_single_person_gives_no_interval():
    """One value drawn again and again is always itself: that is no certainty."""
    (found,) = means("a", {"x": np.array([0.3])})
    assert (found.value, found.low, found.high) == (0.3, None, None)
    (apart,) = paired("a", {"x": np.array([0.3])}, "b", {"x": np.array([0.1])})
    assert (apart.low, apart.high) == (None, None)


def test_nobody_gives_no_figure():
    assert means("a", accuracy([], [], 3)) == []
