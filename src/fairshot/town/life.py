"""Life: the state of everybody in a town as the days pass, and how it changes."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fairshot.core.arrays import DAY, HOUR, Array, Bools, Floats, Ints
from fairshot.town import behaviour
from fairshot.town.world import World


@dataclass(frozen=True, slots=True)
class Change:
    """What visits changed: of m people, and the n works that they looked at.

    people: rows (m,); state: level (m, topics), level_at, satisfaction, visits and people_left (m,), see `Life`; items:
    rows (n,), with repetitions; liked: bool (n,).
    """

    people: Ints
    state: tuple[Array, ...]
    items: Ints
    liked: Bools


@dataclass(slots=True)
class Life:
    """What changes. Arrays over people (p), creators (c), items (n).

    level: float64 (p, topics), satiation as of level_at; satisfaction (p,); visits (p,): so far; left: microseconds,
    0 while they stay (p,) and (c,); published: microseconds, 0 for not yet (n,); effort: work done (c,); made: items
    published since the town began (c,); views, likes: (days, c), of each day.
    """

    world: World
    level: Floats
    level_at: Ints
    satisfaction: Floats
    visits: Ints
    people_left: Ints
    creators_left: Ints
    published: Ints
    effort: Floats
    made: Ints
    views: Floats
    likes: Floats
    origin: int

    @classmethod
    def begin(cls, world: World, now: int) -> Self:
        """The town at the moment when its past begins."""
        people, creators = len(world.people.visits), len(world.creators.output)
        existing = np.bincount(world.items.creator[world.items.created_at > 0], minlength=creators)
        days = world.scenario.days + world.scenario.past_days + 1
        return cls(
            world=world,
            level=np.zeros_like(world.people.cares),
            level_at=np.full(people, now, np.int64),
            satisfaction=world.people.expects.copy(),
            visits=np.zeros(people, np.int64),
            people_left=np.zeros(people, np.int64),
            creators_left=np.zeros(creators, np.int64),
            published=world.items.created_at.copy(),
            effort=np.zeros(creators),
            made=existing,
            views=np.zeros((days, creators)),
            likes=np.zeros((days, creators)),
            origin=now,
        )

    def day(self, now: int) -> int:
        """Days since the past began."""
        return (now - self.origin) // DAY

    # Creators

    def publish(self, now: int, length: int) -> list[int]:
        """The items that come out within a tick of this length in microseconds; liked creators work more."""
        creators, items = self.world.creators, self.world.items
        works = (creators.joins <= now) & (self.creators_left == 0)
        self.effort += np.where(works, creators.output * self._zeal(now) * (length / DAY), 0.0)
        found: list[int] = []
        ends = np.append(items.first[1:], len(items))
        while True:
            following = items.first + self.made
            there = works & (following < ends)
            ready = np.flatnonzero(there & (items.effort[np.where(there, following, 0)] <= self.effort))
            if len(ready) == 0:
                return found
            rows = following[ready]
            self.published[rows] = now
            self.made[ready] += 1
            found += rows.tolist()

    def _zeal(self, now: int) -> Floats:
        """How much more or less a creator makes than usual: 0.5 + 1.5 l / (l + 10), l: likes of the last days."""
        likes = self._lately(self.likes, now)
        return np.asarray(np.where(self.world.creators.steady, 1.0, 0.5 + 1.5 * likes / (likes + 10.0)))

    def _lately(self, counts: Floats, now: int) -> Floats:
        day = self.day(now)
        return np.asarray(counts[max(0, day - self.world.scenario.nature.seen_days + 1) : day + 1].sum(axis=0))

    def creators_leave(self, now: int) -> None:
        """At the end of a day: who had time enough to be seen, and hardly was, leaves with a chance of one half."""
        creators = self.world.creators
        since = np.maximum(creators.joins, self.origin)
        waited = since + self.world.scenario.nature.seen_days * DAY <= now
        unseen = self._lately(self.views, now - 1) < creators.needs
        leaves = self.world.rng("creators leave", now).random(len(since)) < 0.5
        self.creators_left[(self.creators_left == 0) & waited & unseen & leaves] = now

    # People

    def visitors(self, now: int, draws: Floats, length: int) -> Ints:
        """Who comes within a tick; draws: float (p,), uniform."""
        people = self.world.people
        beat = behaviour.rhythm(np.asarray(now % DAY / HOUR), (now // DAY + 3) % 7, people.phase)
        rate = people.visits * beat * behaviour.mood(self.satisfaction, people.expects) * (length / DAY)
        there: Bools = (people.joins <= now) & (self.people_left == 0)
        return np.flatnonzero(there & (draws < rate))

    def worth(self, person: int, items: Ints, now: int) -> Floats:
        """The true utility of items to a person at this moment, float64 (k,)."""
        known, nature = self.world.items, self.world.scenario.nature
        self.level[person] = behaviour.satiation_now(self.level[person], int(self.level_at[person]), now, nature)
        self.level_at[person] = now
        worth: Floats = known.quality[items] * behaviour.age_factor(now - self.published[items], nature)
        return behaviour.utility(self.world.people.cares[person], known.mix[items], worth, self.level[person], nature)

    def change(self, people: Ints, items: Ints, liked: Bools) -> Change:
        """What is to be told of visits of these people, who looked at these works and liked some of them."""
        return Change(people, tuple(column[people] for column in self._of_people()), items, liked)

    def adopt(self, change: Change, now: int) -> None:
        """Take over what visits changed, whoever served them."""
        for column, state in zip(self._of_people(), change.state, strict=True):
            column[change.people] = state
        self.seen(change.items, change.liked, now)

    def _of_people(self) -> tuple[Array, ...]:
        """All that a visit changes of a person."""
        return self.level, self.level_at, self.satisfaction, self.visits, self.people_left

    def seen(self, items: Ints, liked: Bools, now: int) -> None:
        """Items were looked at: their creators know."""
        known, day = self.world.items, self.day(now)
        np.add.at(self.views[day], known.creator[items], 1)
        np.add.at(self.likes[day], known.creator[items[liked]], 1)

    def satiate(self, person: int, items: Ints) -> None:
        """A person looked at items: their topics satiate."""
        self.level[person] += self.world.items.mix[items].sum(axis=0)

    def visited(self, person: int, worth: float, now: int, *, may_leave: bool) -> None:
        """A visit is over; worth: mean utility of what was looked at."""
        self.satisfaction[person] += self.world.scenario.nature.memory * (worth - self.satisfaction[person])
        self.visits[person] += 1
        one = slice(person, person + 1)
        expects = self.world.people.expects
        if may_leave and behaviour.bored(self.satisfaction[one], expects[one], self.visits[one])[0]:
            self.people_left[person] = now
