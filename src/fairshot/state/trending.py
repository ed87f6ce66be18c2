"""What rises: a decayed sum of approving feedback for each item, and the items touched last."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.algorithms.decay import add_decayed, merge_decayed
from fairshot.core.arrays import DAY
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

HALF_LIFE = float(DAY)
"""Microseconds in which a reaction's share of the trend halves."""
TOUCHED = np.dtype([("at", np.int64), ("item", np.int32)])
TOUCHED_KEPT = 2048
"""Only items among the latest reactions can be trending, so that finding them never scans the catalogue."""


@dataclass(frozen=True)
class Trending:
    """Columns `items.trend` and `items.trend_at` (a decayed sum and its time), list `world.touched`."""

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.FEEDBACK})

    def empty(self) -> State:
        """Nothing rises."""
        return State(
            items=Table({"trend": Column(np.float64), "trend_at": Column(np.int64)}),
            world=Table({}, {"touched": Lists(TOUCHED, TOUCHED_KEPT)}),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Count approving feedback at its time."""
        state.grow(events.sizes)
        told = events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.action >= 0)
        told[told] = self.feedback.trends[events.action[told]] > 0
        chosen = events.where(told)
        if len(chosen) == 0:
            return state
        rows, index = np.unique(chosen.item, return_inverse=True)
        table = state.items
        table["trend"][rows], table["trend_at"][rows] = add_decayed(
            table["trend"][rows],
            table["trend_at"][rows],
            index,
            self.feedback.trends[chosen.action],
            chosen.at,
            HALF_LIFE,
        )
        entries = np.empty(len(chosen), TOUCHED)
        entries["at"], entries["item"] = chosen.at, chosen.item
        state.world.lists["touched"].extend(np.zeros(len(chosen), np.int64), entries)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Sums decayed to the later time and added."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        a, b = earlier.items, later.items
        a["trend"][:], a["trend_at"][:] = merge_decayed(a["trend"], a["trend_at"], b["trend"], b["trend_at"], HALF_LIFE)
        earlier.world.lists["touched"].extend(*later.world.lists["touched"].flat())
        return earlier
