"""Trials: the words that the log, state, stages and decisions share about the experiment that every new item gets.

An item waits, is tested on a few well-chosen people near the top of their slates, expands, and in the end
graduates or is stopped. An impression of a trial belongs to an arm: the audience tier by which the person was
chosen, 1 surely, 2 should be, 3 a stretch, 4 found by who responded; arm 0 is no trial. Arm 5 marks ordinary
impressions of a graduate whose audience is looked for: no trial's, they tell nothing but who responds.
"""

from enum import IntEnum
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from fairshot.core.arrays import Array, Bools, Floats, Ints
from fairshot.core.events import SEGMENTS
from fairshot.core.tables import Table, View

TIERS = ("surely", "should be", "stretch", "found")
POSITIONS = 3
"""Positions of a slate that an impression of a trial may stand at: 1 to 3."""
CELLS = len(TIERS) * POSITIONS
"""Counts of one item: cell (arm - 1) * POSITIONS + position - 1."""
EVIDENCE = np.dtype(
    [("at", np.int64), ("user", np.int32), ("segments", np.int32, (SEGMENTS,)), ("cell", np.int8), ("answer", np.int8)]
)
"""One entry of an item's evidence; answer 0: it was shown, 1: approval, -1: disapproval."""
CORE = 2
"""A segment is asked, and found, for the people whose first or second label it is: who like it third mostly do not."""
STRETCH, FOUND = TIERS.index("stretch") + 1, TIERS.index("found") + 1
HEARD = len(TIERS) + 1
DEEPEST = 20
"""The last position of a slate whose ordinary impressions tell who responds: cell CELLS + position - 1."""


class TrialState(IntEnum):
    """How far the trial of an item has come."""

    WAITING = 0
    TESTING = 1
    EXPANDING = 2
    GRADUATED = 3
    STOPPED = 4


Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[int, Meta(ge=1)]
Above = Annotated[float, Meta(gt=0)]
NotBelow = Annotated[float, Meta(ge=0)]
Chance = Annotated[float, Meta(ge=0.5, lt=1)]


class Trials(Struct, frozen=True, forbid_unknown_fields=True):
    """How new items are tried; see defaults.toml."""

    share: Share = 0.1
    positions: tuple[Annotated[int, Meta(ge=1, le=POSITIONS)], Annotated[int, Meta(ge=1, le=POSITIONS)]] = (1, 3)
    examination: tuple[Above, Above, Above] = (1.0, 0.63, 0.5)
    mix: tuple[Share, Share, Share] = (0.65, 0.15, 0.2)
    audience: tuple[Share, Share] = (0.1, 0.3)
    among: Positive = 256
    days: Above = 14.0
    wait: NotBelow = 1.0
    daily: Above = 100.0
    at_once: Positive = 3
    weekly: Positive = 10
    lift: Above = 0.98
    strength: Above = 10.0
    search: Annotated[int, Meta(ge=0)] = 500
    least: Positive = 10
    likes: Above = 60.0
    strangers: Annotated[int, Meta(ge=0)] = 24
    confidence: tuple[Chance, Chance] = (0.99, 0.5)
    rest_days: Above = 30.0

    def __post_init__(self) -> None:
        """Refuse what no slate and no decision could follow."""
        if self.positions[0] > self.positions[1]:
            raise ValueError(f"positions must not fall, not {list(self.positions)}")
        if self.audience[0] > self.audience[1]:
            raise ValueError(f"audience must not fall, not {list(self.audience)}")
        if self.confidence[0] < self.confidence[1]:
            raise ValueError(f"confidence must not rise, not {list(self.confidence)}")
        if sum(self.mix) == 0:
            raise ValueError("mix must have a share above 0")

    @property
    def looked_at(self) -> Floats:
        """How likely a person looks at each position of the band, of those who look at the first: float64 (3,)."""
        return np.array(self.examination) / self.examination[0]

    @property
    def examined(self) -> Floats:
        """The same of every cell, of ordinary impressions too: float64 (CELLS + DEEPEST,).

        Below the band attention falls like 1 / log2(1 + position).
        """
        deep = 1 / np.log2(np.arange(POSITIONS + 1, DEEPEST + 1) + 1)
        return np.concatenate([np.tile(self.looked_at, len(TIERS) + 1), deep])


def core_of(segments: Ints, segment: Ints | int) -> Bools:
    """Whether each person is of the core of a segment, bool (n,); segments (n, SEGMENTS), most liked first."""
    own = segments[..., :CORE]
    return np.asarray(((own == np.asarray(segment)[..., None]) & (own >= 0)).any(axis=-1))


def of_trial(arm: Ints) -> Bools:
    """Which impressions a trial gave, by their arms: bool, of the same shape."""
    return np.asarray((arm > 0) & (arm <= len(TIERS)))


def cell_of(arm: Ints, position: Ints) -> Ints:
    """The cell in which an impression counts, of HEARD ones from CELLS on; -1 for deeper ones, or without an arm."""
    inside = (arm > 0) & (position > 0) & (position <= np.where(arm == HEARD, DEEPEST, POSITIONS))
    return np.where(inside, (arm.astype(np.int64) - 1) * POSITIONS + position - 1, -1)


def evidence_of(items: Table | View, row: int) -> Array:
    """The evidence on an item since it was last admitted: EVIDENCE, oldest first."""
    entries = items.lists["trial_evidence"].last(row)
    counted: Array = entries[entries["at"] >= items["trial_admitted_at"][row]]
    return counted


def counts_of(first: Array, liked: Bools) -> tuple[Ints, Ints]:
    """Accounts that a trial showed an item, and those that liked it, by cell: two int64 (CELLS,). See `accounts_of`."""
    cell = first["cell"]
    return np.bincount(cell, minlength=CELLS)[:CELLS], np.bincount(cell[liked], minlength=CELLS)[:CELLS]


def accounts_of(entries: Array) -> tuple[Array, Bools]:
    """The first impression of each account, and whether it was welcome by the latest answer: EVIDENCE (a,), bool (a,).

    entries: EVIDENCE, oldest first; so are the impressions returned.
    """
    answer, user = entries["answer"], entries["user"]
    shown, told = np.flatnonzero(answer == 0), np.flatnonzero(answer)[::-1]
    _, first = np.unique(user[shown], return_index=True)
    first = shown[np.sort(first)]
    answered, last = np.unique(user[told], return_index=True)
    if len(answered) == 0:
        return entries[first], np.zeros(len(first), dtype=bool)
    place = np.minimum(np.searchsorted(answered, user[first]), len(answered) - 1)
    welcome: Bools = (answered[place] == user[first]) & (answer[told[last[place]]] == 1)
    return entries[first], welcome
