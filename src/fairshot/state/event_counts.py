"""How many events of each kind the log holds, so that nobody needs to count it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, State, Table


@dataclass(frozen=True)
class EventCounts:
    """Column `world.event_counts`: int64 (1, kinds); a slate counts once, whatever its length."""

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset(Kind)

    def empty(self) -> State:
        """No events."""
        return State(world=Table({"event_counts": Column(np.int64, width=len(Kind))}))

    def add(self, state: State, events: EventBatch) -> State:
        """Count the events."""
        state.grow(events.sizes)
        first = np.diff(events.seq, prepend=-1) != 0
        state.world["event_counts"][0] += np.bincount(events.kind[first], minlength=len(Kind))
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Counts added."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        earlier.world["event_counts"][:] += later.world["event_counts"]
        return earlier
