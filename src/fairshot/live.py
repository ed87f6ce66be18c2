"""The live state: one thread owns it, folds each committed batch into it, and hands out snapshots."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Bools, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.ids import Ids
from fairshot.core.snapshot import UNTRAINED, Artifacts, Snapshot
from fairshot.core.tables import State, views
from fairshot.decisions.history import put_into_service
from fairshot.replay import place, read_labels
from fairshot.state import Fold, fold_batch
from fairshot.stores.log import Log


class Live:
    """Folds the log as it grows. Not thread-safe: the owner alone may call it."""

    def __init__(self, log: Log, ids: Ids, config: Config, folds: Mapping[str, Fold]) -> None:
        self.log = log
        self.ids = ids
        self.folds = folds
        self.seq = 0
        self.promoted: str | None = None
        """The version that the log says is in service."""
        self._kinds = config.kinds
        self._impressions = config.impressions
        self._tuning = config.tuning
        self._trials = config.trials
        self._artifacts = UNTRAINED
        self._version = -1
        self._adopt({name: fold.empty() for name, fold in folds.items()})

    def _adopt(self, states: dict[str, State]) -> None:
        self.states = states
        for state in states.values():
            state.grow(self.ids.sizes())
        self._views = views(states)
        self.snapshot = self._snapshot()

    def restore(self, states: dict[str, State], seq: int, promoted: str | None) -> None:
        """Continue from a checkpoint."""
        self.seq, self.promoted = seq, promoted
        self._adopt(states)

    def catch_up(self) -> bool:
        """Fold what was committed since; microseconds where nothing was. True where the state changed."""
        version = self.log.version()
        if version == self._version:
            return False
        before = self.seq
        for batch in self.log.batches(self.seq):
            self.apply(batch)
        self._version = version
        return self.seq != before

    def apply(self, batch: EventBatch) -> None:
        """Fold one batch of the log's next events."""
        fold_batch(self.folds, self.states, batch)
        self.seq = int(batch.seq[-1])
        for index in np.flatnonzero(batch.of(Kind.VERDICT)).tolist():
            self.promoted = put_into_service(batch.data[index] or {}) or self.promoted
        self._renew()
        came = self._encode(batch)
        place(self.snapshot, came, len(self.ids.items))

    def swap(self, artifacts: Artifacts) -> None:
        """Serve other models from now on; items that came since they were trained get their vectors and labels."""
        self._artifacts = artifacts
        if artifacts.vectors is not None:
            artifacts.vectors.grow(self.ids.sizes().items)
        rows = encode_lacking(artifacts, self.recorded(), self.log)
        self._renew()
        place(self.snapshot, rows, len(self.ids.items))

    def recorded(self) -> "Recorded":
        """What is on record as of now."""
        known: Bools = self._views["items"]["record"] > 0
        return Recorded(known, known & (self._views["items"]["label"] < 0))

    def _renew(self) -> None:
        self.snapshot.forget()
        self.snapshot = self._snapshot()

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            seq=self.seq,
            ids=self.ids,
            users=self._views["users"],
            items=self._views["items"],
            creators=self._views["creators"],
            labels=self._views["labels"],
            world=self._views["world"],
            feedback=self._kinds,
            impressions=self._impressions,
            artifacts=self._artifacts,
            tuning=self._tuning,
            trials=self._trials,
        )

    def _encode(self, batch: EventBatch) -> Rows:
        """Give items that the models never met a vector and a label from their records; returns those with a vector."""
        items = batch.where(batch.of(Kind.ITEM))
        read_labels(self._artifacts, items.item, [record or {} for record in items.data], self.ids.sizes().items)
        vectors = self._artifacts.vectors
        if vectors is None:
            return np.empty(0, np.int32)
        # Every known item has a row, whatever it is known by: a replay of the log must find as many.
        vectors.grow(self.ids.sizes().items)
        items = items.where(vectors.untrained(items.item))
        vectors.encode(items.item, [record or {} for record in items.data])
        return items.item


@dataclass(frozen=True, slots=True)
class Recorded:
    """Copies of what is on record. known: bool (items,), which have a record; unlabelled: of these, without a label."""

    known: Bools
    unlabelled: Bools


def encode_lacking(artifacts: Artifacts, recorded: Recorded, log: Log) -> Rows:
    """Give items the vector and the label that their record tells, where they lack them; returns those not trained.

    What was done before, beside the traffic, is not done again.
    """
    if artifacts.labels is not None:
        for rows, records in _records(log, artifacts.labels.lacking(recorded.unlabelled)):
            artifacts.labels.read(rows, records)
    vectors = artifacts.vectors
    if vectors is None:
        return np.empty(0, np.int32)
    vectors.grow(len(recorded.known))
    lacking = vectors.lacking(recorded.known)
    for rows, records in _records(log, lacking[~vectors.items[lacking].any(axis=1)]):
        vectors.encode(rows, records)
    return lacking


def _records(log: Log, rows: Rows) -> Iterator[tuple[Rows, list[Mapping[str, Any]]]]:
    """Items with their records, some at a time."""
    for start in range(0, len(rows), 10_000):
        found = log.records("items", rows[start : start + 10_000].tolist())
        yield np.fromiter(found, np.int32, len(found)), list(found.values())


MEANING = 2
"""Raised when a fold comes to mean something else by the same columns."""


def signature(folds: Mapping[str, Fold], config: Config) -> str:
    """Names the folds with their columns and the feedback kinds: a checkpoint of others is of no use."""
    shape = {
        name: {
            side: [sorted(map(str, state[side].columns.items())), sorted(state[side].lists)]
            for side in ("users", "items", "creators", "labels", "world")
        }
        for name, state in ((name, fold.empty()) for name, fold in folds.items())
    }
    kinds = {name: [kind.weight > 0, kind.preference, kind.like, kind.trend] for name, kind in config.feedback.items()}
    return hashlib.sha256(json.dumps([MEANING, shape, kinds], sort_keys=True).encode()).hexdigest()[:16]
