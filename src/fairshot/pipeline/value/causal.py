"""Causal: what showing an item changes, beyond what the person would have found anyway."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Causal:
    """tau(x), the effect of showing on the worth of feedback, held within -bound and bound.

    Zero where no causal layer was learned, or it did not stand its trials: then nothing is missing. See
    docs/ideas/causal.md.
    """

    bound: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a bound that is none."""
        if not self.bound > 0:
            raise ValueError(f"bound must be above 0, not {self.bound}")

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The effect of showing each candidate, in units of one like."""
        model = ctx.snapshot.artifacts.causal
        if model is None or not model.features or len(batch) == 0:
            return np.zeros(len(batch))
        inputs = np.stack([batch[name] for name in model.features], axis=1).astype(np.float32, copy=False)
        effect: Floats = np.clip(model.predict(inputs), -self.bound, self.bound)
        return effect
