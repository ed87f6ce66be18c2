"""Neighbours: how strongly what the person reacted to speaks for an item, by what people react to together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Floats
from fairshot.core.candidates import Candidates
from fairshot.core.person import Person
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Columns, float32 (n,).

    neighbours: sum of weights from the last `longest` items liked; neighbours_disliked: from those disliked.
    Zero for items that are not in the model, and where none is loaded: only small catalogues have one.
    """

    longest: int = 500

    def __post_init__(self) -> None:
        """Refuse a length that is none: the last 0 of a list would be all of it."""
        if self.longest < 1:
            raise ValueError(f"longest must be at least 1, not {self.longest}")

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        """The sums for each candidate."""
        model = ctx.snapshot.artifacts.neighbours
        nothing = np.zeros(len(batch), dtype=np.float32)
        if model is None:
            return {"neighbours": nothing, "neighbours_disliked": nothing}
        liked, disliked = ctx.of_person(f"neighbours/{self.longest}", lambda: self._told(model, ctx.person))
        return {
            "neighbours": model.scores(liked, batch.rows),
            "neighbours_disliked": model.scores(disliked, batch.rows),
        }

    def _told(self, model: Any, person: Person) -> tuple[Floats, Floats]:
        """What the items liked say of all others, and those disliked."""
        liked, disliked = person.liked["item"], person.disliked["item"]
        return model.told_by(liked[-self.longest :]), model.told_by(disliked[-self.longest :])
