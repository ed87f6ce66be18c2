from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fairshot.algorithms.diversity import dpp, dpp_quality, mmr, ssd

Floats = NDArray[np.float64]

RERANKERS: tuple[Callable[..., NDArray[np.int64]], ...] = (dpp, ssd, mmr)


def world(seed: int, n: int, d: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(size=n) * 0.5), rng.normal(size=(n, d))


def naive_dpp(quality: Floats, vectors: Floats, k: int, window: int | None, recent: Floats | None = None) -> list[int]:
    """Greedy by the definition: the determinant of every candidate's window, each time anew."""
    n = len(quality)
    stacked = vectors if recent is None else np.vstack([vectors, recent])
    unit = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    q = np.append(quality, np.ones(len(stacked) - n))
    kernel = q[:, None] * (unit @ unit.T) * q
    shown = list(range(n, len(stacked)))
    for _ in range(k):
        past = shown if window is None else shown[len(shown) - min(window - 1, len(shown)) :]

        def log_det(i: int, past: list[int] = past) -> float:
            rows = [*past, i]
            return float(np.linalg.slogdet(kernel[np.ix_(rows, rows)])[1])

        shown.append(max((i for i in range(n) if i not in shown), key=log_det))
    return shown[len(stacked) - n :]


def naive_ssd(scores: Floats, vectors: Floats, k: int, gamma: float, window: int) -> list[int]:
    """The definition with the whole residual matrix carried along."""
    z = (scores - scores.mean()) / scores.std()
    residual = np.c_[vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.ones(len(scores))]
    order: list[int] = []
    taken: list[tuple[Floats, Floats]] = []
    for _ in range(k):
        gain = z + gamma * np.linalg.norm(residual, axis=1)
        gain[order] = -np.inf
        order.append(int(gain.argmax()))
        if len(taken) == window - 1:
            if not taken:
                continue
            part, direction = taken.pop(0)
            residual = residual + np.outer(part, direction)
        direction = residual[order[-1]]
        part = residual @ direction / (direction @ direction)
        residual = residual - np.outer(part, direction)
        taken.append((part, direction))
    return order


@given(seed=st.integers(0, 10_000), window=st.sampled_from([None, 1, 2, 3, 6]))
@settings(max_examples=60, deadline=None)
def test_dpp_is_the_naive_greedy(seed: int, window: int | None) -> None:
    quality, vectors = world(seed, 24, 12)
    k = 8 if window is None else 16
    assert dpp(quality, vectors, k, window=window).tolist() == naive_dpp(quality, vectors, k, window)


@given(seed=st.integers(0, 10_000), k=st.integers(1, 24))
@settings(max_examples=60, deadline=None)
def test_few_candidates_are_picked_as_many_are(seed: int, k: int) -> None:
    quality, vectors = world(seed, 24, 12)
    vectors[20:] = vectors[:4]
    # A window of all picks is none, and takes the way of many.
    assert dpp(quality, vectors, k).tolist() == dpp(quality, vectors, k, window=k).tolist()


def test_of_equals_the_first_is_taken() -> None:
    quality, vectors = np.ones(100), np.zeros((100, 4))
    quality[99] = 1.1
    assert dpp(quality, vectors, 25).tolist() == [99, *range(24)]
    alike = np.tile(np.eye(4), (5, 1))
    for k in (3, 8):
        assert dpp(np.ones(20), alike, k).tolist() == dpp(np.ones(20), alike, k, window=k).tolist()


@given(seed=st.integers(0, 10_000), window=st.sampled_from([None, 3]), m=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_dpp_continues_after_recent_items(seed: int, window: int | None, m: int) -> None:
    quality, vectors = world(seed, 20, 12)
    recent = np.random.default_rng(seed + 1).normal(size=(m, 12))
    assert dpp(quality, vectors, 6, window=window, recent=recent).tolist() == naive_dpp(
        quality, vectors, 6, window, recent
    )


@given(seed=st.integers(0, 10_000), window=st.sampled_from([1, 2, 4, 20]), gamma=st.sampled_from([0.0, 0.5, 3.0]))
@settings(max_examples=60, deadline=None)
def test_ssd_is_the_naive_decomposition(seed: int, window: int, gamma: float) -> None:
    scores, vectors = world(seed, 24, 12)
    order = ssd(scores, vectors, 12, gamma=gamma, window=window)
    assert order.tolist() == naive_ssd(scores, vectors, 12, gamma, window)


@given(seed=st.integers(0, 10_000), relevance=st.sampled_from([0.0, 0.4, 1.0]))
@settings(max_examples=30, deadline=None)
def test_mmr_by_its_definition(seed: int, relevance: float) -> None:
    scores, vectors = world(seed, 15, 4)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = unit @ unit.T
    order: list[int] = []
    for _ in range(10):
        nearest = likeness[:, order].max(axis=1) if order else np.full(15, -1.0)
        gain = relevance * scores - (1 - relevance) * nearest
        gain[order] = -np.inf
        order.append(int(gain.argmax()))
    assert mmr(scores, vectors, 10, relevance=relevance).tolist() == order


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 12),
    k=st.integers(0, 15),
    kind=st.sampled_from(["random", "duplicates", "zeros", "line"]),
    dtype=st.sampled_from([np.float32, np.float64, np.float16]),
)
@settings(max_examples=120, deadline=None)
def test_always_min_k_n_distinct_items(seed: int, n: int, k: int, kind: str, dtype: type) -> None:
    quality, vectors = world(seed, n, 3)
    if kind == "duplicates":
        vectors = np.repeat(vectors[:1], n, axis=0)
    elif kind == "zeros":
        vectors = vectors * (np.arange(n) % 2)[:, None]
    elif kind == "line":
        vectors = np.outer(quality, np.ones(3))
    for rerank in RERANKERS:
        order = rerank(quality, vectors.astype(dtype), k)
        assert order.dtype == np.int64
        assert len(order) == len(set(order.tolist())) == min(k, n)
        assert ((order >= 0) & (order < n)).all()


def test_duplicates_fall_back_to_quality() -> None:
    vectors = np.repeat(np.eye(2, dtype=np.float32), 5, axis=0)
    quality = np.array([5.0, 9, 1, 3, 7, 6, 2, 8, 4, 10])
    assert dpp(quality, vectors, 10).tolist() == [9, 1, 7, 4, 5, 0, 8, 3, 6, 2]


def test_zero_quality_comes_last_and_zero_vectors_are_like_nothing() -> None:
    vectors = np.array([[1, 0], [0, 1], [0, 0], [1, 0.1]])
    assert dpp(np.array([1.0, 0.0, 0.9, 0.8]), vectors, 4).tolist() == [0, 2, 3, 1]


def test_length_of_vectors_and_scale_of_quality_do_not_matter() -> None:
    quality, vectors = world(3, 50, 8)
    order = dpp(quality, vectors, 8)
    lengths = np.random.default_rng(0).random((50, 1)) + 0.5
    assert (dpp(quality * 1e200, vectors * lengths, 8) == order).all()


def test_gamma_zero_sorts_and_relevance_one_sorts() -> None:
    scores, vectors = world(5, 40, 6)
    best = np.argsort(-scores)[:10]
    assert (ssd(scores, vectors, 10, gamma=0) == best).all()
    assert (mmr(scores, vectors, 10, relevance=1) == best).all()
    assert (dpp(scores, vectors, 10, window=1) == best).all()


def test_long_slates_keep_their_precision() -> None:
    quality, vectors = world(8, 300, 8)
    single = dpp(quality, vectors.astype(np.float32), 300, window=5)
    assert (single[:250] == dpp(quality, vectors, 300, window=5)[:250]).all()


def test_recent_items_push_their_like_away() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    for rerank in RERANKERS:
        assert rerank(np.array([10.0, 9.9, 1.0]), vectors, 1, recent=vectors[:1]).tolist() == [1]


@given(scores=st.lists(st.floats(-50, 50), min_size=1, max_size=20), relevance=st.floats(0, 0.99))
def test_quality_keeps_the_order_of_scores(scores: list[float], relevance: float) -> None:
    quality = dpp_quality(np.array(scores), relevance)
    assert ((quality >= 0) & (quality <= 1)).all()
    assert (np.diff(quality[np.argsort(scores)]) >= 0).all()


@pytest.mark.parametrize("rerank", RERANKERS)
def test_bad_input_names_argument_and_shape(rerank: Callable[..., NDArray[np.int64]]) -> None:
    good = np.ones(3), np.eye(3)
    with pytest.raises(ValueError, match=r"vectors.*\(2, 3\)"):
        rerank(good[0], np.eye(3)[:2], 2)
    with pytest.raises(ValueError, match=r"(quality|scores).*\(3, 1\)"):
        rerank(good[0][:, None], good[1], 2)
    with pytest.raises(ValueError, match=r"(quality|scores).*finite"):
        rerank(np.array([1, np.nan, 1]), good[1], 2)
    with pytest.raises(ValueError, match=r"vectors.*finite"):
        rerank(good[0], np.diag([1, np.inf, 1]), 2)
    with pytest.raises(ValueError, match="k must"):
        rerank(*good, -1)
    with pytest.raises(ValueError, match=r"recent.*\(1, 2\)"):
        rerank(*good, 2, recent=np.ones((1, 2)))


def test_bad_settings_are_refused() -> None:
    scores, vectors = world(0, 4, 3)
    with pytest.raises(ValueError, match="quality"):
        dpp(-scores, vectors, 2)
    with pytest.raises(ValueError, match="window"):
        dpp(scores, vectors, 2, window=0)
    with pytest.raises(ValueError, match="gamma"):
        ssd(scores, vectors, 2, gamma=-1)
    with pytest.raises(ValueError, match="relevance"):
        mmr(scores, vectors, 2, relevance=1.5)
    with pytest.raises(ValueError, match="relevance"):
        dpp_quality(scores, 1.0)
