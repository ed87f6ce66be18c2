"""The causal layer's units from a log: each sampled slate is looked at once more as it was when it was served."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Bools, Ints, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.ids import Ids
from fairshot.core.randomness import stream
from fairshot.core.request import Context
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import Artifacts
from fairshot.decisions.off_policy import BY_LOT
from fairshot.learning.attribution import LEAST_SECONDS
from fairshot.learning.causal import CausalUnits
from fairshot.learning.causal_units import Answers, SlatePool, inputs_of, pool_of, units_of
from fairshot.pipeline.engine import Pipeline
from fairshot.replay import Replay
from fairshot.state import Fold


@dataclass(frozen=True)
class CausalLog:
    """What looking back needs of the application.

    models: the artifacts of a version, loaded anew for each call, for a replay writes into them; slates whose
    version is gone or damaged are left out, and so are those of people who asked not to be profiled.
    """

    config: Config
    folds: Mapping[str, Fold]
    pipeline: Pipeline
    ids: Ids
    models: Callable[[str | None], Artifacts]

    def units(self, events: EventBatch, slates: Iterable[LoggedSlate], most: int = 4000) -> CausalUnits:
        """The units of at most so many slates, in the order of the log; events: the log from its beginning.

        Slates in which a lot was drawn come first: by lot too, so that nothing is chosen by it.
        """
        replay = Replay(events, self.folds, self.ids, self.config)
        found = list(self._pools(replay, events, _sample(slates, most)))
        if not found:
            return units_of((), (), Answers.of(events, self.config.kinds))
        names = found[-1][0]
        last = replay.at(int(events.seq[-1]))
        # Another version may have had other columns; those of the newest are what will be served.
        return units_of(
            names,
            [pool for columns, pool in found if columns == names],
            Answers.of(events, self.config.kinds, last.weights),
        )

    def _pools(
        self, replay: Replay, events: EventBatch, slates: list[LoggedSlate]
    ) -> Iterator[tuple[tuple[str, ...], SlatePool]]:
        """The names of columns and the pool of each slate that the replay gives again."""
        reported = self._reports(events)
        version: str | None = None
        snapshot = replay.at(0)
        for logged in slates:
            snapshot = replay.at(logged.seq)
            if logged.snapshot != version:
                version = logged.snapshot
                snapshot = replay.swap(self.models(version))
            if snapshot.artifacts.missing:
                continue
            found = self.pipeline.distribution(Context(replay.request_of(logged), snapshot))
            pool = pool_of(logged, found, None if reported is None else _seen(logged, reported))
            if pool is not None:
                yield inputs_of(found[0]), pool

    def _reports(self, events: EventBatch) -> Answers | None:
        """What clients reported as seen, as answers of one kind to a place; None where all that was sent counts."""
        if self.config.impressions.mode == "served":
            return None
        told = events.where(events.of(Kind.IMPRESSION) & (events.item >= 0) & (events.user >= 0))
        told = told.where(~(told.value < LEAST_SECONDS))
        window = self.config.kinds.windows.max(keepdims=True)
        kind, place = np.zeros(len(told), np.int8), _place(told.item, told.position)
        return Answers(told.user, place, told.at, kind, np.ones(1), window, int(events.at.max()))


def _seen(logged: LoggedSlate, reported: Answers) -> Bools:
    """Which positions were reported, where told with their position or, lacking an exposure token, without."""
    k = len(logged.rows)
    person, at, position = np.full(k, logged.user), np.full(k, logged.at), np.arange(1, k + 1)
    exact, unplaced = (
        reported.outcome(person, _place(logged.rows, place), at) > 0 for place in (position, np.zeros(k, np.int64))
    )
    return np.asarray(exact | unplaced)


def _place(item: Rows, position: Ints) -> Ints:
    """An item at a position, as one number."""
    return item.astype(np.int64) * 32_768 + position


def _sample(slates: Iterable[LoggedSlate], most: int) -> list[LoggedSlate]:
    """At most so many slates that can be looked at again, those with lots first, in the order of the log."""
    own = [slate for slate in slates if slate.mode == "personal" and slate.snapshot is not None]
    if len(own) > most:
        chance = stream("causal", "slates").random(len(own))
        lots = np.array([slate.propensity.min(initial=1.0) < BY_LOT for slate in own])
        chosen = np.sort(np.lexsort((chance, ~lots))[:most])
        own = [own[n] for n in chosen.tolist()]
    return own
