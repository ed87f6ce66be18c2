"""Content: what an item says of itself as a vector, so that it is usable before any feedback.

Text (title, text, labels) becomes TF-IDF, reduced by a truncated SVD; an embedding that the record brings is
used as it is. From either space a ridge regression leads into the space of the trained vectors.
Source: van den Oord, Dieleman, Schrauwen, "Deep content-based music recommendation", NeurIPS 2013 (the
regression from content to factors), with a closed form in place of the network.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from fairshot.core.arrays import Array, Floats, Ints
from fairshot.learning.fair_vectors import FairVectors

MOST_WORDS = 20_000
RIDGE = 1.0


def words(record: Mapping[str, Any]) -> str:
    """The text of a record; each label is one word of its own, whatever it holds."""
    labels = " ".join(_one_word(str(label)) for label in record.get("labels") or ())
    return f"{record.get('title') or ''} {record.get('text') or ''} {labels}"


def _one_word(label: str) -> str:
    """A label as letters and digits only, for at anything else the vectorizer would cut it."""
    plain = "_".join(label.lower().split())
    return "label_" + re.sub(r"\W", lambda sign: f"_{ord(sign[0]):x}_", plain)


@dataclass(frozen=True, slots=True)
class ContentEncoder:
    """Maps records into the space of the trained vectors, float32 (n, d).

    text: word -> column; idf (w,), components (w, t): of TF-IDF and its SVD; maps: for each content space
    (its name: "text" or the length of the embeddings) the matrix (t + 1, d), its last row the constant;
    fairness: what corrects the vectors of new items, None where nothing does.
    """

    vectorizer: TfidfVectorizer | None
    components: Floats
    maps: Mapping[str, Floats]
    width: int
    fairness: FairVectors | None = None

    def encode(self, records: Sequence[Mapping[str, Any]]) -> Floats:
        """Vectors of records; zero where a record says nothing that a map can read.

        An embedding of a length that has no map leaves its record to its words.
        """
        result = np.zeros((len(records), self.width), dtype=np.float32)
        for own, index in _spaces(records).items():
            space = own if own in self.maps else "text"
            if space in self.maps:
                content = self.content(space, [records[i] for i in index.tolist()])
                told = content.any(axis=1)
                result[index[told]] = (_with_constant(content) @ self.maps[space])[told]
        return result if self.fairness is None else self.fairness(result)

    def corrected(self, fairness: FairVectors) -> "ContentEncoder":
        """The same encoder, whose vectors are corrected for fairness among new items."""
        return replace(self, fairness=fairness)

    def content(self, space: str, records: Sequence[Mapping[str, Any]]) -> Floats:
        """The content vectors of records of one space."""
        if space != "text":
            return np.array([record["embedding"] for record in records], dtype=np.float32)
        if self.vectorizer is None:
            return np.zeros((len(records), 0), dtype=np.float32)
        tfidf = self.vectorizer.transform([words(record) for record in records])
        reduced: Floats = (tfidf @ self.components).astype(np.float32)
        return reduced

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        tensors: dict[str, Array] = {"components": self.components}
        vocabulary: list[str] = []
        if self.vectorizer is not None:
            tensors["idf"] = self.vectorizer.idf_.astype(np.float64)
            vocabulary = sorted(self.vectorizer.vocabulary_, key=self.vectorizer.vocabulary_.__getitem__)
        tensors |= {f"map.{space}": matrix for space, matrix in self.maps.items()}
        description = {"vocabulary": vocabulary, "spaces": sorted(self.maps), "width": self.width}
        if self.fairness is not None:
            arrays, numbers = self.fairness.dump()
            tensors |= {f"fairness.{name}": array for name, array in arrays.items()}
            description["fairness"] = numbers
        return tensors, description

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> "ContentEncoder":
        """The encoder from what `dump` gave."""
        vectorizer = None
        if description["vocabulary"]:
            vectorizer = _vectorizer(vocabulary={word: i for i, word in enumerate(description["vocabulary"])})
            vectorizer.idf_ = tensors["idf"]
        maps = {space: tensors[f"map.{space}"] for space in description["spaces"]}
        fairness = None
        if "fairness" in description:
            arrays = {name: tensors[f"fairness.{name}"] for name in ("matrix", "constant")}
            fairness = FairVectors.load(arrays, description["fairness"])
        return cls(vectorizer, tensors["components"], maps, description["width"], fairness)


def fit_content(
    records: Sequence[Mapping[str, Any]], vectors: Floats, evidence: Floats, dimensions: int
) -> ContentEncoder:
    """Learn the text model from all records, and each space's map from the items that have feedback.

    records: n; vectors: float32 (n, d), trained; evidence: float (n,), interactions of each item: the weight
    of its row in the regression, as log(1 + evidence).
    """
    vectorizer, components = _fit_text(records, dimensions)
    encoder = ContentEncoder(vectorizer, components, {}, vectors.shape[1])
    maps: dict[str, Floats] = {}
    # Words are learned from whoever has any, also beside an embedding: a later item may come without one.
    for space, index in {**_spaces(records), "text": np.arange(len(records))}.items():
        index = index[evidence[index] > 0]
        if len(index) < 2:
            continue
        found = encoder.content(space, [records[i] for i in index.tolist()])
        told = found.any(axis=1)
        if told.sum() < 2:
            continue
        index, content = index[told], _with_constant(found[told])
        weight = np.log1p(evidence[index]).astype(np.float32)[:, None]
        system = content.T @ (content * weight) + RIDGE * np.eye(content.shape[1], dtype=np.float32)
        maps[space] = np.linalg.solve(system, content.T @ (vectors[index] * weight)).astype(np.float32)
    return ContentEncoder(vectorizer, components, maps, vectors.shape[1])


def _fit_text(records: Sequence[Mapping[str, Any]], dimensions: int) -> tuple[TfidfVectorizer | None, Floats]:
    nothing = np.zeros((0, 0), dtype=np.float32)
    texts = [words(record) for record in records]
    vectorizer = _vectorizer(max_features=MOST_WORDS, min_df=2 if len(texts) > 50 else 1)
    try:
        tfidf = vectorizer.fit_transform(texts)
    except ValueError:  # no text at all, or no word that occurs twice
        return None, nothing
    if tfidf.shape[1] <= 2:
        return vectorizer, np.eye(tfidf.shape[1], dtype=np.float32)
    if tfidf.shape[0] <= 2:  # the records themselves span all there is
        return vectorizer, np.ascontiguousarray(tfidf.toarray().T, dtype=np.float32)
    svd = TruncatedSVD(min(dimensions, min(tfidf.shape) - 1), random_state=0)
    svd.fit(tfidf)
    return vectorizer, np.ascontiguousarray(svd.components_.T, dtype=np.float32)


def _vectorizer(**options: Any) -> TfidfVectorizer:
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options)


def _spaces(records: Sequence[Mapping[str, Any]]) -> dict[str, Ints]:
    """Which records speak in which content space."""
    names = [str(len(record["embedding"])) if record.get("embedding") else "text" for record in records]
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        found.setdefault(name, []).append(index)
    return {name: np.array(index) for name, index in found.items()}


def _with_constant(content: Floats) -> Floats:
    return np.concatenate([content, np.ones((len(content), 1), np.float32)], axis=1)
