"""Trending: the items with the strongest decayed approval right now."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.core.arrays import HOUR, Floats, Rows
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Trending:
    """Up to `count` items among the latest touched, by their trend decayed to now."""

    count: int = 100
    half_life_hours: float = 24.0

    def __call__(self, ctx: Context) -> Candidates:
        """The strongest risers."""
        rows, _ = strongest(ctx.snapshot, ctx.now, self.half_life_hours)
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        return Candidates(rows[: self.count])


def strongest(snapshot: Snapshot, now: int, half_life_hours: float = 24.0) -> tuple[Rows, Floats]:
    """The items touched last and their decayed trend, strongest first; now: microseconds since 1970.

    A catalogue at rest is seen at the time of its last reaction, lest everything decay to zero alike.
    """
    items = snapshot.items
    rows = np.unique(snapshot.world.lists["touched"][0]["item"])
    now = min(now, int(items["trend_at"][rows].max(initial=0)))
    strength = decayed(items["trend"][rows], items["trend_at"][rows], now, half_life_hours * HOUR)
    order = np.lexsort((rows, -strength))
    return rows[order].astype(np.int32), strength[order]
