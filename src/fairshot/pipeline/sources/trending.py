"""Trending: the items with the strongest decayed approval right now."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.core.arrays import HOUR
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Trending:
    """Up to `count` items among the latest touched, by their trend decayed to now."""

    count: int = 100
    half_life_hours: float = 24.0

    def __call__(self, ctx: Context) -> Candidates:
        """The strongest risers."""
        items = ctx.snapshot.items
        rows = np.unique(ctx.snapshot.world.lists["touched"][0]["item"])
        if ctx.eligible is not None:
            rows = np.intersect1d(rows, ctx.eligible)
        now, half_life = ctx.now, self.half_life_hours * HOUR
        # Relative to the newest item's time, so that a catalogue at rest does not decay to zero everywhere.
        now = min(now, int(items["trend_at"][rows].max(initial=0)))
        strength = decayed(items["trend"][rows], items["trend_at"][rows], now, half_life)
        order = np.lexsort((rows, -strength))[: self.count]
        return Candidates(rows[order].astype(np.int32))
