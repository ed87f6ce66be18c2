"""Twins: the same work by a famous creator and by one whom nobody knows, published in one town at one moment.

A famous creator is one with many works, whom a part of all people follows and likes; the unknown one joins with the
twin. Either has nothing else on trial. The twins share topics, quality and label; each is told in words of its own,
drawn anew from the same topics, so that neither is a copy of the other. Nothing but the creator tells which is which.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fairshot.core.arrays import DAY, HOUR, MICROSECONDS, Array, Bools, Floats, Ints
from fairshot.core.trial import POSITIONS, TIERS
from fairshot.town.crew import Crew
from fairshot.town.life import Life
from fairshot.town.platform import Platform
from fairshot.town.policies import policy
from fairshot.town.scenarios import Scenario
from fairshot.town.simulation import Town
from fairshot.town.world import COMMON, START, WORDS, Items, World, make_world

FOLLOWED_BY = 0.1
"""The share of all people who follow a famous creator before the twins come,"""
LIKED = 3
"""and the works of theirs that each of these likes, at most."""
COMES_UNTIL = 0.6
"""Twins come evenly over this share of the days, so that there is time enough to decide."""
STEPS = ("stopped", "none", "graduated")


@dataclass(frozen=True, slots=True)
class Twins:
    """A town with m pairs; column 0 is famous, column 1 unknown.

    works, creators: int (m, 2), rows; at: (m,), microseconds when both come out.
    """

    world: World
    works: Ints
    creators: Ints
    at: Ints

    def likes(self) -> list[tuple[int, int, int]]:
        """Who follows whom: person, creator, and a work of theirs that the person likes; several of each."""
        people, items = self.world.people, self.world.items
        rng, found = self.world.rng("fame"), []
        for creator in self.creators[:, 0].tolist():
            old = np.flatnonzero((items.creator == creator) & (items.created_at > 0))
            love = (items.mix[old].mean(axis=0) @ people.cares.T) ** 2
            fans = rng.choice(len(love), round(FOLLOWED_BY * len(love)), replace=False, p=love / love.sum())
            for fan in fans.tolist():
                found += [(fan, creator, int(work)) for work in rng.permutation(old)[:LIKED]]
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of m pairs; column 0 is famous, column 1 unknown.

    All (m, 2) but merged. impressions: of the trial until the decision, or the end where there was none; steps: index
    of `STEPS`; tiers: trial impressions by audience tier, (m, 2, 4); elsewhere: impressions until the decision that
    were no trial's; hours: from publication to the decision, or the end; merged: bool (m,), one of them was taken for a
    near-duplicate, so that it shares another item's trial.
    """

    impressions: Ints
    steps: Ints
    tiers: Ints
    elsewhere: Ints
    hours: Floats
    merged: Bools


@dataclass(slots=True)
class _Life(Life):
    """A town in which twins come out when they must, whatever their creators are about."""

    twins: Twins | None = None

    def publish(self, now: int, length: int) -> list[int]:
        """What comes out within a tick."""
        assert self.twins is not None
        due = self.twins.works[(self.twins.at > now - length) & (self.twins.at <= now)].ravel()
        self.published[due] = now
        # A dataclass with slots is made anew, and super() would look for the first one.
        return Life.publish(self, now, length) + due.tolist()


def make_twins(scenario: Scenario, seed: int, pairs: int) -> Twins:
    """Draw a town of this scenario, in which so many of its creators are famous, and as many more unknown."""
    grown = replace(scenario, creators=scenario.creators + pairs, new_creators=pairs, first_works=1)
    world = make_world(grown, seed)
    items, creators = world.items, world.creators
    works = np.bincount(items.creator[items.created_at > 0], minlength=len(creators.joins))
    famous, unknown = np.argsort(-works, kind="stable")[:pairs], np.flatnonzero(creators.new)
    at = START + (np.arange(pairs) / pairs * COMES_UNTIL * scenario.days).astype(np.int64) * DAY
    at += world.rng("twins").integers(0, DAY, pairs)
    twins = np.stack([items.first[famous] + works[famous], items.first[unknown]], axis=1)
    joins = np.where(works > 0, START - 40 * DAY, creators.joins)
    joins[unknown] = at
    told = replace(world, creators=replace(creators, joins=joins), items=_alike(world, twins))
    return Twins(told, twins, np.stack([famous, unknown], axis=1), at)


def _alike(world: World, twins: Ints) -> Items:
    """The items of a world with both works of each pair alike, and nothing else that their creators publish."""
    items, rng = world.items, world.rng("twins' words")
    same = np.arange(len(items))
    same[twins[:, 1]] = twins[:, 0]
    effort = np.where(np.isin(items.creator, items.creator[twins]), np.inf, items.effort)
    # Whatever was there before is too old to be tried, and takes no turns from the twins.
    early = START - 40 * DAY + (rng.random(len(items)) * 20 * DAY).astype(np.int64)
    created_at = np.where(items.created_at > 0, early, 0)
    records = list(items.records)
    for famous, unknown in twins.tolist():
        one = records[famous]
        for row in (famous, unknown):
            own = {name: records[row][name] for name in ("id", "creator_id")}
            records[row] = {**one, **own, **{name: _reworded(one[name], rng) for name in ("title", "text")}}
    return replace(
        items,
        mix=items.mix[same],
        told=items.told[same],
        quality=items.quality[same],
        effort=effort,
        created_at=created_at,
        records=tuple(records),
    )


def _reworded(text: str, rng: np.random.Generator) -> str:
    """The same topics in other words."""

    def other(word: re.Match[str]) -> str:
        return f"{word[1]}{rng.integers(0, COMMON if word[1] == 'common' else WORDS)}"

    return re.sub(r"(common|topic\d+word)\d+", other, text)


def live(twins: Twins, folder: Path) -> Outcome:
    """Let the town live with the defaults, and see what becomes of the twins; folder: an empty one."""
    world, seed = twins.world, twins.world.seed
    beginning = START - world.scenario.past_days * DAY
    life = _Life.begin(world, beginning)
    life.twins = twins
    with Platform.open(folder, policy("past"), seed, beginning) as platform:
        town = Town(life, platform, Crew(), may_leave=False)
        town.found()
        _become_famous(twins, platform, beginning)
        town.live(beginning, START, lambda _share: None)
    with Platform.open(folder, policy("fairshot"), seed, START) as platform:
        town = Town(life, platform, Crew(), may_leave=True)
        town.live(START, START + world.scenario.days * DAY, lambda _share: None)
        return _outcome(twins, platform, town.recorder.arrays())


def _become_famous(twins: Twins, platform: Platform, now: int) -> None:
    for number, (person, creator, work) in enumerate(twins.likes()):
        said = {"user_id": f"p{person}", "at": now / MICROSECONDS - 1}
        platform.tell("events", {**said, "event_id": f"fan/{number}", "kind": "like", "item_id": f"i{work}"})
        follow = {"event_id": f"follower/{person}/{creator}", "kind": "follow", "creator_id": f"c{creator}"}
        platform.tell("events", said | follow)
    platform.commit()
    platform.app.catch_up()


def _outcome(twins: Twins, platform: Platform, shown: dict[str, Array]) -> Outcome:
    snapshot, now, works = platform.app.live.snapshot, platform.clock.now, twins.works
    rows = np.array([[snapshot.ids.items.row(f"i{work}") for work in pair] for pair in works.tolist()])
    counted = snapshot.items["trial_shown"][rows].reshape(*rows.shape, len(TIERS), POSITIONS).sum(axis=3)
    steps, impressions, until = np.ones_like(rows), counted.sum(axis=2), np.full_like(rows, now, np.int64)
    for at, data in reversed(platform.app.log.verdicts("trial")):
        if data["step"] in STEPS:
            ended = works == int(data["item"][1:])
            steps[ended], until[ended] = STEPS.index(data["step"]), at
            impressions[ended] = data["impressions"]
    elsewhere = np.zeros_like(rows)
    for place, work in np.ndenumerate(works):
        before = shown["at"] < until[place]
        elsewhere[place] = ((shown["item"] == work) & ~shown["tried"])[before].sum()
    hours = (until - twins.at[:, None]) / HOUR
    merged = (snapshot.items["original"][rows] != rows).any(axis=1)
    return Outcome(impressions, steps, counted, elsewhere, hours, merged)
