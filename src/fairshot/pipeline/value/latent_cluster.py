"""Latent cluster: for new people, the chance of approval by the types of people that they may be of."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class LatentCluster:
    """max(0, 1 - n / until) * P(approval | types drawn from the belief), n: the person's reactions so far.

    So it decides the first slates of somebody about whom the other terms know nothing, and hands over to them as
    evidence grows. Reactions to what was not shown count five times. Zero without profiling, and where no types were
    learned. See docs/ideas/latent_cluster.md.
    """

    until: int = 60

    def __post_init__(self) -> None:
        """Refuse what nobody could have fewer than."""
        if self.until < 1:
            raise ValueError(f"until must be at least 1, not {self.until}")

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The expected approval of each candidate, as far as the bandit still decides."""
        model = ctx.snapshot.artifacts.latent_cluster
        influence = 0.0 if model is None else model.influence(ctx.person, self.until)
        if influence == 0:
            return np.zeros(len(batch))
        lift = ctx.once("latent_cluster", lambda: model.drawn(ctx.person, ctx.rng("latent_cluster")))
        return np.asarray(influence * model.approval(batch.rows, lift, ctx.snapshot.artifacts.vectors), np.float64)
