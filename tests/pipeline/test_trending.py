"""A planted rise is found and ends at the right time; popularity and exposure alone are no rise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fairshot.app import App
from fairshot.config import load_config
from fairshot.core.arrays import DAY, HOUR, Array
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Ids, Sizes
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.core.tables import views
from fairshot.pipeline.sources.trending import Trending as Source
from fairshot.pipeline.sources.trending import strongest
from fairshot.state.catalogue import Catalogue
from fairshot.state.trending import Trending

KINDS = load_config().kinds
ITEMS, DAYS = 20, 27
SIZES = Sizes(items=ITEMS, users=1)
START = 1_700_000_000_000_000
STEP = 2
SIDES = ("users", "items", "creators", "labels", "world")
Flow = Callable[[float], Any]
"""What each item gets an hour, at a time in days."""


def batch_of(at: int, exposed: Array, liked: Array, rng: np.random.Generator) -> EventBatch:
    """Exposures and likes of each item, spread over STEP hours."""
    items = np.concatenate([np.repeat(np.arange(ITEMS), exposed), np.repeat(np.arange(ITEMS), liked)])
    shown, n = int(exposed.sum()), len(items)
    served = np.arange(n) < shown
    columns: dict[str, Any] = {
        "seq": np.arange(n),
        "kind": np.where(served, int(Kind.SLATE), int(Kind.FEEDBACK)),
        "action": np.where(served, -1, KINDS.code("like")),
        "at": at + rng.integers(0, STEP * HOUR, n),
        "user": np.zeros(n),
        "item": items,
        "creator": np.full(n, -1),
        "value": np.full(n, np.nan),
        "position": np.where(served, rng.integers(1, 11, n), 0),
        "propensity": np.ones(n),
    }
    return event_batch(columns, [None] * n, SIZES)


def replayed(seed: int, exposures: Flow, rate: Flow, organic: Flow = lambda _day: 0.0) -> Array:
    """Which items rise after each step: bool (steps, items)."""
    rng, fold = np.random.default_rng(seed), Trending(KINDS)
    state, catalogue = fold.empty(), Catalogue(KINDS).empty()
    catalogue.grow(SIZES)
    catalogue.items["created_at"][:] = START
    rising = np.zeros((DAYS * 24 // STEP, ITEMS), bool)
    for step in range(len(rising)):
        day = step * STEP / 24
        exposed = rng.poisson(np.broadcast_to(exposures(day), ITEMS) * STEP)
        liked = rng.binomial(exposed, rate(day)) + rng.poisson(np.broadcast_to(organic(day), ITEMS) * STEP)
        at = START + step * STEP * HOUR
        state = fold.add(state, batch_of(at, exposed, liked, rng))
        seen = views({"trending": state, "catalogue": catalogue})
        users, items, creators, labels, world = (seen[side] for side in SIDES)
        rows, strength = strongest(Snapshot(0, Ids(), users, items, creators, labels, world, KINDS), at + STEP * HOUR)
        assert (np.diff(strength) <= 0).all()
        assert (strength > 0).all()
        rising[step, rows] = True
    return rising


def days_of(rising: Array) -> tuple[float, float]:
    """First and last moment at which an item rose, in days."""
    steps = np.flatnonzero(rising) + 1
    return float(steps[0] * STEP / 24), float(steps[-1] * STEP / 24)


QUALITY = np.random.default_rng(3).beta(2, 20, ITEMS)
QUALITY[0] = 0.05
TRAFFIC = np.random.default_rng(4).lognormal(np.log(20), 1, ITEMS)
TRAFFIC[0] = 40
FIRST = np.arange(ITEMS) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_a_rise_is_found_soon_and_ends_when_it_wears_out(seed: int) -> None:
    def rate(day: float) -> Array:
        return np.where(FIRST & (20 <= day < 23), 4, 1) * QUALITY

    rising = replayed(seed, lambda _day: TRAFFIC, rate)
    assert not rising[15 * 24 // STEP : 20 * 24 // STEP, 0].any()
    start, end = days_of(rising[:, 0])
    assert 20 < start <= 20.5
    assert 23 <= end <= 24
    during = rising[int(20.5 * 24 / STEP) : 23 * 24 // STEP]
    assert during[:, 0].all()
    # What is merely popular, or often shown, does not rise; chance makes two in a thousand.
    assert rising[:, 1:].mean() < 0.01


def test_popularity_from_exposure_alone_does_not_rise() -> None:
    rising = replayed(2, lambda day: TRAFFIC * np.where(FIRST & (day >= 15), 8, 1), lambda _day: QUALITY)
    assert not rising[15 * 24 // STEP :, 0].any()


def test_day_and_night_are_no_rise() -> None:
    rising = replayed(3, lambda day: TRAFFIC * (1 + np.sin(2 * np.pi * day)), lambda _day: QUALITY)
    assert rising[48:].mean() < 0.01


def test_approval_without_exposure_rises_by_time_and_a_steady_flow_does_not() -> None:
    def organic(day: float) -> Array:
        return np.where(FIRST, 6 if 20 <= day < 23 else 1, np.arange(ITEMS) / 4)

    rising = replayed(4, lambda _day: 0.0, lambda _day: 0.0, organic)
    start, end = days_of(rising[20 * 24 // STEP :, 0])
    assert start <= 0.5
    assert 3 <= end <= 4.5
    # New as the items are, their first success counts as a rise, and within two weeks as a habit.
    assert rising[: 24 // STEP].mean() > 0.5
    assert rising[14 * 24 // STEP :, 1:].mean() < 0.02


def test_a_new_item_that_is_liked_rises_at_first_and_then_stands_for_itself() -> None:
    rate = np.where(FIRST, 0.4, QUALITY)
    rising = replayed(5, lambda day: TRAFFIC * np.where(FIRST & (day < 20), 0, 1), lambda _day: rate)
    start, end = days_of(rising[:, 0])
    assert 20 < start <= 20.5
    assert end <= 22


def test_a_clock_that_lags_and_a_platform_without_a_past_are_stood(world: App, context: Callable[..., Context]) -> None:
    snapshot = world.live.snapshot
    rows, strength = strongest(snapshot, 1_699_000_000_000_000)
    assert np.isfinite(strength).all()
    assert len(rows) == len(np.unique(rows))
    assert len(strongest(snapshot, 1_700_000_000_000_000 + 3000 * DAY)[0]) == 0
    ctx = context("u1", context={"label": "l2"})
    assert ctx.eligible is not None
    assert np.isin(Source(5)(ctx).rows, ctx.eligible).all()
