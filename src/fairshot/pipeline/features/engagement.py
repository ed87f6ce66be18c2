"""Engagement: the probability of each kind of feedback, from one small network for all kinds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Array
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context

SHOWN = "shown"
"""The input that tells what was shown (1) from what people came upon by themselves (0)."""


@dataclass(frozen=True, slots=True)
class Engagement:
    """Columns p_<kind>, float32 (n,) in [0, 1], for every kind the model has learned; others keep their rate.

    seconds: expected seconds in view, where clients report them. All of it as if the item were shown.

    Where nothing was learned yet, for want of feedback, the rates are tilted by how close the item is to the
    person, lest a young platform show everybody the same: logit p' = logit p +- tilt * closeness, plus for
    kinds that speak for an item, minus for those against it.
    """

    tilt: float = 2.0

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        """Predict for each candidate."""
        model = ctx.snapshot.artifacts.need("engagement")
        if not model.kinds:
            return self._tilted(batch, ctx)
        inputs = np.ones((len(batch), len(model.features)), dtype=np.float32)
        for place, name in enumerate(model.features):
            if name != SHOWN:
                inputs[:, place] = batch[name]
        probabilities, seconds = model.outcomes(inputs)
        found = {f"p_{kind}": probabilities[:, head] for head, kind in enumerate(model.kinds)}
        return found if seconds is None else {**found, "seconds": seconds}

    def _tilted(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        odds = np.exp(np.float32(self.tilt) * batch["closeness"])
        tilted = {}
        for kind, preference in zip(ctx.snapshot.feedback.names, ctx.snapshot.feedback.preferences, strict=True):
            rate = batch[f"p_{kind}"]
            moved = rate * (odds if preference > 0 else 1 / odds if preference < 0 else 1)
            tilted[f"p_{kind}"] = moved / (1 - rate + moved)
        return tilted
