"""Seen: what the person reacted to does not come back, and what was shown stays away for a while."""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import DAY, Bools
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context


@dataclass(frozen=True, slots=True)
class Seen:
    """Keeps items the person never reacted to and was not shown within `days`.

    mode: "served" counts every position that was sent, "reported" only those the client says were seen.
    Where fewer than the slate's length remain, the items shown longest ago, never reacted to, fill it up:
    a small catalogue is shown again rather than an empty page. Purchases of what wears out (see `bought`)
    may be offered again.
    """

    mode: str = "served"
    days: float = 7.0

    def __post_init__(self) -> None:
        """Refuse an unknown mode."""
        if self.mode not in ("served", "reported"):
            raise ValueError(f'mode must be "served" or "reported", not {self.mode!r}')

    def __call__(self, batch: Candidates, ctx: Context) -> Bools:
        """Which rows are new to the person."""
        shown = ctx.person.shown
        shown = shown[(shown["at"] > ctx.now - self.days * DAY) & (shown["reported"] | (self.mode == "served"))]
        met = np.isin(batch.rows, self._reacted(ctx))
        again = np.isin(batch.rows, shown["item"])
        keep: Bools = ~met & ~again
        missing = ctx.request.limit - int(keep.sum())
        if missing > 0 and (again & ~met).any():
            spare = np.flatnonzero(again & ~met)
            last = {int(item): int(at) for at, item in zip(shown["at"], shown["item"], strict=True)}
            ages = np.array([last[int(row)] for row in batch.rows[spare]])
            keep[spare[np.lexsort((batch.rows[spare], ages))[:missing]]] = True
        return keep

    def _reacted(self, ctx: Context) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        history = ctx.person.history
        purchase = history["action"] == ctx.snapshot.feedback.code("purchase")
        consumed = purchase & (ctx.snapshot.items["durable"][history["item"]] == 0)
        items: np.ndarray[tuple[int], np.dtype[np.int32]] = history["item"][~consumed]
        return items
