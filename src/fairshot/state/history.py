"""What each person did with which item, and how often each kind of feedback occurred."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.person import HISTORY
from fairshot.core.tables import Column, Lists, State, Table


@dataclass(frozen=True)
class History:
    """List `users.history`: entries HISTORY, every feedback on an item, oldest first.

    Columns `users.user_counts` and `items.item_counts`: int32 (n, kinds), how often each kind occurred.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.FEEDBACK})

    def empty(self) -> State:
        """Nobody did anything."""
        kinds = len(self.feedback.names)
        return State(
            users=Table({"user_counts": Column(np.int32, width=kinds)}, {"history": Lists(HISTORY)}),
            items=Table({"item_counts": Column(np.int32, width=kinds)}),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Append the feedback among the events."""
        state.grow(events.sizes)
        chosen = events.where(events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.action >= 0))
        entries = np.empty(len(chosen), HISTORY)
        entries["at"], entries["item"], entries["action"] = chosen.at, chosen.item, chosen.action
        state.users.lists["history"].extend(chosen.user, entries)
        np.add.at(state.users["user_counts"], (chosen.user, chosen.action), 1)
        np.add.at(state.items["item_counts"], (chosen.item, chosen.action), 1)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Histories joined, counts added."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        earlier.users.lists["history"].extend(*later.users.lists["history"].flat())
        earlier.users["user_counts"][:] += later.users["user_counts"]
        earlier.items["item_counts"][:] += later.items["item_counts"]
        return earlier
