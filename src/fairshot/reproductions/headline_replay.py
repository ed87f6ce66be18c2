"""Policies that share a test's impressions among its arms, replayed side by side on real tests.

A rate of each arm is given; every impression is an independent Bernoulli draw at that rate. (Drawing the recorded
impressions without replacement would leave no arm more than its own, a fifth of the budget: no policy could favour
one.) The budget of a test is the impressions that it had, spent in 100 equal batches. Within a batch a policy does not
learn; arms get their shares of the batch exactly, up to one impression drawn by lot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.arguments import Bools, Floats, Ints
from fairshot.algorithms.best_arm import ArmPrior, arm_posterior, probability_best, top_two
from fairshot.algorithms.beta_bandit import posterior

BATCHES = 100
LEADER = 0.75
"""Share of the arm that one draw finds best; .5 costs more regret and 1 more impressions to be as often right."""

Posterior = Callable[[Floats, Floats, Bools], tuple[Floats, Floats]]
Allocation = Callable[[Floats, Floats, Floats], Floats]
"""Shares [tests, arms] of the next batch, from chances of being best, clicks and impressions, all [tests, arms]."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How arms are judged, and how the next impressions are shared among them."""

    posterior: Posterior
    allocation: Allocation
    judges: bool = True
    """Whether chances of being best are needed, which take time; zeros stand for them where not."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a replay went through: after each batch, of each test, all [batches, tests]."""

    right: Floats
    """Whether the arm of the highest posterior mean is truly the best."""
    chance: Floats
    """The highest chance of being best."""
    gap: Floats
    """Rate of the best arm less that of the arm of the highest posterior mean."""
    lost: Floats
    """Regret so far: clicks that the best arm would have had more."""


def by_beta(prior: tuple[float, float]) -> Posterior:
    """Judge each arm for itself from one Beta prior."""

    def judge(clicks: Floats, shown: Floats, present: Bools) -> tuple[Floats, Floats]:  # noqa: ARG001 - by level alone
        alpha, beta = posterior(clicks.ravel(), shown.ravel(), prior)
        return alpha.reshape(clicks.shape), beta.reshape(clicks.shape)

    return judge


def by_level(prior: ArmPrior) -> Posterior:
    """Judge arms about the level of their test."""
    return lambda clicks, shown, present: arm_posterior(clicks, shown, present, prior)


def evenly(chances: Floats, clicks: Floats, shown: Floats) -> Floats:
    """The same share for every arm, whatever was seen."""
    del clicks, shown
    return np.ones_like(chances)


def thompson(chances: Floats, clicks: Floats, shown: Floats) -> Floats:
    """Thompson sampling: the chance to be best."""
    del clicks, shown
    return chances


def leader_and_rival(chances: Floats, clicks: Floats, shown: Floats) -> Floats:
    """Top-two Thompson sampling: three quarters to the arm that is best, a quarter to the best of the rest."""
    del clicks, shown
    return top_two(chances, LEADER)


def ucb1(chances: Floats, clicks: Floats, shown: Floats) -> Floats:
    """UCB1: the whole batch to the highest mean + sqrt(2 log t / n); the first batch evenly."""
    if shown.sum() == 0:
        return np.ones_like(chances)
    seen = np.maximum(shown, 1)
    total = np.maximum(shown.sum(axis=1, keepdims=True), 1)
    bound = np.where(shown > 0, clicks / seen + np.sqrt(2 * np.log(total) / seen), -1)
    return np.asarray(bound == bound.max(axis=1, keepdims=True), np.float64)


def replay(rates: Floats, present: Bools, budget: Ints, policy: Policy, rng: np.random.Generator) -> Course:
    """Spend the budget of each test [tests] on arms of these rates [tests, arms]."""
    best = np.where(present, rates, -1).max(axis=1)
    rows = np.arange(len(rates))
    clicks, shown = np.zeros((2, *rates.shape))
    course = Course(*np.zeros((4, BATCHES, len(rates))))
    chances = np.full(rates.shape, 1.0)
    judged = policy.posterior(clicks, shown, present)
    for batch in range(BATCHES):
        if policy.judges:
            chances = probability_best(*judged, present)
        shares = policy.allocation(chances, clicks, shown) * present
        size = budget * (batch + 1) // BATCHES - budget * batch // BATCHES
        given = allot(size, shares, rng)
        clicks += rng.binomial(given, rates)
        shown += given
        judged = policy.posterior(clicks, shown, present)
        chosen = np.where(present, judged[0] / sum(judged), -1).argmax(axis=1)
        course.gap[batch] = best - rates[rows, chosen]
        course.right[batch] = course.gap[batch] == 0
        course.lost[batch] = np.sum(shown * (best[:, None] - rates), axis=1, where=present)
        if policy.judges and batch:
            course.chance[batch - 1] = chances.max(axis=1)
    course.chance[-1] = 1.0
    return course


def allot(size: Ints, shares: Floats, rng: np.random.Generator) -> Ints:
    """Split batches [tests] by shares [tests, arms]: whole impressions that sum to each batch, by systematic lots."""
    upto = np.cumsum(shares, axis=1)
    upto *= size[:, None] / upto[:, -1:]
    ends = np.floor(upto + rng.uniform(1e-9, 1 - 1e-9, (len(size), 1))).astype(np.int64)
    return np.diff(ends, axis=1, prepend=0)


def stopped(course: Course, confidence: Floats) -> Ints:
    """Batches [tests] after which each test stops, at the confidence needed after each batch [batches]."""
    sure = course.chance >= confidence[:, None]
    sure[-1] = True
    return np.asarray(sure.argmax(axis=0))
