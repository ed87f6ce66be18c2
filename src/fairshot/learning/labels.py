"""Labels: what an item probably is, learned from the labels that experts gave to others of its catalogue.

A ridge regression, one against the rest, over the words and the shared content embedding, solved in its kernel form;
what it scores an item that it has not seen becomes a probability by logistic regression, with the label's frequency
and whether its own name stands in the text. Both are fitted on scores that leave the scored item out, in closed form.
Sources: Rifkin and Lippert, "Notes on regularized least squares", MIT CSAIL-TR-2007-025, for leaving one out; Platt,
"Probabilistic outputs for support vector machines", 1999, for the probabilities; their pooling over labels and the
use of names are ours.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from fairshot.core.arrays import Array, Floats, Rows, marked
from fairshot.core.errors import CorruptArtifactError
from fairshot.core.ids import Vocabulary
from fairshot.core.predicted_labels import PredictedLabels
from fairshot.core.randomness import stream
from fairshot.learning.content import ContentEncoder
from fairshot.learning.inverse import inverse_of
from fairshot.learning.label_features import LabelReader, learned_reader, plain_text
from fairshot.learning.label_thresholds import chosen_thresholds

RECORDS = 3000
"""Labelled records that are learned from, at most; the cost grows with the cube."""
LABELS = 256
"""Labels that are learned, at most, the most frequent."""
LEAST = 3
"""Records that must bear a label for it to be learned."""
PENALTIES = (0.5, 1.5, 4.5)
"""Ridges among which the one with the least squared error, leaving one out, is taken."""
FLOOR = 1e-3
"""Scores below it are all alike."""
AT_ONCE = 1000
"""Records that are read at once, which bounds memory."""
TENSORS = ("rows", "of_words", "of_rest", "prior", "calibration", "thresholds")
_NAME = re.compile(r"[^\W_]{2,}")


@dataclass(frozen=True, slots=True)
class LabelsModel:
    """Predicts L labels.

    names, rows: of the labels, int32 (L,); reader: gives the features of a record; of_words: float32 (w, L), of_rest:
    float32 (d, L) and prior: float32 (L,), so that a score is prior + words @ of_words + dense @ of_rest; calibration:
    float64 (7,), of the logistic regression; thresholds: float64 (L,), the probability from which a label is given.
    """

    names: tuple[str, ...]
    reader: LabelReader
    rows: Rows
    of_words: Floats
    of_rest: Floats
    prior: Floats
    calibration: Floats
    thresholds: Floats

    def probabilities(self, records: Sequence[Mapping[str, Any]]) -> Floats:
        """The probability of each label, float64 (n, L); 0 throughout where nothing can be read in the record."""
        found = np.zeros((len(records), len(self.names)))
        for start in range(0, len(records), AT_ONCE):
            part = records[start : start + AT_ONCE]
            features = self.reader.read(part)
            score = self.prior + features.words @ self.of_words + features.dense @ self.of_rest
            evidence = _evidence(score, self.prior, _named(self.names, part))
            found[start : start + AT_ONCE] = _probability(evidence, self.calibration) * features.readable[:, None]
        return found

    def predict(self, records: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, float]]]:
        """For each record its labels with their probabilities, the likeliest first; none where it cannot be read."""
        result = []
        for row in self.probabilities(records):
            order = np.argsort(-row, kind="stable")
            given = order[row[order] >= self.thresholds[order]]
            result.append([(self.names[label], float(row[label])) for label in given.tolist() if row[label] > 0])
        return result

    def first(self, records: Sequence[Mapping[str, Any]]) -> tuple[Rows, Floats]:
        """The row of each record's likeliest label, int32 (n,), -1 for none, and its probability, 0 then."""
        probability = self.probabilities(records)
        given = np.where(probability >= self.thresholds, probability, 0.0)
        best, confidence = given.argmax(axis=1), given.max(axis=1)
        return np.where(confidence > 0, self.rows[best], -1).astype(np.int32), confidence.astype(np.float32)

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        return {**{name: getattr(self, name) for name in TENSORS}, **self.reader.dump()}, {"names": list(self.names)}

    @classmethod
    def load(
        cls, tensors: Mapping[str, Array], description: Mapping[str, Any], encoder: ContentEncoder
    ) -> "LabelsModel":
        """The model from what `dump` gave, with the content encoder of its version."""
        own = {name: tensors[name] for name in TENSORS}
        return cls(names=tuple(description["names"]), reader=LabelReader.load(tensors, encoder), **own)


def fit_labels(records: Sequence[Mapping[str, Any]], encoder: ContentEncoder, labels: Vocabulary) -> LabelsModel | None:
    """Learn from the records that bring labels; None where no label is borne by enough that can be read.

    A record's labels are complete: those that it does not bear count as wrong. Of more than `RECORDS` records as many
    are drawn by lot.
    """
    told = np.flatnonzero([bool(record.get("labels")) for record in records])
    if len(told) > RECORDS:
        told = np.sort(stream("labels", "records").choice(told, RECORDS, replace=False))
    reader = learned_reader([records[i] for i in told.tolist()], encoder)
    features = reader.read([records[i] for i in told.tolist()])
    told, features = told[features.readable], features.of(features.readable)
    borne = [frozenset(records[i]["labels"]) for i in told.tolist()]
    counts = Counter(label for own in borne for label in own)
    # What every record bears tells none apart.
    frequent = [label for label in counts if LEAST <= counts[label] < len(borne)]
    names = tuple(sorted(frequent, key=lambda label: (-counts[label], label))[:LABELS])
    if not names:
        return None
    truth = np.array([[name in own for name in names] for own in borne], dtype=np.float32)
    prior: Floats = truth.mean(axis=0)
    dual, left_out = _fit_ridge(features.gram(), truth - prior)
    evidence = _evidence(prior + left_out, prior, _named(names, [records[i] for i in told.tolist()]))
    calibration = _calibrated(evidence, truth)
    return LabelsModel(
        names,
        reader,
        np.array([labels.row(name) for name in names], dtype=np.int32),
        *features.weights(dual),
        prior,
        calibration,
        chosen_thresholds(_probability(evidence, calibration), truth),
    )


def predicted_labels(
    model: LabelsModel, rows: Rows, records: Sequence[Mapping[str, Any]], items: int
) -> PredictedLabels:
    """The labels of those of these items whose record brings none; items: how many there are."""
    bare = [number for number, record in enumerate(records) if not record.get("labels")]
    unlabelled = marked(items, rows[bare])
    result = PredictedLabels.known(unlabelled, np.full(items, -1, np.int32), np.zeros(items, np.float32), model)
    result.read(rows[bare], [records[number] for number in bare])
    return result


def load_labels(
    tensors: Mapping[str, Array], description: Mapping[str, Any], encoder: ContentEncoder | None
) -> PredictedLabels:
    """What `PredictedLabels.dump` gave; raises CorruptArtifactError where the content model is missing."""
    if encoder is None:
        raise CorruptArtifactError("labels cannot be predicted without the content model")
    model = LabelsModel.load(tensors, description, encoder)
    return PredictedLabels.known(tensors["trained"], tensors["label"], tensors["confidence"], model)


def _fit_ridge(gram: Floats, wanted: Floats) -> tuple[Floats, Floats]:
    """Dual weights A, float32 (m, L), and what would be predicted of each record without it, float32 (m, L).

    With C = (K + ridge I)^-1: A = C Y, and the latter Y_i - A_i / C_ii.
    """
    best: tuple[float, Floats, Floats] | None = None
    identity = np.eye(len(gram), dtype=np.float32)
    for penalty in PENALTIES:
        inverse = inverse_of(gram + penalty * identity)
        dual = inverse @ wanted
        residual = dual / np.diag(inverse)[:, None]
        error = float((residual.astype(np.float64) ** 2).mean())
        if best is None or error < best[0]:
            best = error, dual, wanted - residual
    assert best is not None
    return best[1].astype(np.float32), best[2]


def _named(names: Sequence[str], records: Sequence[Mapping[str, Any]]) -> Floats:
    """Whether every word of a label's name stands in a record's text, float64 (n, L)."""
    wanted = [frozenset(_NAME.findall(name.lower())) for name in names]
    result = np.zeros((len(records), len(names)))
    for index, record in enumerate(records):
        words = set(_NAME.findall(plain_text(record).lower()))
        result[index] = [bool(name) and name <= words for name in wanted]
    return result


def _evidence(score: Floats, prior: Floats, named: Floats) -> Floats:
    """What a probability is made from, float64 (n, L, 7).

    With l the logarithm of the score, f that of the label's frequency and h whether its name stands in the text:
    l, l squared, f, h, h l, h f and 1. Linear in the score alone, high probabilities come out too high.
    """
    level = np.log(np.maximum(score, FLOOR, dtype=np.float64))
    frequency = np.log(prior.astype(np.float64)) * np.ones_like(level)
    parts = [level, level**2, frequency, named, named * level, named * frequency, np.ones_like(level)]
    return np.stack(parts, axis=-1)


def _calibrated(evidence: Floats, truth: Floats) -> Floats:
    """One logistic regression over all pairs of record and label."""
    model = LogisticRegression(C=100.0, solver="newton-cholesky", fit_intercept=False, max_iter=50)
    model.fit(evidence.reshape(-1, evidence.shape[-1]), truth.ravel() > 0)
    coefficients: Floats = model.coef_[0].astype(np.float64)
    return coefficients


def _probability(evidence: Floats, calibration: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-(evidence @ calibration)))
    return result
