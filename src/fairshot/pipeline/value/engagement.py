"""Engagement: what the person's likely reactions are worth, bad ones counting against."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Engagement:
    """sum over kinds k of weight_k * P(k); the weights stand at [feedback.<kind>].

    Source: the published value models of large feeds, V = sum of w_a P(a).
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The expected worth of showing each candidate, in units of one like."""
        total = np.zeros(len(batch))
        for name, weight in zip(ctx.snapshot.feedback.names, ctx.snapshot.feedback.weights, strict=True):
            if weight:
                total += weight * batch[f"p_{name}"]
        return total
