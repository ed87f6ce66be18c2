"""Diversity: a slate whose items differ, by the fast greedy determinantal point process."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.diversity import dpp, dpp_quality
from fairshot.core.arrays import Ints
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Diversity:
    """Picks the slate and a quarter more from the best `among`, trading value against likeness of vectors.

    relevance: 0 for diversity alone, towards 1 for value alone. Values are brought to one scale by their
    spread. The rest follows in its order. Left out when the context asks for items of one kind.
    """

    relevance: float = 0.95
    among: int = 100

    def __call__(self, batch: Candidates, ctx: Context) -> Ints:
        """The diversified order."""
        vectors = ctx.snapshot.artifacts.vectors
        order: Ints = np.arange(len(batch))
        if vectors is None or ctx.eligible is not None or len(batch) < 2:
            return order
        head = batch.rows[: self.among]
        value = batch["value"][: self.among]
        scores = (value - value.max()) / (value.std() + 1e-12)
        # A quarter more leaves the re-rankers that follow something to choose from.
        picks = ctx.request.limit + ctx.request.limit // 4
        picked = dpp(dpp_quality(scores, self.relevance), vectors.items[head], picks)
        rest = np.ones(len(batch), dtype=bool)
        rest[picked] = False
        return np.concatenate([picked, order[rest]])
