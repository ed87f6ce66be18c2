"""Laws of how people behave."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.arrays import DAY
from fairshot.town import behaviour
from fairshot.town.scenarios import NATURE

shares = st.floats(0, 1)


def test_examination_falls_with_the_position() -> None:
    eye = behaviour.examination(10)
    assert eye[0] == 1
    assert (np.diff(eye) < 0).all()
    assert eye[2] == pytest.approx(0.5)


def test_satiation_lowers_utility_and_recovers() -> None:
    cares, mix, worth = np.array([1.0, 0.5]), np.array([[1.0, 0.0], [0.0, 1.0]]), np.ones(2)
    rested = behaviour.utility(cares, mix, worth, np.zeros(2), NATURE)
    full = np.array([6.0, 0.0])
    tired = behaviour.utility(cares, mix, worth, full, NATURE)
    assert tired[0] < rested[0]
    assert tired[1] == rested[1], "only the topic that was seen satiates"
    later = behaviour.satiation_now(full, 0, int(NATURE.satiation_half_life * DAY), NATURE)
    assert later == pytest.approx(full / 2)
    recovered = behaviour.satiation_now(full, 0, 30 * DAY, NATURE)
    assert behaviour.utility(cares, mix, worth, recovered, NATURE) == pytest.approx(rested)


def test_items_age_towards_a_floor() -> None:
    factors = behaviour.age_factor(np.array([0, 10, 20, 10_000]) * DAY, NATURE)
    assert factors[0] == 1
    assert (np.diff(factors) < 0).all()
    assert factors[-1] == pytest.approx(NATURE.ageing_floor)


@given(st.lists(st.tuples(st.booleans(), shares), min_size=1, max_size=20), st.floats(0.1, 30))
def test_patience_ends(positions: list[tuple[bool, float]], patience: float) -> None:
    drawn, worth = np.array([d for d, _ in positions]), np.array([w for _, w in positions])
    seen, left = behaviour.looked_at(drawn, worth, patience, NATURE)
    assert not (seen & ~drawn).any(), "only where the eye falls"
    cost = 1 - NATURE.relief * worth
    assert left == pytest.approx(patience - cost[seen].sum())
    for place in np.flatnonzero(drawn).tolist():
        before = patience - np.cumsum(np.where(drawn, cost, 0.0))[:place]
        assert seen[place] == bool((before > 0).all()), "nothing after patience was used up, everything before"


def test_what_brings_nothing_uses_patience_up_and_what_is_good_does_not() -> None:
    every = np.ones(10, bool)
    assert behaviour.looked_at(every, np.zeros(10), 3.0, NATURE)[0].sum() == 3
    assert behaviour.looked_at(every, np.ones(10), 3.0, NATURE)[0].all()


def test_people_come_less_when_disappointed_and_leave_when_bored() -> None:
    moods = behaviour.mood(np.array([0.0, 0.05, 0.1, 1.0]), np.full(4, 0.1))
    assert moods.tolist() == [0.25, 0.5, 1.0, 1.5]
    leaves = behaviour.bored(np.array([0.04, 0.06, 0.04]), np.full(3, 0.1), np.array([5, 5, 2]))
    assert leaves.tolist() == [True, False, False]


def test_the_rhythm_keeps_the_rate_of_a_week() -> None:
    hours = np.arange(0, 24, 0.5)
    week = [behaviour.rhythm(np.asarray(hour), day, np.array([19.0]))[0] for day in range(7) for hour in hours.tolist()]
    assert np.mean(week) == pytest.approx(1.0, abs=1e-9)
    assert behaviour.rhythm(np.asarray(19.0), 0, np.array([19.0])) > behaviour.rhythm(
        np.asarray(7.0), 0, np.array([19.0])
    )
