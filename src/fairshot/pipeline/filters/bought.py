"""Bought: a durable good that the person owns is not offered again."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Bought:
    """Keeps what was not bought, and what wears out; an item that does not say counts as durable."""

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows may still be wanted."""
        history = ctx.person.history
        bought = history["item"][history["action"] == ctx.snapshot.feedback.code("purchase")]
        if len(bought) == 0:
            return np.ones(len(batch), dtype=bool)
        wears_out = ctx.snapshot.items["durable"][batch.rows] == 0
        kept: Bools = wears_out | np.isin(batch.rows, bought, invert=True)
        return kept
