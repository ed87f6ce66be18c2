"""Which items are near-duplicates of an earlier one, by their text or by the same embedding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import numpy as np

from fairshot.algorithms.groups import smallest_of_group
from fairshot.algorithms.near_duplicates import BANDS, keys_of, plain
from fairshot.core.arrays import Array, Ints
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import OWN_ROW, Column, State, Table

EMBEDDING = BANDS
"""The last lookup: after those by the bands of the text, one by the embedding."""
PLACES = 1 << 15
"""Places of each lookup; an item takes one in each, and gives way to a later one of the same place."""
LEAST_VALUES = 8
"""An embedding with fewer different components is a label or a placeholder, which many items share rightly."""
_BANDS = np.arange(BANDS)


@dataclass(frozen=True)
class Duplicates:
    """Column `items.original`: the smallest row of the item's near-duplicates, its own where it has none.

    Two items are near-duplicates when their texts (title and text) share a band of their signatures (see
    `algorithms.near_duplicates`), or their embeddings are equal; and so are those linked through others. Every text
    that an item ever had counts, so that none hides by being edited; removing an item frees no text. What is
    remembered is bounded: an exact copy is found for certain among the latest ten thousand texts, and almost surely
    among thirty thousand. See docs/ideas/near_duplicates.md.

    Column `items.copies`: at an original, how many others are its near-duplicates. World: by place, item + 1 (0 for
    none) and check of the first (`first_*`) and of the last (`last_*`) that came there; only merging needs the first.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.ITEM})

    def empty(self) -> State:
        """Nothing is known."""
        size = (BANDS + 1) * PLACES
        return State(
            items=Table({"original": Column(np.int32, OWN_ROW), "copies": Column(np.int32)}),
            world=Table(
                {
                    "first_item": Column(np.int32, width=size),
                    "first_check": Column(np.int32, width=size),
                    "last_item": Column(np.int32, width=size),
                    "last_check": Column(np.int32, width=size),
                }
            ),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Look each record's content up, then remember it."""
        state.grow(events.sizes)
        came = np.flatnonzero(events.of(Kind.ITEM) & (events.item >= 0))
        records = [events.data[index] or {} for index in came.tolist()]
        for item, (places, checks) in zip(events.item[came].tolist(), _looked_up(records), strict=True):
            if len(places):
                _meet(state, item, places, checks)
        return state

    def merge(self, earlier: State, later: State) -> State:
        """Groups of both, joined where the first of the later part met the last of the earlier."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        known = np.flatnonzero(later.items["original"] != np.arange(later.items.n))
        _unite(earlier.items, known, later.items["original"][known])
        a, b = ({name: state.world[name][0] for name in state.world.columns} for state in (earlier, later))
        met = (a["last_item"] > 0) & (b["first_item"] > 0) & (a["last_check"] == b["first_check"])
        _unite(earlier.items, a["last_item"][met] - 1, b["first_item"][met] - 1)
        for name, taken in (("first", a["first_item"] == 0), ("last", b["last_item"] > 0)):
            for part in (f"{name}_item", f"{name}_check"):
                a[part][taken] = b[part][taken]
        return earlier


def _looked_up(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Ints, Array]]:
    """Of each record places int64 (k,) and checks int32 (k,) of what it holds; none where it says too little."""
    texts = [plain(f"{record.get('title') or ''} {record.get('text') or ''}") for record in records]
    for record, found, readable in zip(records, *keys_of(texts), strict=True):
        keys = found if readable else found[:0]
        lookups = _BANDS[: len(keys)]
        embedding = record.get("embedding") or ()
        if len(set(embedding)) >= LEAST_VALUES:
            digest = blake2b(np.asarray(embedding, np.float64).tobytes(), digest_size=8).digest()
            keys = np.append(keys, np.frombuffer(digest, np.uint64))
            lookups = np.append(lookups, EMBEDDING)
        places = lookups * PLACES + (keys >> np.uint64(32)).astype(np.int64) % PLACES
        yield places, (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.int32)


def _meet(state: State, item: int, places: Ints, checks: Array) -> None:
    """Join an item with those that it meets, and put it in their places."""
    world = {name: state.world[name][0] for name in state.world.columns}
    held = world["last_item"][places]
    met = held[(held > 0) & (held != item + 1) & (world["last_check"][places] == checks)] - 1
    if len(met):
        _unite(state.items, met, np.full(len(met), item))
    new = world["first_item"][places] == 0
    world["first_item"][places[new]], world["first_check"][places[new]] = item + 1, checks[new]
    world["last_item"][places], world["last_check"][places] = item + 1, checks


def _unite(items: Table, left: Array, right: Array) -> None:
    """Make one group of the groups of left[i] and right[i], for each i."""
    original, copies = items["original"], items["copies"]
    groups, smallest = smallest_of_group(original[left], original[right])
    moved, to = groups[groups != smallest], smallest[groups != smallest]
    # Only the originals that have copies ask for a search through all items.
    crowded = moved[copies[moved] > 0]
    followers = np.flatnonzero(np.isin(original, crowded)) if len(crowded) else crowded
    target = original[followers]
    original[followers] = to[np.searchsorted(moved, target)]
    original[moved] = to
    np.add.at(copies, to, copies[moved] + 1)
    copies[moved] = 0
