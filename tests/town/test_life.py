"""Creators and people as time passes: who works, who stays, who comes."""

import numpy as np
import pytest

from fairshot.core.arrays import DAY, HOUR
from fairshot.town.life import Life
from fairshot.town.scenarios import SCENARIOS, scenario
from fairshot.town.world import START, make_world

TICK = DAY // 144


@pytest.fixture
def life() -> Life:
    return Life.begin(make_world(scenario("town", people=200), 1), START - 2 * DAY)


def publish(life: Life, days: int) -> int:
    ticks = range(START, START + days * DAY, TICK)
    return sum(len(life.publish(now, TICK)) for now in ticks)


def test_creators_produce_more_when_liked(life: Life) -> None:
    liked = Life.begin(life.world, START - 2 * DAY)
    liked.likes[:] = 30
    assert publish(liked, 6) > 1.4 * publish(life, 6)


def test_a_creator_publishes_the_same_items_in_the_same_order(life: Life) -> None:
    liked = Life.begin(life.world, START - 2 * DAY)
    liked.likes[:] = 30
    publish(life, 6)
    publish(liked, 6)
    mine, theirs = life.published > 0, liked.published > 0
    assert not (mine & ~theirs).any(), "who works less has published a part of it"


def test_who_is_hardly_seen_leaves_and_makes_no_more(life: Life) -> None:
    seen = np.zeros(len(life.creators_left), bool)
    seen[::2] = True
    life.views[:, seen] = 1000
    for day in range(1, 12):
        life.creators_leave(START + day * DAY)
    there = life.world.creators.joins <= START
    assert not (life.creators_left[seen] > 0).any()
    assert (life.creators_left[there & ~seen] > 0).all()
    made = life.made.copy()
    publish(life, 6)
    assert (life.made == made)[there & ~seen].all()


def test_nobody_leaves_before_there_was_time_to_be_seen(life: Life) -> None:
    life.creators_leave(START + DAY)
    assert not life.creators_left.any()


def test_the_disappointed_come_less_and_those_who_left_never(life: Life) -> None:
    noon = START + 19 * HOUR
    draws = life.world.rng("test").random((400, len(life.satisfaction)))

    def comers() -> int:
        return sum(len(life.visitors(noon, row, TICK)) for row in draws)

    content = comers()
    life.satisfaction *= 0.4
    assert comers() < 0.6 * content
    life.people_left[:] = START
    assert comers() == 0


def test_new_people_do_not_come_before_they_join() -> None:
    newcomers = Life.begin(make_world(SCENARIOS["newcomers"], 1), START)
    late = newcomers.world.people.joins > START
    everybody = np.zeros(len(late))
    assert not late[newcomers.visitors(START, everybody, TICK)].any()
    assert late[newcomers.visitors(START + 8 * DAY, everybody, TICK)].any()


def test_what_a_visit_changed_can_be_adopted(life: Life) -> None:
    other = Life.begin(life.world, START - 2 * DAY)
    items = np.array([0, 1, 2])
    life.worth(5, items, START)
    life.satiate(5, items)
    life.visited(5, 0.0, START, may_leave=True)
    life.seen(items[:2], np.array([True, False]), START)
    other.adopt(life.change(np.array([5]), items[:2], np.array([True, False])), START)
    for name in ("level", "level_at", "satisfaction", "visits", "people_left", "views", "likes"):
        assert np.array_equal(getattr(life, name), getattr(other, name)), name
