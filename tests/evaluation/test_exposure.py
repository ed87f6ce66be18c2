"""Exposure: each figure is the one that a hand would compute."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.worlds import batch_of, rows_of

from fairshot.core.events import EventBatch, Kind
from fairshot.evaluation.exposure import Catalogue, exposure, gini, new_item_gains


def figures(slates: list[Any], trained: EventBatch) -> dict[str, float]:
    return {one.name: one.value for one in exposure("a", slates, Catalogue.of(trained))}


def test_gini_by_hand():
    assert gini(np.array([3, 3, 3])) == 0
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert gini(np.array([1, 3])) == pytest.approx(0.25)
    assert gini(np.zeros(5)) == gini(np.array([])) == gini(np.array([7])) == 0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 9))
def test_gini_is_between_equal_and_all_to_one_and_knows_no_units(amounts, factor):
    value = gini(np.array(amounts))
    assert -1e-9 <= value <= 1 - 1 / len(amounts) + 1e-9
    assert gini(np.array(amounts) * factor) == pytest.approx(value)
    assert gini(np.array(amounts[::-1])) == pytest.approx(value)
    expected = np.abs(np.subtract.outer(amounts, amounts)).mean() / 2 / max(np.mean(amounts), 1e-12)
    assert value == pytest.approx(expected)


def test_exposure_by_hand():
    # Five items of three creators; item 4 has most reactions, then 3. Items 5 to 8 have no record.
    creators = {0: 0, 1: 0, 2: 1, 3: 1, 4: 2}
    reactions = [(int(Kind.FEEDBACK), user, item, 1) for user in range(4) for item in (4, 4, 3)]
    trained = batch_of([*reactions, (int(Kind.FEEDBACK), 0, 0, 1)], creators)
    found = figures(rows_of([4, 3], [4, 0], [4], []), trained)
    assert found["exposure of the least popular 80 % of items"] == pytest.approx(2 / 5)
    # Of three creators the two with fewest reactions are 0 (one) and 1 (four).
    assert found["exposure of the 80 % of creators with fewest reactions"] == pytest.approx(2 / 5)
    assert found["catalogue coverage"] == pytest.approx(3 / 5)
    assert found["creators reached"] == pytest.approx(3 / 3)
    assert found["Gini of exposure over items"] == pytest.approx(gini(np.array([1, 0, 0, 1, 3])))
    assert found["Gini of exposure over creators"] == pytest.approx(gini(np.array([1, 1, 3])))


def test_an_items_latest_creator_is_the_one_exposed():
    moved = batch_of([], {0: 0, 1: 1})
    moved = batch_of([(int(Kind.FEEDBACK), 0, 0, 1)], {0: 0, 1: 1})
    assert figures(rows_of([0]), moved)["Gini of exposure over creators"] == pytest.approx(0.5)


def test_an_item_of_nobody_is_an_item_but_no_creator():
    trained = batch_of([(int(Kind.FEEDBACK), 0, 0, 0)], {0: 0, 1: -1, 2: 1})
    found = figures(rows_of([1], [1]), trained)
    assert found["creators reached"] == 0
    assert found["Gini of exposure over creators"] == 0
    assert found["catalogue coverage"] == pytest.approx(1 / 3)


def test_intervals_of_shares_hold_them_and_repeat():
    trained = batch_of(
        [(int(Kind.FEEDBACK), u, item, 0) for u in range(4) for item in range(u + 1)], dict.fromkeys(range(5), 0)
    )
    slates = rows_of(*[[0, 1] if n % 3 else [2, 4] for n in range(60)])
    found = {one.name: one for one in exposure("a", slates, Catalogue.of(trained))}
    share = found["exposure of the least popular 80 % of items"]
    assert share.low is not None
    assert share.high is not None
    assert share.low < share.value < share.high
    assert share.value == pytest.approx((40 + 2 * 20) / 120)
    assert [*found.values()] == exposure("a", slates, Catalogue.of(trained))
    assert found["catalogue coverage"].low is None


def long_tail(people: int, seed: int) -> list[Any]:
    """Slates of five, the first items by far most often."""
    odds = np.arange(1, 101.0) ** -1.2
    rng = np.random.default_rng(seed)
    return rows_of(*[rng.choice(100, 5, replace=False, p=odds / odds.sum()) for _ in range(people)])


def test_intervals_of_gini_are_of_the_figure_of_these_many_people():
    catalogue = Catalogue(np.arange(100), np.arange(100) // 3, np.arange(100)[::-1])
    expected = {"Gini of exposure over items": 0.0, "Gini of exposure over creators": 0.0}
    within = dict.fromkeys(expected, 0)
    for seed in range(200):
        for one in exposure("a", long_tail(60, 1000 + seed), catalogue, intervals=False):
            if one.name in expected:
                expected[one.name] += one.value / 200
    for seed in range(100):
        for one in exposure("a", long_tail(60, seed), catalogue):
            if one.name in expected:
                assert one.low is not None
                assert one.high is not None
                assert one.low < one.value < one.high
                within[one.name] += bool(one.low < expected[one.name] < one.high)
    assert min(within.values()) >= 85


def test_gains_of_new_items_by_hand():
    trained = batch_of([(int(Kind.FEEDBACK), 0, 0, 0)], {0: 0, 1: 0, 2: 0, 3: 0})
    # Item 1 is wanted by two, placed second before one of them; item 2 by one who is not shown it; 3 by nobody.
    gain, unseen = new_item_gains("a", rows_of([0, 1], [3, 0], [1, 3]), rows_of([1], [1, 2], []), Catalogue.of(trained))
    assert gain.value == pytest.approx((1 / np.log2(3) / 2 + 0) / 2)
    assert unseen.value == pytest.approx(1 / 2)
    assert new_item_gains("a", rows_of([0]), rows_of([0]), Catalogue.of(trained)) == []
