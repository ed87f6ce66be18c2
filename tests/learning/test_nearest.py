"""Nearest neighbours: exact where exactness is cheap, and nothing eligible or new is out of reach beyond."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.arrays import Floats
from fairshot.core.snapshot import Vectors
from fairshot.learning import nearest
from fairshot.learning.nearest import VectorSearch, build_index


def vectors_of(items: Floats) -> Vectors:
    return Vectors(items.astype(np.float32), np.ones(len(items), bool), np.eye(items.shape[1], dtype=np.float32), 1.0)


def brute(items: Floats, query: Floats, k: int, eligible: list[int] | None = None) -> list[int]:
    scores = items @ query
    rows = range(len(items)) if eligible is None else eligible
    return sorted(rows, key=lambda row: (-scores[row], row))[:k]


# Whole numbers: their products are exact, so that ties are ties.
matrices = st.integers(0, 40).flatmap(
    lambda n: st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=n, max_size=n)
)
queries = st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=3)


@given(matrices, queries, st.integers(0, 12), st.data())
def test_exact_search_is_brute_force_ties_by_row(rows, asked, k, data):
    items = np.array(rows, dtype=np.float32).reshape(-1, 3)
    search = VectorSearch(vectors_of(items))
    eligible = data.draw(st.none() | st.sets(st.integers(0, 50)))
    allowed = None if eligible is None else sorted(row for row in eligible if row < len(items))
    given_rows = None if eligible is None else np.array(sorted(eligible), dtype=np.int32)
    found = search.search(np.array(asked, dtype=np.float32), k, given_rows)
    assert len(found) == len(asked)
    for query, best in zip(asked, found, strict=True):
        assert best.dtype == np.int32
        assert best.tolist() == brute(items, np.array(query, dtype=np.float32), k, allowed)


def test_rows_that_came_since_are_found():
    vectors = vectors_of(np.zeros((3, 2)))
    search = VectorSearch(vectors)
    vectors.grow(5)
    vectors.items[4] = 1
    (found,) = search.search(np.ones((1, 2), np.float32), 9)
    assert found.tolist() == [4, 0, 1, 2, 3]


@pytest.fixture
def indexed(monkeypatch: pytest.MonkeyPatch) -> tuple[Vectors, VectorSearch]:
    """Ten thousand items in two hundred clumps, behind an index."""
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 500)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(200, 16))
    items = centres[rng.integers(0, 200, 10_000)] + rng.normal(0, 0.4, (10_000, 16))
    vectors = vectors_of(items)
    index = build_index(vectors.items)
    assert index is not None
    assert index.dtype == np.uint8
    return vectors, VectorSearch(vectors, index)


def recall(vectors: Vectors, search: VectorSearch, eligible: list[int] | None = None, k: int = 50) -> float:
    rng = np.random.default_rng(1)
    asked = vectors.items[rng.integers(0, len(vectors.items), 40)]
    rows = None if eligible is None else np.array(eligible, dtype=np.int32)
    shares = []
    for query, found in zip(asked, search.search(asked, k, rows), strict=True):
        assert len(np.unique(found)) == len(found) == k
        assert eligible is None or set(found.tolist()) <= set(eligible)
        shares.append(np.isin(found, brute(vectors.items, query, k, eligible)).mean())
    return float(np.mean(shares))


def test_the_index_finds_nearly_all(indexed):
    assert recall(*indexed) > 0.95


@pytest.mark.parametrize("share", [2, 5])
def test_the_index_finds_nearly_all_of_a_large_eligible_set(indexed, share):
    assert recall(indexed[0], indexed[1], list(range(0, 10_000, share))) > 0.9


def test_a_small_eligible_set_is_searched_exactly(indexed):
    assert recall(indexed[0], indexed[1], list(range(0, 10_000, 25))) == 1.0


def test_rows_newer_than_the_index_are_found_with_and_without_an_eligible_set(indexed):
    vectors, search = indexed
    query = vectors.items[:1].copy()
    vectors.grow(10_003)
    vectors.items[10_001] = 5 * query
    assert search.search(query, 3)[0][0] == 10_001
    large = np.arange(0, 10_003, dtype=np.int32)
    assert search.search(query, 3, large)[0][0] == 10_001
    without = large[large != 10_001]
    assert 10_001 not in search.search(query, 3, without)[0]
    small = np.array([7, 10_001, 20_000], dtype=np.int32)
    assert search.search(query, 3, small)[0].tolist()[0] == 10_001


def test_more_than_there_are_is_all_there_are(indexed):
    vectors, search = indexed
    few = np.array([3, 1, 2], dtype=np.int32)
    assert sorted(search.search(vectors.items[:1], 50, few)[0].tolist()) == [1, 2, 3]
    assert len(search.search(vectors.items[:1], 50, few[:0])[0]) == 0
    assert len(search.search(vectors.items[:0], 50)) == 0


def test_the_index_is_built_only_beyond_what_is_searched_exactly(monkeypatch):
    items = np.random.default_rng(0).normal(size=(600, 4)).astype(np.float32)
    assert build_index(items) is None
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 600)
    assert build_index(items) is None
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 599)
    one, other = build_index(items), build_index(items)
    assert one is not None
    assert other is not None
    assert one.tobytes() == other.tobytes()


def test_an_index_over_equal_or_zero_vectors_still_answers(monkeypatch):
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 100)
    for items in (np.zeros((400, 4)), np.ones((400, 4))):
        vectors = vectors_of(items)
        (found,) = VectorSearch(vectors, build_index(vectors.items)).search(np.ones((1, 4), np.float32), 10)
        assert len(found) == 10
