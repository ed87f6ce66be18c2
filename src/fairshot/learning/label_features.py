"""What a labeller reads in a record: its words, the shared embedding of its text, and an embedding that it brings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import csr_array

from fairshot.core.arrays import Array, Bools, Floats
from fairshot.learning.content import ContentEncoder, words

Sparse: TypeAlias = Any
"""A sparse matrix of SciPy, whose types do not say that products are matrices too."""
SHARED = 0.5
"""How much the shared embedding of text counts beside the words themselves."""
_CENTRE = "centre."


def plain_text(record: Mapping[str, Any]) -> str:
    """The text of a record without its labels, which are what is to be found out."""
    return words({"title": record.get("title"), "text": record.get("text")})


@dataclass(frozen=True, slots=True)
class Features:
    """Features of n records. words: TF-IDF, sparse (n, w); dense: embeddings, float32 (n, d).

    Each of the parts is of length one in a record that has it, and zero in one that has not.
    """

    words: Sparse
    dense: Floats

    @property
    def readable(self) -> Bools:
        """Which records say anything at all: bool (n,)."""
        result: Bools = (np.diff(self.words.indptr) > 0) | self.dense.any(axis=1)
        return result

    def gram(self) -> Floats:
        """Inner products of all pairs of records, float32 (n, n)."""
        result: Floats = (self.words @ self.words.T).toarray() + self.dense @ self.dense.T
        return result.astype(np.float32, copy=False)

    def weights(self, dual: Floats) -> tuple[Floats, Floats]:
        """What weighs the features as `dual`, (n, L), weighs these records: of words (w, L) and of the rest (d, L)."""
        return np.ascontiguousarray(self.words.T @ dual), np.ascontiguousarray(self.dense.T @ dual)

    def of(self, rows: Array) -> "Features":
        """Those of some of the records."""
        return Features(self.words[rows], self.dense[rows])


@dataclass(frozen=True, slots=True)
class LabelReader:
    """Reads features. encoder: the content model; centre: for each length of embeddings their mean, float32 (length,).

    Embeddings that records bring count less that mean, which all of a kind share and which tells nothing apart.
    """

    encoder: ContentEncoder
    centre: Mapping[str, Floats]

    def read(self, records: Sequence[Mapping[str, Any]]) -> Features:
        """The features of records; an embedding of a length that was never learned from says nothing."""
        model = self.encoder.vectorizer
        if model is None or not records:
            width = 0 if model is None else len(model.vocabulary_)
            table: Sparse = csr_array((len(records), width), dtype=np.float32)
            shared: Floats = np.zeros((len(records), self.encoder.components.shape[1]), dtype=np.float32)
        else:
            table = csr_array(model.transform([plain_text(record) for record in records]))
            shared = (table @ self.encoder.components).astype(np.float32)
        parts = [np.float32(SHARED**0.5) * _of_length_one(shared)]
        parts += [_of_length_one(_embeddings(records, length, mean)) for length, mean in sorted(self.centre.items())]
        return Features(table, np.concatenate(parts, axis=1, dtype=np.float32))

    def dump(self) -> dict[str, Array]:
        """Tensors for storage; the encoder is stored by itself."""
        return {_CENTRE + length: mean for length, mean in self.centre.items()}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], encoder: ContentEncoder) -> "LabelReader":
        """The reader from what `dump` gave and the encoder of its version."""
        means = {name.removeprefix(_CENTRE): tensors[name] for name in tensors if name.startswith(_CENTRE)}
        return cls(encoder, means)


def learned_reader(records: Sequence[Mapping[str, Any]], encoder: ContentEncoder) -> LabelReader:
    """The reader for records like these."""
    found: dict[str, list[Any]] = {}
    for record in records:
        if record.get("embedding"):
            found.setdefault(str(len(record["embedding"])), []).append(record["embedding"])
    means = {length: np.array(table, dtype=np.float64).mean(axis=0) for length, table in found.items()}
    return LabelReader(encoder, {length: mean.astype(np.float32) for length, mean in means.items()})


def _embeddings(records: Sequence[Mapping[str, Any]], length: str, mean: Floats) -> Floats:
    table = np.zeros((len(records), len(mean)), dtype=np.float32)
    for index, record in enumerate(records):
        own = record.get("embedding")
        if own and str(len(own)) == length:
            table[index] = np.asarray(own, dtype=np.float32) - mean
    return table


def _of_length_one(table: Floats) -> Floats:
    length = np.linalg.norm(table, axis=1, keepdims=True)
    result: Floats = table / np.where(length > 0, length, 1)
    return result
