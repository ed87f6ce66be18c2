"""Attribution: which feedback answers which impression.

An impression gets the feedback of the same person on the same item that came after it and within the
window; where a person saw an item more than once, the last impression before the feedback counts (last
touch). Feedback that carries an exposure token names its position itself, which agrees with this rule.
Feedback without any impression (imported ratings) is left for `interactions`.
"""

from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows
from fairshot.core.events import EventBatch, Kind


@dataclass(frozen=True, slots=True)
class Impressions:
    """Impressions with what came of them, arrays of length n in the order of time.

    user, item: rows; at: microseconds; position: 1-based; propensity: of the item at its position; labels:
    float32 (n, kinds), 1 where feedback of the kind was attributed.
    """

    user: Rows
    item: Rows
    at: Array
    position: Ints
    propensity: Floats
    labels: Floats

    def __len__(self) -> int:
        return len(self.user)


def attribute(events: EventBatch, kinds: int, window: int, mode: str = "served") -> Impressions:
    """Impressions among events with their feedback; window in microseconds.

    mode: "served" takes every position that was sent for an impression, "reported" only those that a client
    says were seen. One without feedback is a negative.
    """
    shown = Kind.SLATE if mode == "served" else Kind.IMPRESSION
    served = events.where(events.of(shown) & (events.item >= 0) & (events.user >= 0))
    told = events.where(events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.user >= 0) & (events.action >= 0))
    order = np.lexsort((served.at, served.item, served.user))
    served = served.where(order)
    labels = np.zeros((len(served), kinds), dtype=np.float32)
    if len(served) and len(told):
        # One sorted key for (person, item, time); the impression just before a feedback is its last touch.
        pairs = np.stack([served.user, served.item, served.at])
        asked = np.stack([told.user, told.item, told.at])
        index = _last_before(pairs, asked)
        found = index >= 0
        close = np.zeros(len(told), dtype=bool)
        close[found] = told.at[found] - served.at[index[found]] <= window
        labels[index[close], told.action[close]] = 1
    by_time = np.argsort(served.at, kind="stable")
    served = served.where(by_time)
    return Impressions(served.user, served.item, served.at, served.position, served.propensity, labels[by_time])


def _last_before(pairs: Array, asked: Array) -> Ints:
    """For each column of `asked` the index of the last column of `pairs` that is not later.

    Both (3, n) of person, item, time; -1 where that person has no such impression of that item.
    """
    both = np.concatenate([pairs, asked], axis=1)
    is_asked = np.r_[np.zeros(pairs.shape[1], np.int8), np.ones(asked.shape[1], np.int8)]
    order = np.lexsort((is_asked, both[2], both[1], both[0]))
    position = np.where(is_asked[order] == 0, order, -1)
    last = np.maximum.accumulate(np.where(position >= 0, np.arange(len(order)), -1))
    candidate = np.where(last >= 0, order[last], -1)
    same = (candidate >= 0) & (both[:2, np.maximum(candidate, 0)] == both[:2, order]).all(axis=0)
    result = np.full(asked.shape[1], -1)
    mine = is_asked[order] == 1
    result[order[mine] - pairs.shape[1]] = np.where(same, candidate, -1)[mine]
    return result
