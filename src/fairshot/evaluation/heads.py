"""Heads: how true the predicted probabilities of each kind of feedback are on what was held out."""

from collections.abc import Mapping

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints
from fairshot.core.candidates import Candidates
from fairshot.core.events import EventBatch
from fairshot.evaluation.measured import Measured, interval, resamples
from fairshot.learning.metrics import auc, calibration_error

DRAWS = 200


class Heads:
    """Gathers what was predicted of every candidate and whether it came true, then judges each head.

    The candidates are all that sources bring and filters pass, none left out and none weighted; a candidate is
    positive for a kind where the held-out part has that reaction of that person to it.
    """

    def __init__(self, events: EventBatch, held: Ints, kinds: Mapping[int, str]) -> None:
        """held: indices of the held-out reactions; kinds: the heads, code to name."""
        self.kinds = kinds
        self._answers: dict[int, tuple[Array, Array]] = {}
        order = held[np.argsort(events.user[held], kind="stable")]
        people, starts = np.unique(events.user[order], return_index=True)
        for person, part in zip(people.tolist(), np.split(order, starts[1:]), strict=True):
            self._answers[person] = (events.item[part], events.action[part])
        self._people: list[int] = []
        self._predicted: dict[int, list[Array]] = {code: [] for code in kinds}
        self._truth: dict[int, list[Array]] = {code: [] for code in kinds}

    def __call__(self, row: int, batch: Candidates) -> None:
        """Take one person's described candidates in."""
        items, actions = self._answers.get(row, (np.empty(0, np.int32), np.empty(0, np.int8)))
        self._people.append(len(batch))
        for code, name in self.kinds.items():
            self._predicted[code].append(batch[f"p_{name}"].astype(np.float32))
            self._truth[code].append(np.isin(batch.rows, items[actions == code]))

    def figures(self, arm: str) -> list[Measured]:
        """AUC and expected calibration error of each head with anything to find, intervals over people."""
        found: list[Measured] = []
        person = np.repeat(np.arange(len(self._people)), self._people)
        for code, name in self.kinds.items():
            truth = np.concatenate(self._truth[code]).astype(np.float64)
            predicted = np.concatenate(self._predicted[code])
            if not 0 < truth.sum() < len(truth):
                continue
            even = np.ones(len(truth))
            low, high = interval(_auc_draws(truth, predicted, person), len(self._people))
            found.append(Measured(arm, f"AUC of {name}", auc(truth, predicted, even), low, high))
            found.append(Measured(arm, f"calibration error of {name}", calibration_error(truth, predicted, even)))
        return found


def _auc_draws(truth: Floats, predicted: Floats, person: Ints) -> Array:
    """The AUC of each bootstrap over people (draws,): ranks are found once, only weights change."""
    order = np.argsort(predicted, kind="stable")
    positive, owner = truth[order], person[order]
    ends = np.flatnonzero(np.r_[predicted[order][1:] != predicted[order][:-1], True])
    found = []
    for weight in resamples(int(person.max()) + 1, DRAWS):
        mass = weight[owner]
        hits = np.diff(np.cumsum(mass * positive)[ends], prepend=0.0)
        misses = np.diff(np.cumsum(mass * (1 - positive))[ends], prepend=0.0)
        below = np.cumsum(misses) - misses
        found.append((hits * (below + misses / 2)).sum() / max(hits.sum() * misses.sum(), 1e-9))
    return np.array(found)
