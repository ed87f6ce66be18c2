"""Figures on runs made by hand, whose answers can be counted."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.town.by_hand import RUN, TRUTH

from fairshot.core.arrays import DAY, HOUR
from fairshot.town import figures
from fairshot.town.behaviour import like_probability
from fairshot.town.comparison import estimate
from fairshot.town.scenarios import NATURE
from fairshot.town.truth import best_tier_rate, judged


def test_people() -> None:
    found = figures.people_figures(RUN, TRUTH)
    assert found["utility"] == pytest.approx((0.5 + 0.1 + 0.2 + 0.4 + 0.0 + 0.3) / 2)
    assert found["utility, last quarter"] == pytest.approx((0.4 + 0.3) / 2)
    assert found["utility of a look"] == pytest.approx(1.5 / 6)
    assert found["return rate"] == 1.0, "of the first quarter's one visitor"
    assert found["visits"] == pytest.approx(3 / 2 / 8)
    assert found["likes"] == 1.0


def test_new_items() -> None:
    shown = np.tile(np.array([[2, 1]]), (150, 1))
    at = DAY + np.arange(150) * HOUR
    blank = np.zeros((150, 2), bool)
    liked = blank.copy()
    liked[:10, 0] = True
    run = replace(
        RUN,
        item=shown,
        at=at,
        liked=liked,
        looked=blank,
        explored=blank,
        published=np.array([-DAY, 2 * HOUR, DAY, 7 * DAY]),
    )
    found = figures.item_figures(run, TRUTH)
    # Items 1 and 2 are new and out for half of the run at least; both have their 100th impression at once.
    assert found["hours to 100 impressions"] == pytest.approx((99 + 99 + 22) / 2)
    assert found["new items with 100 impressions in 3 days"] == 0.0
    assert found["good newcomers found"] == 1.0, "item 2, good and of a new creator, had ten likes"
    assert found["share of good newcomers found"] == 1.0
    nine = replace(run, liked=np.concatenate([blank[:1], liked[1:]]))
    assert figures.item_figures(nine, TRUTH)["good newcomers found"] == 0.0


def test_creators() -> None:
    found = figures.creator_figures(RUN, TRUTH)
    assert found["creators kept"] == 0.5
    assert found["new creators kept"] == 0.0
    assert found["Gini over creators"] == pytest.approx(0.5 * abs(4 - 3) / 7)


def test_slates() -> None:
    found = figures.feed_figures(RUN)
    assert found["exploring"] == pytest.approx(2 / 7)
    given = (RUN.worth * (RUN.item >= 0)) @ np.array([1, 1 / np.log2(3)])
    assert found["cost of exploring"] == pytest.approx(0.3 / given.sum())
    # Newest first is 1: the slates go up, down, up in age; the last has one item and counts for nothing.
    assert found["Kendall tau with recency"] == pytest.approx((-1 + 1 - 1) / 3)


def test_a_new_sort_has_tau_one_and_its_reverse_minus_one() -> None:
    published = np.arange(5) * DAY
    assert figures.recency_tau(np.array([[4, 3, 2, 1, 0], [0, 1, 2, 3, 4]]), published).tolist() == [1.0, -1.0]
    assert np.isnan(figures.recency_tau(np.array([[1, -1]]), published)).all()


def test_gini() -> None:
    assert figures.gini(np.array([2, 2, 2])) == 0
    assert figures.gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert np.isnan(figures.gini(np.zeros(3)))


def test_likes_in_the_first_ten_slates_are_those_of_newcomers_who_had_so_many() -> None:
    # Person 0 was there before, 1 has twelve slates, 2 nine; slates come in any order.
    person = np.array([0] * 12 + [1] * 12 + [2] * 9)
    slate = np.concatenate([np.arange(12), np.arange(12), np.arange(9)])
    liked = np.zeros((33, 2), bool)
    liked[person == 0] = True
    liked[(person == 1) & np.isin(slate, [0, 4, 9, 10, 11])] = [True, False]
    order = np.random.default_rng(1).permutation(33)
    at = HOUR + slate // 2 * HOUR
    columns = {"person": person, "liked": liked, "at": at, "page": slate % 2}
    changes: dict[str, Any] = {name: column[order] for name, column in columns.items()}
    run = replace(RUN, **changes)
    newcomers = np.array([False, True, True])
    assert figures.first_likes(run, newcomers) == 3.0
    assert np.isnan(figures.first_likes(run, np.array([False, False, True])))


def test_the_exposure_of_a_flood_is_held_against_those_who_were_there() -> None:
    # Creator 2 floods; 0 was there before, 1 came with it and left after two days, 3 came later.
    truth = replace(
        TRUTH,
        creator=np.array([0, 1, 2, 3]),
        new=np.array([False, True, True, True]),
        joins=np.array([-DAY, 0, 0, DAY]),
        flood=np.array([False, False, True, False]),
    )
    item = np.array([[0, 1]] * 8 + [[2, 3]] * 12)
    at = np.concatenate([np.arange(8), np.full(12, 7)]) * DAY
    run = replace(RUN, item=item, at=at, left=np.array([0, 2 * DAY, 0, 0]))
    # Over 8 days 12; the others 8 in 8 days, and 2 in the 2 days before leaving.
    assert figures.flood_exposure(run, truth) == pytest.approx(12 / 8 / np.mean([1, 1]))
    assert np.isnan(figures.flood_exposure(RUN, TRUTH))


def test_a_run_of_nothing_has_figures_that_are_none() -> None:
    empty = replace(
        RUN,
        **{name: getattr(RUN, name)[:0] for name in ("at", "person", "page", "item", "cost")},
        **{name: getattr(RUN, name)[:0] for name in ("looked", "liked", "explored", "tried", "worth")},
    )
    found = figures.figures(empty, TRUTH)
    assert np.isnan(found["exploring"])
    assert found["likes"] == 0


def test_good_and_bad_are_of_the_topic() -> None:
    good, bad = judged(np.array([0.1, 0.1, 0.4, 0.8, 0.8]), np.array([0, 0, 0, 1, 1]))
    assert good.tolist() == [False, False, True, False, False]
    assert bad.tolist() == [True, True, False, False, False]


def test_the_best_tier_are_those_who_care_most() -> None:
    cares = np.zeros((20, 1))
    cares[[3, 7], 0] = [1.0, 0.5]
    found = best_tier_rate(cares, np.array([[1.0]]), np.array([0.8]), NATURE)
    assert found == pytest.approx(like_probability(np.array([1.0, 0.5]) * 0.8, NATURE).mean())


def test_an_estimate_has_students_interval() -> None:
    one = estimate(np.array([1.0, 2.0, 3.0, np.nan]))
    assert (one.value, one.seeds) == (2.0, 3)
    assert one.high == pytest.approx(2 + 4.302653 / np.sqrt(3))
    assert estimate(np.array([5.0])).low is None
    assert estimate(np.array([np.nan])).value is None
