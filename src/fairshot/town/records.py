"""What a run leaves: arrays of what was shown and what it was worth in truth, for figures alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from fairshot.core.arrays import Array, Bools, Floats, Ints

NOBODY = -1
Head: TypeAlias = tuple[int, int, int, float]
"""Time, person, page and cost of a slate, see `Run`."""
Shown: TypeAlias = tuple[Ints, Bools, Bools, Bools, Bools, Floats]
"""Item, looked, liked, explored, tried and worth of each position of a slate, see `Run`."""


@dataclass(frozen=True, slots=True)
class Run:
    """One policy in one town. s slates of k positions, shorter ones padded with item -1; n items that may ever be.

    at: microseconds (s,); person (s,); page: from 0, of the visit (s,); item, looked (bool), liked (bool), explored
    (bool), tried (bool: explored by a trial or by the policy's own rule, not by lots): (s, k); worth: float64 (s, k),
    true utility at each position whether looked at or not; cost: float64 (s,), the examination-weighted true utility
    that the slate without its exploring positions would have given, less what it gave; published, left: microseconds
    of each item (n,) and each creator, 0 for never; people_left: microseconds, 0 for never; decisions: (time, data) of
    the verdicts on trials; trainings: (seconds, promoted); seconds: of it all.
    """

    policy: str
    seed: int
    start: int
    end: int
    at: Ints
    person: Ints
    page: Ints
    item: Ints
    looked: Bools
    liked: Bools
    explored: Bools
    tried: Bools
    worth: Floats
    cost: Floats
    published: Ints
    left: Ints
    people_left: Ints
    decisions: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    trainings: tuple[tuple[float, bool], ...] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class Recorder:
    """Takes down slates of at most so many positions as they come; visit: the number of the visit of each."""

    positions: int
    heads: list[Head] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    visit: list[int] = field(default_factory=list)

    def take(self, visit: int, heads: list[Head], shown: list[Shown]) -> None:
        """The slates of a visit."""
        self.heads += heads
        self.shown += shown
        self.visit += [visit] * len(heads)

    def arrays(self) -> dict[str, Array]:
        """The columns of `Run` that are of slates."""
        heads: list[Any] = list(zip(*self.heads, strict=True)) or [(), (), (), ()]
        found: dict[str, Array] = {
            "at": np.array(heads[0], np.int64),
            "person": np.array(heads[1], np.int64),
            "page": np.array(heads[2], np.int64),
            "cost": np.array(heads[3], np.float64),
        }
        blanks = (
            ("item", NOBODY, np.int64),
            ("looked", False, bool),
            ("liked", False, bool),
            ("explored", False, bool),
            ("tried", False, bool),
        )
        for place, (name, blank, dtype) in enumerate((*blanks, ("worth", 0.0, np.float64))):
            column = np.full((len(self.shown), self.positions), blank, dtype)
            for row, columns in enumerate(self.shown):
                column[row, : len(columns[place])] = columns[place]
            found[name] = column
        return found


def joined(parts: Sequence[tuple[list[int], Mapping[str, Array]]]) -> dict[str, Array]:
    """The columns of several recorders, each with the visits of its slates, in the order of the visits."""
    order = np.argsort(np.concatenate([np.array(visit, np.int64) for visit, _ in parts]), kind="stable")
    return {name: np.concatenate([columns[name] for _, columns in parts])[order] for name in parts[0][1]}
