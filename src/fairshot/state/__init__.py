"""State: folds over the log. The folder is the registry: `state/history.py` holds the fold `History`.

A fold is a monoid: `empty()`, `add(state, events)`, `merge(earlier, later)`. Live, replayed, and computed
in parts and merged, it gives the same answer. `add` and `merge` may reuse the memory of what they are
given.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import State


class Fold(Protocol):
    """What one kind of memory is, and how an event changes it; `kinds`: the only events that can."""

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of events that change the state; batches without any may be left out."""
        ...

    def empty(self) -> State:
        """Nothing has happened yet."""
        ...

    def add(self, state: State, events: EventBatch) -> State:
        """The state after these events as well."""
        ...

    def merge(self, earlier: State, later: State) -> State:
        """The state of two consecutive parts of the log together."""
        ...


def fold_names() -> list[str]:
    """The names of all folds."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem != "__init__")


def load_folds(feedback: FeedbackKinds) -> Mapping[str, Fold]:
    """Every fold by its name, set up for the configured kinds of feedback."""
    folds: dict[str, Fold] = {}
    for name in fold_names():
        factory = getattr(import_module(f"fairshot.state.{name}"), "".join(w.capitalize() for w in name.split("_")))
        folds[name] = factory(feedback)
    return folds


def fold_batch(folds: Mapping[str, Fold], states: dict[str, State], batch: EventBatch) -> None:
    """Add the log's next events to every state, in place; a fold is only asked where an event concerns it."""
    present = {Kind(kind) for kind in np.flatnonzero(np.bincount(batch.kind)).tolist()}
    for name, fold in folds.items():
        if present & fold.kinds:
            states[name] = fold.add(states[name], batch)
        else:
            states[name].grow(batch.sizes)
