"""Candidates, batches, feedback kinds, slates and traces: arrays that stay side by side."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.events import EventBatch, Kind, concatenate, event_batch, no_events
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.ids import Sizes
from fairshot.core.slate import Slate, Step, Trace, take_positions
from fairshot.core.snapshot import Vectors


def batch_of(n: int, start: int = 0, sizes: Sizes | None = None) -> EventBatch:
    numbers = np.arange(start, start + n)
    columns = {
        "seq": numbers,
        "kind": numbers % len(Kind),
        "action": numbers % 3 - 1,
        "at": numbers * 10,
        "user": numbers % 5,
        "item": numbers % 7,
        "creator": np.full(n, -1),
        "value": np.full(n, np.nan),
        "position": numbers % 4,
        "propensity": np.ones(n),
    }
    return event_batch(columns, [{"n": int(number)} for number in numbers], sizes or Sizes(n, n, 0, 0))


@given(st.integers(0, 40), st.sets(st.sampled_from(list(Kind)), min_size=1))
def test_of_names_the_events_of_the_given_kinds(n, kinds):
    batch = batch_of(n)
    assert batch.of(*kinds).tolist() == [kind in kinds for kind in batch.kind.tolist()]


@given(st.integers(0, 30), st.data())
def test_a_part_of_a_batch_keeps_its_events_whole(n, data):
    batch = batch_of(n)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    part = batch.where(keep)
    assert part.seq.tolist() == np.flatnonzero(keep).tolist()
    assert [d["n"] for d in part.data if d] == part.seq.tolist()
    assert part.sizes == batch.sizes
    same = batch.where(np.flatnonzero(keep))
    assert same.seq.tolist() == part.seq.tolist()


@given(st.lists(st.integers(0, 9), max_size=5))
def test_parts_joined_are_the_whole_and_sizes_become_the_largest(lengths):
    parts, start = [], 0
    for n in lengths:
        parts.append(batch_of(n, start, Sizes(users=n, labels=9 - n)))
        start += n
    whole = concatenate(parts)
    assert whole.seq.tolist() == list(range(start))
    assert len(whole.data) == start
    assert whole.sizes.users == max(lengths, default=0)
    assert whole.sizes.labels == (9 - min(lengths) if lengths else 0)
    assert len(no_events()) == 0
    assert concatenate([no_events(), *parts]).at.tolist() == whole.at.tolist()


@given(st.lists(st.integers(0, 99), max_size=20), st.data())
def test_candidates_take_their_columns_along(rows, data):
    batch = Candidates(np.array(rows, dtype=np.int32), {"twice": np.array(rows, dtype=np.int64) * 2})
    batch = batch.with_columns({"wide": np.stack([batch.rows, batch.rows], axis=1)})
    order = np.array(data.draw(st.permutations(range(len(rows)))), dtype=np.int64)
    mask = np.array(rows, dtype=np.int64) % 2 == 0
    for chosen in (batch.take(order), batch.take(mask)):
        assert (chosen["twice"] == chosen.rows.astype(np.int64) * 2).all()
        assert (chosen["wide"] == chosen.rows[:, None]).all()
    assert len(batch.take(mask)) == mask.sum()
    assert "twice" in batch
    assert "thrice" not in batch
    assert len(no_candidates()) == 0


def test_feedback_kinds_take_their_codes_from_the_order_of_configuration():
    kinds = FeedbackKinds.of({"b": FeedbackKind(weight=-1), "a": FeedbackKind(preference=2, like=True, trend=3)})
    assert (kinds.code("b"), kinds.code("a"), kinds.code("c"), kinds.code(None)) == (0, 1, -1, -1)
    assert kinds.weights.tolist() == [-1, 0]
    assert kinds.preferences.tolist() == [0, 2]
    assert kinds.likes.tolist() == [False, True]
    assert kinds.trends.tolist() == [0, 3]
    assert FeedbackKinds.of({}).likes.dtype == bool


def test_a_trace_counts_what_each_filter_removed():
    rows = np.arange(6, dtype=np.int32)
    fate = np.array([-1, 0, 1, 1, 3, -1])
    steps = (Step("filters", "a", 6, 4, 0.5e-6), Step("filters", "b", 4, 4, 1e-6, "ValueError: x"))
    trace = Trace(rows, np.zeros(6, np.int16), fate, ("s",), ("a", "b", "c"), steps, 1.0)
    assert trace.removed() == {"a": 2, "b": 0, "c": 1}
    assert trace.errors == ["filters.b: ValueError: x"]
    assert [line["stage"] for line in trace.funnel()] == ["filters.a", "filters.b"]
    assert "error" not in trace.funnel()[0]
    empty = Trace(rows[:0], fate[:0], fate[:0], (), ("a",), (), 0.0)
    assert empty.removed() == {"a": 0}


def test_positions_taken_anew_carry_everything_that_belongs_to_their_rows():
    pool = Candidates(
        np.array([5, 3, 9], dtype=np.int32),
        {"source": np.array([0, 1, 0]), "value": np.array([3.0, 2.0, 1.0]), "value.a": np.array([1.0, 2.0, 3.0])},
    )
    blank = Slate(
        pool.rows[:0], pool["source"][:0], pool["value"][:0], np.ones(2), ("x", "y"), {"a": np.zeros(0)}, pool=pool
    )
    slate = take_positions(blank, np.array([2, 1]), ((), ("moved",)), propensity=np.array([0.5, 1.0]))
    assert slate.rows.tolist() == [9, 3]
    assert slate.source.tolist() == [0, 1]
    assert slate.score.tolist() == [1.0, 2.0]
    assert slate.parts["a"].tolist() == [3.0, 2.0]
    assert slate.propensity.tolist() == [0.5, 1.0]
    assert len(slate) == 2


@given(st.lists(st.integers(0, 200), max_size=8))
def test_vectors_grow_by_zero_rows_and_hold_no_row_that_nobody_asked_for(sizes):
    vectors = Vectors(np.ones((3, 2), np.float32), np.ones(3, bool), np.eye(2, dtype=np.float32), 1.0)
    most = 3
    for size in sizes:
        vectors.grow(size)
        most = max(most, size)
        assert vectors.items.shape == (most, 2)
        assert (vectors.items[:3] == 1).all()
        assert not vectors.items[3:].any()


def test_a_copy_with_other_vectors_grows_in_room_of_its_own():
    vectors = Vectors(np.ones((80, 2), np.float32), np.ones(80, bool), np.eye(2, dtype=np.float32), 1.0)
    vectors.grow(81)
    other = replace(vectors, items=2 * vectors.items)
    other.grow(82)
    assert (other.items[:80] == 2).all()
    assert (vectors.items[:80] == 1).all()


def test_places_are_where_rows_stand_and_the_number_of_candidates_elsewhere():
    pool = Candidates(np.array([7, 2, 9], np.int32))
    assert pool.places(np.array([9, 7, 3, 10, 2], np.int32)).tolist() == [2, 0, 3, 3, 1]
    assert no_candidates().places(np.array([1, 2], np.int32)).tolist() == [0, 0]
    assert pool.places(np.empty(0, np.int32)).tolist() == []
