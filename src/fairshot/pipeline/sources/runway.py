"""Runway: items that stood their trial not long ago, so that normal ranking has them to choose from."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import DAY, Bools, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.trial import HEARD, TrialState
from fairshot.core.turns import being_searched


@dataclass(frozen=True, slots=True)
class Runway:
    """Up to `count` items that graduated within `days`, those shown least since then first.

    The promise that the value term `exploration` keeps is worth nothing for an item that no source brings: its
    vector may still be that of its content, and its audience another: who responds goes on telling. No lot is drawn:
    each impression moves an item back, and so all take turns.
    """

    count: int = 50
    days: float = 14.0

    def __call__(self, ctx: Context) -> Candidates:
        """The graduates of late."""
        items = ctx.snapshot.items
        rows = ctx.snapshot.world.lists["on_trial"][0]["item"]
        rows = distinct(rows[items["trial_state"][rows] == TrialState.GRADUATED])
        rows = rows[ctx.now - items["trial_state_at"][rows] < self.days * DAY]
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        since = items["served"][rows] - items["trial_served"][rows]
        rows = rows[np.lexsort((rows, since))][: self.count].astype(np.int32)
        return Candidates(rows, {"trial_arm": np.where(self._tells(ctx, rows), HEARD, 0).astype(np.int8)})

    def _tells(self, ctx: Context, rows: Rows) -> Bools:
        """Of which graduates this impression would tell for whom they are: a first one, of somebody with segments."""
        if ctx.person.segments[0] < 0:
            return np.zeros(len(rows), bool)
        sought = being_searched(ctx.snapshot, rows) & (ctx.snapshot.items["trial_segment"][rows] < 0)
        return np.asarray(sought & ~ctx.person.met[rows] & ~np.isin(rows, ctx.person.shown["item"]))
