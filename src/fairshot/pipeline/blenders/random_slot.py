"""Random slot: now and then a position goes to a candidate drawn by lot, with a probability that is known."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr

from fairshot.core.arrays import Floats, Ints
from fairshot.core.request import Context
from fairshot.core.slate import Slate, take_positions


@dataclass(frozen=True, slots=True)
class RandomSlot:
    """Each position is drawn with probability `share` from the candidates that the slate left out.

    Propensity of the drawn one: share / (candidates left out), for by symmetry each of them is as likely to
    be drawn for this position, whatever was drawn before; of everybody else: 1 - share. (Where fewer are left
    out than the slate is long, a position finds nobody left to draw with some chance, and that is reckoned
    with.) This small share is what makes the rest of the log's effect measurable.
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
        drawn = np.flatnonzero(rng.random(len(slate)) < self.share)
        chances = self._chances(len(slate), len(pool) - len(slate))
        if len(drawn) == 0:
            return replace(slate, propensity=1 - chances)
        index, left_out = _placed(slate)
        propensity, share = 1 - chances, chances / len(left_out)
        left, notes = left_out.tolist(), list(slate.notes)
        for position in drawn.tolist():
            if not left:
                break
            propensity[position] = share[position]
            index[position] = left.pop(int(rng.integers(len(left))))
            notes[position] = (*notes[position], f"random_slot: drawn by lot, share {self.share}")
        return take_positions(slate, index, tuple(notes), propensity=propensity)

    def probabilities(self, slate: Slate) -> Floats:
        """The probability with which each candidate of the pool comes to stand at each position: float64 (n, k)."""
        index, left_out = _placed(slate)
        chances = self._chances(len(slate), len(left_out))
        result = np.zeros((len(slate.pool), len(slate)))
        result[index, np.arange(len(slate))] = 1 - chances
        if len(left_out):
            result[left_out] = chances / len(left_out)
        return result

    def _chances(self, positions: int, left: int) -> Floats:
        """The probability that a position is drawn by lot: share, times that of somebody being left to draw."""
        found = np.full(positions, self.share)
        if left < positions:
            above = np.arange(left, positions)
            found[above] *= bdtr(left - 1, above, self.share) if left else 0.0
        return found


def _placed(slate: Slate) -> tuple[Ints, Ints]:
    """Indices into the pool: of each position, and of the candidates left out."""
    index = slate.pool.places(slate.rows)
    left_out = np.ones(len(slate.pool), dtype=bool)
    left_out[index] = False
    return index, np.flatnonzero(left_out)
