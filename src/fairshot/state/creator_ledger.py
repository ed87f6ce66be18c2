"""What each creator received: likes by day over the last four weeks.

A like of an item whose creator is not known yet waits at the item, and is credited when its record comes.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.algorithms.decay import add_to_window, day_of, merge_windows
from fairshot.core.arrays import Array, Ints
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

WINDOW_DAYS = 28
"""Days over which a creator's likes count; older ones are forgotten, else the old never recover."""


@dataclass(frozen=True)
class CreatorLedger:
    """Columns `creators.likes_by_day` (int32 (n, 28), a ring of day buckets) and `creators.likes_day`.

    Column `items.credited` (the creator credited for an item, -1 while unknown), list `items.waiting`
    (days of likes that wait for their creator).
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ITEM, Kind.FEEDBACK})

    def empty(self) -> State:
        """Nobody has likes."""
        return State(
            items=Table({"credited": Column(np.int32, -1)}, {"waiting": Lists(np.int64)}),
            creators=Table(
                {"likes_by_day": Column(np.int32, width=WINDOW_DAYS), "likes_day": Column(np.int64)},
            ),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Credit likes to creators."""
        state.grow(events.sizes)
        items = events.where(events.of(Kind.ITEM) & (events.creator >= 0))
        # Likes that came before any record are its first creator's; backwards, so that the first is written last.
        first = items.where(state.items["credited"][items.item] < 0)
        state.items["credited"][first.item[::-1]] = first.creator[::-1]
        liked = events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.action >= 0)
        liked[liked] = self.feedback.likes[events.action[liked]]
        chosen = events.where(liked)
        days = day_of(chosen.at)
        creator = np.where(chosen.creator >= 0, chosen.creator, state.items["credited"][chosen.item])
        known = creator >= 0
        _credit(state.creators, creator[known], days[known])
        state.items.lists["waiting"].extend(chosen.item[~known], days[~known])
        _settle(state, items.item)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Windows added; likes that waited in one part for a record in the other are credited."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        a, b = earlier.creators, later.creators
        a["likes_by_day"][:], a["likes_day"][:] = merge_windows(
            a["likes_by_day"], a["likes_day"], b["likes_by_day"], b["likes_day"]
        )
        told = earlier.items["credited"] < 0
        earlier.items["credited"][told] = later.items["credited"][told]
        earlier.items.lists["waiting"].extend(*later.items.lists["waiting"].flat())
        _settle(earlier, np.array(list(earlier.items.lists["waiting"].rows()), np.int64))
        return earlier


def _credit(creators: Table, rows: Ints, days: Array) -> None:
    if len(rows) == 0:
        return
    touched, index = np.unique(rows, return_inverse=True)
    buckets, day = creators["likes_by_day"], creators["likes_day"]
    buckets[touched], day[touched] = add_to_window(buckets[touched], day[touched], index, 1, days)


def _settle(state: State, items: Ints) -> None:
    """Credit the likes that waited at these items, where the creator is now known."""
    waiting = state.items.lists["waiting"]
    if len(waiting) == 0:
        return
    for item in items.tolist():
        days, creator = waiting[item], state.items["credited"][item]
        if len(days) and creator >= 0:
            _credit(state.creators, np.full(len(days), creator), days)
            waiting.put(item, days[:0])
