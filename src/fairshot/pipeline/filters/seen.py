"""Seen: what the person reacted to does not come back, and what was shown stays away for a while."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Bools, marked
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Seen:
    """Keeps items the person never reacted to and was not shown lately, as [impressions] says.

    Where fewer than the slate's length remain, the items shown longest ago, never reacted to, fill it up:
    a small catalogue is shown again rather than an empty page.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows are new to the person."""
        resting = ctx.person.resting
        items = len(ctx.snapshot.ids.items)
        met = marked(items, ctx.person.reacted)[batch.rows]
        again = marked(items, resting["item"])[batch.rows]
        keep: Bools = ~met & ~again
        missing = ctx.request.limit - int(keep.sum())
        if missing > 0 and (again & ~met).any():
            spare = np.flatnonzero(again & ~met)
            last = {int(item): int(at) for at, item in zip(resting["at"], resting["item"], strict=True)}
            ages = np.array([last[int(row)] for row in batch.rows[spare]])
            keep[spare[np.lexsort((batch.rows[spare], ages))[:missing]]] = True
        return keep
