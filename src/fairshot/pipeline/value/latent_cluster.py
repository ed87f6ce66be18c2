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
    evidence grows. Zero without profiling, and where no types were learned. See docs/ideas/latent_cluster.md.
    """

    until: int = 100

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The expected approval of each candidate, as far as the bandit still decides."""
        model, reactions = ctx.snapshot.artifacts.latent_cluster, len(ctx.person.history)
        if model is None or not ctx.request.profile or reactions >= self.until:
            return np.zeros(len(batch))
        lift = model.drawn(ctx.person, ctx.rng("latent_cluster"))
        chance = model.approval(batch.rows, lift, ctx.snapshot.artifacts.vectors)
        return np.asarray((1 - reactions / self.until) * chance, np.float64)
