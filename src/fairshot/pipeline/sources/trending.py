"""Trending: the items that get more approval now than their exposure and their own past let expect."""

from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.algorithms.trend import DAYS, HOURS, WEEKS, Expected, expected_count, rise, steady_pace, worn_out
from fairshot.core.arrays import MICROSECONDS, Floats, Rows, distinct
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.core.tables import View

HALF_LIVES = (HOURS, DAYS, WEEKS)
PRIOR = 0.05
"""Approval for each exposure, as long as too little of either is known."""
KNOWN = 20.0
"""Exposures of all items together that count as much as the prior."""
MOMENT = 300 * MICROSECONDS
"""Rises are told as of its beginning; the shortest memory halves in hours."""
AMONG = 500
"""So many items are looked at closely: those that may rise most by time alone, which bounds every rise."""


@dataclass(frozen=True, slots=True)
class Trending:
    """Up to `count` items among the latest approved, those first that rise most beyond what was to be expected.

    Merely popular items do not rise, nor do those that are only shown more; a rise ends when its interest
    wears out. See docs/ideas/trending.md.
    """

    count: int = 50

    def __call__(self, ctx: Context) -> Candidates:
        """The strongest risers."""
        snapshot, now = ctx.snapshot, moment(ctx.now)
        rows, _ = snapshot.once(f"trending/{now}", lambda: strongest(snapshot, now))
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        return Candidates(rows[: self.count])


def moment(now: int) -> int:
    """As of when rises are told: all who come within one share what hangs on no person."""
    return now - now % MOMENT


def strongest(snapshot: Snapshot, now: int) -> tuple[Rows, Floats]:
    """The items that rise and by how much, strongest first; now: microseconds since 1970.

    A strength of 1 is twice the approval of the last day that chance and expectation explain.
    """
    rows = snapshot.once("may rise", lambda: _may_rise(snapshot))
    strength = strengths(snapshot, rows, now)
    rows, strength = rows[strength > 0], strength[strength > 0]
    order = np.lexsort((rows, -strength))
    return rows[order].astype(np.int32), strength[order]


def _may_rise(snapshot: Snapshot) -> Rows:
    """The items approved of last, at most AMONG of them."""
    rows = distinct(snapshot.world.lists["touched"][0]["item"])
    if len(rows) <= AMONG:
        return rows
    trend, weeks = (snapshot.items[name][rows] for name in ("trend", "trend_weeks"))
    chosen: Rows = rows[np.argpartition((trend + 1) / (weeks - trend + WEEKS / DAYS), -AMONG)[-AMONG:]]
    return chosen


def strengths(snapshot: Snapshot, rows: Rows, now: int) -> Floats:
    """By which share the approval of each item is above what is to be expected; 0 where it is not, or is worn out."""
    liked = _sums(snapshot.items, "trend", rows, now)
    seen = _sums(snapshot.items, "exposed", rows, now)
    age = np.maximum(now - snapshot.items["created_at"][rows], 0).astype(np.float64)
    (hours, day), rate = range(2), _rate(snapshot, now)
    paces = [steady_pace(age, *HALF_LIVES[short : short + 2]) for short in (hours, day)]
    by_exposure, by_time = _expected(liked[day:], seen[day:], rate, paces[day])
    larger = by_exposure.mean >= by_time.mean
    expected = Expected(*(np.where(larger, a, b) for a, b in zip(by_exposure, by_time, strict=True)))
    # By the hour, exposure tells what night and day do; where there is none, only time can.
    by_exposure, by_time = _expected(liked, seen, rate, paces[hours])
    shown = seen[day] - seen[hours] >= 1
    before = Expected(*(np.where(shown, a, b) for a, b in zip(by_exposure, by_time, strict=True)))
    return np.where(worn_out(liked[hours], before), 0.0, rise(liked[day], expected))


def _sums(table: View, name: str, rows: Rows, now: int) -> Floats:
    """The sums of hours, a day and weeks as of now: float64 (3, n)."""
    at, columns = table[f"{name}_at"][rows], (f"{name}_hours", name, f"{name}_weeks")
    return decayed(np.stack([table[column][rows] for column in columns]), at, now, np.array(HALF_LIVES)[:, None])


def _expected(liked: Floats, seen: Floats, rate: float, pace: Floats) -> tuple[Expected, Expected]:
    """What the first of the sums would be by the second, of the longer half-life: by exposure, and by time."""
    # Rounding may leave a past below zero.
    past, past_seen = (np.maximum(sums[1] - sums[0], 0) for sums in (liked, seen))
    return expected_count(past, past_seen, seen[0], rate, pace)


def _rate(snapshot: Snapshot, now: int) -> float:
    """Approval for each exposure, over all items."""
    world = snapshot.world
    liked, seen = (
        float(decayed(world[f"all_{name}_weeks"], world[f"all_{name}_at"], now, HALF_LIVES[2])[0])
        for name in ("trend", "exposed")
    )
    return (liked + PRIOR * KNOWN) / (liked + seen + KNOWN)
