"""Random slot: now and then a position goes to a candidate drawn by lot, with a probability that is known."""

from dataclasses import dataclass, replace

import numpy as np

from fairshot.core.request import Context
from fairshot.core.slate import Slate, take_positions


@dataclass(frozen=True, slots=True)
class RandomSlot:
    """Each position is drawn with probability `share` from the candidates that the slate left out.

    Propensity of the drawn one: share / (candidates left out), for by symmetry each of them is as likely to
    be drawn for this position, whatever was drawn before; of everybody else: 1 - share. This small
    share is what makes the rest of the log's effect measurable.
    """

    share: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what is not a probability below one."""
        if not 0 <= self.share < 1:
            raise ValueError(f"share must lie in [0, 1), not {self.share}")

    def __call__(self, slate: Slate, ctx: Context) -> Slate:
        """The slate with its lots drawn."""
        pool = slate.pool
        if self.share == 0 or len(pool) == len(slate):
            return slate
        rng = ctx.rng("random_slot")
        propensity = np.full(len(slate), 1.0 - self.share)
        drawn = np.flatnonzero(rng.random(len(slate)) < self.share)
        if len(drawn) == 0:
            return replace(slate, propensity=propensity)
        left = np.flatnonzero(np.isin(pool.rows, slate.rows, invert=True)).tolist()
        ordered = np.argsort(pool.rows)
        index = ordered[np.searchsorted(pool.rows[ordered], slate.rows)]
        chance = self.share / len(left)
        notes = list(slate.notes)
        for position in drawn.tolist():
            if not left:
                break
            propensity[position] = chance
            index[position] = left.pop(int(rng.integers(len(left))))
            notes[position] = (*notes[position], f"random_slot: drawn by lot, share {self.share}")
        return take_positions(slate, index, tuple(notes), propensity=propensity)
