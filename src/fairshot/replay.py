"""Replay: the log once more, in its order, so that any moment of the past can be looked at as it was.

The same folds as in serving give the state, the same encoder the vectors of items that came after training; a
feature stage asked about a replayed moment gives what it gave then. Two things come out equal only up to
rounding, because sums of floats depend on how live traffic happened to be cut into batches, which no log
tells: decayed sums (`rising`, to float64 rounding), and vectors of items that came after training (one matrix
product for each batch, to float32 rounding). Retrieval describes such items by the state as of the batch in
which they came; here, as of the last of the records that stand beside theirs in the log.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Ints, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.ids import Ids
from fairshot.core.request import Context, Request
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import UNTRAINED, Artifacts, Snapshot
from fairshot.core.tables import State, views
from fairshot.state import Fold, fold_batch


class Replay:
    """One pass over a log, forwards only; `at(seq)` stops at the state as of a number of the log.

    Every snapshot handed out shares its memory with the running state: it holds until the next call. The
    tables have a row for everybody in the log from the start; rows of those not met yet hold what new rows
    hold, so models that were fitted later can be asked too.
    """

    def __init__(self, events: EventBatch, folds: Mapping[str, Fold], ids: Ids, config: Config) -> None:
        """events: the log from its beginning, in its order; ids: the vocabularies it was read with."""
        self._events = events
        self._folds = folds
        self._done = 0
        self._seq = 0
        self._users = np.maximum.accumulate(events.user) + 1
        self._items = np.maximum.accumulate(events.item) + 1
        self._records = np.flatnonzero(events.of(Kind.ITEM))
        self._record_of = np.full(events.sizes.items, -1)
        self._states: dict[str, State] = {name: fold.empty() for name, fold in folds.items()}
        for state in self._states.values():
            state.grow(events.sizes)
        seen = views(self._states)
        self._snapshot = Snapshot(
            seq=0,
            ids=ids,
            users=seen["users"],
            items=seen["items"],
            creators=seen["creators"],
            labels=seen["labels"],
            world=seen["world"],
            feedback=config.kinds,
            impressions=config.impressions,
            trials=config.trials,
            tuning=config.tuning,
            artifacts=UNTRAINED,
        )

    def at(self, seq: int) -> Snapshot:
        """The state after all events up to and including this number, valid until the next call.

        Raises ValueError for a number before the last one asked for.
        """
        if seq < self._seq:
            raise ValueError(f"a replay runs forwards: it stands at {self._seq}, {seq} lies before")
        self._seq = seq
        end = int(np.searchsorted(self._events.seq, seq, "right"))
        for stop in self._stops(end):
            self._fold(stop)
        return self._as_of(self._snapshot.artifacts)

    def _stops(self, end: int) -> list[int]:
        """How far to fold at once: to the end, but that retrieval wants new items described as they come."""
        if end <= self._done:
            return []
        if self._snapshot.artifacts.retrieval is None:
            return [end]
        came = self._records[slice(*np.searchsorted(self._records, (self._done, end)))]
        last = came[np.append(came[1:] != came[:-1] + 1, True)] if len(came) else came
        return [*(last[last + 1 < end] + 1).tolist(), end]

    def _fold(self, stop: int) -> None:
        fold_batch(self._folds, self._states, self._events.part(self._done, stop))
        new = self._records[slice(*np.searchsorted(self._records, (self._done, stop)))]
        self._record_of[self._events.item[new]] = new
        self._done = stop
        artifacts = self._snapshot.artifacts
        read_labels(artifacts, self._events.item[new], self._told(new), self._known(self._items))
        vectors = artifacts.vectors
        if vectors is not None:
            vectors.grow(self._known(self._items))
            new = new[vectors.untrained(self._events.item[new])]
            vectors.encode(self._events.item[new], self._told(new))
            place(self._snapshot, self._events.item[new], self._known(self._items))

    def swap(self, artifacts: Artifacts) -> Snapshot:
        """Look at the same moment, and at those that follow, with these models.

        As in serving, items that came after their training get vectors and labels from their records, written into
        the models given: they must not be in use elsewhere.
        """
        self._as_of(artifacts)
        labels = artifacts.labels
        if labels is not None:
            bare = labels.lacking((self._record_of >= 0) & (self._snapshot.items["label"] < 0))
            labels.read(bare, self._told(self._record_of[bare]))
        if artifacts.vectors is not None:
            artifacts.vectors.grow(self._known(self._items))
            lacking = artifacts.vectors.lacking(self._record_of >= 0)
            artifacts.vectors.encode(lacking, self._told(self._record_of[lacking]))
            place(self._snapshot, lacking, self._known(self._items))
        return self._snapshot

    def moments(self, seqs: Ints, artifacts: Artifacts) -> Iterator[Snapshot]:
        """The snapshot as of each of these numbers, int64 (n,), ascending; each valid until the next."""
        for number, seq in enumerate(seqs.tolist()):
            self.at(seq)
            yield self.swap(artifacts) if number == 0 else self._snapshot

    def contexts(self, slates: Iterable[LoggedSlate], artifacts: Artifacts) -> Iterator[tuple[Context, LoggedSlate]]:
        """The context of each logged slate as these models would have found it, in the order of their moments.

        Several processes serve states of different age, so this need not be the order of the log.
        """
        ordered = sorted(slates, key=lambda slate: slate.seq)
        moments = self.moments(np.array([slate.seq for slate in ordered], np.int64), artifacts)
        for slate, snapshot in zip(ordered, moments, strict=True):
            yield Context(self.request_of(slate), snapshot), slate

    def request_of(self, slate: LoggedSlate) -> Request:
        """The request that a logged slate answered, as of its moment, which the replay must stand at.

        `pipeline(Context(replay.request_of(slate), replay.at(slate.seq)))` gives the very slate, where
        pipeline and models are those that served it.
        """
        rows = [self._snapshot.ids.items.row(name) for name in slate.exclude]
        return Request(
            id=slate.request,
            user=self._snapshot.ids.users.id(slate.user),
            row=slate.user if slate.user < self._known(self._users) else -1,
            limit=slate.limit,
            now=slate.at,
            surface=slate.surface,
            profile=slate.mode == "personal",
            exclude=np.array(rows, dtype=np.int32),
            context=slate.context,
        )

    def _known(self, highest: Ints) -> int:
        """How many rows the log had given out by now."""
        return int(highest[self._done - 1]) if self._done else 0

    def _as_of(self, artifacts: Artifacts) -> Snapshot:
        self._snapshot = replace(self._snapshot, seq=self._seq, artifacts=artifacts)
        return self._snapshot

    def _told(self, index: Ints) -> list[Mapping[str, Any]]:
        """The records that these events carry."""
        return [self._events.data[i] or {} for i in index.tolist()]


def place(snapshot: Snapshot, rows: Rows, known: int) -> None:
    """Let retrieval find items by what is said of them now, and all those that came since it was fitted.

    rows: the items with new vectors; known: how many items the log knew by then.
    """
    artifacts = snapshot.artifacts
    if artifacts.retrieval is not None and artifacts.vectors is not None:
        later = np.arange(len(artifacts.retrieval.items), known, dtype=np.int32)
        artifacts.retrieval.place(snapshot, np.union1d(rows, later))


def read_labels(artifacts: Artifacts, rows: Rows, records: Sequence[Mapping[str, Any]], known: int) -> None:
    """Predict a label for items whose new record brings none, but for those that were read in training.

    known: how many items the log knew by then.
    """
    labels = artifacts.labels
    if labels is not None:
        labels.grow(known)
        bare = [n for n in np.flatnonzero(~labels.fixed(rows)).tolist() if not records[n].get("labels")]
        labels.read(rows[bare], [records[n] for n in bare])
