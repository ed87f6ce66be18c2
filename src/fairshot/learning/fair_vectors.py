"""Fair vectors: what content tells of new items, corrected so that no item's admirers are all scored low.

Scale and Gen (`fairshot.learning.fair_scores`) correct an item's scores for all people. Where scores are inner products
of vectors, r_i = P e_i, an affine correction of scores is one of vectors: it is learned once, on items whose admirers
are known, and then costs a new item one small product, for people who come later as well.
Source: Zhu, Kim, Nguyen, Fenton, Caverlee, SIGIR 2021 (targets); Meehan and Pauwels, RecSys 2025 (lengths); that the
correction is found in the space of vectors, by least squares, is fairshot's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import csr_matrix

from fairshot.algorithms.fold_in import fold_in
from fairshot.algorithms.scale import scale_targets
from fairshot.core.arrays import Array, Bools, Floats
from fairshot.core.randomness import stream

Method = Literal["none", "scale", "gen", "magnitude"]
MOST_ITEMS, MOST_PEOPLE = 3000, 3000
"""Warm items and people that the correction is learned from, at most."""
PULL = 1.0
"""How strongly the correction is drawn to none, in units of the items' mean square on each axis."""
STEADY = 0.01
"""How strongly axes of people are drawn to no change, in units of their mean square: along one on which people hardly
differ any change of scores asks for vectors without bound, whose direction then says nothing."""
LEAST = 0.05
"""What Scale takes the lowest score for, in units of the scores' range."""
EPOCHS, SAMPLES = 30, 300
"""Of Gen, which starts at the identity and so needs no epochs to learn to copy the scores."""


@dataclass(frozen=True, slots=True)
class FairVectors:
    """e' = (e (|e| / length)^-power) A + b: matrix A (d, d), constant b (d,), float32."""

    matrix: Floats
    constant: Floats
    length: float = 1.0
    power: float = 0.0

    def __call__(self, vectors: Floats) -> Floats:
        """Corrected vectors, float32 (n, d); zero ones, of which nothing is told, stay zero."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        told = lengths[:, 0] > 0
        tempered = vectors * np.where(lengths > 0, lengths / self.length, 1.0) ** -self.power
        moved: Floats = (tempered @ self.matrix + self.constant).astype(np.float32)
        moved[~told] = 0
        return moved

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        return {"matrix": self.matrix, "constant": self.constant}, {"length": self.length, "power": self.power}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> Self:
        """The correction from what `dump` gave."""
        return cls(tensors["matrix"], tensors["constant"], description["length"], description["power"])


def unchanged(width: int) -> FairVectors:
    """The correction that changes nothing."""
    return FairVectors(np.eye(width, dtype=np.float32), np.zeros(width, np.float32))


def fit_fair_vectors(
    told: Floats, people: Floats, liked: csr_matrix, *, method: Method, strength: float
) -> FairVectors:
    """Learn the correction on items whose admirers are known.

    Formula (scale, gen): minimise |[e 1] M P^T - targets|^2 + pull |M - I|^2 over affine M; targets are those of
    `algorithms.scale` at this strength, or what Gen makes of the scores with its discrepancy weighed so. magnitude:
    power = strength.
    told: float32 (n, d), what content tells of the items; people: float32 (p, d); liked: sparse (n, p), non-zero
    where a person likes an item. Items without admirers or content are left out; strength 0 and fewer than two items
    change nothing. Raises ValueError for a strength that the method does not know.
    """
    width = told.shape[1]
    lengths = np.linalg.norm(told, axis=1)
    if method == "none" or strength == 0 or not lengths.any():
        return unchanged(width)
    if method == "magnitude":
        if not 0 <= strength <= 1:
            raise ValueError(f"the strength of magnitude lies within [0, 1], not {strength}")
        none = unchanged(width)
        return FairVectors(none.matrix, none.constant, float(lengths[lengths > 0].mean()), strength)
    rng = stream("fair vectors")
    rows = _drawn(liked.getnnz(axis=0) > 0, MOST_PEOPLE, rng)
    people, liked = people[rows], csr_matrix(liked)[:, rows]
    kept = _drawn((liked.getnnz(axis=1) > 0) & (lengths > 0), MOST_ITEMS, rng)
    if len(kept) < 2:
        return unchanged(width)
    items = told[kept]
    scores, likes = (items @ people.T).astype(np.float64), liked[kept].toarray() != 0
    if np.ptp(scores) <= 1e-6 * np.abs(scores).max():
        return unchanged(width)
    targets = _scaled if method == "scale" else _generated
    return _projected(items, people, targets(scores, likes, strength, rng) - scores)


def admirers(strengths: csr_matrix, items: Floats, gram: Floats, confidence: float) -> tuple[Floats, csr_matrix]:
    """Vectors of people, float32 (p, d), folded in, and what each likes, sparse (items, p): what the fit asks for.

    strengths: signed, sparse (people, items), those of everybody; of more than a few thousand people a part is drawn.
    """
    matrix = csr_matrix(strengths)
    rows = _drawn(np.diff(matrix.indptr) > 0, MOST_PEOPLE, stream("fair vectors", "people"))
    matrix = matrix[rows]
    people = np.zeros((len(rows), items.shape[1]), np.float32)
    for number, (start, end) in enumerate(zip(matrix.indptr, matrix.indptr[1:], strict=False)):
        own = matrix.indices[start:end]
        people[number] = fold_in(items[own], matrix.data[start:end] * confidence, gram)
    return people, csr_matrix((matrix > 0).T)


def _drawn(may: Bools, most: int, rng: np.random.Generator) -> Array:
    rows = np.flatnonzero(may)
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _scaled(scores: Floats, liked: Bools, strength: float, _rng: np.random.Generator) -> Floats:
    """Scale's targets, in the level of the scores, whose least lies a little above zero: no factor is without bound."""
    shift = scores.min() - LEAST * np.ptp(scores)
    targets: Floats = scale_targets(scores - shift, liked, strength) + shift
    return targets


def _generated(scores: Floats, liked: Bools, strength: float, rng: np.random.Generator) -> Floats:
    """What Gen makes of the scores; its discrepancy is exact for scores within a range of seven."""
    from fairshot.learning.fair_scores.autoencoder import Training
    from fairshot.learning.fair_scores.gen import GenSchedule, fit_gen

    unit = max(float(np.ptp(scores)) / 5, 1.0)
    training = Training(start="identity", hidden=min(100, *scores.shape), rate_floor=5e-4)
    schedule = GenSchedule(strength=strength, samples=SAMPLES, warm_up=0)
    return unit * fit_gen(scores / unit, liked, rng, epochs=EPOCHS, schedule=schedule, training=training)(scores / unit)


def _projected(items: Floats, people: Floats, wanted: Floats) -> FairVectors:
    """The affine map whose change of scores comes nearest to what is wanted (n, p), drawn to none on both sides."""
    width = items.shape[1]
    inputs = np.concatenate([items, np.ones((len(items), 1))], axis=1, dtype=np.float64)
    axes = people.astype(np.float64).T @ people
    axes += STEADY * max(np.trace(axes) / width, 1e-12) * np.eye(width)
    system = inputs.T @ inputs
    pull = PULL * np.trace(system[:-1, :-1]) / width
    system[np.diag_indices(width)] += pull
    change = np.linalg.solve(system, inputs.T @ np.linalg.solve(axes, (wanted @ people).T.astype(np.float64)).T)
    matrix = np.eye(width) + change[:-1]
    return FairVectors(matrix.astype(np.float32), change[-1].astype(np.float32))
