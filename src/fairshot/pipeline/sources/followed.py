"""Followed creators: what they published since the last visit, then earlier works that were well received."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.arrays import distinct
from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Followed:
    """Up to `count` items never met before: new ones newest first, then by how often they were approved of."""

    count: int = 75
    personal: ClassVar[bool] = True

    def __call__(self, ctx: Context) -> Candidates:
        """Works of the creators followed."""
        works = ctx.snapshot.creators.lists["works"]
        found = [works[creator] for creator in ctx.person.follows.tolist()]
        if not found:
            return no_candidates()
        items = ctx.snapshot.items
        rows = distinct(np.concatenate(found))
        rows = rows[~ctx.person.met[rows]]
        created_at = items["created_at"][rows]
        new = created_at > ctx.snapshot.users["last_visit"][ctx.person.row]
        approval = items["item_counts"][rows] @ np.maximum(ctx.snapshot.feedback.weights, 0)
        order = np.lexsort((rows, -np.where(new, created_at, approval), ~new))
        return Candidates(rows[order[: self.count]].astype(np.int32))
