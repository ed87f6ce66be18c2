"""What rises: decayed sums of approval and of exposure for each item, and the items approved of last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.algorithms.decay import add_decayed, merge_decayed
from fairshot.algorithms.trend import DAYS, HOURS, WEEKS
from fairshot.core.arrays import Array, Floats
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

TOUCHED = np.dtype([("at", np.int64), ("item", np.int32)])
TOUCHED_KEPT = 2048
"""Only items among the latest reactions can be trending, so that finding them never scans the catalogue."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Decayed sums that are counted together: where, the column of their time, and each column's half-life."""

    side: str
    at: str
    half_lives: Mapping[str, float]


TREND = Sums("items", "trend_at", {"trend_hours": HOURS, "trend": DAYS, "trend_weeks": WEEKS})
EXPOSED = Sums("items", "exposed_at", {"exposed_hours": HOURS, "exposed": DAYS, "exposed_weeks": WEEKS})
ALL_TREND = Sums("world", "all_trend_at", {"all_trend_weeks": WEEKS})
ALL_EXPOSED = Sums("world", "all_exposed_at", {"all_exposed_weeks": WEEKS})
SUMS = (TREND, EXPOSED, ALL_TREND, ALL_EXPOSED)


@dataclass(frozen=True)
class Trending:
    """Columns of items: approval `trend_hours`, `trend` (of a day) and `trend_weeks`, as of `trend_at`.

    Exposure `exposed_hours`, `exposed` and `exposed_weeks`, as of `exposed_at`: each impression by how many look at
    its position, 1 / log2(1 + position); reported ones that no slate led to count 1.
    World: the sums over all items, `all_trend_weeks` and `all_exposed_weeks`, and their times; list `touched`.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.FEEDBACK, Kind.SLATE, Kind.IMPRESSION})

    def empty(self) -> State:
        """Nothing rises."""
        columns: dict[str, dict[str, Column]] = {"items": {}, "world": {}}
        for sums in SUMS:
            columns[sums.side] |= dict.fromkeys(sums.half_lives, Column(np.float64)) | {sums.at: Column(np.int64)}
        touched = {"touched": Lists(TOUCHED, TOUCHED_KEPT)}
        return State(items=Table(columns["items"]), world=Table(columns["world"], touched))

    def add(self, state: State, events: EventBatch) -> State:
        """Count approving feedback and exposures at their time."""
        state.grow(events.sizes)
        told = events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.action >= 0)
        told[told] = self.feedback.trends[events.action[told]] > 0
        approved = events.where(told)
        _count(state, (TREND, ALL_TREND), approved, self.feedback.trends[approved.action])
        entries = np.empty(len(approved), TOUCHED)
        entries["at"], entries["item"] = approved.at, approved.item
        state.world.lists["touched"].extend(np.zeros(len(approved), np.int64), entries)
        # A reported impression that knows its position was counted when its slate was served.
        seen = events.of(Kind.SLATE) | (events.of(Kind.IMPRESSION) & (events.position == 0))
        exposed = events.where(seen & (events.item >= 0))
        looked = 1 / np.log2(1 + np.maximum(exposed.position.astype(np.float64), 1))
        _count(state, (EXPOSED, ALL_EXPOSED), exposed, looked)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Sums decayed to the later time and added."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        for sums in SUMS:
            a, b = earlier[sums.side], later[sums.side]
            last = np.maximum(a[sums.at], b[sums.at])
            for name, half_life in sums.half_lives.items():
                a[name][:], _ = merge_decayed(a[name], a[sums.at], b[name], b[sums.at], half_life)
            a[sums.at][:] = last
        earlier.world.lists["touched"].extend(*later.world.lists["touched"].flat())
        return earlier


def _count(state: State, sums: tuple[Sums, Sums], events: EventBatch, amounts: Floats) -> None:
    """Add amounts, float (n,), at the times of the events: to their items, and to the sums over all."""
    if len(events):
        _add(state.items, sums[0], events.item, amounts, events.at)
        _add(state.world, sums[1], np.zeros(len(events), np.int64), amounts, events.at)


def _add(table: Table, sums: Sums, rows: Array, amounts: Floats, at: Array) -> None:
    touched, index = np.unique(rows, return_inverse=True)
    before = table[sums.at][touched]
    for name, half_life in sums.half_lives.items():
        table[name][touched], last = add_decayed(table[name][touched], before, index, amounts, at, half_life)
        table[sums.at][touched] = last
