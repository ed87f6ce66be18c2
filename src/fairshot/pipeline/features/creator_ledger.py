"""Creator ledger: what the item's creator received lately, so that what one more like means can be valued."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.decay import window_sum
from fairshot.core.arrays import DAY, Array
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class CreatorLedger:
    """Columns: creator, int32 (n,); recent_likes and followers, float32 (n,): zero for no creator.

    recent_likes counts the likes of the last four weeks.
    """

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]:
        """The creators' accounts."""
        creator = ctx.snapshot.items["creator"][batch.rows]
        creators = ctx.snapshot.creators
        known = creator >= 0
        rows = creator[known]
        likes, followers = np.zeros((2, len(batch)), dtype=np.float32)
        likes[known] = window_sum(creators["likes_by_day"][rows], creators["likes_day"][rows], ctx.now // DAY)
        followers[known] = creators["followers"][rows]
        return {"creator": creator, "recent_likes": likes, "followers": followers}
