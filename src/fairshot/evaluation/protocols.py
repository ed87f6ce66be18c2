"""Protocols: what is held out, what trains, and what counts as relevant. One definition each, by which it is named.

Whatever the protocol: full ranking, nobody is ranked against a sample; every item of the catalogue that a person
had not met can be in their slate; relevant is every item of the held-out part, whatever was said of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from fairshot.core.arrays import Array, Bools, Ints
from fairshot.core.errors import FairshotError
from fairshot.core.events import EventBatch, Kind
from fairshot.core.randomness import stream
from fairshot.learning.interactions import impressions_of, later_of

HELD_OUT = 0.25
POSITIONS: Mapping[str, int] = {"new-items": 20}
"""How many positions are judged where nobody says; elsewhere 10."""
RELEVANCE = "every item that the person reacted to in the held-out part, whatever was said of it"
PROTOCOLS: Mapping[str, str] = {
    "random": (
        "Of each person's m items reacted to, round(0.75 m) drawn by lot train; the others are held out with all "
        "reactions to them. Impressions do not train."
    ),
    "latest": (
        "Of each person's m items reacted to, the round(0.75 m) whose last reaction is oldest train; the others are "
        "held out. Impressions do not train, nor do a person's follows and blocks since their first held-out reaction."
    ),
    "temporal": (
        "One point in time for all: that of reaction number floor(0.75 n) of all n in order of time, counted from 0. "
        "What happened before trains, with the records of the items that had arrived; what each person reacted to "
        "from then on, and not before, is held out. Judged are people with a reaction to train on; those without any "
        "are reported apart."
    ),
    "new-items": (
        "The point in time of `temporal`. Judged is each person's first reaction to an item that arrived from then "
        "on, unless the reaction is the arrival itself. At its moment all items that had arrived before and that the "
        "person had not met are ranked: among the new items alone, and in the full catalogue. Recall@k of a person is "
        "the share of their judged reactions whose item was within k. Frozen: no feedback since the split is known; "
        "live: all feedback before the moment is; models stay as trained. Judged are people with something to train on."
    ),
    "off-policy": (
        "From the log's own slates: those from number floor(0.75 n) of all n on, in order of time, counted from 0, are "
        "judged; what happened before the first of them trains. Each is looked at as of its moment: with which "
        "probability an arm would have put the logged items to their positions is computed exactly, lots included, "
        "and weighs what they earned: the sum of value weights of the feedback attributed to each impression. "
        "Intervals are over people."
    ),
}


@dataclass(frozen=True, slots=True)
class Split:
    """What trains and what is judged.

    trained: bool (n,), of the events; held: bool (n,), the reactions that are held out; now: the moment at which
    slates are asked for, microseconds; holdout: how the ranking net's own held-out share is to be drawn; since:
    the split in time where there is one.
    """

    trained: Bools
    held: Bools
    now: int
    holdout: Literal["random", "latest"]
    since: int | None = None


def known(protocol: str) -> None:
    """Raise FairshotError that names the protocols where there is none of this name."""
    if protocol not in PROTOCOLS:
        raise FairshotError(f"no protocol {protocol!r}; there are: {', '.join(PROTOCOLS)}")


def definition_hash(protocol: str) -> str:
    """Twelve hexadecimal digits that change with the protocol's definition, or with what counts as relevant."""
    text = f"{protocol}: {PROTOCOLS[protocol]} Relevant: {RELEVANCE}."
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def split(events: EventBatch, protocol: str, seed: int) -> Split:
    """Hold out by a protocol; raises FairshotError where it is unknown or where nothing can be held out."""
    known(protocol)
    found = _by_person(events, protocol, seed) if protocol in ("random", "latest") else _by_time(events)
    if not found.held.any():
        raise FairshotError(
            "nothing can be held out: people need reactions to at least three items each"
            if found.since is None
            else "nothing can be held out: all reactions bear the same time, or nobody came to a further item"
        )
    if not events.of(Kind.ITEM).any():
        raise FairshotError("no item has a record, so nothing can be shown; import the items too")
    return found


def _by_person(events: EventBatch, protocol: str, seed: int) -> Split:
    held = held_out(events, protocol, seed)
    lost = held | impressions_of(events)
    if protocol == "latest":
        lost |= later_of(events, held)
    kept = events.at[~lost & events.of(Kind.FEEDBACK)]
    return Split(~lost, held, int(kept.max(initial=0)), "random" if protocol == "random" else "latest")


def held_out(events: EventBatch, protocol: str, seed: int) -> Bools:
    """Which events are held out: bool (n,). A person with m reacted items keeps round(0.75 m) of them."""
    told = reactions(events)
    pairs, index = np.unique(np.stack([events.user[told], events.item[told]]), axis=1, return_inverse=True)
    index = index.ravel()
    if protocol == "random":
        rank = stream("evaluation", str(seed)).permutation(pairs.shape[1])
    else:
        rank = np.zeros(pairs.shape[1], dtype=np.int64)
        np.maximum.at(rank, index, events.at[told])
    order = np.lexsort((rank, pairs[0]))
    _, counts = np.unique(pairs[0], return_counts=True)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = np.zeros(pairs.shape[1], dtype=bool)
    chosen[order] = place >= np.repeat(np.round((1 - HELD_OUT) * counts), counts)
    held = np.zeros(len(events), dtype=bool)
    held[told] = chosen[index]
    return held


def reactions(events: EventBatch) -> Ints:
    """The indices of reactions to items, by known people."""
    return np.flatnonzero(events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.user >= 0))


def _by_time(events: EventBatch) -> Split:
    told = reactions(events)
    if len(told) == 0:
        return Split(np.ones(len(events), bool), np.zeros(len(events), bool), 0, "latest", 0)
    since = int(np.sort(events.at[told])[int((1 - HELD_OUT) * len(told))])
    before = events.at < since
    met = np.unique(pair_keys(events, told[before[told]]))
    held = np.zeros(len(events), dtype=bool)
    later = told[~before[told]]
    held[later[~np.isin(pair_keys(events, later), met)]] = True
    records = events.of(Kind.ITEM)
    arrived = np.zeros(len(events), dtype=bool)
    arrived[records] = arrivals(events)[events.item[records]] < since
    trained = np.where(records, arrived, before | events.of(Kind.CREATOR, Kind.USER))
    return Split(trained, held, since, "latest", since)


def pair_keys(events: EventBatch, index: Ints) -> Array:
    """One number for each pair of person and item, int64."""
    keys: Array = events.user[index].astype(np.int64) << 32 | events.item[index]
    return keys


def arrivals(events: EventBatch) -> Array:
    """When each item arrived, microseconds, int64 (items,): the largest number where it never did.

    By what its records say of its creation, else by the time of its first record; but never later than the
    first reaction to it, for imported records are younger than what happened to their items.
    """
    never = np.iinfo(np.int64).max
    arrived = np.full(events.sizes.items, never)
    for index in np.flatnonzero(events.of(Kind.ITEM))[::-1].tolist():
        stated = (events.data[index] or {}).get("created_at")
        moment = events.at[index] if stated is None else datetime.fromisoformat(stated).timestamp() * 1_000_000
        arrived[events.item[index]] = int(moment)
    told = reactions(events)
    np.minimum.at(arrived, events.item[told], events.at[told])
    return arrived
