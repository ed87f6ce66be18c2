"""Turns: which new items are on trial, which wait for theirs, and what fills up a slate that lacks items."""

import numpy as np

from fairshot.core.arrays import DAY, Bools, Ints, Rows
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import FOUND, POSITIONS, STRETCH, TrialState

EACH = 2
"""Strangers for each label who tell enough,"""
PATIENCE = 2.0
"""waited for until so many times as many people were asked as strangers come among;"""
ASKED = 30
"""people of an audience that was found after graduation whom trials still show the item."""


def held_back(snapshot: Snapshot, rows: Rows) -> Bools:
    """Which of these items are to wait: bool (n,).

    Those that came since anything was served, that were not tried yet and that had fewer than `least` likes, and
    before which their creator brought `weekly` works in the same week. Of linked creators all but the first have no
    works that need not wait. What was there before the first slate is no flood: everything was imported at once.
    """
    items, settings = snapshot.items, snapshot.trials
    # The last row stands for no creator, whose account is its own.
    account = np.append(snapshot.creators["account"], -1)[items["creator"][rows]]
    free = np.where(account == items["creator"][rows], settings.weekly, 0)
    # A copy was tried when its original was.
    untried = items["trial_state"][items["original"][rows]] == TrialState.WAITING
    held: Bools = (items["burst"][rows] >= free) & untried
    return _unknown(snapshot, rows, held)


def soon_tried(snapshot: Snapshot, rows: Rows, now: int) -> Bools:
    """Which of these items are new, and wait for their trial: bool (n,).

    For `wait` days from when they came; then ordinary slots may show them all the same. now: microseconds.
    """
    items, settings = snapshot.items, snapshot.trials
    soon: Bools = items["came_at"][rows] > now - settings.wait * DAY
    soon &= (items["trial_round"][rows] == 0) & (items["original"][rows] == rows)
    soon &= items["created_at"][rows] > now - settings.days * DAY
    return _unknown(snapshot, rows, soon & (settings.share > 0))


def _unknown(snapshot: Snapshot, rows: Rows, among: Bools) -> Bools:
    """Those of them that came since anything was served and that had fewer than `least` likes."""
    unknown: Bools = among & (snapshot.items["came_at"][rows] > snapshot.world["first_served_at"][0])
    if unknown.any():
        unknown[unknown] = likes_of(snapshot, rows[unknown]) < snapshot.trials.least
    return unknown


def being_tried(snapshot: Snapshot, rows: Rows) -> Bools:
    """Which of these items are on trial: bool (n,). What was removed, or turned out to be a copy, is not."""
    items = snapshot.items
    state = items["trial_state"][rows]
    going: Bools = (state == TrialState.TESTING) | (state == TrialState.EXPANDING)
    going &= ~items["removed"][rows] & (items["original"][rows] == rows)
    return going


def waits_for_strangers(snapshot: Snapshot, rows: Rows) -> Bools:
    """Of which of these items too few strangers were asked for anybody to know whom else they may be for: bool (n,).

    Fewer than `strangers`, and than EACH for every label that there is: who is asked tells for the labels they like. No
    item waits whose audience was found, or to which nobody is a stranger, nor any longer when PATIENCE times as many
    were asked as should have brought so many.
    """
    models, settings, items = snapshot.artifacts, snapshot.trials, snapshot.items
    share = settings.mix[STRETCH - 1] / sum(settings.mix) if settings.audience[1] < 1 else 0.0
    if models.vectors is None or models.audience is None or len(models.audience) == 0 or share == 0:
        return np.zeros(len(rows), bool)
    enough = min(settings.strangers, EACH * int((snapshot.labels["label_count"] > 0).sum()))
    shown = items["trial_shown"][rows]
    strangers = shown[:, (STRETCH - 1) * POSITIONS : STRETCH * POSITIONS].sum(axis=1)
    waits: Bools = (strangers < enough) & (shown.sum(axis=1) < PATIENCE * enough / share)
    return waits & (items["trial_segment"][rows] < 0) & models.vectors.items[rows].any(axis=1)


def being_searched(snapshot: Snapshot, rows: Rows) -> Bools:
    """For which of these items, which graduated, an audience that nobody expected is looked for: bool (n,).

    For `days`, until `search` people told of them, in trials and after, or ASKED of an audience that was found.
    """
    items, settings = snapshot.items, snapshot.trials
    shown = items["trial_shown"][rows]
    of_found = shown[:, (FOUND - 1) * POSITIONS :].sum(axis=1)
    told = shown.sum(axis=1) + items["trial_heard"][rows]
    going: Bools = (items["trial_state"][rows] == TrialState.GRADUATED) & (items["original"][rows] == rows)
    going &= np.where(items["trial_segment"][rows] < 0, told < settings.search, of_found < ASKED)
    # Time goes by what was served last: nothing is looked for while nothing is.
    going &= items["trial_state_at"][rows] > snapshot.world["flow_served_at"][0] - settings.days * DAY
    return going & ~items["removed"][rows]


def likes_of(snapshot: Snapshot, rows: Rows) -> Ints:
    """How often each of these items was liked, wherever: (n,)."""
    liked: Ints = snapshot.items["item_counts"][rows] @ snapshot.feedback.likes
    return liked


def filled_up(keep: Bools, met: Bools, limit: int) -> Bools:
    """The same, and of what is not kept as many of the first as a slate of `limit` lacks, bool (n,).

    met: what the person has met lacks too, and fills up last.
    """
    missing = limit - int((keep & ~met).sum())
    if missing <= 0:
        return keep
    others: Ints = np.flatnonzero(~keep)
    full = keep.copy()
    full[others[np.argsort(met[others], kind="stable")][:missing]] = True
    return full
