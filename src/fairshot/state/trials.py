"""How trials stand: what was decided on each item, and the evidence that counts."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fairshot.algorithms.decay import add_decayed, merge_decayed
from fairshot.core.arrays import DAY, Array, Floats, Ints
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.tables import Column, Lists, State, Table
from fairshot.core.trial import CELLS, EVIDENCE, TIERS, TrialState, accounts_of, cell_of, counts_of, evidence_of

NEVER = np.iinfo(np.int64).max
KEPT = 4096
"""Entries of evidence remembered for each item; a trial ends long before."""
ON_TRIAL = np.dtype([("at", np.int64), ("item", np.int32)])
ON_TRIAL_KEPT = 16384
FLOWS = ("flow_served", "flow_examined", "flow_liked")
HALF_LIFE = {"creators": 28 * DAY, "world": DAY}
STEPS = {
    "waiting": TrialState.WAITING,
    "testing": TrialState.TESTING,
    "expanding": TrialState.EXPANDING,
    "graduated": TrialState.GRADUATED,
    "stopped": TrialState.STOPPED,
}


@dataclass(frozen=True)
class Trials:
    """Evidence counts once for each account and item: the first impression that a trial gave, the latest answer to it.

    Only impressions served with an arm, and feedback that carries the token of such an impression, are evidence;
    of an item that was admitted twice, what came after the second time.

    Columns of items: `trial_state` (`TrialState`), `trial_state_at` (microseconds), `trial_served` (`served` when
    that was decided), `trial_admitted_at`, `trial_round` (how often it was admitted), `trial_segment` (label row of
    an audience that was found, -1), `trial_segment_at` (microseconds, when that was), `trial_asked` (row of the label
    whose people are asked on purpose, -1), `trial_shown` and `trial_liked` int32 (n, CELLS), `trial_heard` (accounts
    that were shown a graduate in ordinary positions). List: `trial_evidence`. Users: `trial_met`, `trial_welcomed`:
    impressions of trials, and approvals. Creators: `trial_failures`, decayed. Labels and world: `trial_prior` (a,
    b), NaN where none was fitted; world: `trial_tiers`, list `on_trial`: every admission, newest last; of
    everything that is served, `first_served_at` (microseconds), and decayed by a day: `flow_served` impressions,
    `flow_examined` of which were looked at if attention falls like 1 / log2(1 + position), and `flow_liked`.
    """

    feedback: FeedbackKinds
    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.SLATE, Kind.FEEDBACK, Kind.VERDICT})

    def empty(self) -> State:
        """No trials."""
        return State(
            users=Table({"trial_met": Column(np.int32), "trial_welcomed": Column(np.int32)}),
            items=Table(
                {
                    "trial_seq": Column(np.int64),
                    "trial_state": Column(np.int8),
                    "trial_state_at": Column(np.int64),
                    "trial_served": Column(np.int64),
                    "trial_admitted_at": Column(np.int64),
                    "trial_round": Column(np.int16),
                    "trial_segment": Column(np.int32, -1),
                    "trial_segment_at": Column(np.int64),
                    "trial_segment_seq": Column(np.int64),
                    "trial_asked": Column(np.int32, -1),
                    "trial_asked_seq": Column(np.int64),
                    "trial_shown": Column(np.int32, width=CELLS),
                    "trial_liked": Column(np.int32, width=CELLS),
                    "trial_heard": Column(np.int32),
                },
                {"trial_evidence": Lists(EVIDENCE, KEPT)},
            ),
            creators=Table({"trial_failures": Column(np.float64), "trial_failures_at": Column(np.int64)}),
            labels=Table({"trial_prior": Column(np.float64, np.nan, 2)}),
            world=Table(
                {
                    "trial_world_prior": Column(np.float64, np.nan, 2),
                    "trial_tiers": Column(np.float64, np.nan, len(TIERS)),
                    "trial_prior_seq": Column(np.int64),
                    "first_served_at": Column(np.int64, NEVER),
                    **{name: Column(np.float64) for name in FLOWS},
                    **{f"{name}_at": Column(np.int64) for name in FLOWS},
                },
                {"on_trial": Lists(ON_TRIAL, ON_TRIAL_KEPT)},
            ),
        )

    def add(self, state: State, events: EventBatch) -> State:
        """Take in what was decided, shown and answered."""
        state.grow(events.sizes)
        for index in np.flatnonzero(events.of(Kind.VERDICT)).tolist():
            data = events.data[index] or {}
            if data.get("decision") == "trial":
                _decided(state, events.where(np.array([index])), data)
            elif data.get("decision") == "trial_prior":
                _fitted(state, int(events.seq[index]), data)
        self._flow(state.world, events)
        cells = cell_of(events.arm, events.position)
        chosen = np.flatnonzero((cells >= 0) & events.of(Kind.SLATE, Kind.FEEDBACK) & (events.item >= 0))
        found = events.where(chosen)
        found, cells = found.where(found.user >= 0), cells[chosen][found.user >= 0]
        if len(found):
            self._count(state, found, cells)
        return state

    def _count(self, state: State, found: EventBatch, cells: Array) -> None:
        served = found.of(Kind.SLATE)
        preference = np.where(found.action >= 0, self.feedback.preferences[found.action], 0.0)
        likes = np.where(found.action >= 0, self.feedback.likes[found.action], False)
        entries = np.empty(len(found), EVIDENCE)
        entries["at"], entries["user"], entries["cell"] = found.at, found.user, cells
        entries["segments"] = found.segments
        entries["answer"] = np.where(served, 0, np.where(likes, 1, np.where(preference < 0, -1, 2)))
        told = entries["answer"] != 2
        state.items.lists["trial_evidence"].extend(found.item[told], entries[told])
        for item in np.unique(found.item[told]).tolist():
            _recount(state.items, item)
        tried = cells < CELLS
        np.add.at(state.users["trial_met"], found.user[served & tried], 1)
        np.add.at(state.users["trial_welcomed"], found.user[(entries["answer"] == 1) & tried], 1)

    def _flow(self, world: Table, events: EventBatch) -> None:
        answered = (events.position > 0) & (events.item >= 0)
        served = events.where(answered & events.of(Kind.SLATE))
        told = answered & events.of(Kind.FEEDBACK) & (events.action >= 0)
        liked = events.where(told & self.feedback.likes[events.action])
        world["first_served_at"][0] = min(int(world["first_served_at"][0]), int(served.at.min(initial=NEVER)))
        _add(world, "flow_served", served.at, np.ones(len(served)))
        _add(world, "flow_examined", served.at, 1 / np.log2(1.0 + served.position))
        _add(world, "flow_liked", liked.at, np.ones(len(liked)))

    def merge(self, earlier: State, later: State) -> State:
        """Lists joined and counted anew; the later decision stands."""
        sizes = earlier.sizes | later.sizes
        earlier.grow(sizes)
        later.grow(sizes)
        _newer(earlier.items, later.items, "trial_seq", _DECIDED)
        _newer(earlier.items, later.items, "trial_segment_seq", _FOUND)
        _newer(earlier.items, later.items, "trial_asked_seq", ("trial_asked", "trial_asked_seq"))
        earlier.items["trial_round"][:] += later.items["trial_round"]
        np.maximum(
            earlier.items["trial_admitted_at"], later.items["trial_admitted_at"], out=earlier.items["trial_admitted_at"]
        )
        if later.world["trial_prior_seq"][0] > earlier.world["trial_prior_seq"][0]:
            for name in ("trial_world_prior", "trial_tiers", "trial_prior_seq"):
                earlier.world[name][:] = later.world[name]
            earlier.labels["trial_prior"][:] = later.labels["trial_prior"]
        earlier.world["first_served_at"][0] = min(
            earlier.world["first_served_at"][0], later.world["first_served_at"][0]
        )
        earlier.world.lists["on_trial"].extend(*later.world.lists["on_trial"].flat())
        for name in ("trial_met", "trial_welcomed"):
            earlier.users[name][:] += later.users[name]
        for side, name in (("creators", "trial_failures"), *(("world", name) for name in FLOWS)):
            one, other = earlier[side], later[side]
            held = one[name], one[f"{name}_at"], other[name], other[f"{name}_at"]
            one[name][:], one[f"{name}_at"][:] = merge_decayed(*held, HALF_LIFE[side])
        rows, entries = later.items.lists["trial_evidence"].flat()
        earlier.items.lists["trial_evidence"].extend(rows, entries)
        for item in earlier.items.lists["trial_evidence"].rows():
            _recount(earlier.items, item)
        return earlier


_FOUND = ("trial_segment", "trial_segment_at", "trial_segment_seq")
_DECIDED = ("trial_seq", "trial_state", "trial_state_at", "trial_served")


def _decided(state: State, event: EventBatch, data: dict[str, Any]) -> None:
    row, at, seq = int(event.item[0]), int(event.at[0]), int(event.seq[0])
    if row < 0:
        return
    items = state.items
    if data["step"] == "audience" and seq > items["trial_segment_seq"][row]:
        items["trial_segment"][row], items["trial_segment_at"][row] = data["segment"], at
        items["trial_segment_seq"][row] = seq
    # Whatever else is said of segments, or a new round, ends the question that was open.
    if data["step"] in ("asking", "asked", "audience", "testing") and seq > items["trial_asked_seq"][row]:
        items["trial_asked"][row] = data["segment"] if data["step"] == "asking" else -1
        items["trial_asked_seq"][row] = seq
    if data["step"] in ("asking", "asked", "audience"):
        return
    if seq > items["trial_seq"][row]:
        items["trial_seq"][row], items["trial_state"][row] = seq, STEPS[data["step"]]
        items["trial_state_at"][row], items["trial_served"][row] = at, data["served"]
    if data["step"] == "testing":
        items["trial_round"][row] += 1
        items["trial_admitted_at"][row] = max(at, items["trial_admitted_at"][row])
        entry = np.array([(at, row)], ON_TRIAL)
        state.world.lists["on_trial"].extend(np.zeros(1, np.int64), entry)
        _recount(items, row)
    creator = int(event.creator[0])
    if data["step"] == "stopped" and creator >= 0:
        table = state.creators
        held = table["trial_failures"], table["trial_failures_at"]
        added = add_decayed(*held, np.array([creator]), 1.0, np.array([at]), HALF_LIFE["creators"])
        table["trial_failures"][:], table["trial_failures_at"][:] = added


def _fitted(state: State, seq: int, data: dict[str, Any]) -> None:
    world = state.world
    if seq > world["trial_prior_seq"][0]:
        world["trial_prior_seq"][0] = seq
        world["trial_world_prior"][0], world["trial_tiers"][0] = data["all"], data["tiers"]
        state.labels["trial_prior"][:] = np.nan
        for label, a, b in data["labels"]:
            state.labels["trial_prior"][label] = a, b


def _add(world: Table, name: str, at: Ints, amounts: Floats) -> None:
    held = world[name], world[f"{name}_at"]
    added = add_decayed(*held, np.zeros(len(at), np.int64), amounts, at, HALF_LIFE["world"])
    world[name][:], world[f"{name}_at"][:] = added


def _newer(earlier: Table, later: Table, key: str, names: tuple[str, ...]) -> None:
    newer = later[key] > earlier[key]
    for name in names:
        earlier[name][newer] = later[name][newer]


def _recount(items: Table, row: int) -> None:
    """Count each account once: its first impression, and its latest answer."""
    first, liked = accounts_of(evidence_of(items, row))
    items["trial_shown"][row], items["trial_liked"][row] = counts_of(first, liked)
    items["trial_heard"][row] = (first["cell"] >= CELLS).sum()
