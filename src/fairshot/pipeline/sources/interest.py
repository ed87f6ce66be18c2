"""Interest: the items nearest to the person's vector, which is folded in from what they did a moment ago."""

from dataclasses import dataclass
from typing import ClassVar

from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Interest:
    """Up to `count` items with the largest inner product, past those already met."""

    count: int = 250
    personal: ClassVar[bool] = True

    def __call__(self, ctx: Context) -> Candidates:
        """Nearest neighbours of the person."""
        nearest = ctx.snapshot.artifacts.need("nearest")
        vector = ctx.person.vector
        if vector is None:
            return no_candidates()
        (rows,) = nearest.search(vector[None], self.count + ctx.person.met_count, ctx.eligible)
        return Candidates(rows[~ctx.person.met[rows]][: self.count])
