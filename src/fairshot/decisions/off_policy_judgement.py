"""The judgement on a candidate from logged slates: what it would have earned, by several estimators, doubts in words.

Each estimator makes another assumption of how people read a slate, so they can differ; none says more than its
interval, and none is conclusive while it warns.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms import off_policy
from fairshot.algorithms.off_policy import Estimate
from fairshot.core.arrays import Bools, Floats
from fairshot.decisions.off_policy import Placements

FEWEST_EFFECTIVE = 100
"""With fewer effective samples no interval is to be trusted."""
FEWEST_PEOPLE = 30
"""Nor with fewer people: they, not their slates, are the independent units."""
LEAST_SUPPORT = 0.999
"""Share of what the candidate would show that the log must be able to speak of: what it lacks counts as nothing."""
RIDGE = 1.0

ASSUMES = {
    "IIPS": "what an item earns depends on the item and its position alone",
    "SNIPS": "as IIPS; weights are normalised at each position",
    "DR": "as IIPS; a model of what items earn is corrected by the log",
    "PBM": "what an item earns is the product of the item's worth and the share of people who look at its position",
    "RIPS": "what an item earns depends on itself and on the items above it",
    "SIPS": "nothing: whole slates are weighed",
    "PI": "positions add up to what the slate earns",
}
"""What each estimator takes for granted; see docs/ideas/off_policy.md."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one estimator says of a candidate, for each slate, with 95 % intervals by people.

    difference: candidate minus what the logged slates earned; error: its standard error; support: share of what the
    candidate would show that the log speaks of, 1 but for chance where nothing is missing; clipped: share of slates
    whose weight was cut; warnings: why not to conclude from it, empty where one may.
    """

    estimator: str
    value: float
    low: float
    high: float
    difference: float
    difference_low: float
    difference_high: float
    error: float
    effective_samples: float
    clipped: float
    support: float
    warnings: tuple[str, ...]

    @property
    def conclusive(self) -> bool:
        """Whether nothing speaks against concluding from the interval."""
        return not self.warnings


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the log says of a candidate: mean reward of the logged slates with its interval, and the estimates."""

    slates: int
    people: int
    logged: float
    logged_low: float
    logged_high: float
    judged: tuple[Judged, ...]
    warnings: tuple[str, ...] = ()


def judge(placements: Placements, rewards: Floats, clip: float = math.inf) -> Judgement:
    """Estimate what the candidate would have earned in place of the logged slates.

    rewards: float64 (n, L), see `Placements.rewards`; clip: weights beyond it are cut to it, which biases towards
    zero rewards and is warned of. SIPS and RIPS multiply the probabilities of single positions as if lots fell
    independently; each falls on what is left by those above, which changes a weight by about 1 / pool for each
    further lot in the slate.
    """
    if len(placements) == 0:
        return Judgement(0, 0, math.nan, math.nan, math.nan, (), ("the log holds no slates with impressions",))
    if rewards.shape != placements.filled.shape:
        raise ValueError(f"rewards of shape {rewards.shape} must have shape {placements.filled.shape}")
    earned = rewards.sum(axis=1)
    one = np.ones(len(earned))
    logged = off_policy.ips(earned, one, one).by_group(placements.person)
    people = len(np.unique(placements.person))
    few = (f"only {people} people: their intervals cannot be trusted",) if people < FEWEST_PEOPLE else ()
    judged = tuple(_judged(name, estimate, placements, rewards) for name, estimate in _estimators(placements, clip))
    return Judgement(len(earned), people, logged.value, *logged.interval(), judged, few)


Estimator = Callable[[Floats], Estimate]


def _estimators(placements: Placements, clip: float) -> list[tuple[str, Estimator]]:
    """Every estimator as a function of the rewards."""
    at_place = placements.target, placements.logging
    anywhere = placements.seen_target, placements.seen_logging
    return [
        ("IIPS", lambda rewards: off_policy.independent_ips(rewards, *at_place, clip=clip)),
        ("SNIPS", lambda rewards: off_policy.independent_snips(rewards, *at_place, clip=clip)),
        ("DR", lambda rewards: _doubly_robust(placements, rewards, clip)),
        ("PBM", lambda rewards: off_policy.independent_ips(rewards, *anywhere, clip=clip)),
        ("RIPS", lambda rewards: off_policy.cascade_ips(rewards, *at_place, clip=clip)),
        ("SIPS", lambda rewards: off_policy.slate_ips(rewards, *at_place, clip=clip)),
        ("PI", lambda rewards: off_policy.pseudo_inverse(rewards.sum(axis=1), *at_place, clip=clip)),
    ]


def _judged(name: str, estimate: Estimator, placements: Placements, rewards: Floats) -> Judged:
    support, best = _support(name, placements)
    try:
        found = estimate(rewards).by_group(placements.person)
    except ValueError as error:  # all weights of a position are zero, or one is beyond all bounds
        nan = math.nan
        return Judged(name, nan, nan, nan, nan, nan, nan, math.inf, 0.0, 0.0, support, (str(error),))
    less = found.less(rewards.sum(axis=1)).by_group(placements.person)
    warnings = []
    if found.effective_samples < FEWEST_EFFECTIVE:
        warnings.append(f"rests on {found.effective_samples:.0f} effective slates: too few to conclude from")
    if best < LEAST_SUPPORT:
        missing = f"{min(1 - support, 1):.1%} of what the candidate would show"
        warnings.append(f"{missing} is missing from the log, or was drawn too seldom")
    if found.clipped:
        warnings.append(f"weights of {found.clipped:.1%} of the slates were clipped, which biases towards zero")
    return Judged(
        name,
        found.value,
        *found.interval(),
        less.value,
        *less.interval(),
        less.standard_error,
        found.effective_samples,
        found.clipped,
        support,
        tuple(warnings),
    )


def _support(name: str, placements: Placements) -> tuple[float, float]:
    """The mean weight, which is 1 where the log can show all that the candidate would, and its upper 97.5 % limit.

    Estimated as the value of a world in which each slate earns 1 whatever it shows.
    """
    counted = placements.looks if name == "PBM" else placements.filled
    weigh = "IIPS" if name in ("SNIPS", "DR") else name
    unit = counted / counted.sum(axis=1, keepdims=True)
    found = dict(_estimators(placements, math.inf))[weigh](unit).by_group(placements.person)
    return found.value, found.interval()[1]


def _doubly_robust(placements: Placements, rewards: Floats, clip: float) -> Estimate:
    """DR by position; the model is what the candidate predicts, brought to the scale of rewards by other people's."""
    predicted, expected = np.zeros(rewards.shape), np.zeros(rewards.shape)
    half = np.unique(placements.person, return_inverse=True)[1] % 2
    for part in (0, 1):
        own, other = half == part, half != part
        level, slope = _calibration(placements, rewards, other)
        predicted[own] = level + slope * placements.predicted[own]
        expected[own] = level * placements.fills[own] + slope * placements.expected[own]
    predicted[~placements.filled] = expected[~placements.filled] = 0
    return off_policy.independent_doubly_robust(
        rewards, placements.target, placements.logging, predicted, expected, clip=clip
    )


def _calibration(placements: Placements, rewards: Floats, people: Bools) -> tuple[Floats, float]:
    """Reward as a level of each position, float64 (L,), and one slope on the prediction; by least squares."""
    filled = placements.filled & people[:, None]
    count = np.maximum(filled.sum(axis=0), 1)
    told, earned = (np.where(filled, values, 0.0) for values in (placements.predicted, rewards))
    mean_told, mean_earned = told.sum(axis=0) / count, earned.sum(axis=0) / count
    apart = np.where(filled, placements.predicted - mean_told, 0.0)
    slope = float((apart * rewards).sum() / ((apart**2).sum() + RIDGE))
    return mean_earned - slope * mean_told, slope
