"""Listed: an item without a record, or excluded by the request, or outside its context, is not shown."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.arrays import Bools, marked
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Listed:
    """Keeps items that have a record and that the request allows."""

    fails_closed: ClassVar[bool] = True

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows may be shown at all."""
        keep = ctx.snapshot.items["record"][batch.rows] > 0
        if len(ctx.request.exclude):
            keep &= ~marked(len(ctx.snapshot.ids.items), ctx.request.exclude)[batch.rows]
        if ctx.eligible is not None:
            keep &= np.isin(batch.rows, ctx.eligible)
        return keep
