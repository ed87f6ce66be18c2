"""Session: items similar to those the person liked last."""

from dataclasses import dataclass
from typing import ClassVar

from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Session:
    """Up to `count` items nearest to the mean direction of the last five liked ones, past those already met."""

    count: int = 50
    personal: ClassVar[bool] = True

    def __call__(self, ctx: Context) -> Candidates:
        """Nearest neighbours of the session."""
        nearest = ctx.snapshot.artifacts.need("nearest")
        direction = ctx.person.session_vector
        if direction is None:
            return no_candidates()
        most = self.count + ctx.person.met_count
        (rows,) = ctx.of_person(f"session/{most}", lambda: nearest.search(direction[None], most, ctx.eligible))
        return Candidates(rows[~ctx.person.met[rows]][: self.count])
