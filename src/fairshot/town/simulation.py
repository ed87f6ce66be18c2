"""The simulation: tick by tick creators publish, people come, look and like, and the application is told of it."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from time import perf_counter

import numpy as np

from fairshot.core.answers import Feed
from fairshot.core.arrays import DAY, MICROSECONDS, Bools, Floats, Ints
from fairshot.core.records import iso
from fairshot.town import behaviour
from fairshot.town.life import Life
from fairshot.town.platform import BATCH, Platform
from fairshot.town.policies import policy
from fairshot.town.records import Recorder, Run
from fairshot.town.scenarios import NATURE, Scenario
from fairshot.town.world import START, World, make_world, record_of

Progress = Callable[[str, float], None]


def simulate(scenario: Scenario, seed: int, policies: list[str], folder: Path, progress: Progress) -> list[Run]:
    """Run policies one after another in the same town, each from a copy of the same past.

    folder: an empty one; what is written there may be thrown away. Gives one run for each policy, in order.
    """
    world = make_world(scenario, seed)
    past = folder / "past"
    beginning = START - scenario.past_days * DAY
    with Platform.open(past, policy("past"), seed, beginning) as platform:
        town = _Town(Life.begin(world, beginning), platform, may_leave=False)
        town.found()
        town.live(beginning, START, lambda share: progress("past", share))
    runs = []
    for name in policies:
        own = folder / name
        shutil.copytree(past, own)
        runs.append(_run(deepcopy(town.life), seed, name, own, progress))
        shutil.rmtree(own)
    shutil.rmtree(past)
    return runs


def _run(life: Life, seed: int, name: str, folder: Path, progress: Progress) -> Run:
    started, scenario = perf_counter(), life.world.scenario
    end = START + scenario.days * DAY
    with Platform.open(folder, policy(name), seed, START) as platform:
        town = _Town(life, platform, may_leave=True)
        progress(name, 0.0)
        town.live(START, end, lambda share: progress(name, share))
        return Run(
            policy=name,
            seed=seed,
            start=START,
            end=end,
            published=life.published,
            left=life.creators_left,
            people_left=life.people_left,
            decisions=tuple(platform.app.log.verdicts("trial")),
            trainings=tuple(platform.trainings),
            seconds=perf_counter() - started,
            **town.recorder.arrays(),
        )


class _Town:
    """People and creators meeting one platform."""

    def __init__(self, life: Life, platform: Platform, *, may_leave: bool) -> None:
        self.life = life
        self.world: World = life.world
        self.platform = platform
        self.may_leave = may_leave
        """People and creators may leave, models are trained and trials decided: not in the past."""
        self.recorder = Recorder(self.world.scenario.slate)
        self._events = 0

    def found(self) -> None:
        """Tell the application of everybody and everything that is there at the beginning."""
        world, now = self.world, self.platform.clock.now
        for creator in np.flatnonzero(world.creators.joins <= now).tolist():
            self._joined(creator)
        self.platform.commit()
        there = np.flatnonzero((self.life.published > 0) & (self.life.published <= now)).tolist()
        for start in range(0, len(there), BATCH):
            for item in there[start : start + BATCH]:
                self.platform.tell("items", record_of(world, item, int(self.life.published[item])))
            self.platform.commit()

    def live(self, start: int, end: int, progress: Callable[[float], None]) -> None:
        """Let time pass."""
        scenario = self.world.scenario
        tick = DAY // scenario.ticks
        draws = np.empty(0)
        for number, now in enumerate(range(start, end, tick)):
            self.platform.clock.now = now
            since_midnight = number % scenario.ticks
            if since_midnight == 0:
                self._morning(number // scenario.ticks, now)
                draws = self.world.rng("visits", now).random((scenario.ticks, scenario.all_people))
                progress((now - start) / (end - start))
            if self.may_leave and now % (DAY // 24) == 0:
                self.platform.step_trials()
            self._tick(now, tick, draws[since_midnight])
        self.platform.clock.now = end
        self.platform.commit()

    def _morning(self, day: int, now: int) -> None:
        if not self.may_leave:
            return
        self.life.creators_leave(now)
        if day % self.world.scenario.train_days == 0:
            self.platform.train()

    def _tick(self, now: int, length: int, draws: Floats) -> None:
        joins = self.world.creators.joins
        for creator in np.flatnonzero((joins > now - length) & (joins <= now)).tolist():
            self._joined(creator)
        for item in self.life.publish(now, length):
            self.platform.tell("items", record_of(self.world, item, now))
        for person in self.life.visitors(now, draws, length).tolist():
            self._visit(person, now)
        self.platform.commit()

    def _joined(self, creator: int) -> None:
        at = int(self.world.creators.joins[creator])
        self.platform.tell("creators", {"id": f"c{creator}", "name": f"Creator {creator}", "joined_at": iso(at)})

    def _visit(self, person: int, at: int) -> None:
        """A person looks at slate after slate until patience ends."""
        world, scenario = self.world, self.world.scenario
        # One number for each item: what somebody thinks of it at this visit does not depend on who else was shown.
        falls, likes, follows = world.rng("visit", person, at).random((3, len(world.items)), np.float32)
        patience = float(world.people.patience[person])
        shown: list[str] = []
        seen: list[Floats] = []
        for page in range(scenario.pages):
            feed = self.platform.feed(person, scenario.slate, shown)
            items = np.array([int(position.item_id[1:]) for position in feed.slate], np.int64)
            if len(items) == 0:
                break
            now = self.platform.clock.now
            worth = self.life.worth(person, items, now)
            drawn = falls[items] < behaviour.examination(len(items))
            looked, patience = behaviour.looked_at(drawn, worth, patience)
            liked = looked & (likes[items] < behaviour.like_probability(worth))
            explored, cost = self._exploring(person, items, worth, now)
            self.recorder.add((now, person, page, cost), (items, looked, liked, explored, worth))
            self._react(person, feed, np.flatnonzero(liked), follows[items] < NATURE.follow)
            self.life.saw(person, items[looked], liked[looked], now)
            seen.append(worth[looked])
            shown += [position.item_id for position in feed.slate]
            if patience <= 0:
                break
        if seen:
            every = np.concatenate(seen)
            mean = float(every.mean()) if len(every) else 0.0
            self.life.visited(person, mean, self.platform.clock.now, may_leave=self.may_leave)

    def _exploring(self, person: int, items: Ints, worth: Floats, now: int) -> tuple[Bools, float]:
        explored, instead = self.platform.explored()
        if not explored.any():
            return explored, 0.0
        ids = self.platform.app.live.ids.items.ids(instead.tolist())
        other = self.life.worth(person, np.array([int(name[1:]) for name in ids], np.int64), now)
        eye = behaviour.examination(len(items))
        return explored, float(eye[: len(other)] @ other - eye @ worth)

    def _react(self, person: int, feed: Feed, liked: Ints, follows: Bools) -> None:
        """Tell of likes, each with the token of its position, and of follows that they become."""
        for place in liked.tolist():
            position = feed.slate[place]
            event = {"kind": "like", "user_id": f"p{person}", "item_id": position.item_id}
            self._tell(event | {"exposure": position.exposure}, place)
            if follows[place]:
                self._tell({"kind": "follow", "user_id": f"p{person}", "creator_id": position.creator_id}, place)

    def _tell(self, event: dict[str, object], place: int) -> None:
        self._events += 1
        # A few seconds for each item that stands above.
        at = (self.platform.clock.now + (place + 1) * 3 * MICROSECONDS) / MICROSECONDS
        name = f"{self.platform.clock.now}/{self._events}"
        self.platform.tell("events", event | {"event_id": name, "at": at})
