"""How people behave, as pure functions: what they look at, what it is worth to them, when they have had enough.

The utility of an item to a person who looks at it is

    u = affinity * quality * age_factor * exp(-strength * level),

affinity: sum over topics of how much the person cares for the topic times the item's share of it, in [0, 1]; quality in
[0, 1]; level: the person's satiation with the item's topics. A like is drawn with probability 1 - exp(-slope * u).
"""

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.algorithms.satiation import satiated
from fairshot.core.arrays import DAY, Bools, Floats, Ints
from fairshot.town.scenarios import Nature


def examination(positions: int) -> Floats:
    """The probability that a position is looked at while the visit lasts: 1 / log2(1 + k), float64 (positions,).

    The position-based model: it does not depend on what stands there.
    """
    return np.asarray(1 / np.log2(np.arange(positions) + 2))


def age_factor(age: Ints, nature: Nature) -> Floats:
    """What is left of an item's worth at an age in microseconds: floor + (1 - floor) 2^(-age / half-life)."""
    fresh = np.exp2(-np.maximum(age, 0) / (nature.ageing_half_life * DAY))
    return np.asarray(nature.ageing_floor + (1 - nature.ageing_floor) * fresh)


def utility(cares: Floats, mix: Floats, worth: Floats, level: Floats, nature: Nature) -> Floats:
    """The utility of items to one person, float64 (n,) in [0, 1].

    cares (topics,); mix (n, topics), shares that sum to 1; worth (n,): quality times age factor; level (topics,).
    """
    return satiated(mix @ cares * worth, mix @ level, nature.satiation_strength)


def like_probability(worth: Floats, nature: Nature) -> Floats:
    """The probability that somebody who looks at an item of this utility likes it."""
    return np.asarray(-np.expm1(-nature.like_slope * worth))


def looked_at(drawn: Bools, worth: Floats, patience: float, nature: Nature) -> tuple[Bools, float]:
    """Which positions are looked at before patience ends, bool (n,), and the patience left.

    drawn: which positions the eye falls on; each one looked at costs 1 - relief * utility of patience; after it is
    used up nothing more is looked at.
    """
    left = patience - np.cumsum(np.where(drawn, 1 - nature.relief * worth, 0.0))
    # The position that uses patience up is still looked at.
    before = np.minimum.accumulate(np.concatenate([[patience], left]))[:-1]
    seen: Bools = drawn & (before > 0)
    return seen, float(patience - np.where(seen, 1 - nature.relief * worth, 0.0).sum())


def satiation_now(level: Floats, since: int, now: int, nature: Nature) -> Floats:
    """Satiation recovers: the level, float64 (topics,), as of `now`; it halves in every half-life."""
    return decayed(level, since, now, nature.satiation_half_life * DAY)


def mood(satisfaction: Floats, expects: Floats) -> Floats:
    """How readily people return: satisfaction over what they expect, between 0.25 and 1.5."""
    return np.asarray(np.clip(satisfaction / expects, 0.25, 1.5))


def bored(satisfaction: Floats, expects: Floats, visits: Ints) -> Bools:
    """Who leaves for good: recent visits gave less than half of what they expect, three visits at least."""
    return np.asarray((visits >= 3) & (satisfaction < 0.5 * expects))


def rhythm(hour: Floats, weekday: int, phase: Floats) -> Floats:
    """How readily each person comes at this hour, mean 1 over a week, float64 (people,).

    hour in [0, 24); weekday 0 to 6, the last two are the weekend; phase (people,): the hour they like best.
    """
    daily = 1 + 0.8 * np.cos((hour - phase) * (2 * np.pi / 24))
    weekly = 1.3 if weekday >= 5 else 0.88
    return np.asarray(daily * weekly)
