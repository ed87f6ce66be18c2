"""Popular: the items with most approval lately, whatever was to be expected of them."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import DAY, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Popular:
    """Up to `count` items among the latest approved, by their approval decayed to now, half in a day.

    The order is that of log2(approval) + its time / half-life, which tells decades apart where the
    decayed sum itself is zero alike.
    """

    count: int = 75

    def __call__(self, ctx: Context) -> Candidates:
        """The most approved."""
        snapshot = ctx.snapshot
        if ctx.eligible is None:
            return Candidates(snapshot.once(f"popular/{self.count}", lambda: self._best(snapshot, touched(snapshot))))
        rows = touched(snapshot)
        return Candidates(self._best(snapshot, rows[np.isin(rows, ctx.eligible)]))

    def _best(self, snapshot: Snapshot, rows: Rows) -> Rows:
        items = snapshot.items
        strength = np.log2(np.maximum(items["trend"][rows], 1e-300)) + items["trend_at"][rows] / DAY
        if len(rows) > self.count:
            best = np.argpartition(-strength, self.count)[: self.count]
            rows, strength = rows[best], strength[best]
        return rows[np.lexsort((rows, -strength))].astype(np.int32)


def touched(snapshot: Snapshot) -> Rows:
    """The items that were approved of latest, ascending."""
    return distinct(snapshot.world.lists["touched"][0]["item"])
