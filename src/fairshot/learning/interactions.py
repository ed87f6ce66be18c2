"""Interactions: what the log says of each person and item, as one signed strength, and what is held out of it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from fairshot.core.arrays import Array, Bools, Floats, Ints, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.randomness import stream


@dataclass(frozen=True, slots=True)
class Feedback:
    """Every feedback on an item, in the order of time: arrays of length n.

    user, item: rows; action: feedback codes; at: microseconds; event: index into the events it came from.
    """

    user: Rows
    item: Rows
    action: Array
    at: Array
    event: Ints

    def __len__(self) -> int:
        return len(self.user)

    def where(self, keep: Bools | Ints) -> "Feedback":
        """A part of it, by mask or by indices."""
        return Feedback(self.user[keep], self.item[keep], self.action[keep], self.at[keep], self.event[keep])


def feedback_of(events: EventBatch) -> Feedback:
    """The feedback on items among events."""
    told = events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.user >= 0) & (events.action >= 0)
    index = np.flatnonzero(told)
    index = index[np.argsort(events.at[index], kind="stable")]
    return Feedback(events.user[index], events.item[index], events.action[index], events.at[index], index)


def grouped(rows: Array, wanted: Array) -> list[Ints]:
    """For each of the wanted rows, ascending, the indices at which it stands: one sort, not a scan for each."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    starts, ends = np.searchsorted(ordered, wanted, "left"), np.searchsorted(ordered, wanted, "right")
    return [order[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def random_share(feedback: Feedback, share: float) -> Bools:
    """Which entries belong to a share of the pairs of person and item, drawn by lot: bool (n,)."""
    pairs = feedback.user.astype(np.int64) << 32 | feedback.item
    _, index = np.unique(pairs, return_inverse=True)
    drawn: Bools = stream("holdout").random(int(index.max(initial=-1)) + 1) < share
    return drawn[index]


def impressions_of(events: EventBatch) -> Bools:
    """Which events are impressions, bool (n,).

    What is held out is ranked as if nothing had been shown: leaving out the impressions of held-out items alone
    would tell which they are, for all others that were shown would be kept away.
    """
    return events.of(Kind.SLATE, Kind.IMPRESSION)


def later_of(events: EventBatch, held: Bools) -> Bools:
    """What else of a person's belongs to their held-out part: all but reactions to items since its first, bool (n,).

    Later follows, blocks and slates tell what the held-out reactions were.
    """
    since = np.full(events.sizes.users, np.iinfo(np.int64).max)
    np.minimum.at(since, events.user[held], events.at[held])
    about_creators = events.of(Kind.FEEDBACK) & (events.item < 0)
    personal = (events.of(Kind.FOLLOW, Kind.SLATE, Kind.IMPRESSION) | about_creators) & (events.user >= 0)
    ended: Bools = personal & (events.at >= since[np.maximum(events.user, 0)])
    return ended


def strengths(feedback: Feedback, kinds: FeedbackKinds, shape: tuple[int, int]) -> csr_matrix:
    """Signed strength of every pair, float32 sparse (users, items): the sum of the preferences of what happened."""
    preference: Floats = kinds.preferences[feedback.action].astype(np.float32)
    told = preference != 0
    matrix = csr_matrix((preference[told], (feedback.user[told], feedback.item[told])), shape=shape)
    matrix.sum_duplicates()
    return matrix
