"""Latent cluster: for new people, what the types of people like that they may be of, by a latent bandit."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class LatentCluster:
    """Up to `count` unmet items with the largest chance of approval, among the best of each cluster.

    The chance is that of types drawn from the belief, the same draws as those of the value term of this name. For
    people with `until` reactions or more it brings nothing, nor where no types were learned.
    """

    count: int = 100
    until: int = 60
    personal: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse what nobody could have fewer than."""
        if self.until < 1:
            raise ValueError(f"until must be at least 1, not {self.until}")

    def __call__(self, ctx: Context) -> Candidates:
        """The best unmet items of the clusters that the drawn types like."""
        model, person = ctx.snapshot.artifacts.latent_cluster, ctx.person
        if model is None or model.influence(person, self.until) == 0:
            return no_candidates()
        lift = model.drawn_for(ctx)
        if ctx.eligible is None:
            rows, rate, arm = ctx.snapshot.once("best of clusters", model.best_known)
        else:
            rows, (rate, arm) = ctx.eligible, model.known(ctx.eligible, ctx.snapshot.artifacts.vectors)
        new = ~person.met[rows]
        rows, chance = rows[new], model.chances(rate, arm, lift)[new]
        if len(rows) > self.count:
            # Equal chances at the edge all stay, so that the order of rows decides among them.
            kept = chance >= np.partition(chance, -self.count)[-self.count]
            rows, chance = rows[kept], chance[kept]
        return Candidates(rows[np.lexsort((rows, -chance))[: self.count]])
