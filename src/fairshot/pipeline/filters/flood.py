"""Flood: what a creator brings out beyond the first works of a week waits for its turn on trial."""

from dataclasses import dataclass

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.turns import filled_up, held_back


@dataclass(frozen=True, slots=True)
class Flood:
    """Keeps items that were tried, are known, or are among the first `[trials] weekly` of their creator in a week.

    Without it whoever posts most would be shown most: sources bring what there is. Where fewer than the slate's
    length would remain, the first others fill it up. See docs/ideas/trials.md.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows need not wait."""
        # A trial is how they get out.
        keep = ~held_back(ctx.snapshot, batch.rows) | (batch.arm > 0)
        return filled_up(keep, ctx.person.met[batch.rows], ctx.request.limit)
