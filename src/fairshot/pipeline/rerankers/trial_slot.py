"""Trial slot: the item on trial stands near the top of the slate of a few, not deep in those of many."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Ints
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.trial import of_trial


@dataclass(frozen=True, slots=True)
class TrialSlot:
    """Puts the candidate that comes with a trial arm at a position of the configured band, drawn by lot.

    Everything else keeps its order. An impression at the top tells several times what one at position 20 does, for
    few look so far: the information of one is that of its examination.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Ints:
        """The order with the trial in its slot."""
        order: Ints = np.arange(len(batch))
        tried = of_trial(batch.arm)
        chosen = np.flatnonzero(tried)
        if len(chosen) == 0:
            return order
        first, last = ctx.snapshot.trials.positions
        position = int(ctx.rng("trial_slot").integers(first, last + 1)) - 1
        rest = order[~tried]
        return np.concatenate([rest[:position], chosen[:1], rest[position:], chosen[1:]])
