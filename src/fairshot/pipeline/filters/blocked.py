"""Blocked: nothing from a creator whom the person has hidden."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Blocked:
    """Keeps items of creators that are not blocked."""

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows come from creators who are welcome."""
        blocks = ctx.person.blocks
        if len(blocks) == 0:
            return np.ones(len(batch), dtype=bool)
        return np.isin(ctx.snapshot.items["creator"][batch.rows], blocks, invert=True)
