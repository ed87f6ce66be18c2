"""Engagement: what the person's likely reactions are worth, bad ones counting against."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.person import occasions
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Engagement:
    """sum over kinds k of weight_k * m_k * P(k) + second * expected seconds in view.

    The weights stand at [feedback.<kind>], tuning may override them.

    m_k is what one reaction of this person says against one of anybody's (see docs/ideas/value_weights.md), raised to
    the power `personal`: 0 weighs everybody's alike. It is 1 for people who are unknown or want no profiling.
    Source: the published value models of large feeds, V = sum of w_a P(a).
    """

    personal: float = 0.0
    second: float = 0.0

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The expected worth of showing each candidate, in units of one like."""
        total = np.zeros(len(batch))
        weights = ctx.weights * self._multipliers(ctx) if self.personal else ctx.weights
        for name, weight in zip(ctx.snapshot.feedback.names, weights, strict=True):
            if weight:
                total += weight * batch[f"p_{name}"]
        if self.second and "seconds" in batch:
            total += self.second * batch["seconds"]
        return total

    def _multipliers(self, ctx: Context) -> Floats | float:
        snapshot, request = ctx.snapshot, ctx.request
        learned = snapshot.artifacts.multipliers
        if learned is None or request.row < 0 or not request.profile:
            return 1.0
        counts = snapshot.users["user_counts"][request.row]
        times = occasions(snapshot.users, request.row, snapshot.impressions.mode)
        multipliers: Floats = learned(snapshot.feedback.names, counts, times) ** self.personal
        return multipliers
