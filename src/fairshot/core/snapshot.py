"""A snapshot: all that a request may read, reached by one pointer that is swapped whole."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np

from fairshot.core.arrays import Bools, Floats, Ints, Rows, lengthened
from fairshot.core.errors import MissingArtifactError
from fairshot.core.feedback import FeedbackKinds, Impressions
from fairshot.core.ids import Ids
from fairshot.core.perturbation import Tuning
from fairshot.core.predicted_labels import PredictedLabels
from fairshot.core.tables import View
from fairshot.core.trial import Trials

T = TypeVar("T")


class Nearest(Protocol):
    """Finds the rows whose vectors have the largest inner product with a query."""

    def search(self, queries: Floats, k: int, eligible: Rows | None = None) -> list[Rows]:
        """For each query (q, d) at most k rows, best first; only `eligible` ones where given."""
        ...


class Encoder(Protocol):
    """Turns what an item says of itself into its vector, so that it is usable before any feedback."""

    def encode(self, records: Sequence[Mapping[str, Any]]) -> Floats:
        """Vectors of items: float32 (n, d)."""
        ...


@dataclass(slots=True)
class Vectors:
    """Item vectors: the trained ones, and those of items that came since, appended by the state's owner.

    items: float32 (n, d), zero rows for items without any; trained: bool (t,), t <= n, which rows were
    fitted from feedback; gram: float32 (d, d), the sum of outer products that a fold-in starts from,
    regularisation included; confidence: how much more a reaction counts than its absence, for a person with
    `typical` reactions; activity: the power of n / typical by which those of one with n count less.
    """

    items: Floats
    trained: Bools
    gram: Floats
    confidence: float
    activity: float = 0.0
    typical: float = 1.0
    encoder: Encoder | None = None
    _room: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32), init=False, repr=False)

    def confidence_of(self, reactions: int) -> float:
        """How much more a reaction counts than its absence, for a person with so many."""
        return float(self.confidence * (max(reactions, 1) / self.typical) ** -self.activity)

    def grow(self, n: int) -> None:
        """Have at least n rows; new ones are zero until encoded."""
        self.items, self._room = lengthened(self.items, self._room, n)

    def untrained(self, rows: Ints) -> Bools:
        """Which of these items were not fitted from feedback: bool (n,)."""
        result: Bools = rows >= len(self.trained)
        result[~result] = ~self.trained[rows[~result]]
        return result

    def lacking(self, known: Bools) -> Rows:
        """The items that have a record but no vector yet; known: bool (items,), which have a record."""
        rows = np.flatnonzero(known)
        rows = rows[self.untrained(rows)]
        inside = rows[rows < len(self.trained)]
        found = np.concatenate([inside[~self.items[inside].any(axis=1)], rows[len(inside) :]])
        return found.astype(np.int32)

    def encode(self, rows: Rows, records: Sequence[Mapping[str, Any]]) -> None:
        """Give items the vectors that their records tell, in place; without an encoder they stay as they are."""
        if self.encoder is not None and len(rows):
            self.items[rows] = self.encoder.encode(records)


@dataclass(frozen=True, slots=True)
class Popularity:
    """How items were received on the whole, when the models were fitted.

    quantiles: of the items' reactions, float32 (q,), from the least to the most; rates: how often each kind of
    feedback came, of all occasions.
    """

    quantiles: Floats
    rates: Mapping[str, float]

    def rates_of(self, kinds: Sequence[str]) -> Floats:
        """The rates of these kinds, float32 (kinds,), 0 for what was never seen."""
        return np.array([self.rates.get(kind, 0.0) for kind in kinds], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The models of one version; whatever could not be loaded is absent and named in `missing`."""

    version: str | None = None
    vectors: Vectors | None = None
    nearest: Nearest | None = None
    engagement: Any = None
    multipliers: Any = None
    missing: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    retrieval: Any = None
    causal: Any = None
    neighbours: Any = None
    popularity: Popularity | None = None
    latent_cluster: Any = None
    labels: PredictedLabels | None = None
    audience: Floats | None = None
    """Vectors of some people, each of length one, float32 (p, d): whom a match is compared with."""

    def need(self, name: str) -> Any:
        """The named model, or the error that makes the engine skip the stage that asked."""
        found = getattr(self, name)
        if found is None:
            raise MissingArtifactError(f"no {name} model is loaded; run `fairshot train`")
        return found


UNTRAINED = Artifacts(missing=("no snapshot was trained yet",))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State and models of one moment.

    The arrays of state grow between requests, never during one: the thread that serves is the thread
    that folds.
    """

    seq: int
    ids: Ids
    users: View
    items: View
    creators: View
    labels: View
    world: View
    feedback: FeedbackKinds
    impressions: Impressions = field(default_factory=Impressions)
    artifacts: Artifacts = field(default_factory=Artifacts)
    tuning: Tuning = field(default_factory=Tuning)
    trials: Trials = field(default_factory=Trials)
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, worked out once for this snapshot: what hangs on no person, shared by all who come."""
        found: T = self._found[name] if name in self._found else self._found.setdefault(name, make())
        return found

    def forget(self) -> None:
        """Let go of all that was worked out: a person holds the snapshot that holds the person."""
        self._found.clear()

    def latest(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        """The same for one key at a time: what was made for the last one stands until another is asked for."""
        held = self._found.get(name)
        if held is None or held[0] != key:
            held = self._found[name] = (key, make())
        found: T = held[1]
        return found

    @property
    def weights(self) -> Floats:
        """What each kind of feedback is worth: as configured, overridden where tuning decided, float64 (kinds,)."""
        tuned = self.world["tuned_weights"][0]
        return np.where(np.isnan(tuned), self.feedback.weights, tuned)

    @property
    def tuned(self) -> dict[str, float]:
        """The weights that tuning decided, by kind."""
        decided = zip(self.feedback.names, self.world["tuned_weights"][0].tolist(), strict=True)
        return {name: weight for name, weight in decided if not np.isnan(weight)}

    @property
    def version(self) -> str | None:
        """The version of the models, None before the first training."""
        return self.artifacts.version
