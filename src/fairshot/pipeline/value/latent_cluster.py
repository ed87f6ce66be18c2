"""Latent cluster: for new people, what the types of people that they may be of make of the ranker's chances."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class LatentCluster:
    """max(0, 1 - n / until) * (c p^(1 - w / 2) q^(w / 2) - p), n: the person's reactions so far.

    p: the approval that the ranker expects; q: P(approval | types drawn from the belief); w: m / (m + 10) after m items
    that were shown, and 1 where the log tells of nothing that was shown; c such that nothing is added on the whole. So
    at weight 1 ranker and bandit are pooled by their logarithms: of somebody of whom nothing is known the bandit knows
    no more than the ranker and is silent, soon both count alike, and as evidence grows the ranker has the say again.
    Reactions to what was not shown count five times.
    Zero without profiling, and where no types were learned. See docs/ideas/latent_cluster.md.
    """

    until: int = 60

    def __post_init__(self) -> None:
        """Refuse what nobody could have fewer than."""
        if self.until < 1:
            raise ValueError(f"until must be at least 1, not {self.until}")

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """What the bandit adds to each candidate or takes from it, in approvals."""
        model = ctx.snapshot.artifacts.latent_cluster
        influence = 0.0 if model is None else model.influence(ctx.person, self.until)
        if influence == 0:
            return np.zeros(len(batch))
        of_type = model.approval(batch.rows, model.drawn_for(ctx), ctx.snapshot.artifacts.vectors)
        ranked, heard = _approval(batch, ctx), model.told(ctx.person) / 2
        pooled = ranked ** (1 - heard) * of_type**heard
        # One is a chance for a look, the other for any position: how they compare among candidates is pooled alone.
        level = ranked.sum() / max(float(pooled.sum()), 1e-9)
        return np.asarray(influence * (level * pooled - ranked), np.float64)


def _approval(batch: Candidates, ctx: Context) -> Floats:
    """The approval that the ranker expects: the sum of preferences times chances, within 0 and 1."""
    kinds = ctx.snapshot.feedback
    total = np.zeros(len(batch))
    for name, preference in zip(kinds.names, kinds.preferences, strict=True):
        if preference:
            total += preference * batch[f"p_{name}"]
    return np.minimum(np.maximum(total, 0.0), 1.0)
