"""Dispatch with and without a store of available users (science table, row 7).

Set-up: 4,000 users who visit tomorrow with chance p ~ Beta(.6, .8), 1,200 items in turn, each to its 40 best
users by inner product of random vectors (some users lie close to everything); a visitor is shown at most 25
of the items that wait. The prediction of who will visit is p with noise of sd .12, cut at one half.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairshot.algorithms import dispatch as dp
from fairshot.algorithms.arguments import Bools, Floats
from fairshot.reproductions.figure import Figure, at_most, near

USERS, ITEMS, DIMENSIONS, AUDIENCE, CAPACITY = 4000, 1200, 16, 40, 25
SOURCE = (
    "synthetic dispatch, 4,000 users and 1,200 items; means of 5 worlds, here (standard error {ours:.2g}) and in an "
    "independent simulation ({theirs:.2g}); tolerance: the target's rounding and 2 standard errors of both means"
)
TARGETS = {
    "no store": ((0.43, 0.0099), (6.4, 0.16)),
    "capacity": ((0.43, 0.0045), (17.1, 0.18)),
    "capacity and activity": ((0.75, 0.0035), (25.8, 0.19)),
}
"""Share of matched users who visit and deliveries an item in the reference, each with its standard error."""
STARVED = (0.13, 0.0055)
"""Items without a delivery in the reference, with capacity and activity."""


@dataclass(frozen=True, slots=True)
class World:
    """Vectors of users and items, who will visit, and who is predicted to."""

    users: Floats
    items: Floats
    visits: Bools
    active: Bools


def world(seed: int) -> World:
    """Draw a world of the set-up."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.6, 0.8, USERS)
    visits = rng.random(USERS) < chance
    length = np.exp(rng.normal(0, 0.5, (USERS, 1)))
    users = rng.normal(size=(USERS, DIMENSIONS)) * length + 0.5
    items = rng.normal(size=(ITEMS, DIMENSIONS)) + 0.2
    return World(users, items, visits, np.clip(chance + rng.normal(0, 0.12, USERS), 0, 1) > 0.5)


def run(drawn: World, stored: bool, active: Bools, ruled: bool = False) -> tuple[float, float, float]:
    """Dispatch every item; return the share of matches that visit, deliveries an item, items with none."""
    store, _ = dp.empty_store(USERS, CAPACITY)
    delivered, waiting = np.zeros(ITEMS), np.zeros(USERS, np.int64)
    for item, vector in enumerate(drawn.items):
        limit = dp.match_limit(store, active, ITEMS - item, AUDIENCE) if ruled else AUDIENCE
        allowed = dp.available(store, active) if stored else active
        users = dp.match_users(drawn.users @ vector, allowed, limit)
        if stored:
            store[dp.free_places(store, users, item)] = item
        delivered[item] = np.sum(drawn.visits[users] & (waiting[users] < CAPACITY))
        waiting[users] += 1
    hit = float(waiting[drawn.visits].sum() / waiting.sum())
    return hit, float(delivered.mean()), float(np.mean(delivered == 0))


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Hit rate and deliveries of the three stores, and the capacity rule that starves nobody."""
    worlds = [world(seed) for seed in range(5)]
    everybody = np.ones(USERS, np.bool_)
    runs = {
        "no store": np.array([run(w, False, everybody) for w in worlds]),
        "capacity": np.array([run(w, True, everybody) for w in worlds]),
        "capacity and activity": np.array([run(w, True, w.active) for w in worlds]),
    }
    found = []
    for name, (hit, deliveries) in TARGETS.items():
        found.append(_beside(f"share of matched users who visit, {name}", runs[name][:, 0], hit, 0.01))
        found.append(_beside(f"deliveries an item, {name}", runs[name][:, 1], deliveries, 0.1))
    starved = runs["capacity and activity"][:, 2]
    found.append(_beside("items without a delivery at load 1.16", starved, STARVED, 0.01))
    rule = np.array([run(w, True, w.active, ruled=True)[2] for w in worlds])
    bound = f"synthetic dispatch, 4,000 users and 1,200 items, mean of {len(worlds)} worlds; at most one in a thousand"
    found.append(at_most("items without a delivery under the capacity rule", float(rule.mean()), 0.001, bound))
    return found


def _beside(name: str, values: Floats, reference: tuple[float, float], unit: float) -> Figure:
    """Hold the mean over worlds beside the reference's, printed to whole `unit`s."""
    target, theirs = reference
    ours = float(values.std(ddof=1)) / math.sqrt(len(values))
    tolerance = unit / 2 + 2 * math.hypot(theirs, ours)
    return near(name, float(values.mean()), target, tolerance, SOURCE.format(ours=ours, theirs=theirs))
