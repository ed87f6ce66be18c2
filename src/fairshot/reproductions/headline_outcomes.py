"""What policies cost on replayed tests: impressions to be right as often as even allocation, and clicks forgone.

A policy's outcomes form a curve: along it, more impressions are spent and more tests find their best arm. Without a
rule to stop it is traced by the share of every test's budget; with one, by the confidence asked for. Two policies are
compared where their curves are equally often right. Intervals are bootstrapped over tests.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.best_arm import falling_confidence
from fairshot.reproductions.headline_replay import BATCHES, Course, stopped

FALL = 0.4
"""How much less confidence is asked for when the whole budget is spent."""
FIRST = tuple(np.round(np.arange(0.40, 1.0401, 0.02), 2))
"""Confidences asked for at the start that trace the curve; above one, no test stops so early."""
RESAMPLES = 400


@dataclass(frozen=True)
class Outcomes:
    """Right (share of runs), impressions spent and clicks forgone, all [points of the curve, tests]; budget [tests]."""

    right: Floats
    spent: Floats
    lost: Floats
    budget: Floats

    @cached_property
    def whole(self) -> Floats:
        """Clicks forgone over the whole budget [tests], at the end of the curve."""
        return np.asarray(self.lost[-1])


def unstopped(courses: list[Course], budget: Floats) -> Outcomes:
    """Outcomes [batches] of a policy that spends every test's whole budget, judged after each batch."""
    right, lost = (np.mean([getattr(course, name) for course in courses], axis=0) for name in ("right", "lost"))
    share = np.arange(1, BATCHES + 1)[:, None] / BATCHES
    return Outcomes(right, share * budget, lost, budget)


def with_stop(courses: list[Course], budget: Floats, fall: float = FALL) -> Outcomes:
    """Outcomes [confidences] of a policy that stops when sure and shows its choice for the rest of the budget."""
    spent_share = np.arange(1, BATCHES + 1) / BATCHES
    tests, points = np.arange(len(budget)), []
    for first in FIRST:
        confidence = falling_confidence(spent_share, first, max(first - fall, 0.0))
        for course in courses:
            at = stopped(course, confidence), tests
            spent = spent_share[at[0]] * budget
            points.append((course.right[at], spent, course.lost[at] + (budget - spent) * course.gap[at]))
    table = np.array(points).reshape(len(FIRST), len(courses), 3, len(budget)).mean(axis=1)
    return Outcomes(table[:, 0], table[:, 1], table[:, 2], budget)


def resampled(tests: int, rng: np.random.Generator) -> Floats:
    """How often each test is in each resample [1 + resamples, tests]; the first is what there is."""
    drawn = rng.multinomial(tests, np.full(tests, 1 / tests), RESAMPLES)
    return np.vstack((np.ones(tests), drawn))


def right_at(outcomes: Outcomes, point: int, weights: Floats) -> Floats:
    """Share of tests [resamples] that choose their best arm at a point of the curve."""
    return np.asarray(weights @ outcomes.right[point] / weights.sum(axis=1))


def spent_at(outcomes: Outcomes, right: Floats, weights: Floats) -> Floats:
    """Share of all tests' budgets [resamples] at which so many [resamples] are right; inf where it never is."""
    reached = np.maximum.accumulate(weights @ outcomes.right.T, axis=1) / weights.sum(axis=1, keepdims=True)
    spent = weights @ outcomes.spent.T / (weights @ outcomes.budget)[:, None]
    rows = zip(right, reached, spent, strict=True)
    return np.array([np.interp(level, up, share, right=np.inf) for level, up, share in rows])


def interval(values: Floats) -> str:
    """The middle 95 % of resamples, in words."""
    low, high = np.quantile(values[1:], (0.025, 0.975), method="nearest")
    return f"95 % interval {low:.3f} to {high:.3f}"
