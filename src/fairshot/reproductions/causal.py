"""Causal layer on a confounded log whose truth is known (science section 6).

The world: a person would have found an item anyway with chance p0 = sigmoid(x0 - 2); showing it persuades some of
the others, h = sigmoid(x1 - 1.5), so p1 = p0 + (1 - p0) h and the effect is (1 - p0) h. The base ranker is as good
as rankers of engagement get: its score is p1 itself, and the log shows what scores high, P(shown) =
sigmoid(1.2 standardised score). Six features, four of them of no use; 8,000 units of 1,000 people a log.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from fairshot.core.arrays import Bools, Floats
from fairshot.learning.causal import CausalUnits

FEATURES = tuple(f"x{n}" for n in range(6))


@dataclass(frozen=True, slots=True)
class World:
    """Units with the effect that is true of each, (n,)."""

    units: CausalUnits
    effect: Floats


def drawn(rng: np.random.Generator, n: int = 8000, share_by_lot: float = 0.0) -> World:
    """A log of n units, of which a share was shown by lot, with chance one half."""
    x = rng.normal(size=(n, len(FEATURES)))
    anyway, persuaded = expit(x[:, 0] - 2), expit(x[:, 1] - 1.5)
    score = anyway + (1 - anyway) * persuaded
    by_lot: Bools = rng.random(n) < share_by_lot
    chance = np.where(by_lot, 0.5, expit(1.2 * (score - 0.343) / 0.164))
    shown = rng.random(n) < chance
    outcome = (rng.random(n) < np.where(shown, score, anyway)).astype(np.float64)
    units = CausalUnits(
        features=FEATURES,
        inputs=x.astype(np.float32),
        score=score,
        treated=shown,
        outcome=outcome,
        propensity=np.where(by_lot, 0.5, np.nan),
        weights=np.ones(n),
        person=np.arange(n) % 1000,
    )
    return World(units, (1 - anyway) * persuaded)
