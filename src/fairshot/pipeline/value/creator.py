"""Creator: what one more like would mean to this creator, times the chance of it."""

from dataclasses import dataclass

from fairshot.algorithms.happiness import marginal_happiness
from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Creator:
    """P(like) / (1 + recent likes / half).

    recent likes: of the last four weeks, so that nobody is rich for ever; half: likes at which one more is
    worth half of the first. The derivative of a concave happiness: a tenth like means more than the
    millionth.
    """

    half: float = 20.0

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:  # noqa: ARG002  a term's signature
        """The expected gain in the creator's happiness."""
        value: Floats = batch["p_like"] * marginal_happiness(batch["recent_likes"], self.half)
        return value
