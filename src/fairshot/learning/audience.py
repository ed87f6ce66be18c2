"""Audience: vectors of some people, by which the match of a person and a new item is told to be good or not."""

import numpy as np

from fairshot.core.arrays import Floats, Rows
from fairshot.core.person import Person
from fairshot.core.randomness import stream
from fairshot.core.snapshot import Snapshot

PEOPLE = 512


def fit_audience(snapshot: Snapshot, people: Rows, now: int) -> Floats:
    """The vectors of PEOPLE people drawn by lot, as requests fold them in, each of length one: float32 (p, d).

    people: rows of those who reacted to anything; now: microseconds since 1970.
    """
    drawn = stream("audience", "people").permutation(people)[:PEOPLE]
    found = [Person(snapshot, int(row), now).vector for row in drawn]
    vectors = snapshot.artifacts.vectors
    width = 0 if vectors is None else vectors.items.shape[1]
    told = np.array([vector for vector in found if vector is not None], np.float32).reshape(-1, width)
    result: Floats = told / np.maximum(np.linalg.norm(told, axis=1, keepdims=True), 1e-9)
    return result
