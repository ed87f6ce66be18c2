import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fairshot.algorithms.spacing import author_decay, excess_of_m, n_of_m

Integers = NDArray[np.int64]
Slate = tuple[Integers, list[int], list[int], int]


@st.composite
def slates(draw: st.DrawFn, rules: int = 2) -> Slate:
    r, size = draw(st.integers(1, rules)), draw(st.integers(1, 6))
    groups = draw(st.lists(st.lists(st.integers(-1, 3), min_size=r, max_size=r), min_size=size, max_size=size))
    limits = [draw(st.integers(1, 2)) for _ in range(r)]
    windows = [limit + draw(st.integers(0, 2)) for limit in limits]
    return np.array(groups), limits, windows, draw(st.integers(1, size))


def holds(groups: Integers, limits: list[int], windows: list[int]) -> bool:
    """Every window of every rule, looked at one by one."""
    for column, limit, window in zip(groups.T, limits, windows, strict=True):
        for start in range(len(column)):
            part = column[start : start + window]
            if any((part == group).sum() > limit for group in part[part >= 0]):
                return False
    return True


def feasible(groups: Integers, limits: list[int], windows: list[int], k: int) -> bool:
    return any(holds(groups[list(some)], limits, windows) for some in itertools.permutations(range(len(groups)), k))


@given(slates(rules=1))
@settings(max_examples=150, deadline=None)
def test_every_window_of_one_rule_holds_when_feasible(slate: Slate) -> None:
    groups, limits, windows, k = slate
    order = n_of_m(groups, limits, windows, k)
    assert len(order) == len(set(order.tolist())) == k
    assert holds(groups[order], limits, windows) == feasible(groups, limits, windows, k)


def test_several_rules_hold_nearly_always_when_feasible() -> None:
    rng = np.random.default_rng(0)
    found = possible = 0
    for _ in range(300):
        groups = rng.integers(0, 4, (6, 2))
        limits = rng.integers(1, 3, 2).tolist()
        windows = [limit + int(rng.integers(0, 3)) for limit in limits]
        if feasible(groups, limits, windows, 5):
            possible += 1
            found += holds(groups[n_of_m(groups, limits, windows, 5)], limits, windows)
    assert possible > 100
    assert found >= 0.97 * possible


@given(slates())
@settings(max_examples=100, deadline=None)
def test_preferred_order_stays_where_it_holds(slate: Slate) -> None:
    groups, limits, windows, k = slate
    if holds(groups[:k], limits, windows):
        assert n_of_m(groups, limits, windows, k).tolist() == list(range(k))


@given(slates())
@settings(max_examples=100, deadline=None)
def test_excess_is_zero_exactly_when_every_window_holds(slate: Slate) -> None:
    groups, limits, windows, _ = slate
    assert (excess_of_m(groups, limits, windows).sum() == 0) == holds(groups, limits, windows)


def test_large_pools_hold_three_rules_at_once() -> None:
    rng = np.random.default_rng(1)
    groups = np.c_[rng.integers(0, 100, 500), rng.integers(0, 10, 500), rng.integers(-1, 3, 500)]
    order = n_of_m(groups, [1, 2, 2], [10, 5, 4], 60)
    assert holds(groups[order], [1, 2, 2], [10, 5, 4])


def test_recent_items_count() -> None:
    assert n_of_m(np.array([7, 8]), 1, 3, 2, recent=np.array([9, 7])).tolist() == [1, 0]
    assert n_of_m(np.array([7, 8]), 1, 2, 2, recent=np.array([7, 9])).tolist() == [0, 1]


def test_without_an_admissible_item_the_least_violating_comes_first() -> None:
    order = n_of_m(np.array([7, 7, 7]), 1, 3, 3)
    assert order.tolist() == [0, 1, 2]
    groups = np.array([[7, 1], [7, 1], [7, 2]])
    assert n_of_m(groups, [1, 1], [3, 3], 2).tolist() == [0, 2]


def test_no_group_is_free_and_empty_is_empty() -> None:
    assert n_of_m(np.full(5, -1), 1, 5, 5).tolist() == [0, 1, 2, 3, 4]
    assert n_of_m(np.array([], np.int64), 1, 5, 5).tolist() == []
    assert n_of_m(np.array([1, 1]), 1, 5, 0).tolist() == []


def test_bad_rules_are_refused() -> None:
    groups = np.zeros((4, 2), np.int64)
    with pytest.raises(ValueError, match="limits"):
        n_of_m(groups, [1, 1, 1], [2, 2], 2)
    with pytest.raises(ValueError, match="windows"):
        n_of_m(groups, [1, 1], [2, 0], 2)
    with pytest.raises(ValueError, match=r"groups.*\(4,\)"):
        n_of_m(np.zeros(4), 1, 2, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"recent.*\(3, 1\)"):
        n_of_m(groups, 1, 2, 2, recent=np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="k must"):
        n_of_m(groups, 1, 2, -2)


@given(
    st.lists(st.tuples(st.floats(-100, 100), st.integers(-1, 3)), max_size=30),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(max_examples=150, deadline=None)
def test_author_decay_by_its_definition(posts: list[tuple[float, int]], decay: float, floor: float) -> None:
    scores = np.array([score for score, _ in posts])
    authors = np.array([author for _, author in posts], np.int64)
    decayed = author_decay(scores, authors, decay, floor)
    seen: dict[int, int] = {}
    for i in np.argsort(-scores, kind="stable"):
        earlier = seen.get(authors[i], 0)
        seen[authors[i]] = earlier + 1
        factor = 1.0 if authors[i] == -1 else (1 - floor) * decay**earlier + floor
        assert decayed[i] == pytest.approx(scores[i] - abs(scores[i]) * (1 - factor))
    for author in set(authors.tolist()):
        mine = authors == author
        by_score = np.argsort(-scores[mine], kind="stable")
        assert (np.diff(decayed[mine][by_score]) <= 1e-9).all()
    assert (decayed <= scores).all()


def test_author_decay_refuses_bad_input() -> None:
    with pytest.raises(ValueError, match=r"scores.*\(2, 1\)"):
        author_decay(np.ones((2, 1)), np.array([1, 2]))
    with pytest.raises(ValueError, match=r"authors.*\(3,\)"):
        author_decay(np.ones(2), np.array([1, 2, 3]))
    with pytest.raises(ValueError, match="decay"):
        author_decay(np.ones(2), np.array([1, 2]), decay=1.5)
