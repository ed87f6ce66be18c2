"""Runway: items that stood their trial not long ago, so that normal ranking has them to choose from."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import DAY, Bools, Ints, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
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
        rows, at, sought = ctx.snapshot.once("graduates", lambda: graduates(ctx.snapshot))
        brought = ctx.now - at < self.days * DAY
        if ctx.eligible is not None:
            brought &= np.isin(rows, ctx.eligible)
        places = np.flatnonzero(brought)[: self.count]
        rows, tells = rows[places], sought[places]
        # Only a first impression tells for whom an item is, and only one of somebody with segments.
        if ctx.person.segments[0] < 0:
            tells = np.zeros(len(rows), bool)
        else:
            tells &= ~(ctx.person.met[rows] | ctx.person.shown_before[rows])
        return Candidates(rows, {"trial_arm": tells * np.int8(HEARD)})


def graduates(snapshot: Snapshot) -> tuple[Rows, Ints, Bools]:
    """The items that graduated, when, and whether an audience is looked for that was not found yet: (n,) each.

    Those shown least since then come first.
    """
    items = snapshot.items
    rows = snapshot.world.lists["on_trial"][0]["item"]
    rows = distinct(rows[items["trial_state"][rows] == TrialState.GRADUATED])
    since = items["served"][rows] - items["trial_served"][rows]
    rows = rows[np.lexsort((rows, since))].astype(np.int32)
    sought = being_searched(snapshot, rows) & (items["trial_segment"][rows] < 0)
    return rows, items["trial_state_at"][rows], sought
