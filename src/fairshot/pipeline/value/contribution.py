"""Contribution: what an item adds to the platform, by how rare its category is, times the chance that it is liked."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Contribution:
    """P(like) * (1 - log(1 + n) / log(1 + N)), n: items with the same first label, N: items with any.

    The second factor is 1 for a category of its own, 0 for the only category there is; 0 where the item has no
    label, for what is not known adds nothing that could be shown. What nobody would like adds nothing either.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The novelty of each candidate's category, where it is welcome."""
        labels = ctx.snapshot.items["label"][batch.rows]
        counts = ctx.snapshot.labels["label_count"]
        total = counts.sum()
        if total == 0:
            return np.zeros(len(batch))
        novelty = 1 - np.log1p(counts[np.maximum(labels, 0)]) / np.log1p(total)
        return np.asarray(batch["p_like"] * np.where(labels >= 0, novelty, 0.0), dtype=np.float64)
