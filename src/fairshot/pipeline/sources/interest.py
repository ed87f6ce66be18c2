"""Interest: the items that the ranker would choose for the person, as far as an inner product can tell."""

from dataclasses import dataclass
from typing import ClassVar

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
        retrieval, nearest = ctx.snapshot.artifacts.retrieval, ctx.snapshot.artifacts.need("nearest")
        vector, most = ctx.person.vector, self.count + ctx.person.met_count
        if vector is None:
            return no_candidates()
        if retrieval is not None:
            rows = retrieval.search(ctx.person, most, ctx.eligible)
        else:
            (rows,) = nearest.search(vector[None], most, ctx.eligible)
        return Candidates(rows[~ctx.person.met[rows]][: self.count])
