"""What a trial has told of an item's rate of likes, beside what is expected of its category."""

from typing import NamedTuple

import numpy as np

from fairshot.core.arrays import Array, Floats, Rows
from fairshot.core.predicted_labels import category_of
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import TIERS, Trials

FIRST_RATE, FIRST_EXAMINED = 0.05, 200.0
"""Rate of likes that is expected before anything was served, worth so many impressions that were looked at."""


class Posterior(NamedTuple):
    """Beta posterior of each item's rate, in its first tier at the top position: alpha and beta, float64 (n,) each.

    threshold (n,): the rate that is good enough; tried (n,): impressions that the likes were compared with.
    """

    alpha: Floats
    beta: Floats
    threshold: Floats
    tried: Floats


def posterior_of(
    prior: tuple[Floats, Floats], counts: tuple[Array, Array], settings: Trials, tiers: Floats
) -> Posterior:
    """What counts tell beside a prior.

    Formula: alpha = a + x, beta = b + n - x for x and n of `successes`; threshold = lift * a / (a + b), at most 1.
    Shapes: prior: a and b, (n,) each; counts: shown and liked, (n, CELLS) each; tiers (4,) rates.
    """
    a, b = prior
    won, tried = successes(*counts, settings, tiers)
    return Posterior(a + won, b + tried - won, np.minimum(settings.lift * a / (a + b), 1.0), tried)


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


def posteriors_of(snapshot: Snapshot, rows: Rows, counts: tuple[Array, Array] | None = None) -> Posterior:
    """What is known of items' rates.

    counts: accounts that were shown each item and that liked it, (n, CELLS) each; all that count where not given.
    """
    a, b, tiers = priors_of(snapshot, rows)
    if counts is None:
        counts = snapshot.items["trial_shown"][rows], snapshot.items["trial_liked"][rows]
    return posterior_of((a, b), counts, snapshot.trials, tiers)


def _usual(snapshot: Snapshot) -> float:
    """The rate at which what is served is liked by those who look at it, drawn towards FIRST_RATE."""
    world = snapshot.world
    liked, examined = float(world["flow_liked"][0]), float(world["flow_examined"][0])
    return min((liked + FIRST_RATE * FIRST_EXAMINED) / (examined + FIRST_EXAMINED), 0.5)
