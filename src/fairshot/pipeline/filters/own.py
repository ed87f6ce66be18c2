"""Own: nobody is shown what they made themselves; a creator and a user with the same id are one person."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Own:
    """Keeps items of other creators."""

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows are somebody else's."""
        self_as_creator = ctx.snapshot.ids.creators.row(ctx.request.user)
        if self_as_creator < 0:
            return np.ones(len(batch), dtype=bool)
        others: Bools = ctx.snapshot.items["creator"][batch.rows] != self_as_creator
        return others
