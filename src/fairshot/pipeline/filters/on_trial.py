"""On trial: while an item is tried, and shortly before, it is shown by its trial alone."""

from dataclasses import dataclass

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.turns import being_tried, filled_up, soon_tried


@dataclass(frozen=True, slots=True)
class OnTrial:
    """Keeps what is not on trial nor waits for it, and what comes as a trial.

    Whoever met an item elsewhere tells its trial nothing any more. Ordinary slots bring one creator's items more than
    another's, so without this filter fame would decide how many are left to ask. A new item waits for its trial for
    `[trials] wait` days at most. Where fewer than the slate's length
    would remain, the first others fill it up.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows may stand in a slate as what they came as."""
        tried = being_tried(ctx.snapshot, batch.rows) | soon_tried(ctx.snapshot, batch.rows, ctx.now)
        keep = ~tried | (batch.arm > 0)
        return filled_up(keep, ctx.person.met[batch.rows], ctx.request.limit)
