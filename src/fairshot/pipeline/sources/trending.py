"""Trending: the items with the strongest decayed approval right now."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.core.arrays import HOUR, Floats, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Trending:
    """Up to `count` items among the latest touched, by their trend decayed to now."""

    count: int = 75
    half_life_hours: float = 24.0

    def __call__(self, ctx: Context) -> Candidates:
        """The strongest risers."""
        rows, _ = strongest(ctx.snapshot, ctx.now, self.half_life_hours)
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        return Candidates(rows[: self.count])


def strongest(snapshot: Snapshot, now: int, half_life_hours: float = 24.0) -> tuple[Rows, Floats]:
    """The items touched last and their decayed trend, strongest first; now: microseconds since 1970.

    The order is that of log2(trend) + trend_at / half-life, which tells decades apart where the decayed
    trend itself is zero alike.
    """
    items = snapshot.items
    rows = distinct(snapshot.world.lists["touched"][0]["item"])
    trend, at, half_life = items["trend"][rows], items["trend_at"][rows], half_life_hours * HOUR
    order = np.lexsort((rows, -(np.log2(np.maximum(trend, 1e-300)) + at / half_life)))
    return rows[order].astype(np.int32), decayed(trend[order], at[order], now, half_life)
