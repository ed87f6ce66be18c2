"""Every fold, by being there, is a monoid: live, replayed and computed in parts it gives the same answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.config import load_config
from fairshot.core.events import EventBatch, Kind, event_batch, no_events
from fairshot.core.ids import Sizes
from fairshot.core.tables import State
from fairshot.state import Fold, fold_names, load_folds

KINDS = load_config().kinds
FOLDS = load_folds(KINDS)
SIZES = Sizes(users=4, items=6, creators=3, labels=3)
DAY = 86_400_000_000
SIDES = ("users", "items", "creators", "labels", "world")


@st.composite
def logs(draw: st.DrawFn) -> EventBatch:
    """A log of up to 40 events of all kinds, times in any order."""
    n = draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = rng.choice([int(kind) for kind in Kind if kind != Kind.FORGET], n)
    # A person follows and hides creators, reacts to items: what a kind does not name is -1.
    names_item = np.isin(kind, [Kind.ITEM, Kind.SLATE, Kind.IMPRESSION, Kind.FEEDBACK, Kind.MODERATION, Kind.VERDICT])
    names_item &= ~((kind == Kind.FEEDBACK) & (rng.random(n) < 0.2))
    names_user = np.isin(kind, [Kind.USER, Kind.FOLLOW, Kind.SLATE, Kind.IMPRESSION, Kind.FEEDBACK])
    data = []
    for index in range(n):
        record: dict[str, object] | None = None
        if kind[index] == Kind.ITEM:
            labels = rng.choice(3, rng.integers(0, 3), replace=False).tolist()
            record = {"label_rows": labels, "durable": bool(rng.integers(2))}
            if rng.random() < 0.5:
                record["created_at"] = f"20{rng.integers(10, 26)}-01-01T00:00:00Z"
        elif kind[index] == Kind.MODERATION:
            record = {"decision": str(rng.choice(["remove", "flag", "restore"]))}
        elif kind[index] == Kind.VERDICT:
            record = verdict(rng)
        data.append(record)
    columns = {
        "seq": np.arange(1, n + 1),
        "kind": kind,
        "action": np.where(kind == Kind.FEEDBACK, rng.integers(-1, len(KINDS.names), n), -1),
        "at": rng.integers(0, 60, n) * DAY + rng.integers(0, 5, n),
        "user": np.where(names_user, rng.integers(0, SIZES.users, n), -1),
        "item": np.where(names_item, rng.integers(0, SIZES.items, n), -1),
        "creator": rng.integers(-1, SIZES.creators, n),
        "value": rng.choice([np.nan, 0.0, 0.5, 1.0], n),
        "position": rng.integers(1, 5, n),
        "propensity": np.ones(n),
        "arm": rng.integers(0, 5, n),
        "segments": rng.integers(-1, SIZES.labels, (n, 3)),
    }
    columns["creator"] = np.where(kind == Kind.FOLLOW, np.maximum(columns["creator"], 0), columns["creator"])
    columns["creator"] = np.where(kind == Kind.CREATOR, np.maximum(columns["creator"], 0), columns["creator"])
    # The log fills in the creator of a known item, so the fold meets an unknown one only before the record.
    known: dict[int, int] = {}
    for index in range(n):
        item, creator = int(columns["item"][index]), int(columns["creator"][index])
        if kind[index] == Kind.ITEM and creator >= 0:
            known[item] = creator
        elif kind[index] == Kind.FEEDBACK and item >= 0:
            columns["creator"][index] = known.get(item, -1)
    return event_batch(columns, data, SIZES)


def verdict(rng: np.random.Generator) -> dict[str, object]:
    """A decision on a trial, on what trials have told, or on something else."""
    sort = rng.integers(3)
    if sort == 0:
        labels = [[int(rng.integers(SIZES.labels)), 1.0, 2.0]]
        return {"decision": "trial_prior", "all": [1.0, 9.0], "tiers": rng.random(4).tolist(), "labels": labels}
    step = str(rng.choice(["testing", "expanding", "graduated", "stopped", "audience"]))
    told = {"step": step, "served": int(rng.integers(9)), "segment": int(rng.integers(SIZES.labels))}
    return {"decision": "trial", **told} if sort == 1 else {"decision": "refuse"}


def same(a: State, b: State) -> None:
    """Fail where two states differ; floats up to rounding, all else exactly."""
    for side in SIDES:
        for name in a[side].columns:
            left, right = a[side][name], b[side][name]
            assert left.shape == right.shape, (side, name)
            if left.dtype.kind == "f":
                np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12, err_msg=f"{side}.{name}")
            else:
                np.testing.assert_array_equal(left, right, err_msg=f"{side}.{name}")
        for name in a[side].lists:
            for left, right in zip(a[side].lists[name].flat(), b[side].lists[name].flat(), strict=True):
                np.testing.assert_array_equal(left, right, err_msg=f"{side}.{name}")


def folded(fold: Fold, *batches: EventBatch) -> State:
    state = fold.empty()
    state.grow(SIZES)
    for batch in batches:
        state = fold.add(state, batch)
    return state


def cut(events: EventBatch, *places: int) -> list[EventBatch]:
    bounds = [0, *sorted(min(place, len(events)) for place in places), len(events)]
    return [events.where(np.arange(lo, hi)) for lo, hi in zip(bounds, bounds[1:], strict=False)]


places = st.integers(0, 40)


@pytest.mark.parametrize("name", fold_names())
@given(events=logs(), a=places, b=places)
@settings(max_examples=60, deadline=None)
def test_a_fold_is_a_monoid(name: str, events: EventBatch, a: int, b: int) -> None:
    fold = FOLDS[name]
    whole = folded(fold, events)
    one, two, three = cut(events, a, b)
    same(whole, folded(fold, one, two, three))
    left = fold.merge(fold.merge(folded(fold, one), folded(fold, two)), folded(fold, three))
    right = fold.merge(folded(fold, one), fold.merge(folded(fold, two), folded(fold, three)))
    same(whole, left)
    same(whole, right)
    same(whole, fold.merge(fold.empty(), folded(fold, events)))
    same(whole, fold.merge(folded(fold, events), fold.empty()))


@pytest.mark.parametrize("name", fold_names())
@given(events=logs())
@settings(max_examples=30, deadline=None)
def test_a_fold_depends_on_its_kinds_alone(name: str, events: EventBatch) -> None:
    fold = FOLDS[name]
    same(folded(fold, events), folded(fold, events.where(events.of(*fold.kinds))))


@pytest.mark.parametrize("name", fold_names())
def test_a_fold_is_documented_and_starts_empty(name: str) -> None:
    fold = FOLDS[name]
    assert (type(fold).__doc__ or "").strip(), "a fold says which columns it keeps"
    state = fold.empty()
    state.grow(Sizes())
    same(state, fold.add(fold.empty(), no_events()))
    assert any(state[side].columns or state[side].lists for side in SIDES), "a fold keeps something"


def test_no_two_folds_keep_the_same_name() -> None:
    names = [
        (side, name)
        for fold in FOLDS.values()
        for side in SIDES
        for name in (*fold.empty()[side].columns, *fold.empty()[side].lists)
    ]
    assert len(names) == len(set(names))
