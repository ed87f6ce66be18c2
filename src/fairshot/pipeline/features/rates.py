"""Rates: how an item was received by everybody so far, drawn towards the average where little is known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.core.arrays import DAY, HOUR, Array
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Rates:
    """Columns, float32 (n,).

    popularity: log(1 + reactions); p_<kind>: (count of the kind + strength * prior) / (occasions + strength), a
    smoothed rate that the engagement model replaces where it is loaded; approval: log of positive over negative
    reactions, smoothed; rising: log(1 + decayed trend); age: log(1 + days since creation).
    The prior is the kind's share of all occasions, and until anything was trained the option `prior`: one far from
    the truth would say of whoever is shown more often that they are better, or worse.
    """

    strength: float = 20.0
    prior: float = 0.05
    half_life_hours: float = 24.0

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        """The reception of each candidate."""
        items, feedback = ctx.snapshot.items, ctx.snapshot.feedback
        counts = items["item_counts"][batch.rows].astype(np.float32)
        reactions = counts.sum(axis=1)
        occasions = np.maximum(items["served"][batch.rows], reactions)
        known = ctx.snapshot.artifacts.popularity
        prior = self.prior if known is None else known.rates_of(feedback.names)
        rates = (counts + self.strength * prior) / (occasions + self.strength)[:, None]
        likes, dislikes = counts @ (feedback.preferences > 0), counts @ (feedback.preferences < 0)
        trend = decayed(items["trend"][batch.rows], items["trend_at"][batch.rows], ctx.now, self.half_life_hours * HOUR)
        age = np.maximum(ctx.now - items["created_at"][batch.rows], 0) / DAY
        return {
            "popularity": np.log1p(reactions),
            "approval": np.log((likes + 5.0) / (dislikes + 1.0)).astype(np.float32),
            "rising": np.log1p(trend).astype(np.float32),
            "age": np.log1p(age).astype(np.float32),
            **{f"p_{name}": rates[:, code] for code, name in enumerate(feedback.names)},
        }
