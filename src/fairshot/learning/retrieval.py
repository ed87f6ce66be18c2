"""Retrieval: two small towers, taught to order items as the ranker does, so that a search finds what it would choose.

The value that the engine gives to an item for a person is approached by an inner product q_u . t_i. The vectors of
items are computed once and indexed; the query is computed from the person's history at the time of the request.
Source: Tang and Wang, "Ranking Distillation", KDD 2018 (a small model taught by the order of a large one); Yi et al.,
"Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019 (two towers, sampled).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows, lengthened
from fairshot.core.person import Person
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.learning.nearest import VectorSearch
from fairshot.learning.towers import Tower
from fairshot.pipeline.engine import Pipeline

BLOCK = 20_000
"""Items that are described at once: bounds the memory that a large catalogue takes."""


@dataclass(slots=True)
class RetrievalModel:
    """The towers and the items' vectors.

    pipeline: whose ranker was the teacher; towers: of the person and of the item; columns: what of the pipeline's
    description the item tower reads; labels: float32 (l, d), the mean direction of each label's items; at:
    microseconds, the time as of which items are described; items: float32 (n, r), appended to by `place`.
    """

    pipeline: Pipeline
    towers: tuple[Tower, Tower]
    columns: tuple[str, ...]
    labels: Floats
    at: int
    items: Floats
    index: Array | None = None
    _nearest: VectorSearch = field(init=False, repr=False)
    _room: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the vectors searchable."""
        self._room = self.items
        self._nearest = VectorSearch(self, self.index)

    def indexed(self, index: Array | None) -> Self:
        """The same model, searched by an index of its items' vectors."""
        return replace(self, index=index)

    def query(self, person: Person) -> Floats | None:
        """The person's vector, float32 (r,); None where nothing is known of them."""
        inputs = person_inputs(person, self.labels)
        return None if inputs is None else self.towers[0](inputs[None])[0]

    def search(self, person: Person, k: int, eligible: Rows | None = None) -> Rows:
        """At most k rows, highest q_u . t_i first; only `eligible` ones where given."""
        query = self.query(person)
        if query is None:
            return np.empty(0, dtype=np.int32)
        (rows,) = self._nearest.search(query[None], k, eligible)
        return rows

    def place(self, snapshot: Snapshot, rows: Array) -> None:
        """Give items, ascending, their vectors by what the snapshot knows of them; rows grow up to the last."""
        self.items, self._room = lengthened(self.items, self._room, int(rows.max(initial=-1)) + 1)
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK].astype(np.int32)
            self.items[part] = self.towers[1](self.inputs(snapshot, part))

    def inputs(self, snapshot: Snapshot, rows: Rows) -> Floats:
        """The item tower's inputs, float32 (n, f)."""
        described = item_inputs(self.pipeline, snapshot, rows, self.at)
        return item_matrix(described, self.columns, snapshot, rows, self.labels)

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        tensors: dict[str, Array] = {"items": self.items, "labels": self.labels}
        for name, tower in zip(("person", "item"), self.towers, strict=True):
            tensors |= tower.dump(name)
        if self.index is not None:
            tensors["index"] = self.index
        return tensors, {"columns": list(self.columns), "at": self.at}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any], pipeline: Pipeline) -> Self:
        """The model from what `dump` gave."""
        towers = (Tower.load("person", tensors), Tower.load("item", tensors))
        columns, index = tuple(description["columns"]), tensors.get("index")
        return cls(pipeline, towers, columns, tensors["labels"], description["at"], tensors["items"], index)


def item_inputs(pipeline: Pipeline, snapshot: Snapshot, rows: Rows, at: int) -> dict[str, Floats]:
    """What the pipeline says of items to nobody in particular: every number it computes, the value included."""
    nobody = Request(id="retrieval", user="", row=-1, limit=1, now=at, profile=False)
    described = pipeline.value_of(Context(nobody, snapshot), rows)
    return {name: column for name, column in described.columns.items() if column.dtype.kind == "f"}


def item_matrix(
    described: Mapping[str, Floats], columns: Sequence[str], snapshot: Snapshot, rows: Rows, labels: Floats
) -> Floats:
    """The item tower's inputs, float32 (n, f): vector, direction, length, its label's direction, named columns.

    A column that the pipeline does not compute any more is zero.
    """
    vectors = snapshot.artifacts.need("vectors").items[rows]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    label = snapshot.items["label"][rows]
    known = (label >= 0) & (label < len(labels))
    told = np.where(known[:, None], labels[np.where(known, label, 0)] if len(labels) else 0, 0)
    nothing = np.zeros(len(rows), np.float32)
    stated = [described.get(name, nothing)[:, None] for name in columns]
    parts = [vectors, vectors / np.maximum(length, 1e-9), length, np.broadcast_to(told, vectors.shape), *stated]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def person_inputs(person: Person, labels: Floats) -> Floats | None:
    """The person tower's inputs, float32 (g,): vector, direction, session, labels' mean direction, lengths.

    None where the person has no vector.
    """
    vector, session = person.vector, person.session_vector
    if vector is None:
        return None
    nothing = np.zeros_like(vector)
    length = float(np.linalg.norm(vector))
    liked = person.liked["item"]
    label = person.snapshot.items["label"][liked]
    label = label[(label >= 0) & (label < len(labels))]
    mix = labels[label].sum(axis=0) / len(liked) if len(label) else nothing
    sizes = np.array([length, np.log1p(len(liked)), session is not None], np.float32)
    parts = [vector, vector / max(length, 1e-9), nothing if session is None else session, mix, sizes]
    return np.concatenate(parts, dtype=np.float32)


def alike(width: int) -> tuple[Ints, Ints]:
    """The columns of `person_inputs` and of `item_matrix` that hold vectors of the items' space, int (b, d) each."""
    columns = np.arange(width)
    return columns + width * np.arange(4)[:, None], columns + np.array([0, width, 2 * width + 1])[:, None]


def label_directions(snapshot: Snapshot) -> Floats:
    """The mean direction of each label's items, float32 (l, d)."""
    vectors = snapshot.artifacts.need("vectors").items
    vectors = vectors[: len(snapshot.ids.items)]
    label = snapshot.items["label"][: len(vectors)]
    sums = np.zeros((len(snapshot.ids.labels), vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(vectors), BLOCK):
        part, own = vectors[start : start + BLOCK], label[start : start + BLOCK]
        stated = own >= 0
        directions = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9)
        np.add.at(sums, own[stated], directions[stated])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    directions_of_labels: Floats = sums / np.maximum(lengths, 1e-9)
    return directions_of_labels
