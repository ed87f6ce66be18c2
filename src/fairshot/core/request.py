"""A request, and the context in which stages answer it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from fairshot.core.arrays import Bools, Floats, Rows
from fairshot.core.person import Person
from fairshot.core.perturbation import perturbation
from fairshot.core.randomness import stream
from fairshot.core.snapshot import Snapshot

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for what. now: microseconds since 1970, UTC; exclude: item rows that must not come back."""

    id: str
    user: str
    row: int
    limit: int
    now: int
    surface: str = "home"
    profile: bool = True
    exclude: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a stage may read beside its batch."""

    request: Request
    snapshot: Snapshot

    @property
    def now(self) -> int:
        """The time of the request: microseconds since 1970, UTC."""
        return self.request.now

    @cached_property
    def person(self) -> Person:
        """The person as far as this request may know them."""
        row, now, profile = self.request.row, self.request.now, self.request.profile
        # Who asks for page after page is known by then.
        known = self.snapshot.latest("person", (row, profile), lambda: Person(self.snapshot, row, now, profile))
        return known if known.now == now else known.at(now)

    @cached_property
    def eligible(self) -> Rows | None:
        """The items the context restricts to (`{"label": "Comedy"}`), None where it does not."""
        label = self.request.context.get("label")
        if not isinstance(label, str):
            return None
        row = self.snapshot.ids.labels.row(label)
        stated = np.unique(self.snapshot.labels.lists["label_items"][row]).astype(np.int32)
        # A record that lost its label left an old entry behind.
        holds: Bools = (self.snapshot.items["labels"][stated] == row).any(axis=1)
        return stated[holds]

    @cached_property
    def perturbation(self) -> Floats | None:
        """Log factors on the weights of this person's day, float64 (kinds,); None where there are none."""
        kinds = len(self.snapshot.feedback.names)
        return perturbation(self.request.user, self.now, kinds, self.snapshot.tuning) if self.request.profile else None

    @cached_property
    def weights(self) -> Floats:
        """What the probability of each kind of feedback is worth in this request, perturbed: float64 (kinds,)."""
        weights = self.snapshot.weights
        return weights if self.perturbation is None else weights * np.exp(self.perturbation)

    def asked_of(self, snapshot: Snapshot) -> "Context":
        """The same request of the same person, as this snapshot knows them, put to another snapshot's catalogue."""
        other = Context(self.request, snapshot)
        other.__dict__["person"] = self.person
        return other

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, worked out once for this request: for stages that share what one of them found."""
        found: T = self._found[name] if name in self._found else self._found.setdefault(name, make())
        return found

    def of_person(self, name: str, make: Callable[[], T]) -> T:
        """The same for all requests of one person that follow each other: what hangs on no moment."""
        if self.eligible is not None or self.person.snapshot is not self.snapshot:
            return make()
        return self.person.once(name, make)

    @cached_property
    def _found(self) -> dict[str, Any]:
        return {}

    def rng(self, stage: str) -> np.random.Generator:
        """A random stream of this request and this stage alone: a logged request replays bit by bit."""
        return stream(self.request.id, stage)
