"""The kinds of feedback that are configured, and what each one means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct

from fairshot.core.arrays import HOUR, Array, Floats, Ints


class FeedbackKind(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of feedback.

    weight: what its probability is worth in the value model (negative: it speaks against showing);
    preference: what it says of the person's taste, as confidence of the item's fold-in (negative: against);
    like: whether a creator counts it as a like; trend: what it adds to a rise; window_hours: how long after an
    impression it is still taken to be its effect.
    """

    weight: float = 0.0
    preference: float = 0.0
    like: bool = False
    trend: float = 0.0
    window_hours: Annotated[float, Meta(gt=0, le=24 * 366)] = 24.0


class Impressions(Struct, frozen=True, forbid_unknown_fields=True):
    """Which impressions count as seen, and for how many days what was seen, without a reaction, stays away."""

    mode: Literal["served", "reported"] = "served"
    days: Annotated[float, Meta(ge=0)] = 7.0


@dataclass(frozen=True, slots=True)
class FeedbackKinds:
    """All configured kinds, as parallel arrays indexed by the action code of events."""

    names: tuple[str, ...]
    weights: Floats
    preferences: Floats
    likes: Array
    trends: Floats
    windows: Ints
    """Of attribution, microseconds."""

    @classmethod
    def of(cls, kinds: Mapping[str, FeedbackKind]) -> "FeedbackKinds":
        """Gather configured kinds; the order of configuration gives the codes."""
        values = list(kinds.values())
        return cls(
            names=tuple(kinds),
            weights=np.array([k.weight for k in values]),
            preferences=np.array([k.preference for k in values]),
            likes=np.array([k.like for k in values], dtype=bool),
            trends=np.array([k.trend for k in values]),
            windows=np.array([round(k.window_hours * HOUR) for k in values], dtype=np.int64),
        )

    def code(self, name: str | None) -> int:
        """The code of a kind, -1 where it is not configured."""
        return self.names.index(name) if name in self.names else -1
