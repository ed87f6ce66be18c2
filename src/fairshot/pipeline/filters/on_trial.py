"""On trial: while an item is tried, and shortly before, it is shown by its trial alone."""

from dataclasses import dataclass

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.turns import being_tried, filled_up, soon_tried

CHOICE = 3
"""Where fewer candidates than so many slates of them would remain, ranking had nothing to choose."""


@dataclass(frozen=True, slots=True)
class OnTrial:
    """Keeps what is not on trial nor waits for it, and what comes as a trial.

    Whoever met an item elsewhere tells its trial nothing any more. Ordinary slots bring one creator's items more than
    another's, so without this filter fame would decide how many are left to ask. A new item waits for its trial for
    `[trials] wait` days at most, where CHOICE times the slate's length of others remain to choose from. A near copy is
    kept as its original is. Where fewer than the slate's length would remain, the first others fill it up.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows may stand in a slate as what they came as."""
        met, limit = ctx.person.met[batch.rows], ctx.request.limit
        rows = ctx.snapshot.items["original"][batch.rows]
        keep = ~being_tried(ctx.snapshot, rows) | (batch.arm > 0)
        ready: Bools = keep & (~soon_tried(ctx.snapshot, rows, ctx.now) | (batch.arm > 0))
        if (ready & ~met).sum() >= CHOICE * limit:
            return ready
        return filled_up(keep, met, limit)
