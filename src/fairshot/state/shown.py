"""What each person was shown, when they last came, and how often each item was shown."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

SHOWN = np.dtype([("at", np.int64), ("item", np.int32), ("reported", np.bool_)])
SHOWN_KEPT = 2000
"""Impressions remembered for each person; older ones may be shown again."""


@dataclass(frozen=True)
class Shown:
    """List `users.shown`: entries SHOWN, the latest impressions; `reported` ones were seen by the client's word.

    Columns: `users.last_visit` and `users.visit_before` (microseconds of the two latest slates, 0 for
    none); `served` and `reported` of users and of items: impressions of each sort.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SLATE, Kind.IMPRESSION})

    def empty(self) -> State:
        """Nothing was shown."""
        return State(
            users=Table(
                {
                    "last_visit": Column(np.int64),
                    "visit_before": Column(np.int64),
                    "served": Column(np.int64),
                    "reported": Column(np.int64),
                },
                {"shown": Lists(SHOWN, SHOWN_KEPT)},
            ),
            items=Table({"served": Column(np.int64), "reported": Column(np.int64)}),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Remember served and reported impressions."""
        state.grow(events.sizes)
        chosen = events.where(events.of(Kind.SLATE, Kind.IMPRESSION) & (events.user >= 0) & (events.item >= 0))
        reported = chosen.of(Kind.IMPRESSION)
        entries = np.empty(len(chosen), SHOWN)
        entries["at"], entries["item"], entries["reported"] = chosen.at, chosen.item, reported
        state.users.lists["shown"].extend(chosen.user, entries)
        for table, rows in ((state.items, chosen.item), (state.users, chosen.user)):
            np.add.at(table["served"], rows[~reported], 1)
            np.add.at(table["reported"], rows[reported], 1)
        visits = np.unique(np.stack([chosen.user[~reported], chosen.at[~reported]], axis=1), axis=0)
        for user, at in visits.tolist():
            _visit(state.users, user, at)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Lists joined, counts added, the two latest of both visits kept."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        earlier.users.lists["shown"].extend(*later.users.lists["shown"].flat())
        for name in ("served", "reported"):
            earlier.items[name][:] += later.items[name]
            earlier.users[name][:] += later.users[name]
        visits = [table[name] for table in (earlier.users, later.users) for name in ("last_visit", "visit_before")]
        stacked = np.stack(visits, axis=1)
        last = stacked.max(axis=1)
        # A visit that both parts know is one visit.
        before = np.where(stacked == last[:, None], 0, stacked).max(axis=1)
        earlier.users["last_visit"][:], earlier.users["visit_before"][:] = last, before
        return earlier


def _visit(users: Table, user: int, at: int) -> None:
    last, before = users["last_visit"], users["visit_before"]
    if at > last[user]:
        last[user], before[user] = at, last[user]
    elif before[user] < at < last[user]:
        before[user] = at
