"""Integrity: items that moderation flagged, without removing them, are worth less."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Floats
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Integrity:
    """- severity of the flag, 0 to 1."""

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The loss by flags."""
        return -ctx.snapshot.items["flagged"][batch.rows].astype(np.float64)
