"""What moderation decided: the latest decision on each item, and how many reports wait."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, State, Table


@dataclass(frozen=True)
class Moderation:
    """Columns `items.removed` (bool) and `items.flagged` (severity 0 to 1), each with the number of its decision.

    Only `restore` brings a removed item back: a flag lowers what stands and lets nothing stand again.
    Reports by people decide nothing: they are counted as feedback and wait for a moderator.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.MODERATION})

    def empty(self) -> State:
        """Nothing is decided."""
        return State(
            items=Table(
                {
                    "removed": Column(np.bool_),
                    "removal_decided": Column(np.int64),
                    "flagged": Column(np.float32),
                    "flag_decided": Column(np.int64),
                }
            )
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Let the latest decision on each item stand."""
        state.grow(events.sizes)
        items = state.items
        for index in np.flatnonzero(events.of(Kind.MODERATION) & (events.item >= 0)).tolist():
            item, seq, value = events.item[index], events.seq[index], events.value[index]
            decision = (events.data[index] or {}).get("decision")
            if decision in ("remove", "restore") and seq > items["removal_decided"][item]:
                items["removal_decided"][item], items["removed"][item] = seq, decision == "remove"
            if decision in ("flag", "restore") and seq > items["flag_decided"][item]:
                severity = 1.0 if np.isnan(value) else value
                items["flag_decided"][item], items["flagged"][item] = seq, severity if decision == "flag" else 0.0
        return state

    def merge(self, earlier: State, later: State) -> State:
        """The later decision of each sort stands."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        for name, decided in (("removed", "removal_decided"), ("flagged", "flag_decided")):
            newer = later.items[decided] > earlier.items[decided]
            for column in (name, decided):
                earlier.items[column][newer] = later.items[column][newer]
        return earlier
