"""What moderation decided: the latest decision on each item, and how many reports wait."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, State, Table

DECISIONS = ("restore", "flag", "remove")
"""What a moderation event may decide, as its action."""


@dataclass(frozen=True)
class Moderation:
    """Columns `items.removed` (bool), `items.flagged` (severity 0 to 1) and `items.decided` (log number).

    Reports by people decide nothing: they are counted as feedback and wait for a moderator.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.MODERATION})

    def empty(self) -> State:
        """Nothing is decided."""
        return State(
            items=Table({"removed": Column(np.bool_), "flagged": Column(np.float32), "decided": Column(np.int64)})
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Let the latest decision on each item stand."""
        state.grow(events.sizes)
        for index in np.flatnonzero(events.of(Kind.MODERATION) & (events.item >= 0)).tolist():
            item, decision = events.item[index], (events.data[index] or {}).get("decision")
            if events.seq[index] > state.items["decided"][item]:
                value = events.value[index]
                state.items["decided"][item] = events.seq[index]
                state.items["removed"][item] = decision == "remove"
                state.items["flagged"][item] = (1.0 if np.isnan(value) else value) if decision == "flag" else 0.0
        return state

    def merge(self, earlier: State, later: State) -> State:
        """The later decision stands."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        newer = later.items["decided"] > earlier.items["decided"]
        for name in earlier.items.columns:
            earlier.items[name][newer] = later.items[name][newer]
        return earlier
