"""Satiation: greedy play is optimal where it should be, estimates come back, and a like is not leave for more."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import satiation as sa

gammas = st.floats(0.05, 0.95)
strengths = st.floats(0.01, 5)


@given(st.floats(-5, 5), strengths, st.floats(0, 10), st.floats(0, 10))
def test_satiation_shrinks_utility_step_by_step(utility: float, strength: float, one: float, two: float) -> None:
    assert sa.satiated(utility, 0.0, strength) == utility
    twice = sa.satiated(sa.satiated(utility, one, strength), two, strength)
    np.testing.assert_allclose(twice, sa.satiated(utility, one + two, strength), rtol=1e-9, atol=1e-300)


@given(gammas, st.integers(1, 30))
def test_interest_rebounds_and_satiation_is_bounded(gamma: float, plays: int) -> None:
    level = np.zeros(1)
    for _ in range(plays):
        level = sa.next_level(level, [True], gamma)
    assert level[0] <= gamma / (1 - gamma) + 1e-9
    assert sa.next_level(level, [False], gamma)[0] == pytest.approx(gamma * level[0])


@pytest.mark.parametrize(("arms", "horizon", "gamma"), [(2, 6, 0.5), (3, 5, 0.9), (2, 7, 0.8)])
def test_greedy_is_optimal_for_identical_arms(arms: int, horizon: int, gamma: float) -> None:
    base = np.ones(arms)
    greedy = sa.greedy_schedule(base, 1.0, gamma, horizon)
    np.testing.assert_array_equal(greedy, np.arange(horizon) % arms)
    best = max(sa.schedule_reward(plan, base, 1.0, gamma) for plan in product(range(arms), repeat=horizon))
    assert sa.schedule_reward(greedy, base, 1.0, gamma) == pytest.approx(best, abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_planning_is_never_worse_than_greed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, strength, gamma = rng.random(2), rng.random(2) * 2, rng.uniform(0, 0.95, 2)
    plans = (find(base, strength, gamma, 5) for find in (sa.best_schedule, sa.greedy_schedule))
    planned, greedy = (sa.schedule_reward(plan, base, strength, gamma) for plan in plans)
    assert planned >= greedy - 1e-12


@given(st.integers(0, 2**32 - 1))
def test_the_rest_of_a_plan_is_the_best_plan_of_the_rest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, strength = rng.random(2), rng.random(2)
    first, *rest = sa.best_schedule(base, strength, 0.7, 4)
    level = sa.next_level([0.0, 0.0], np.arange(2) == first, 0.7)
    replanned = sa.best_schedule(base, strength, 0.7, 3, level)
    rewards = [sa.schedule_reward(plan, base, strength, 0.7, level) for plan in (rest, replanned)]
    assert rewards[0] == pytest.approx(rewards[1])


@given(st.floats(-2, 2), st.floats(0.2, 3), st.floats(0.2, 0.9))
def test_repeated_play_identifies_the_arm(base: float, strength: float, gamma: float) -> None:
    level, rewards = np.zeros(1), []
    for _ in range(12):
        rewards.append(base - strength * level[0])
        level = sa.next_level(level, [True], gamma)
    np.testing.assert_allclose(sa.fit_rebounding(rewards), (base, strength, gamma), atol=1e-5)


@given(st.floats(0, 1), st.floats(0, 100), st.floats(0, 100))
def test_recovery_only_grows_with_time(score: float, days: float, more: float) -> None:
    early, late = sa.recovering_score([score, score], [days, days + more])
    assert score - 0.017 <= early <= late <= score


def test_a_worn_out_arm_loses_its_index_while_a_steady_one_keeps_it() -> None:
    steady, worn = [0.5] * 40, [0.9] * 30 + [0.1] * 10
    assert sa.rotting_index(worn, step=80, sd=0.1) < sa.rotting_index(steady, step=80, sd=0.1)
    assert np.mean(worn) > np.mean(steady)
    assert sa.rotting_index([], step=80) == np.inf


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 500))
def test_rotting_index_is_within_the_bound_of_every_window(rewards: list[float], step: int) -> None:
    index = sa.rotting_index(rewards, step)
    for window in range(1, len(rewards) + 1):
        bound = np.mean(rewards[-window:]) + 0.5 * np.sqrt(8 * np.log(step) / window)
        assert index <= bound + 1e-9


def same_topic_in_next(grade: int, slate: int = 20, topics: int = 5) -> int:
    """Greedy feed over equal topics; topic 0 has just been shown and graded."""
    taste, strength = sa.graded_feedback(np.zeros(topics), 0.5, np.where(np.arange(topics) == 0, grade, 0))
    level, shown = np.eye(topics)[0], np.zeros(topics, np.int64)
    for _ in range(slate):
        topic = int(np.argmax(sa.satiated(1.0 + 0.2 * taste, level, strength)))
        shown[topic] += 1
        level = 0.9 * level + np.eye(topics)[topic]
    return int(shown[0])


def test_a_like_is_not_leave_for_more_but_a_double_like_is() -> None:
    """Cap: 3 of any 10, so 6 of 20."""
    down, none, up, double = (same_topic_in_next(grade) for grade in (sa.DOWN, sa.NONE, sa.UP, sa.DOUBLE_UP))
    assert down < none <= up <= 6 < double


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sa.satiated(1.0, -1.0, 1.0), r"level .*\(\)"),
        (lambda: sa.next_level([1.0], [True], 1.0), "retention"),
        (lambda: sa.next_level([1.0], [True, False], 0.5), r"played .*\(2,\)"),
        (lambda: sa.schedule_reward([2], [1.0], 1.0, 0.5), r"schedule .*\(1,\)"),
        (lambda: sa.best_schedule([], 1.0, 0.5, 2), r"base .*\(0,\)"),
        (lambda: sa.best_schedule([1.0], 1.0, 0.5, 2, level=np.nan), "level"),
        (lambda: sa.fit_rebounding([1.0, 0.5]), r"rewards .*\(2,\)"),
        (lambda: sa.fit_rebounding([1.0, 0.5, 0.5]), "rewards"),
        (lambda: sa.recovering_score([1.0], [-1.0]), r"days .*\(1,\)"),
        (lambda: sa.rotting_index([1.0], 0), "step"),
        (lambda: sa.graded_feedback([0.0], 1.0, [3]), r"grade .*\(1,\)"),
        (lambda: sa.graded_feedback([0.0], -1.0, [1]), "strength"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
