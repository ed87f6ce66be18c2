"""N of m: in any few neighbouring positions at most so many items of one creator and of one label."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.spacing import n_of_m
from fairshot.core.arrays import Ints
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class NOfM:
    """At most creator_n of any creator_m positions from one creator, label_n of label_m with one first label.

    The label's rule rests when the context asks for items of one label.
    """

    creator_n: int = 1
    creator_m: int = 3
    label_n: int = 6
    label_m: int = 8

    def __call__(self, batch: Candidates, ctx: Context) -> Ints:
        """The slate's order, at most `limit` long."""
        items = ctx.snapshot.items
        creator, label = items["creator"][batch.rows], items["label"][batch.rows]
        if ctx.eligible is not None:
            label = np.full_like(label, -1)
        order: Ints = n_of_m(
            np.stack([creator, label], axis=1),
            (self.creator_n, self.label_n),
            (self.creator_m, self.label_m),
            ctx.request.limit,
        )
        return order
