"""Exploration: an item that stood its trial is promised enough exposures to earn its place in normal ranking."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import DAY, Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.trial import TrialState


@dataclass(frozen=True, slots=True)
class Exploration:
    """P(like) * max(0, 1 - exposures since graduation / promised) for `days` after graduation; 0 for all others.

    In likes: an item that has just graduated counts every like twice at weight 1. The chance of a like sends the
    exposures to people who want it; the bonus falls as the promise is kept, and then the item stands by what
    it earned. One that finds nobody in its days is helped no longer. See docs/ideas/runway.md.
    """

    promised: float = 100.0
    days: float = 14.0

    def __post_init__(self) -> None:
        """Refuse a promise of nothing."""
        if not (self.promised > 0 and self.days > 0):
            raise ValueError(f"promised and days must be above 0, not {self.promised} and {self.days}")

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The bonus of each candidate."""
        items, rows = ctx.snapshot.items, batch.rows
        since = ctx.now - items["trial_state_at"][rows]
        running = (items["trial_state"][rows] == TrialState.GRADUATED) & (since < self.days * DAY)
        kept = (items["served"][rows] - items["trial_served"][rows]) / self.promised
        return np.where(running, batch["p_like"] * np.clip(1 - kept, 0, 1), 0.0)
