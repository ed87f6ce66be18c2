"""Affinity: how an item fits the person, by vectors and by what they liked before."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Array, Floats, Rows, marked
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Affinity:
    """Columns, float32 (n,).

    match: inner product of the person's vector and the item's; closeness: their cosine;
    session_closeness: cosine with the mean direction of the last five liked items; creator_affinity and
    label_affinity: share of the person's likes that went to the item's creator and first label;
    followed: 1 where the person follows the creator. All zero where nothing is known.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        """The fit of each candidate."""
        items = ctx.snapshot.items
        creators, labels = items["creator"][batch.rows], items["label"][batch.rows]
        liked = ctx.person.liked["item"]
        follows = ctx.person.follows if ctx.request.profile else np.empty(0, np.int32)
        return {
            **self._vectors(batch, ctx),
            "creator_affinity": _share(creators, items["creator"][liked]),
            "label_affinity": _share(labels, items["label"][liked]),
            # The last place stands for no creator.
            "followed": marked(len(ctx.snapshot.ids.creators) + 1, follows)[creators].astype(np.float32),
        }

    def _vectors(self, batch: Candidates, ctx: Context) -> Mapping[str, Floats]:
        nothing = np.zeros(len(batch), dtype=np.float32)
        artifact = ctx.snapshot.artifacts.vectors
        person, session = ctx.person.vector, ctx.person.session_vector
        if artifact is None or person is None:
            return {"match": nothing, "closeness": nothing, "session_closeness": nothing}
        vectors = artifact.items[batch.rows]
        length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors)) + np.float32(1e-9)
        match = vectors @ person
        return {
            "match": match,
            "closeness": match / (length * np.float32(np.linalg.norm(person) + 1e-9)),
            "session_closeness": nothing if session is None else (vectors @ session) / length,
        }


def _share(of: Rows, liked: Rows) -> Floats:
    """Which share of `liked` equals each entry of `of`; -1 belongs to nobody."""
    if len(liked) == 0:
        return np.zeros(len(of), dtype=np.float32)
    ordered = np.sort(liked)
    hits = np.searchsorted(ordered, of, "right") - np.searchsorted(ordered, of, "left")
    return np.where(of >= 0, hits / np.float32(len(liked)), 0).astype(np.float32)
