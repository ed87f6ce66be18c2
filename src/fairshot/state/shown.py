"""What each person was shown, when they last came, and how often each item was shown."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.arrays import Ints, Rows
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
        _visited(state.users, chosen.user[~reported], chosen.at[~reported])
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
        later_visits = later.users["last_visit"], later.users["visit_before"]
        earlier.users["last_visit"][:], earlier.users["visit_before"][:] = _latest(earlier.users, *later_visits)
        return earlier


def _visited(users: Table, user: Rows, at: Ints) -> None:
    """Take in slates of these people at these times, in any order."""
    order = np.lexsort((at, user))
    user, at = user[order], at[order]
    # All positions of a slate, and all slates of one moment, are one visit.
    distinct = np.flatnonzero(np.append((user[1:] != user[:-1]) | (at[1:] != at[:-1]), True)[: len(user)])
    user, at = user[distinct], at[distinct]
    last = np.flatnonzero(np.append(user[1:] != user[:-1], True)[: len(user)])
    people, before = user[last], np.where((last > 0) & (user[last - 1] == user[last]), at[last - 1], 0)
    found = _latest(users, at[last], before, people)
    users["last_visit"][people], users["visit_before"][people] = found


def _latest(users: Table, last: Ints, before: Ints, rows: Rows | slice = slice(None)) -> tuple[Ints, Ints]:
    """The two latest of the visits that are known of these rows and of two others; the same moment is one visit."""
    visits = np.stack([users["last_visit"][rows], users["visit_before"][rows], last, before], axis=1)
    latest = visits.max(axis=1)
    return latest, np.where(visits == latest[:, None], 0, visits).max(axis=1)
