"""Tables: growing loses nothing, lists keep what they promise, and what is dumped is what is loaded."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.ids import Sizes
from fairshot.core.tables import Column, Lists, State, Table, View, views

PAIR = np.dtype([("at", np.int64), ("item", np.int32)])
Rows = list[tuple[int, int, int]]
additions = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)), max_size=12), max_size=8
)


def filled(batches: list[Rows], keep: int | None = None, *, distinct: bool = False) -> Lists:
    lists = Lists(PAIR, keep, distinct=distinct)
    for batch in batches:
        rows = np.array([row for row, _, _ in batch], dtype=np.int64)
        lists.extend(rows, np.array([(at, item) for _, at, item in batch], dtype=PAIR))
    return lists


def entries_of(batches: list[Rows]) -> dict[int, list[tuple[int, int]]]:
    found = defaultdict(list)
    for batch in batches:
        for row, at, item in batch:
            found[row].append((at, item))
    return found


@given(additions)
def test_a_list_holds_what_was_added_in_the_order_it_was_added(batches):
    lists = filled(batches)
    for row, entries in entries_of(batches).items():
        assert lists[row].tolist() == entries
    assert sorted(lists.rows()) == sorted(entries_of(batches))
    assert len(lists[99]) == 0


@given(additions, st.integers(1, 5))
def test_keep_leaves_the_last_in_the_dtypes_order_however_they_came(batches, keep):
    lists = filled(batches, keep)
    for row, entries in entries_of(batches).items():
        last = lists.last(row).tolist()
        assert sorted(last) == sorted(entries)[-keep:]
        assert [at for at, _ in last] == sorted(at for at, _ in last)
        assert len(lists[row]) <= 2 * keep


@given(additions, st.integers(1, 3), st.booleans())
def test_what_a_list_holds_does_not_depend_on_how_entries_were_batched(batches, keep, distinct):
    one_by_one = filled([[entry] for batch in batches for entry in batch], keep, distinct=distinct)
    for cut in (batches, [[entry for batch in batches for entry in batch]]):
        lists = filled(cut, keep, distinct=distinct)
        for row in one_by_one.rows():
            assert lists[row].tolist() == one_by_one[row].tolist()


@given(additions, st.one_of(st.none(), st.integers(1, 5)))
def test_distinct_makes_a_set(batches, keep):
    lists = filled(batches, keep, distinct=True)
    for row, entries in entries_of(batches).items():
        expected = sorted(set(entries))
        assert lists.last(row).tolist() == (expected if keep is None else expected[-keep:])


@given(additions)
def test_last_orders_by_the_first_field_and_keeps_the_order_of_arrival_within_it(batches):
    lists = filled(batches)
    for row, entries in entries_of(batches).items():
        assert lists.last(row).tolist() == sorted(entries, key=lambda entry: entry[0])


@given(additions, st.one_of(st.none(), st.integers(1, 5)), st.booleans())
def test_dump_and_load_give_the_same_lists(batches, keep, distinct):
    lists = filled(batches, keep, distinct=distinct)
    copy = Lists(PAIR, keep, distinct=distinct)
    copy.load(*lists.dump())
    assert sorted(copy.rows()) == sorted(lists.rows())
    for row in lists.rows():
        assert copy[row].tobytes() == lists[row].tobytes()
    copy.extend(np.array([0]), np.array([(9, 9)], dtype=PAIR))
    assert (9, 9) in copy[0].tolist()
    assert (9, 9) not in lists[0].tolist()


@given(additions, st.one_of(st.none(), st.integers(1, 5)), st.booleans())
def test_flat_names_every_entry_with_its_row(batches, keep, distinct):
    lists = filled(batches, keep, distinct=distinct)
    rows, entries = lists.flat()
    assert rows.tolist() == sorted(rows.tolist())
    assert len(rows) == len(entries)
    for row in lists.rows():
        assert entries[rows == row].tobytes() == lists.last(row).tobytes()
    again = Lists(PAIR, keep, distinct=distinct)
    again.extend(rows, entries)
    assert again.flat()[1].tobytes() == entries.tobytes()


def test_put_replaces_and_an_empty_list_is_no_list():
    lists = filled([[(0, 1, 1), (1, 2, 2)]])
    lists.put(0, np.array([(7, 7)], dtype=PAIR))
    lists.put(1, np.empty(0, PAIR))
    assert lists[0].tolist() == [(7, 7)]
    assert list(lists.rows()) == [0]
    assert len(lists) == 1


def test_what_a_list_hands_out_cannot_change_it():
    lists = filled([[(0, 1, 1)]])
    with pytest.raises(ValueError, match="read-only"):
        lists[0]["at"] = 5
    assert lists[0].tolist() == [(1, 1)]


@given(st.lists(st.integers(0, 300), min_size=1, max_size=12))
def test_growing_keeps_values_and_fills_new_rows(sizes):
    table = Table({"likes": Column(np.int64, 7), "ring": Column(np.float32, -1.5, width=3)})
    expected: list[int] = []
    for step, size in enumerate(sizes):
        table.grow(size)
        expected += [7] * (size - len(expected))
        assert table.n == len(expected)
        assert table["likes"].tolist() == expected
        assert table["ring"].shape == (len(expected), 3)
        assert (table["ring"] == -1.5).all()
        if expected:
            table["likes"][step % len(expected)] = step
            expected[step % len(expected)] = step


def test_a_loaded_table_grows_and_can_be_written():
    table = Table({"likes": Column(np.int64, 7)})
    table.load(2, {"likes": np.array([1, 2])})
    table.grow(4)
    table["likes"][3] = 9
    assert table["likes"].tolist() == [1, 2, 7, 9]


@pytest.mark.parametrize("stored", [np.zeros(3), np.zeros((2, 2)), np.zeros(())])
def test_a_stored_column_of_another_shape_is_refused(stored):
    table = Table({"likes": Column(np.int64)})
    with pytest.raises(ValueError, match="likes is stored as"):
        table.load(2, {"likes": stored})


def test_a_state_has_a_row_for_everybody_and_one_for_the_world():
    def table() -> Table:
        return Table({"x": Column(np.int8)})

    state = State(table(), table(), table(), table(), table())
    state.grow(Sizes(1, 2, 3, 4))
    assert state.sizes == Sizes(1, 2, 3, 4)
    assert state.world.n == 1
    state.grow(Sizes())
    assert state.sizes == Sizes(1, 2, 3, 4)


def test_views_join_the_columns_of_folds_and_follow_their_growth():
    a = State(items=Table({"likes": Column(np.int64)}, {"seen": Lists(np.int64)}))
    b = State(items=Table({"flags": Column(bool)}))
    joined = views({"a": a, "b": b})["items"]
    for state in (a, b):
        state.grow(Sizes(items=5))
    assert "likes" in joined
    assert "gone" not in joined
    assert joined["likes"].shape == joined["flags"].shape == (5,)
    assert joined.lists["seen"] is a.items.lists["seen"]
    a.grow(Sizes(items=500))
    assert joined["likes"].shape == (500,)


def test_two_folds_may_not_keep_a_column_of_the_same_name():
    column: Any = {"likes": Column(np.int64)}
    for other in (Table(column), Table({}, {"likes": Lists(np.int64)})):
        with pytest.raises(ValueError, match="likes"):
            View([Table(column), other])
