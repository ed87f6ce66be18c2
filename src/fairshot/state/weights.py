"""Which value weights were decided by tuning: the latest decision stands and overrides configuration."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, State, Table


@dataclass(frozen=True)
class Weights:
    """Column `world.tuned_weights`: float64 (1, kinds), NaN where configuration holds; `world.weights_decided`.

    A verdict with decision "weights" names every weight that is to override configuration, so that one which
    names none gives all back to it; kinds that are not configured any more are passed over.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.VERDICT})

    def empty(self) -> State:
        """Nothing was decided."""
        width = len(self.feedback.names)
        return State(
            world=Table({"tuned_weights": Column(np.float64, np.nan, width), "weights_decided": Column(np.int64)})
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Let the latest decision stand."""
        state.grow(events.sizes)
        for index in np.flatnonzero(events.of(Kind.VERDICT)).tolist():
            data = events.data[index] or {}
            if data.get("decision") == "weights" and events.seq[index] > state.world["weights_decided"][0]:
                given = data["weights"]
                state.world["tuned_weights"][0] = [given.get(name, np.nan) for name in self.feedback.names]
                state.world["weights_decided"][0] = events.seq[index]
        return state

    def merge(self, earlier: State, later: State) -> State:
        """The later decision stands."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        if later.world["weights_decided"][0] > earlier.world["weights_decided"][0]:
            for name in ("tuned_weights", "weights_decided"):
                earlier.world[name][:] = later.world[name]
        return earlier
