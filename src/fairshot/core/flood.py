"""Floods: what a creator brings out beyond a week's usual works waits for its trial before it is shown otherwise."""

import numpy as np

from fairshot.core.arrays import Bools, Ints, Rows
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import TrialState


def held_back(snapshot: Snapshot, rows: Rows) -> Bools:
    """Which of these items are to wait: bool (n,).

    Those that came since anything was served, that were not tried yet and that fewer than `least` people liked, and
    before which their creator brought `weekly` works in the same week. Of linked creators all but the first have no
    works that need not wait. What was there before the first slate is no flood: everything was imported at once.
    """
    items, settings = snapshot.items, snapshot.trials
    # The last row stands for no creator, whose account is its own.
    account = np.append(snapshot.creators["account"], -1)[items["creator"][rows]]
    free = np.where(account == items["creator"][rows], settings.weekly, 0)
    held: Bools = (items["burst"][rows] >= free) & (items["trial_state"][rows] == TrialState.WAITING)
    held &= items["came_at"][rows] > snapshot.world["first_served_at"][0]
    if held.any():
        counts = items["item_counts"][rows[held]]
        held[held] = counts @ snapshot.feedback.likes < settings.least
    return held


def filled_up(keep: Bools, limit: int) -> Bools:
    """The same, and of what is not kept as many of the first as a slate of `limit` lacks, bool (n,)."""
    missing = limit - int(keep.sum())
    if missing <= 0:
        return keep
    others: Ints = np.flatnonzero(~keep)[:missing]
    full = keep.copy()
    full[others] = True
    return full
