"""Creator: what one more like would mean to this creator, times the chance of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fairshot.algorithms.happiness import marginal_capped_happiness, marginal_happiness, marginal_power_happiness
from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Creator:
    """P(like) * H'(recent likes), H a concave happiness: a tenth like means more than the millionth.

    recent likes: of the last four weeks, so that nobody is rich for ever. By family, the first like worth 1:
    "log": H' = 1 / (1 + likes / half), one half at `half` likes; "power": (1 + likes)^(exponent - 1), 1 is the plain
    count of likes; "capped": 1 below `cap` likes, 0 from there on. See docs/ideas/happiness.md.
    """

    family: Literal["log", "power", "capped"] = "log"
    half: float = 20.0
    exponent: float = 0.5
    cap: float = 100.0

    def __post_init__(self) -> None:
        """Refuse a family's number that is out of its range, also of one that is not asked for now."""
        marginal_happiness(0.0, self.half)
        marginal_power_happiness(0.0, self.exponent)
        marginal_capped_happiness(0.0, self.cap)

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:  # noqa: ARG002  a term's signature
        """The expected gain in the creator's happiness."""
        return np.asarray(batch["p_like"] * self._marginal(batch["recent_likes"]), dtype=np.float64)

    def _marginal(self, likes: Floats) -> Floats:
        match self.family:
            case "log":
                return marginal_happiness(likes, self.half)
            case "power":
                return marginal_power_happiness(likes, self.exponent)
            case "capped":
                return marginal_capped_happiness(likes, self.cap)
