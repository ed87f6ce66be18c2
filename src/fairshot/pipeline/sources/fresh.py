"""Fresh items: the newest of the catalogue, those shown least first, so that what is new gets its turn."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.core.turns import being_tried, held_back


@dataclass(frozen=True, slots=True)
class Fresh:
    """`count` of the newest `among` items, those with fewest impressions first, then the newest.

    No lot is drawn: each impression moves an item back, and so all take turns. Items on trial have a place of their
    own (`sources/trials`), and floods wait: both come last.
    """

    count: int = 75
    among: int = 1000

    def __call__(self, ctx: Context) -> Candidates:
        """New items."""
        snapshot = ctx.snapshot
        if ctx.eligible is None:
            return Candidates(snapshot.once(f"fresh/{self}", lambda: self._turns(snapshot, newest(snapshot))))
        return Candidates(self._turns(snapshot, np.intersect1d(newest(snapshot), ctx.eligible)))

    def _turns(self, snapshot: Snapshot, rows: Rows) -> Rows:
        later = being_tried(snapshot, rows) | held_back(snapshot, rows)
        found = self._ordered(snapshot, rows[~later])
        if len(found) < self.count:
            # A small catalogue may have nothing else, and filters fill a slate up with what they are given.
            found = np.concatenate([found, self._ordered(snapshot, rows[later])])
        return found[: self.count].astype(np.int32)

    def _ordered(self, snapshot: Snapshot, rows: Rows) -> Rows:
        items = snapshot.items
        if len(rows) > self.among:
            rows = rows[np.argpartition(items["created_at"][rows], -self.among)[-self.among :]]
        ordered: Rows = rows[np.lexsort((rows, -items["created_at"][rows], items["served"][rows]))]
        return ordered


def newest(snapshot: Snapshot) -> Rows:
    """The newest items, ascending."""
    items, entries = snapshot.items, snapshot.world.lists["newest"][0]
    # A record that changed its date left an old entry behind.
    return distinct(entries["item"][items["created_at"][entries["item"]] == entries["created_at"]])
