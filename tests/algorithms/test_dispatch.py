"""Dispatch never exceeds capacity, feeds every item while there is room, and mirrors the feed."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import dispatch as dp

seeds = st.integers(0, 2**32 - 1)


def dispatch_all(
    scores: np.ndarray, active: np.ndarray, capacity: int, most: int, ruled: bool = True
) -> tuple[np.ndarray, list[np.ndarray]]:
    store, _ = dp.empty_store(scores.shape[1], capacity)
    matches: list[np.ndarray] = []
    for item, row in enumerate(scores):
        limit = dp.match_limit(store, active, len(scores) - item, most) if ruled else most
        matches.append(dp.match_users(row, dp.available(store, active), limit))
        store[dp.free_places(store, matches[-1], item)] = item
    return store, matches


@given(seeds, st.integers(1, 4), st.integers(1, 12), st.booleans())
def test_capacity_is_never_exceeded_and_only_active_users_are_matched(
    seed: int, capacity: int, most: int, ruled: bool
) -> None:
    rng = np.random.default_rng(seed)
    active = rng.random(15) < 0.6
    store, matches = dispatch_all(rng.normal(size=(20, 15)), active, capacity, most, ruled)
    matched = np.bincount(np.concatenate(matches).astype(np.int64), minlength=15)
    assert matched.max() <= capacity
    np.testing.assert_array_equal(matched, (store != dp.FREE).sum(axis=1))
    assert not matched[~active].any()


@given(seeds)
def test_light_load_gives_every_item_its_full_audience(seed: int) -> None:
    """rho = 20 * 6 / (15 * 10) = .8 < .9."""
    rng = np.random.default_rng(seed)
    _, matches = dispatch_all(rng.normal(size=(20, 15)), np.ones(15, bool), capacity=10, most=6)
    assert [len(users) for users in matches] == [6] * 20


@given(seeds)
def test_heavy_load_starves_the_last_without_the_rule_and_nobody_with_it(seed: int) -> None:
    scores, active = np.random.default_rng(seed).normal(size=(20, 15)), np.ones(15, bool)
    _, ruled = dispatch_all(scores, active, capacity=4, most=6)
    _, plain = dispatch_all(scores, active, capacity=4, most=6, ruled=False)
    assert len(plain[-1]) == 0
    assert min(len(users) for users in ruled) >= 2


@given(seeds, st.integers(1, 12))
def test_mirror_of_the_feed(seed: int, most: int) -> None:
    """Unlimited capacity, all active: i goes to u exactly if u is among the users with the largest scores."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(6, 4)) @ rng.normal(size=(12, 4)).T
    _, matches = dispatch_all(scores, np.ones(12, bool), capacity=6, most=most, ruled=False)
    for row, users in zip(scores, matches, strict=True):
        np.testing.assert_array_equal(users, np.argsort(-row, kind="stable")[:most])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 13))
def test_equals_go_to_the_lower_row(values: list[int], limit: int) -> None:
    found = dp.match_users(values, np.ones(len(values), bool), limit)
    np.testing.assert_array_equal(found, np.argsort(-np.array(values), kind="stable")[:limit])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_weight_zero_leaves_the_feed_bit_by_bit(values: list[float]) -> None:
    score = np.array(values)
    merged = dp.merge_scores(score, np.ones(len(score)), np.ones(len(score), bool), weight=0.0)
    assert merged.tobytes() == score.tobytes()


def test_a_boost_is_no_fixed_place() -> None:
    merged = dp.merge_scores([0.9, 0.1], [0.0, 0.3], np.array([False, True]), weight=1.0)
    assert merged[0] > merged[1]


@given(seeds)
def test_places_come_back_when_shown_or_expired(seed: int) -> None:
    store, _ = dispatch_all(np.random.default_rng(seed).normal(size=(3, 5)), np.ones(5, bool), 3, 4)
    matched_at = np.zeros(store.shape, np.int64)
    assert not dp.has_expired(store, matched_at, now=9, lifetime=10).any()
    np.testing.assert_array_equal(dp.has_expired(store, matched_at, now=10, lifetime=10), store != dp.FREE)
    for user in range(5):
        np.testing.assert_array_equal(dp.is_waiting(store, user, range(3)), np.isin(range(3), store[user]))
    assert not dp.is_waiting(store, 0, [dp.FREE, 99]).any()


def test_placing_twice_changes_nothing() -> None:
    store, _ = dp.empty_store(2, 1)
    store[dp.free_places(store, [0, 1], item=3)] = 3
    rows, columns = dp.free_places(store, [0, 1], item=3)
    assert len(rows) == len(columns) == 0


@given(seeds)
def test_usual_converges_to_the_mean_so_that_nobody_is_preferred_for_liking_everything(seed: int) -> None:
    rng = np.random.default_rng(seed)
    usual, means = np.zeros(3), np.array([0.1, 0.5, 0.9])
    for _ in range(800):
        usual = dp.update_usual(usual, means + rng.uniform(-0.1, 0.1, 3), rate=0.02)
    np.testing.assert_allclose(dp.above_usual(means, usual), 0, atol=0.05)


FULL, TIMES = np.array([[1], [2]]), np.zeros((2, 1), np.int64)
ALL = np.array([True, True])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dp.empty_store(1, 0), r"capacity .*\(1, 0\)"),
        (lambda: dp.available(FULL, ALL[:1]), r"active .*\(1,\)"),
        (lambda: dp.available(FULL[0], ALL), r"store .*\(1,\)"),
        (lambda: dp.match_limit(FULL, ALL, 0, 5), "items_left"),
        (lambda: dp.match_users([1.0, np.nan], ALL, 1), r"scores .*\(2,\)"),
        (lambda: dp.match_users([1.0, 2.0], ALL, -1), "limit"),
        (lambda: dp.free_places(FULL, [0], 9), r"users .*\(1,\)"),
        (lambda: dp.free_places(FULL, [0, 0], 9), r"users .*\(2,\)"),
        (lambda: dp.free_places(FULL, [2], 9), r"users .*\(1,\)"),
        (lambda: dp.free_places(FULL, [0], -1), "item"),
        (lambda: dp.is_waiting(FULL, 5, [0]), "users"),
        (lambda: dp.has_expired(FULL, TIMES[:1], 0, 1), r"matched_at .*\(1, 1\)"),
        (lambda: dp.has_expired(FULL, TIMES, 0, 0), "lifetime"),
        (lambda: dp.merge_scores([1.0], [1.0, 2.0], ALL, 1.0), r"creator_score .*\(2,\)"),
        (lambda: dp.merge_scores([1.0], [1.0], ALL[:1], -1.0), "weight"),
        (lambda: dp.update_usual([1.0], [1.0], 2.0), "rate"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
