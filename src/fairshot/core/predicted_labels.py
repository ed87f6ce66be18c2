"""Predicted labels: what a new item probably is, where its record does not say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fairshot.core.arrays import Array, Bools, Floats, Ints, Rows
from fairshot.core.tables import Column, Table

if TYPE_CHECKING:
    from fairshot.core.snapshot import Snapshot


class Labeller(Protocol):
    """Reads labels from what an item says of itself."""

    def predict(self, records: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, float]]]:
        """For each record its labels with their probabilities, the likeliest first; none where it cannot be read."""
        ...

    def first(self, records: Sequence[Mapping[str, Any]]) -> tuple[Rows, Floats]:
        """The row of each record's likeliest label, int32 (n,), -1 for none, and its probability, 0 then."""
        ...

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        ...


def _columns() -> Table:
    return Table({"label": Column(np.int32, -1), "confidence": Column(np.float32), "asked": Column(np.bool_)})


@dataclass(slots=True)
class PredictedLabels:
    """The label that each item without one most likely has, kept beside the vectors and grown with them.

    trained: bool (t,), items that were asked about when the model was fitted, and stay as they are;
    labeller: what reads the records of those that come later.
    """

    trained: Bools
    labeller: Labeller
    _table: Table = field(default_factory=_columns, init=False, repr=False)

    @classmethod
    def known(cls, trained: Bools, label: Rows, confidence: Floats, labeller: Labeller) -> "PredictedLabels":
        """As they were predicted when the model was fitted: arrays (t,)."""
        result = cls(trained, labeller)
        result._table.load(len(trained), {"label": label, "confidence": confidence, "asked": trained})
        return result

    @property
    def label(self) -> Rows:
        """The row of each item's predicted label, int32 (items,), -1 for none."""
        return self._table["label"]

    @property
    def confidence(self) -> Floats:
        """The probability of that label, float32 (items,), 0 where there is none."""
        return self._table["confidence"]

    def grow(self, n: int) -> None:
        """Have at least n rows; new ones have no label until asked about."""
        self._table.grow(n)

    def fixed(self, rows: Ints) -> Bools:
        """Which of these items keep the label that they were given in training: bool (n,)."""
        result: Bools = rows < len(self.trained)
        result[result] = self.trained[rows[result]]
        return result

    def lacking(self, unlabelled: Bools) -> Rows:
        """The items without a label that were not asked about yet; unlabelled: bool (items,), records without any."""
        self.grow(len(unlabelled))
        return np.flatnonzero(unlabelled & ~self._table["asked"][: len(unlabelled)]).astype(np.int32)

    def read(self, rows: Rows, records: Sequence[Mapping[str, Any]]) -> None:
        """Give items the labels that their records suggest, in place; what cannot be read has none."""
        if len(rows):
            self._table["label"][rows], self._table["confidence"][rows] = self.labeller.first(records)
            self._table["asked"][rows] = True

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage, the labeller's among them; what came after the training is left out."""
        tensors, description = self.labeller.dump()
        for name in ("label", "confidence"):
            tensors[name] = self._table[name][: len(self.trained)].copy()
            tensors[name][~self.trained] = self._table.columns[name].fill
        return {**tensors, "trained": self.trained}, description


def category_of(snapshot: "Snapshot", rows: Rows) -> Rows:
    """What these items are, int32 (n,): the row of the record's first label, else of the predicted one, else -1."""
    found: Rows = snapshot.items["label"][rows].copy()
    predicted = snapshot.artifacts.labels
    if predicted is not None:
        bare = np.flatnonzero(found < 0)
        inside = bare[rows[bare] < len(predicted.label)]
        found[inside] = predicted.label[rows[inside]]
    return found
