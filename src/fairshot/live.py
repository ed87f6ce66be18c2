"""The live state: one thread owns it, folds each committed batch into it, and hands out snapshots."""

import hashlib
import json
from collections.abc import Mapping

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Bools, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.ids import Ids
from fairshot.core.snapshot import UNTRAINED, Artifacts, Snapshot, Vectors
from fairshot.core.tables import State, views
from fairshot.decisions.history import put_into_service
from fairshot.replay import place
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
        came = self._encode(batch)
        self.snapshot = self._snapshot()
        place(self.snapshot, came, len(self.ids.items))

    def swap(self, artifacts: Artifacts) -> None:
        """Serve other models from now on; items that came since they were trained get their vectors."""
        self._artifacts = artifacts
        vectors = artifacts.vectors
        rows = np.empty(0, np.int32)
        if vectors is not None:
            vectors.grow(self.ids.sizes().items)
            rows = encode_lacking(vectors, self.recorded(), self.log)
        self.snapshot = self._snapshot()
        place(self.snapshot, rows, len(self.ids.items))

    def recorded(self) -> Bools:
        """Which items have a record: bool (items,), a copy."""
        known: Bools = self._views["items"]["record"] > 0
        return known

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
        """Give items that the models never met a vector from what their records say; returns these items."""
        vectors = self._artifacts.vectors
        if vectors is None:
            return np.empty(0, np.int32)
        # Every known item has a row, whatever it is known by: a replay of the log must find as many.
        vectors.grow(self.ids.sizes().items)
        items = batch.where(batch.of(Kind.ITEM))
        items = items.where(vectors.untrained(items.item))
        vectors.encode(items.item, [record or {} for record in items.data])
        return items.item


def encode_lacking(vectors: Vectors, known: Bools, log: Log) -> Rows:
    """Give items with a record, but without a vector, the one that their record tells; returns all that need it.

    known: bool (items,), which have a record. What was done before, beside the traffic, is not done again.
    """
    vectors.grow(len(known))
    lacking = vectors.lacking(known)
    rows = lacking[~vectors.items[lacking].any(axis=1)]
    for start in range(0, len(rows), 10_000):
        records = log.records("items", rows[start : start + 10_000].tolist())
        vectors.encode(np.fromiter(records, np.int32, len(records)), list(records.values()))
    return lacking


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
    return hashlib.sha256(json.dumps([shape, kinds], sort_keys=True).encode()).hexdigest()[:16]
