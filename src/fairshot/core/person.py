"""The person a request is for: what they did, and the vector folded in from it this moment."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from fairshot.algorithms.fold_in import fold_in
from fairshot.core.arrays import DAY, Array, Bools, Floats, Rows, counted, distinct, first_places, marked
from fairshot.core.events import SEGMENTS
from fairshot.core.snapshot import Snapshot
from fairshot.core.tables import View

T = TypeVar("T")

HISTORY = np.dtype([("at", np.int64), ("item", np.int32), ("action", np.int8)])
"""One entry of a person's history: when, which item, which kind of feedback."""

REMEMBERED = 500
"""Impressions and reactions, the latest of each, that say what is observed of a person."""

TIMED = ("now", "resting", "met", "met_count")
"""What of a person changes as time goes by, though nothing new is known of them."""

FOLD_IN_LENGTH = 1000
"""How many of the latest interactions a vector is folded in from; more cost time and change little."""


def occasions(users: View, rows: Any, mode: str) -> Array:
    """How often people could react: impressions, served or reported by the mode, or reactions where these are more.

    rows: a row of `users`, or whatever indexes many. Reactions that were imported had no impressions here.
    """
    most: Array = np.maximum(users[mode][rows], users["user_counts"][rows].sum(axis=-1))
    return most


@dataclass(frozen=True)
class Person:
    """One person in one snapshot; row -1 is somebody about whom nothing is known.

    now: microseconds since 1970; profile: False when the person asked for a feed without profiling: then
    nothing here says what they like.
    """

    snapshot: Snapshot
    row: int
    now: int
    profile: bool = True

    def at(self, now: int) -> "Person":
        """The same person, as this snapshot knows them, at another moment."""
        other = Person(self.snapshot, self.row, now, self.profile)
        known = {**self.__dict__, "_found": self._found}
        other.__dict__.update((name, found) for name, found in known.items() if name not in TIMED)
        return other

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, worked out once for this person in this snapshot: what hangs on no moment."""
        found: T = self._found[name] if name in self._found else self._found.setdefault(name, make())
        return found

    @cached_property
    def _found(self) -> dict[str, Any]:
        return {}

    @cached_property
    def history(self) -> Array:
        """Everything the person did with items, oldest first: HISTORY[h]."""
        return self.snapshot.users.lists["history"].last(self.row)

    @cached_property
    def liked(self) -> Array:
        """The part of the history that speaks for the item, oldest first: HISTORY[l]; empty without profiling."""
        history = self.history
        if not self.profile:
            return history[:0]
        return history[self._preference > 0]

    @cached_property
    def segments(self) -> Rows:
        """The labels that the person likes most, for what is offered of each: rows, int32 (SEGMENTS,), most first.

        The largest of likes / sqrt(items that have the label first), the first of equals; -1 where there are no more.
        """
        items, labels = self.snapshot.items, self.snapshot.labels
        first = items["label"][self.liked["item"]]
        found, counts = counted(first[first >= 0])
        share = counts / np.sqrt(np.maximum(labels["label_count"][found], 1))
        told = np.full(SEGMENTS, -1, np.int32)
        best = found[np.argsort(-share, kind="stable")][:SEGMENTS]
        told[: len(best)] = best
        return told

    @cached_property
    def disliked(self) -> Array:
        """The part of the history that speaks against the item, oldest first: HISTORY[l]; empty without profiling."""
        history = self.history
        return history[self._preference < 0] if self.profile else history[:0]

    @cached_property
    def _preference(self) -> Floats:
        codes = self.history["action"].astype(np.int64)
        kinds = self.snapshot.feedback.preferences
        return np.where(codes >= 0, kinds[codes] if len(kinds) else 0.0, 0.0)

    @cached_property
    def vector(self) -> Floats | None:
        """The person's vector, float32 (d,): folded in from the latest history; None where nothing is known."""
        vectors = self.snapshot.artifacts.vectors
        if vectors is None or not self.profile or self.row < 0:
            return None
        preference = self._preference
        told = np.flatnonzero(preference)[-FOLD_IN_LENGTH:]
        rows = self.history["item"][told]
        has_vector: Bools = rows < len(vectors.items)
        rows, strength = rows[has_vector], preference[told][has_vector]
        if len(rows) == 0:
            return None
        items = distinct(rows)
        # As in training: what was done with one item, several times or against each other, is one strength.
        total: Floats = np.bincount(np.searchsorted(items, rows), strength).astype(np.float64)
        found = fold_in(vectors.items[items], total * vectors.confidence_of(len(items)), vectors.gram)
        # Items without a record have a row of zeros: they tell nothing.
        return found if found.any() else None

    @cached_property
    def session(self) -> Rows:
        """The items liked last, newest first, at most five."""
        recent = self.liked["item"][::-1]
        return recent[first_places(recent)[:5]].astype(np.int32)

    @cached_property
    def session_vector(self) -> Floats | None:
        """The mean direction of the session's items, float32 (d,) of length one; None without a session."""
        vectors = self.snapshot.artifacts.vectors
        rows = self.session
        if vectors is None or len(rows) == 0 or rows.max() >= len(vectors.items):
            return None
        found = vectors.items[rows]
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        mean = (found / np.maximum(lengths, 1e-9)).mean(axis=0)
        length = float(np.linalg.norm(mean))
        return (mean / length).astype(np.float32) if length > 0 else None

    @cached_property
    def reacted(self) -> Rows:
        """The items that the person reacted to and that are not to come back.

        What wears out and was bought may be wanted again, unless something was said against it.
        """
        history = self.history
        bought = history["item"][history["action"] == self.snapshot.feedback.code("purchase")]
        if len(bought) == 0:
            every: Rows = history["item"]
            return every
        wears_out = self.snapshot.items["durable"][history["item"]] == 0
        again = wears_out & np.isin(history["item"], bought) & (self._preference >= 0)
        items: Rows = history["item"][~again]
        return items

    @cached_property
    def resting(self) -> Array:
        """The impressions that keep their items away for now, oldest first: fields at, item, reported."""
        rule, shown = self.snapshot.impressions, self.shown
        counted = shown["reported"] | (rule.mode == "served")
        return shown[counted & (shown["at"] > self.now - rule.days * DAY)]

    @cached_property
    def met(self) -> Bools:
        """Which items sources need not bring, reacted to or resting: bool (items,)."""
        mask = marked(len(self.snapshot.ids.items), self.reacted)
        mask[self.resting["item"]] = True
        return mask

    @cached_property
    def met_count(self) -> int:
        """At most how many items are met: how much further a source must look."""
        return len(self.reacted) + len(self.resting)

    @cached_property
    def follows(self) -> Rows:
        """The creators followed."""
        return self._ties("follows")

    @cached_property
    def blocks(self) -> Rows:
        """The creators blocked."""
        return self._ties("blocks")

    @cached_property
    def shown(self) -> Array:
        """The latest impressions, oldest first: fields at, item, reported."""
        return self.snapshot.users.lists["shown"].last(self.row)

    @cached_property
    def shown_before(self) -> Bools:
        """Which items are among the latest impressions: bool (items,)."""
        return marked(len(self.snapshot.ids.items), self.shown["item"])

    @cached_property
    def observed(self) -> tuple[Rows, Floats]:
        """The items that the person was shown or reacted to, and how much they approved of each, 0 to 1: both (n,).

        Approval: the sum of the preferences of what was done with the item, held within 0 and 1; none where there was
        no reaction. An item counts once, however often it was shown. Of impressions and of reactions the latest
        REMEMBERED count; without profiling none.
        """
        if not self.profile:
            return np.empty(0, np.int32), np.empty(0)
        kinds, history, shown = self.snapshot.feedback, self.history[-REMEMBERED:], self.shown
        counts = shown["item"][shown["reported"] | (self.snapshot.impressions.mode == "served")]
        told = history[history["action"] >= 0]
        items = distinct(np.concatenate([counts[-REMEMBERED:], told["item"]]))
        total = np.bincount(np.searchsorted(items, told["item"]), kinds.preferences[told["action"]], len(items))
        return items, np.minimum(np.maximum(total, 0.0), 1.0)

    def _ties(self, name: str) -> Rows:
        ties = self.snapshot.users.lists[name][self.row]
        creators: Rows = ties["creator"][ties["on"]].astype(np.int32)
        return creators
