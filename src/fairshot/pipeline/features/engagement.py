"""Engagement: the probability of each kind of feedback, from one small network for all kinds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Array
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Engagement:
    """Columns p_<kind>, float32 (n,) in [0, 1], for every kind the model has learned; others keep their rate."""

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        """Predict for each candidate."""
        model = ctx.snapshot.artifacts.need("engagement")
        if not model.kinds:
            return {}
        inputs = np.stack([batch[name] for name in model.features], axis=1).astype(np.float32, copy=False)
        probabilities = model.predict(inputs)
        return {f"p_{kind}": probabilities[:, head] for head, kind in enumerate(model.kinds)}
