"""Fairness: what an impression is worth for going to one of the many items that few have met."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Fairness:
    """1 for an item of the least popular `share` of the catalogue, by reactions; else 0.

    To show most of what people want while such items get a given part of all impressions is to maximise
    sum P + weight * (impressions of such items), for a weight that is the same for everybody: so the bonus is
    a constant, and exposure moves where it costs least. Where the share begins is fixed in training; who
    has outgrown it is counted live.
    Source: Lagrange relaxation of the constrained assignment; compare Singh and Joachims, "Fairness of exposure in
    rankings", KDD 2018.
    """

    share: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what is not a share."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie in [0, 1], not {self.share}")

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """Who gets the bonus; nobody until the first training."""
        popularity = ctx.snapshot.artifacts.popularity
        if popularity is None:
            return np.zeros(len(batch))
        quantiles = popularity.quantiles
        reactions = ctx.snapshot.items["item_counts"][batch.rows].sum(axis=1)
        # The share of the catalogue that had fewer; of a share of zero nobody is.
        below = np.searchsorted(quantiles, reactions, "left") / len(quantiles)
        return np.asarray(below < self.share, dtype=np.float64)
