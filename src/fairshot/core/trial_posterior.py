"""What a trial has told of an item's rate of likes, beside what is expected of its category."""

import numpy as np

from fairshot.core.arrays import Array, Floats, Rows
from fairshot.core.predicted_labels import category_of
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import TIERS, Trials

FIRST_RATE, FIRST_EXAMINED = 0.05, 200.0
"""Rate of likes that is expected before anything was served, worth so many impressions that were looked at."""


def successes(shown: Array, liked: Array, settings: Trials, tiers: Floats) -> tuple[Floats, Floats]:
    """Likes, and the impressions that they are to be compared with, of each item: two float64 (n,).

    Formula: x = sum of liked; n = sum over cells of shown * examination(position) * rate(tier) / rate(first tier),
    at least x: an impression that is looked at half as often, or by people who like half as much, counts half.
    Shapes: shown and liked (n, CELLS) counts; tiers (4,), the rate at which each tier likes what is tried.
    """
    weight = (tiers / tiers[0])[:, None] * settings.looked_at
    likes = liked.sum(axis=1).astype(np.float64)
    return likes, np.maximum(shown @ weight.ravel(), likes)


def priors_of(snapshot: Snapshot, rows: Rows) -> tuple[Floats, Floats, Floats]:
    """What is expected of items: a and b of the Beta prior of each one's rate, (n,), and the rates of tiers, (4,).

    The prior is that of the item's category, or of all where none was fitted; before any was, the rate at which
    whatever is served is liked, with the configured strength, and tiers that are all alike.
    """
    everywhere, tiers = snapshot.world["trial_world_prior"][0], snapshot.world["trial_tiers"][0]
    if np.isnan(everywhere).any():
        rate = _usual(snapshot)
        everywhere, tiers = snapshot.trials.strength * np.array([rate, 1 - rate]), np.full(len(TIERS), rate)
    # The last row stands for no category.
    fitted = np.vstack([snapshot.labels["trial_prior"], np.full((1, 2), np.nan)])
    prior = fitted[category_of(snapshot, rows)]
    prior = np.where(np.isnan(prior), everywhere, prior)
    return prior[:, 0], prior[:, 1], tiers


def posteriors_of(
    snapshot: Snapshot, rows: Rows, counts: tuple[Array, Array] | None = None
) -> tuple[Floats, Floats, Floats]:
    """Beta posterior of each item's rate, in its first tier at the top position, and the rate that is good enough.

    alpha, beta and threshold, float64 (n,): threshold = lift * a / (a + b). counts: accounts that were shown each item
    and that liked it, (n, CELLS) each; all that count where not given.
    """
    items = snapshot.items
    a, b, tiers = priors_of(snapshot, rows)
    shown, liked = (items["trial_shown"][rows], items["trial_liked"][rows]) if counts is None else counts
    won, tried = successes(shown, liked, snapshot.trials, tiers)
    return a + won, b + tried - won, np.minimum(snapshot.trials.lift * a / (a + b), 1.0)


def _usual(snapshot: Snapshot) -> float:
    """The rate at which what is served is liked by those who look at it, drawn towards FIRST_RATE."""
    world = snapshot.world
    liked, examined = float(world["flow_liked"][0]), float(world["flow_examined"][0])
    return min((liked + FIRST_RATE * FIRST_EXAMINED) / (examined + FIRST_EXAMINED), 0.5)
