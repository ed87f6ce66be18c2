"""Who stands behind which creators: accounts that are stated to belong together count as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np

from fairshot.algorithms.groups import smallest_of_group
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import OWN_ROW, Column, Lists, State, Table

ATTRIBUTE = "linked_to"
NAMED = np.dtype([("creator", np.int32), ("seq", np.int64), ("name", np.int64)])


@dataclass(frozen=True)
class Linked:
    """Column `creators.account`: the smallest row of the creators linked with this one, its own where there are none.

    A creator's record says in `attributes.linked_to`, a text or a list of texts, who stands behind it: the id of
    another creator, or anything else that tells an owner apart (a household, a bank account, a device). Creators that
    name one another, or the same thing, are one account, and so are those linked through others. The
    latest record stands: a link that it no longer states is gone. See docs/ideas/linked.md.

    Columns `creators.linked_record` (number of the latest record) and `creators.linked_name` (the creator's id as a
    number, 0 without a record); list `world.linked_names`: what records that stand name.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.CREATOR})

    def empty(self) -> State:
        """Everybody stands alone."""
        return State(
            creators=Table(
                {
                    "account": Column(np.int32, OWN_ROW),
                    "linked_record": Column(np.int64),
                    "linked_name": Column(np.int64),
                }
            ),
            world=Table({}, {"linked_names": Lists(NAMED, distinct=True)}),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Take over what the records among the events state."""
        state.grow(events.sizes)
        told = events.where(events.of(Kind.CREATOR) & (events.creator >= 0))
        if len(told) == 0:
            return state
        rows, before = np.unique(told.creator), state.world.lists["linked_names"][0]
        np.maximum.at(state.creators["linked_record"], told.creator, told.seq)
        entries: list[tuple[int, int, int]] = []
        for row, seq, record in zip(told.creator.tolist(), told.seq.tolist(), told.data, strict=True):
            state.creators["linked_name"][row] = _number((record or {}).get("id"))
            entries += [(row, seq, _number(name)) for name in named(record or {})]
        state.world.lists["linked_names"].extend(np.zeros(len(entries), np.int64), np.array(entries, NAMED))
        own = state.creators["linked_name"][rows]
        # Records that neither name anybody, nor did, nor are named, leave all groups as they are.
        if entries or np.isin(before["creator"], rows).any() or np.isin(before["name"], own[own != 0]).any():
            _regroup(state)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """The later record of each creator stands; groups are made anew."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        newer = later.creators["linked_record"] > earlier.creators["linked_record"]
        for name in ("linked_record", "linked_name"):
            earlier.creators[name][newer] = later.creators[name][newer]
        earlier.world.lists["linked_names"].extend(*later.world.lists["linked_names"].flat())
        _regroup(earlier)
        return earlier


def named(record: Mapping[str, Any]) -> list[str]:
    """Whom or what a creator's record names as standing behind it; what is no text names nobody."""
    stated = (record.get("attributes") or {}).get(ATTRIBUTE)
    names = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    return [name for name in names if isinstance(name, str) and name]


def _number(name: object) -> int:
    """A text as a number of 63 bits, above 0; two texts share one with a chance of 1e-19."""
    if not isinstance(name, str):
        return 0
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 1) or 1


def _regroup(state: State) -> None:
    """Forget what no standing record states, and find the groups of what is left."""
    names, creators = state.world.lists["linked_names"], state.creators
    entries = names[0]
    entries = np.unique(entries[entries["seq"] == creators["linked_record"][entries["creator"]]])
    names.put(0, entries)
    creators["account"][:] = np.arange(creators.n)
    own = creators["linked_name"]
    meant = np.flatnonzero(np.isin(own, entries["name"]) & (own != 0))
    # Rows are nodes from 0 on, names are nodes below.
    left = np.concatenate([entries["creator"].astype(np.int64), meant])
    nodes, smallest = smallest_of_group(left, -np.concatenate([entries["name"], own[meant]]))
    found = nodes >= 0
    # The smallest node of a group is a name; its smallest row is the first of the rows, which ascend.
    groups, first = np.unique(smallest[found], return_index=True)
    creators["account"][nodes[found]] = nodes[found][first[np.searchsorted(groups, smallest[found])]]
