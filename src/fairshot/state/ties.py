"""Whom each person follows, and whom they have blocked: the latest word on each creator stands."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table

TIE = np.dtype([("creator", np.int32), ("seq", np.int64), ("on", np.bool_)])


@dataclass(frozen=True)
class Ties:
    """Lists `users.follows` and `users.blocks`: entries TIE, one for each creator that still holds.

    A follow event with value 0 ends a follow. Hiding a creator (no item named) blocks it; following it
    again lifts the block. Column `creators.followers`.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.FOLLOW, Kind.FEEDBACK})

    def empty(self) -> State:
        """No ties."""
        return State(
            users=Table({}, {"follows": Lists(TIE), "blocks": Lists(TIE)}),
            creators=Table({"followers": Column(np.int64)}),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Take over follows and blocks."""
        state.grow(events.sizes)
        hide = self.feedback.code("hide")
        named = (events.creator >= 0) & (events.user >= 0)
        blocks = events.of(Kind.FEEDBACK) & (events.action == hide) & (events.item < 0) & named & (hide >= 0)
        follows = events.of(Kind.FOLLOW) & named
        for index in np.flatnonzero(blocks | follows).tolist():
            user, creator, seq = (int(x[index]) for x in (events.user, events.creator, events.seq))
            on = bool(follows[index]) and events.value[index] != 0
            _say(state, "follows", user, (creator, seq, on))
            if on or blocks[index]:
                _say(state, "blocks", user, (creator, seq, bool(blocks[index])))
        return state

    def merge(self, earlier: State, later: State) -> State:
        """The later word stands."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        for name in ("follows", "blocks"):
            users, entries = later.users.lists[name].flat()
            for user, entry in zip(users.tolist(), entries.tolist(), strict=True):
                _say(earlier, name, user, entry)
        return earlier


def _say(state: State, name: str, user: int, tie: tuple[int, int, bool]) -> None:
    """Keep a tie unless a later word on the same creator is known; ended ties stay as tombstones."""
    entries = state.users.lists[name][user]
    same = entries["creator"] == tie[0]
    if same.any() and entries["seq"][same][0] > tie[1]:
        return
    was = bool(same.any() and entries["on"][same][0])
    state.users.lists[name].put(user, np.append(entries[~same], np.array([tie], TIE)))
    if name == "follows":
        state.creators["followers"][tie[0]] += int(tie[2]) - int(was)
