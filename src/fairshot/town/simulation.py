"""The simulation: tick by tick creators publish, people come, look and like, and the application is told of it."""

import gc
import shutil
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from fairshot.core.arrays import DAY, HOUR, MICROSECONDS, Array, Ints
from fairshot.core.records import iso
from fairshot.town.crew import Crew, crew_of
from fairshot.town.life import Life
from fairshot.town.platform import BATCH, Platform
from fairshot.town.policies import policy
from fairshot.town.records import Recorder, Run, joined
from fairshot.town.scenarios import Scenario
from fairshot.town.visits import changed, visit
from fairshot.town.world import START, World, make_world, own_likes, record_of

Progress = Callable[[str, float], None]


def simulate(
    scenario: Scenario, seed: int, policies: list[str], folder: Path, progress: Progress, *, processes: int = 1
) -> list[Run]:
    """Run policies one after another in the same town, each from a copy of the same past.

    folder: an empty one; what is written there may be thrown away; processes: that serve the town together. Gives one
    run for each policy, in order.
    """
    with crew_of(processes, _help, scenario, seed, policies, folder) as crew:
        return _lived(crew, make_world(scenario, seed), policies, folder, progress)


def _help(crew: Crew, scenario: Scenario, seed: int, policies: list[str], folder: Path) -> None:
    """What the other processes of a crew do: they live through the same."""
    # Where the lead gives up, it says why.
    with suppress(EOFError, ConnectionError):
        _lived(crew, make_world(scenario, seed), policies, folder, lambda _phase, _share: None)


def _lived(crew: Crew, world: World, policies: list[str], folder: Path, progress: Progress) -> list[Run]:
    """The runs of the lead; everybody else's lack what others served."""
    past = folder / "past"
    # Processes share the cores: threads of their own would only be in each other's way.
    with threadpool_limits(1):
        life = live_past(crew, world, past, progress)
        runs = []
        for name in policies:
            own = folder / name
            crew.once(partial(shutil.copytree, past, own))
            runs.append(_run(crew, deepcopy(life), name, own, progress))
            crew.once(partial(shutil.rmtree, own))
    crew.once(partial(shutil.rmtree, past))
    return runs


def live_past(crew: Crew, world: World, folder: Path, progress: Progress) -> Life:
    """Found a town on an empty folder and let it come to the moment when runs begin; everybody in it as of then."""
    beginning = START - world.scenario.past_days * DAY
    with Platform.open(folder, policy("past"), world.seed, beginning) as platform:
        town = Town(Life.begin(world, beginning), platform, crew, may_leave=False)
        town.found()
        town.live(beginning, START, lambda share: progress("past", share))
    return town.life


def _run(crew: Crew, life: Life, name: str, folder: Path, progress: Progress) -> Run:
    started, scenario = perf_counter(), life.world.scenario
    end = START + scenario.days * DAY
    with Platform.open(folder, policy(name), life.world.seed, START) as platform:
        town = Town(life, platform, crew, may_leave=True)
        town.live(START, end, lambda share: progress(name, share))
        return Run(
            policy=name,
            seed=life.world.seed,
            start=START,
            end=end,
            published=life.published,
            left=life.creators_left,
            people_left=life.people_left,
            decisions=tuple(platform.app.log.verdicts("trial")),
            trainings=tuple(platform.trainings),
            seconds=perf_counter() - started,
            **town.recorded(),
        )


class Town:
    """People and creators meeting one platform."""

    def __init__(self, life: Life, platform: Platform, crew: Crew, *, may_leave: bool) -> None:
        self.life = life
        self.world: World = life.world
        self.platform = platform
        self.crew = crew
        self.may_leave = may_leave
        """People and creators may leave, models are trained and trials decided: not in the past."""
        self.recorder = Recorder(self.world.scenario.slate)
        self._visits = 0

    def found(self) -> None:
        """Tell the application of everybody and everything that is there at the beginning, and of what people liked."""
        world, now = self.world, self.platform.clock.now
        for creator in np.flatnonzero(world.creators.joins <= now).tolist():
            self._joined(creator)
        self._commit()
        there = np.flatnonzero((self.life.published > 0) & (self.life.published <= now)).tolist()
        for start in range(0, len(there), BATCH):
            for item in there[start : start + BATCH]:
                self.platform.tell("items", record_of(world, item, int(self.life.published[item])))
            self._commit()
        likes = own_likes(world)
        for start in range(0, len(likes), BATCH):
            for person, item, at in likes[start : start + BATCH]:
                event = {"kind": "like", "user_id": f"p{person}", "item_id": f"i{item}", "at": at / MICROSECONDS}
                self.platform.tell("events", event | {"event_id": f"own/{person}/{item}"})
            self._commit()

    def live(self, start: int, end: int, progress: Callable[[float], None]) -> None:
        """Let time pass."""
        scenario = self.world.scenario
        tick = DAY // scenario.ticks
        draws = np.empty(0)
        for number, now in enumerate(range(start, end, tick)):
            self.platform.clock.now = now
            since_midnight = number % scenario.ticks
            if since_midnight == 0:
                progress((now - start) / (end - start))
                # What is there by now stays: the search for garbage need not go through it again and again.
                gc.collect()
                gc.freeze()
                self._morning(number // scenario.ticks, now)
                draws = self.world.rng("visits", now).random((scenario.ticks, scenario.all_people))
            if self.may_leave and now % HOUR == 0:
                self.crew.once(self.platform.app.step_trials)
                self.platform.app.catch_up()
            self._publish(now, tick)
            self._meet(now, tick, self.life.visitors(now, draws[since_midnight], tick))
            self._commit()
        gc.unfreeze()

    def recorded(self) -> dict[str, Array]:
        """The columns of `Run` that are of slates: of the whole crew's to the lead, else of its own."""
        own = self.recorder.visit, self.recorder.arrays()
        _, parts = self.crew.exchange(None, {self.crew.place: own})
        return joined(parts or [own])

    def _morning(self, day: int, now: int) -> None:
        if not self.may_leave:
            return
        self.life.creators_leave(now)
        # Where the policy has use for models.
        if self.platform.policy.trains and day % self.world.scenario.train_days == 0:
            self.crew.helped(self.platform.train, self.platform.app.fit_whole)
            self.platform.app.catch_up()

    def _publish(self, now: int, length: int) -> None:
        joins = self.world.creators.joins
        for creator in np.flatnonzero((joins > now - length) & (joins <= now)).tolist():
            self._joined(creator)
        for item in self.life.publish(now, length):
            self.platform.tell("items", record_of(self.world, item, now))

    def _joined(self, creator: int) -> None:
        at = int(self.world.creators.joins[creator])
        self.platform.tell("creators", {"id": f"c{creator}", "name": f"Creator {creator}", "joined_at": iso(at)})

    def _meet(self, now: int, length: int, people: Ints) -> None:
        """Everybody who comes within a tick, evenly over it; each sees the state of its beginning."""
        apart = length // (len(people) + 1)
        coming = [(person, now + place * apart) for place, person in enumerate(people.tolist(), start=1)]
        mine = {
            number: visit(self.life, self.platform, *coming[number], may_leave=self.may_leave)
            for number in self.crew.deal(len(coming))
        }
        self.platform.clock.now = now + length - MICROSECONDS
        for number, found in mine.items():
            self.recorder.take(self._visits + number, found.heads, found.shown)
        self._visits += len(coming)
        told = {number: (found.entries, found.events) for number, found in mine.items()}
        changes, said = self.crew.exchange(changed(self.life, mine.values()), told)
        for change in changes:
            self.life.adopt(change, now)
        for entries, events in said:
            for entry in entries:
                self.platform.serve(entry)
            for event in events:
                self.platform.tell("events", event)

    def _commit(self) -> None:
        """End a tick: the lead writes, and all take in what was written, in the same batches."""
        self.crew.once(self.platform.commit)
        self.platform.forget()
        self.platform.app.catch_up()
