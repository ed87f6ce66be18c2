"""Interest: the items that the ranker would choose for the person, as far as an inner product can tell."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.arrays import Rows
from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Interest:
    """Up to `count` items with the largest inner product, past those already met.

    The vectors are those of the retrieval model, which is taught to order items as the ranker does; before there is
    one, those of person and item themselves. Either way the person's is made from what they did a moment ago.
    """

    count: int = 350
    personal: ClassVar[bool] = True

    def __call__(self, ctx: Context) -> Candidates:
        """Nearest neighbours of the person."""
        most = self.count + ctx.person.met_count
        rows = ctx.of_person(f"interest/{most}", lambda: nearest_to_person(ctx, most))
        return Candidates(rows[~ctx.person.met[rows]][: self.count])


def nearest_to_person(ctx: Context, most: int) -> Rows:
    """At most so many items with the largest inner product; none where nothing is known of the person."""
    retrieval, nearest = ctx.snapshot.artifacts.retrieval, ctx.snapshot.artifacts.need("nearest")
    vector = ctx.person.vector
    if vector is None:
        return no_candidates().rows
    if retrieval is None:
        (rows,) = nearest.search(vector[None], most, ctx.eligible)
    else:
        rows = retrieval.search(ctx.person, most, ctx.eligible)
    return np.asarray(rows)
