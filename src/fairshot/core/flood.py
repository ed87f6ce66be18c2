"""Floods: what a creator brings out beyond the usual waits for its trial before anybody is shown it otherwise."""

import numpy as np

from fairshot.core.arrays import DAY, Bools, Rows
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import TrialState

USUAL = 4.0
"""So many times the works that others have among the newest are still usual."""


def held_back(snapshot: Snapshot, rows: Rows, now: int) -> Bools:
    """Which of these items are to wait: bool (n,). now: microseconds since 1970.

    New ones that few reacted to and that were not tried yet, whose creator brought out `weekly` works or more in the
    seven days before them, and USUAL times as many as the median creator has among the newest items: an import of
    everything at once is no flood.
    """
    items, settings = snapshot.items, snapshot.trials
    held: Bools = (items["burst"][rows] >= settings.weekly) & (items["trial_state"][rows] == TrialState.WAITING)
    if not held.any():
        return held
    held &= items["burst"][rows] >= snapshot.once("usual_burst", lambda: usual_burst(snapshot))
    held &= items["created_at"][rows] > now - settings.days * DAY
    held[held] = items["item_counts"][rows[held]].sum(axis=1) < settings.least
    return held


def usual_burst(snapshot: Snapshot) -> float:
    """USUAL times how many of the newest items the median creator of any has."""
    creator = snapshot.items["creator"][snapshot.world.lists["newest"][0]["item"]]
    counts = np.bincount(np.unique(creator[creator >= 0], return_inverse=True)[1])
    return USUAL * float(np.median(counts)) if len(counts) else 0.0
