"""Creation: how likely an item moves the person to make something of their own."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context

KIND = "create"
"""The kind of feedback that says so."""


@dataclass(frozen=True, slots=True)
class Creation:
    """P(create | shown): the head of the ranking net that learned it, else the item's smoothed rate.

    Zero for all where the kind is not configured, or nobody had created anything by the last training: a rate that is
    only imagined would rank by how often an item was shown.
    Source: ease of creation as a term of a value model for platforms whose viewers are their creators.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The chance that each candidate moves the person to create."""
        known = ctx.snapshot.artifacts.popularity
        if known is None or not known.rates.get(KIND) or f"p_{KIND}" not in batch:
            return np.zeros(len(batch))
        return np.asarray(batch[f"p_{KIND}"], dtype=np.float64)
