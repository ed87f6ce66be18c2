"""New items: a walk through the held-out time, asking for a slate before each judged reaction to an item that is new.

Frozen: what arrived is known, but no feedback since the split. Live: state follows the log, models stay as trained,
as in a service between two trainings. Peers are given the same information as the pipeline in each of the two.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from fairshot.app import App
from fairshot.core.arrays import Array, Bools, Ints
from fairshot.core.errors import FairshotError
from fairshot.core.events import EventBatch, Kind
from fairshot.core.randomness import stream
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.evaluation.arms import accuracy_alone, occurring_kinds
from fairshot.evaluation.measured import PerPerson
from fairshot.evaluation.prepared import Prepared, Progress, as_if_unseen
from fairshot.evaluation.protocols import arrivals, pair_keys, reactions
from fairshot.evaluation.slates import Arm, fixed_source, request_of
from fairshot.replay import Replay

VARIANTS = ("frozen", "live")
SCOPES = ("among new items", "in the full catalogue")


@dataclass(frozen=True)
class Story:
    """The log in order of time, each item's records at its arrival, and what of it is judged.

    events: seq counts from 1; arrived: int64 (items,), microseconds; new: bool (items,), arrived since the split;
    judged: indices of the judged reactions, ascending.
    """

    events: EventBatch
    arrived: Array
    new: Bools
    judged: Ints
    since: int

    @classmethod
    def of(cls, prepared: Prepared) -> "Story":
        """Raises FairshotError where no reaction to a new item can be judged."""
        since, arrived = prepared.split.since, arrivals(prepared.events)
        if since is None:
            raise FairshotError("new items are judged in a split in time alone")
        told = prepared.events
        records = told.of(Kind.ITEM)
        at = _moved(told, records, arrived)
        order = np.lexsort((~records, at))
        events = replace(told.where(order), seq=np.arange(1, len(told) + 1), at=at[order])
        new = (arrived >= since) & np.isin(np.arange(len(arrived)), told.item[records])
        later = reactions(events)
        _, first = np.unique(pair_keys(events, later), return_index=True)
        later = later[np.sort(first)]
        known = np.isin(events.user[later], prepared.people)
        judged = later[known & new[events.item[later]] & (arrived[events.item[later]] < events.at[later])]
        if len(judged) == 0:
            raise FairshotError("no reaction to an item that arrived after the training part can be judged")
        return cls(events, arrived, new, judged, since)

    def known(self, variant: str) -> EventBatch:
        """What a variant may know of the log at all: live everything, frozen no feedback since the split."""
        if variant == "live":
            return self.events
        return self.events.where((self.events.at < self.since) | self.events.of(Kind.ITEM, Kind.CREATOR, Kind.USER))


def _moved(events: EventBatch, records: Bools, arrived: Array) -> Array:
    """When each event is told: an item's first record at its arrival, people and creators at once."""
    first = np.flatnonzero(records)
    _, place = np.unique(events.item[first], return_index=True)
    at = np.where(events.of(Kind.CREATOR, Kind.USER), 0, events.at)
    at[first[place]] = arrived[events.item[first[place]]]
    return at


@dataclass(frozen=True, slots=True)
class Moment:
    """One judged reaction: who, which item, when; met: item rows that the person had reacted to before."""

    user: int
    item: int
    at: int
    met: Array


def new_items(app: App, prepared: Prepared, k: int, report: Progress) -> tuple[int, dict[str, PerPerson]]:
    """Recall@k of new items for the pipeline and its peers: how many people, and each arm's figures of each person.

    Arms are named "<arm>, frozen" and "<arm>, live".
    """
    story = Story.of(prepared)
    people, index = np.unique(story.events.user[story.judged], return_inverse=True)
    values: dict[str, PerPerson] = {}
    for variant in VARIANTS:
        hits = _hits(app, prepared, story, variant, k, partial(report, variant))
        for arm, found in hits.items():
            each = np.bincount(index)
            values[f"{arm}, {variant}"] = {
                f"recall@{k} {scope}": np.bincount(index, found[:, n]) / each for n, scope in enumerate(SCOPES)
            }
    return len(people), values


def _hits(
    app: App, prepared: Prepared, story: Story, variant: str, k: int, report: Callable[[float], None]
) -> dict[str, Array]:
    """Which judged reactions each arm would have had within k, float (judged, scopes)."""
    events = story.known(variant)
    replay = Replay(events, app.live.folds, app.live.ids, app.config)
    before = np.searchsorted(events.at, story.events.at[story.judged], "left")
    configs = {
        "defaults": app.config,
        "accuracy alone": accuracy_alone(app.config, occurring_kinds(events, app.config)),
    }
    arms = {name: Arm(config, prepared.snapshot) for name, config in configs.items()}
    running = Running(events, story)
    # The walk writes the vectors of what arrives into its models.
    artifacts = deepcopy(prepared.fitted).artifacts("evaluation")
    hits: dict[str, list[list[bool]]] = {}
    for number, (moment, stop) in enumerate(zip(_moments(story), before.tolist(), strict=True)):
        if number % 50 == 0:
            report(number / len(story.judged))
        snapshot = replay.at(int(events.seq[stop - 1]))
        snapshot = as_if_unseen(replay.swap(artifacts) if number == 0 else snapshot)
        running.upto(stop)
        slates = {name: _slates(arm, arm.seen(snapshot), moment, story, k) for name, arm in arms.items()}
        slates |= running.slates(moment, k)
        for name, pair in slates.items():
            hits.setdefault(name, []).append([bool((slate == moment.item).any()) for slate in pair])
    return {name: np.array(found, dtype=np.float64) for name, found in hits.items()}


def _moments(story: Story) -> Iterator[Moment]:
    events, told = story.events, reactions(story.events)
    met: dict[int, list[int]] = {}
    place = 0
    for index in story.judged.tolist():
        while place < len(told) and events.at[told[place]] < events.at[index]:
            met.setdefault(int(events.user[told[place]]), []).append(int(events.item[told[place]]))
            place += 1
        user = int(events.user[index])
        yield Moment(user, int(events.item[index]), int(events.at[index]), np.array(met.get(user, ()), np.int32))


def _slates(arm: Arm, snapshot: Snapshot, moment: Moment, story: Story, k: int) -> list[Array]:
    """The pipeline's slates: of all new items that arrived, and of what its own sources bring."""
    request = replace(request_of(snapshot, moment.user, k, moment.at), exclude=moment.met)
    arrived = np.flatnonzero(story.new & (story.arrived < moment.at))
    among_new = replace(arm.pipeline, sources=(fixed_source(arrived),))
    return [pipeline(Context(request, snapshot)).rows for pipeline in (among_new, arm.pipeline)]


class Running:
    """Plain peers with the same information: how often items were reacted to so far, and when they arrived."""

    def __init__(self, events: EventBatch, story: Story) -> None:
        self._events, self._story = events, story
        self._done = 0
        self._told = np.zeros(len(events), dtype=bool)
        self._told[reactions(events)] = True
        self._counts, self._late = np.zeros((2, len(story.arrived)))
        self._lot = stream("evaluation", "ties").random(len(story.arrived))

    def upto(self, stop: int) -> None:
        """Take in the events before a place."""
        index = np.flatnonzero(self._told[self._done : stop]) + self._done
        np.add.at(self._counts, self._events.item[index], 1)
        late = index[self._events.at[index] >= self._story.since]
        np.add.at(self._late, self._events.item[late], 1)
        self._done = stop

    def slates(self, moment: Moment, k: int) -> dict[str, list[Array]]:
        """Popularity over all time and over the held-out time so far, and the newest first; ties by lot."""
        there = self._story.arrived < moment.at
        there[moment.met] = False
        keys = {
            "popularity": self._counts,
            "popularity since the split": self._late,
            "recency": self._story.arrived.astype(np.float64),
        }
        scopes = [np.flatnonzero(there & self._story.new), np.flatnonzero(there)]
        return {name: [self._best(rows, key, k) for rows in scopes] for name, key in keys.items()}

    def _best(self, rows: Ints, key: Array, k: int) -> Array:
        values = key[rows]
        if len(rows) > k:
            rows = rows[values >= np.partition(values, -k)[-k]]
        best: Array = rows[np.lexsort((self._lot[rows], -key[rows]))[:k]]
        return best
