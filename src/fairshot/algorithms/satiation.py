"""Satiation: interest falls with what was just seen, comes back with time, and sometimes wears out for good.

- Rebounding interest: each play of arm k raises its satiation s, which decays by a factor gamma a step,
  s' = gamma (s + u), u = 1 if played; the reward is b - lambda s. For identical arms the greedy schedule
  cycles through them and is optimal.
- Recovering: a score less a penalty that halves with the time since the last showing.
- Rotting: an item whose appeal declines for everybody, ranked by its most recent rewards at every time scale.
- Graded feedback: a like is about taste; only the stronger grade is leave to show more of the same soon.

In a feed the level of a (user, topic) is a decayed sum (`decay`): halves in time, rises by an impact a
showing.
Source: Leqi et al., "Rebounding Bandits for Modeling Satiation Effects", NeurIPS 2021; Yancey & Settles, "A
Sleeping, Recovering Bandit Algorithm for Optimizing Recurring Notifications", KDD 2020; Seznec et al., "A
single algorithm for both restless and rested rotting bandits" (RAW-UCB), AISTATS 2020. Grades are ours.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import (
    Floats,
    Ints,
    at_least_zero,
    broadcast,
    finite_result,
    labels,
    real,
    whole,
    within,
)

DOWN, NONE, UP, DOUBLE_UP = -1, 0, 1, 2
MOST_PLANS = 100_000
TASTE_STEP = np.array([0.0, 1.0, 2.0, -1.5])  # by grade: none, up, double up, down (the last index)


def satiated(utility: ArrayLike, level: ArrayLike, strength: ArrayLike) -> Floats:
    """Utility of an item to somebody whose satiation with its topic stands at `level`.

    Formula: utility * exp(-strength * level).
    Shapes: all broadcast. Units: level in showings (decayed), strength per showing.
    Errors: ValueError where level or strength are negative or values are not finite.

    >>> satiated([1.0, 1.0], level=[0.0, 2.0], strength=0.5).round(3)
    array([1.   , 0.368])
    """
    worth, levels = real("utility", utility, None), at_least_zero("level", level, None)
    strengths = at_least_zero("strength", strength, None)
    broadcast(utility=worth, level=levels, strength=strengths)
    with np.errstate(over="ignore"):
        return np.asarray(worth * np.exp(-levels * strengths))


def next_level(level: ArrayLike, played: ArrayLike, retention: ArrayLike) -> Floats:
    """Satiation of each arm one step later.

    Formula: gamma (s + u), u = 1 for the arms played.
    Shapes: level and played [K], retention gamma [K] or scalar; returns [K].
    Errors: ValueError where retention is not in [0, 1) or shapes differ.

    >>> next_level([1.0, 1.0], played=[True, False], retention=0.5)
    array([1. , 0.5])
    """
    levels = real("level", level, (None,))
    gamma = _retention(retention, len(levels))
    return np.asarray(gamma * (levels + real("played", played, levels.shape)))


def schedule_reward(
    schedule: ArrayLike, base: ArrayLike, strength: ArrayLike, retention: ArrayLike, level: ArrayLike = 0.0
) -> float:
    """Total reward of playing arms in the given order, from the satiation they start with (0: rested).

    Formula: sum_t b_k - lambda_k s_k,t for k = schedule[t].
    Shapes: schedule int [T]; base b [K]; strength lambda, retention gamma and level s [K] or scalar.
    Errors: as `next_level`, and arms outside [0, K).

    >>> schedule_reward([0, 0], base=[1.0, 0.9], strength=1.0, retention=0.5)
    1.5
    """
    bases = real("base", base, (None,))
    arms = labels("schedule", schedule, np.size(schedule), len(bases)) if np.size(schedule) else np.zeros(0, np.int64)
    return float(_totals(arms[None], bases, strength, retention, level)[0])


def greedy_schedule(base: ArrayLike, strength: ArrayLike, retention: ArrayLike, horizon: int) -> Ints:
    """Play at each step the arm whose reward is largest now; optimal for identical arms.

    Formula: argmax_k b_k - lambda_k s_k,t at each t.
    Shapes: as `schedule_reward`; returns arms [horizon], the lower one of equals. Errors: the same.

    >>> greedy_schedule([1.0, 1.0, 1.0], strength=1.0, retention=0.8, horizon=5)
    array([0, 1, 2, 0, 1])
    """
    bases = real("base", base, (None,))
    strengths = _each_arm("strength", strength, len(bases))
    level, schedule = np.zeros(len(bases)), np.zeros(whole("horizon", horizon, 0), np.int64)
    for now in range(horizon):
        schedule[now] = np.argmax(bases - strengths * level)
        level = next_level(level, np.arange(len(bases)) == schedule[now], retention)
    return schedule


def best_schedule(
    base: ArrayLike, strength: ArrayLike, retention: ArrayLike, horizon: int, level: ArrayLike = 0.0
) -> Ints:
    """Find the best schedule of a short window by trying all K^horizon; play its first arm and plan again.

    Formula: argmax over all K^horizon plans of `schedule_reward`, all at once.
    Shapes: as `schedule_reward`; returns arms [horizon], the first of equals. Errors: the same, and
    ValueError for more than 100,000 plans (`MOST_PLANS`): plan a shorter window and plan again.

    >>> best_schedule([1.0, 0.4], strength=1.0, retention=0.5, horizon=3)
    array([0, 1, 0])
    >>> best_schedule([1.0, 0.4], strength=1.0, retention=0.5, horizon=1, level=[2.0, 0.0])
    array([1])
    """
    bases = real("base", base, (None,))
    count = len(bases) ** min(whole("horizon", horizon, 0), MOST_PLANS)
    if count > MOST_PLANS or horizon > MOST_PLANS:
        raise ValueError(f"horizon {horizon} with base of shape {bases.shape} has over {MOST_PLANS} plans")
    digits = len(bases) ** np.arange(horizon - 1, -1, -1)
    plans = np.arange(count)[:, None] // digits % len(bases)
    return np.asarray(plans[np.argmax(_totals(plans, bases, strength, retention, level))], np.int64)


def fit_rebounding(rewards: ArrayLike) -> tuple[float, float, float]:
    """Estimate base, strength and retention of an arm from playing it many times in a row, rested at first.

    Formula: least squares of r_{t+1} = gamma r_t + d; b = r_0, lambda = (b (1 - gamma) - d) / gamma.
    Shapes: rewards [m >= 3]; returns (b, lambda, gamma). Errors: ValueError where rewards are fewer, do not
    vary, or gamma does not come out positive.

    >>> [round(value, 6) for value in fit_rebounding([1.0, 0.2, -0.44, -0.952])]     # lambda 1, gamma .8
    [1.0, 1.0, 0.8]
    """
    values = real("rewards", rewards, (None,))
    if len(values) < 3 or np.ptp(values[:-1]) == 0:
        raise ValueError(f"rewards must hold 3 or more that vary, shape {values.shape}")
    gamma, shift = np.polyfit(values[:-1], values[1:], 1)
    if gamma < 1e-9:
        raise ValueError(f"rewards must rise with the one before them, shape {values.shape}")
    return float(values[0]), float((values[0] * (1 - gamma) - shift) / gamma), float(gamma)


def recovering_score(score: ArrayLike, days: ArrayLike, penalty: float = 0.017, half_life: float = 15.0) -> Floats:
    """Score of something shown `days` ago: a penalty that halves in every half-life; infinity: never shown.

    Formula: score - penalty 2^(-days / half_life); the defaults are those of Duolingo's notifications.
    Shapes: score and days broadcast. Units: days. Errors: ValueError where days or penalty are negative or
    half_life is not positive, or one of penalty, half_life and score is infinite.

    >>> recovering_score([0.5, 0.5, 0.5], days=[0, 15, np.inf]).round(4)
    array([0.483 , 0.4915, 0.5   ])
    """
    ago = np.asarray(days, np.float64)
    if not np.all(ago >= 0):
        raise ValueError(f"days must be >= 0, shape {ago.shape}")
    if not 0 < half_life < np.inf:
        raise ValueError(f"half_life must be > 0 and finite, shape (): {half_life}")
    scores = real("score", score, None)
    broadcast(score=scores, days=ago)
    with np.errstate(over="ignore"):
        lost = within("penalty", penalty, 0, np.finfo(np.float64).max) * np.exp2(-ago / half_life)
        return finite_result("score - penalty", np.asarray(scores - lost))


def rotting_index(rewards: ArrayLike, step: int, exploration: float = 4.0, sd: float = 0.5) -> float:
    """Optimistic index of an arm that may wear out: no past glory outlives its recent rewards.

    Formula: min over windows h = 1..n of mean(last h rewards) + sd sqrt(2 exploration log(step) / h).
    Shapes: rewards [n], oldest first; an arm without any has index infinity. Units: step counts all plays of
    all arms, from 1; sd of a reward. Errors: ValueError where rewards are not finite or step < 1.

    >>> float(rotting_index([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], step=1))
    0.0
    """
    values = real("rewards", rewards, (np.size(rewards),))
    if not 1 <= step < np.inf or not 0 <= sd < np.inf or not 0 <= exploration < np.inf:
        raise ValueError(f"step >= 1, sd, exploration >= 0 wanted, shape (): {step}, {sd}, {exploration}")
    windows = np.arange(1, len(values) + 1)
    means = np.cumsum(values[::-1]) / windows
    return float(np.min(means + sd * np.sqrt(2 * exploration * np.log(step) / windows), initial=np.inf))


def graded_feedback(taste: ArrayLike, strength: ArrayLike, grade: ArrayLike) -> tuple[Floats, Floats]:
    """Taste and satiation strength after feedback: up is taste alone, double up is also leave for more.

    Formula: up +1 taste; double up +2 taste and strength halved; down -1.5 taste; none changes nothing.
    Shapes: taste, strength and grade broadcast (grades -1, 0, 1, 2); returns (taste, strength).
    Errors: ValueError for another grade, grades that are not integers, or negative strength.

    >>> graded_feedback([0.0, 0.0, 0.0], strength=0.8, grade=[UP, DOUBLE_UP, DOWN])
    (array([ 1. ,  2. , -1.5]), array([0.8, 0.4, 0.8]))
    """
    grades = np.asarray(grade)
    if grades.dtype.kind not in "iu" or not np.isin(grades, (DOWN, NONE, UP, DOUBLE_UP)).all():
        raise ValueError(f"grade must be integers -1, 0, 1 or 2, shape {grades.shape}")
    tastes, strengths = real("taste", taste, None), at_least_zero("strength", strength, None)
    broadcast(taste=tastes, strength=strengths, grade=grades)
    kept = strengths * np.where(grades == DOUBLE_UP, 0.5, 1.0)
    return np.asarray(tastes + TASTE_STEP[grades]), np.asarray(kept)


def _totals(plans: Ints, base: Floats, strength: ArrayLike, retention: ArrayLike, level: ArrayLike) -> Floats:
    """Total reward of each plan [P, T] -> [P], as `schedule_reward`, all plans one step at a time."""
    count, arms = len(plans), len(base)
    strengths, gamma = _each_arm("strength", strength, arms), _retention(retention, arms)
    levels = np.tile(_each_arm("level", level, arms), (count, 1))
    rows, totals = np.arange(count), np.zeros(count)
    for arm in plans.T:
        totals += base[arm] - strengths[arm] * levels[rows, arm]
        levels[rows, arm] += 1
        levels *= gamma
    return finite_result("base, strength or level", totals)


def _each_arm(name: str, value: ArrayLike, arms: int) -> Floats:
    array = real(name, value, None)
    if array.shape not in ((), (arms,)):
        raise ValueError(f"{name} must be a scalar or [{arms}], shape {array.shape}")
    return np.broadcast_to(array, (arms,))


def _retention(retention: ArrayLike, arms: int) -> Floats:
    gamma = np.asarray(retention, np.float64)
    if gamma.shape not in ((), (arms,)) or not np.all((gamma >= 0) & (gamma < 1)):
        raise ValueError(f"retention must be a scalar or [{arms}] within [0, 1), shape {gamma.shape}")
    return gamma
