"""Moderated: what moderation removed is shown to nobody; where the answer is unknown, nothing is shown."""

from dataclasses import dataclass
from typing import ClassVar

from fairshot.core.arrays import Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Moderated:
    """Keeps items that no decision removed."""

    fails_closed: ClassVar[bool] = True

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows stand."""
        kept: Bools = ~ctx.snapshot.items["removed"][batch.rows]
        return kept
