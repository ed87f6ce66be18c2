"""The truth: how good items are, whatever anybody was shown."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fairshot.core.arrays import Bools, Floats, Ints
from fairshot.town.behaviour import like_probability
from fairshot.town.scenarios import Nature
from fairshot.town.world import World

BEST_TIER = 0.1
"""The share of all people who are an item's best audience."""
GOOD, BAD = 1.5, 0.75
"""Times the mean of the topic: from where on an item is truly good, and up to where truly bad."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What figures ask of a town.

    creator: (items,), of each item; new: bool (creators,), who joins during the run; joins: microseconds (creators,);
    good, bad: bool (items,); topic: (items,), the main one in truth; told: (items,), that of text and label; flood:
    bool (creators,), who floods the platform; people_joins: microseconds (people,).
    """

    creator: Ints
    new: Bools
    joins: Ints
    good: Bools
    bad: Bools
    topic: Ints
    told: Ints
    flood: Bools
    people_joins: Ints

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.people_joins)

    @property
    def crossed(self) -> Bools:
        """Whose text and label speak of another topic than the true one, (items,)."""
        return np.asarray(self.topic != self.told)

    @classmethod
    def of(cls, world: World) -> Self:
        """Judge every item that may ever be."""
        items, creators = world.items, world.creators
        rate = best_tier_rate(world.people.cares, items.mix, items.quality, world.scenario.nature)
        good, bad = judged(rate, items.told)
        topic = np.argmax(items.mix, axis=1)
        return cls(
            creator=items.creator,
            new=creators.new,
            joins=creators.joins,
            good=good,
            bad=bad,
            topic=topic,
            told=items.told,
            flood=creators.steady,
            people_joins=world.people.joins,
        )


def best_tier_rate(cares: Floats, mix: Floats, quality: Floats, nature: Nature) -> Floats:
    """The mean probability that a rested person of an item's best tier likes it when new, float64 (items,).

    cares (people, topics), mix (items, topics), quality (items,). The best tier: the tenth of people who care most.
    """
    count = max(1, round(BEST_TIER * len(cares)))
    found = np.empty(len(mix))
    for start in range(0, len(mix), 1000):
        affinity = cares @ mix[start : start + 1000].T
        best = np.partition(affinity, -count, axis=0)[-count:]
        found[start : start + 1000] = like_probability(best * quality[start : start + 1000], nature).mean(axis=0)
    return found


def judged(rate: Floats, topic: Ints) -> tuple[Bools, Bools]:
    """Which items are truly good and truly bad: rate at least 1.5 times, at most 0.75 times their topic's mean."""
    sums = np.bincount(topic, rate, minlength=1)
    mean = (sums / np.maximum(np.bincount(topic, minlength=1), 1))[topic]
    return rate >= GOOD * mean, rate <= BAD * mean
