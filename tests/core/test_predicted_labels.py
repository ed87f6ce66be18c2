"""What an item is: what its record says, else what was predicted, else nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Floats, Rows
from fairshot.core.predicted_labels import PredictedLabels, category_of
from fairshot.core.snapshot import UNTRAINED


class Told:
    """Says what the record holds."""

    def predict(self, records: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, float]]]:
        return [[("a", 0.5)] for _ in records]

    def first(self, records: Sequence[Mapping[str, Any]]) -> tuple[Rows, Floats]:
        return np.array([r["row"] for r in records], np.int32), np.full(len(records), 0.5, np.float32)

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        return {}, {}


def predicted() -> PredictedLabels:
    trained = np.array([True, True, False])
    return PredictedLabels.known(trained, np.array([4, -1, -1]), np.array([0.7, 0, 0]), Told())


def snapshot(label: list[int], labels: PredictedLabels | None) -> Any:
    return SimpleNamespace(items={"label": np.array(label, np.int32)}, artifacts=replace(UNTRAINED, labels=labels))


def test_a_category_is_the_records_label_else_the_predicted_one_else_none():
    labels = predicted()
    labels.grow(5)
    labels.read(np.array([3], np.int32), [{"row": 9}])
    known = snapshot([-1, -1, 2, -1, -1, -1], labels)
    # The last row came after the models last grew.
    assert category_of(known, np.arange(6, dtype=np.int32)).tolist() == [4, -1, 2, 9, -1, -1]
    assert category_of(known, np.array([3, 0], np.int32)).tolist() == [9, 4]
    assert category_of(snapshot([-1, 3], None), np.arange(2, dtype=np.int32)).tolist() == [-1, 3]


def test_who_was_asked_is_not_asked_again():
    labels = predicted()
    unlabelled = np.array([True, True, False, True, True])
    assert labels.lacking(unlabelled).tolist() == [3, 4]
    labels.read(np.array([4], np.int32), [{"row": -1}])
    assert labels.lacking(unlabelled).tolist() == [3]
    assert labels.fixed(np.array([0, 1, 2, 3, 70])).tolist() == [True, True, False, False, False]


def test_what_came_after_the_training_is_not_stored():
    labels = predicted()
    labels.grow(200)
    labels.read(np.array([2, 150], np.int32), [{"row": 8}, {"row": 8}])
    tensors, _ = labels.dump()
    assert tensors["label"].tolist() == [4, -1, -1]
    assert tensors["confidence"].tolist() == np.array([0.7, 0, 0], np.float32).tolist()
    assert labels.label[150] == 8
