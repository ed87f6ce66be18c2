"""Fresh items: the newest of the catalogue, those shown least first, so that what is new gets its turn."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import DAY, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.flood import held_back
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import TrialState


@dataclass(frozen=True, slots=True)
class Fresh:
    """`count` of the newest `among` items, those with fewest impressions first, then the newest.

    No lot is drawn: each impression moves an item back, and so all take turns. Items on trial have a place of their
    own (`sources/trials`).
    """

    count: int = 75
    among: int = 1000

    def __call__(self, ctx: Context) -> Candidates:
        """New items."""
        snapshot = ctx.snapshot
        # By the day, so that all who come within one share what hangs on no person.
        now = ctx.now - ctx.now % DAY
        if ctx.eligible is None:
            found = snapshot.once(f"fresh/{self}/{now}", lambda: self._newest(snapshot, untried(snapshot, now)))
            return Candidates(found)
        return Candidates(self._newest(snapshot, np.intersect1d(untried(snapshot, now), ctx.eligible)))

    def _newest(self, snapshot: Snapshot, rows: Rows) -> Rows:
        items = snapshot.items
        if len(rows) > self.among:
            rows = rows[np.argpartition(items["created_at"][rows], -self.among)[-self.among :]]
        order = np.lexsort((rows, -items["created_at"][rows], items["served"][rows]))[: self.count]
        return rows[order].astype(np.int32)


def untried(snapshot: Snapshot, now: int) -> Rows:
    """The newest items that are neither on trial nor part of a flood, ascending."""
    items, newest = snapshot.items, snapshot.world.lists["newest"][0]
    # A record that changed its date left an old entry behind.
    rows = distinct(newest["item"][items["created_at"][newest["item"]] == newest["created_at"]])
    state = items["trial_state"][rows]
    rows = rows[(state != TrialState.TESTING) & (state != TrialState.EXPANDING)]
    found: Rows = rows[~held_back(snapshot, rows, now)]
    return found
