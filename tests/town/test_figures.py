"""Figures on runs made by hand, whose answers can be counted."""

from dataclasses import replace

import numpy as np
import pytest

from fairshot.core.arrays import DAY, HOUR
from fairshot.town import figures
from fairshot.town.comparison import estimate
from fairshot.town.records import Run
from fairshot.town.truth import Truth, best_tier_rate, judged

TRUTH = Truth(
    creator=np.array([0, 0, 1, 1]),
    new=np.array([False, True]),
    joins=np.array([-30 * DAY, 0]),
    good=np.array([False, True, True, False]),
    bad=np.array([True, False, False, True]),
    topic=np.array([0, 0, 1, 1]),
    told=np.array([0, 0, 1, 1]),
    flood=np.array([False, False]),
    people_joins=np.array([-60 * DAY, -60 * DAY]),
)
RUN = Run(
    policy="by hand",
    seed=1,
    start=0,
    end=8 * DAY,
    at=np.array([HOUR, 3 * DAY, 7 * DAY, 7 * DAY + HOUR]),
    person=np.array([0, 1, 0, 0]),
    page=np.array([0, 0, 0, 1]),
    item=np.array([[0, 1], [2, 0], [2, 3], [1, -1]]),
    looked=np.array([[1, 0], [1, 1], [1, 1], [1, 0]], bool),
    liked=np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool),
    explored=np.array([[0, 0], [1, 0], [1, 0], [0, 0]], bool),
    worth=np.array([[0.5, 0.9], [0.1, 0.2], [0.4, 0.0], [0.3, 0.0]]),
    cost=np.array([0.0, 0.1, 0.2, 0.0]),
    published=np.array([-DAY, 2 * HOUR, DAY, 2 * DAY]),
    left=np.array([0, 5 * DAY]),
    people_left=np.zeros(2, np.int64),
)


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


def test_trials_are_judged_by_how_they_first_ended() -> None:
    def step(item: int, name: str, impressions: int) -> tuple[int, dict[str, object]]:
        return 0, {"decision": "trial", "item": f"i{item}", "step": name, "impressions": impressions}

    decisions = (
        step(1, "testing", 0),
        step(1, "graduated", 40),
        step(2, "stopped", 60),
        step(2, "graduated", 90),
        step(0, "stopped", 20),
        step(3, "expanding", 50),
        (0, {"decision": "promote"}),
    )
    found = figures.trial_figures(replace(RUN, decisions=decisions), TRUTH)
    assert found["good items graduated"] == 0.5
    assert found["good items stopped"] == 0.5
    assert found["bad items stopped"] == 1.0
    assert found["bad items graduated"] == 0.0
    assert found["impressions to a decision"] == pytest.approx(40)


def test_a_run_of_nothing_has_figures_that_are_none() -> None:
    empty = replace(
        RUN,
        **{name: getattr(RUN, name)[:0] for name in ("at", "person", "page", "item", "cost")},
        **{name: getattr(RUN, name)[:0] for name in ("looked", "liked", "explored", "worth")},
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
    found = best_tier_rate(cares, np.array([[1.0]]), np.array([0.8]))
    assert found == pytest.approx(0.75 * 0.8 * 0.6)


def test_an_estimate_has_students_interval() -> None:
    one = estimate(np.array([1.0, 2.0, 3.0, np.nan]))
    assert (one.value, one.seeds) == (2.0, 3)
    assert one.high == pytest.approx(2 + 4.302653 / np.sqrt(3))
    assert estimate(np.array([5.0])).low is None
    assert estimate(np.array([np.nan])).value is None
