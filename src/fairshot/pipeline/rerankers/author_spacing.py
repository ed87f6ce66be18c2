"""Author spacing: each further item of the same creator counts for less."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.spacing import author_decay
from fairshot.core.arrays import Ints
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class AuthorSpacing:
    """Orders by value * ((1 - floor) * decay^k + floor), k: how many of the creator's items stand before."""

    decay: float = 0.7
    floor: float = 0.25

    def __call__(self, batch: Candidates, ctx: Context) -> Ints:
        """The order after decay; ties keep theirs."""
        creators = ctx.snapshot.items["creator"][batch.rows]
        spaced = author_decay(batch["value"], creators, self.decay, self.floor)
        return np.lexsort((batch.rows, -spaced))
