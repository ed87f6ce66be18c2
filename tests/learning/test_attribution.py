"""Attribution: each rule by itself, and all together against the slowest obvious way to say them."""

from collections.abc import Iterator
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.learning.logs import IMPRESSIONS, Row, in_order, same, slowly, tables

from fairshot.core.arrays import DAY, HOUR
from fairshot.learning.attribution import SHOWN, Mode, Rule, attributed, examined, positions, weighted
from fairshot.stores.analytics import connect

RULE = Rule({"view": 10, "like": 10, "buy": 100})


@pytest.fixture(scope="module", name="database")
def _database() -> Iterator[Any]:
    database = connect()
    yield database
    database.disconnect()


def rows_of(database: Any, impressions: list[Row], feedback: list[Row], rule: Rule = RULE) -> list[Row]:
    """What the expression makes of them."""
    left, right = (ibis.memtable(table) for table in tables(impressions, feedback))
    found: pa.Table = database.to_pyarrow(attributed(left, right, rule))
    return in_order(found.to_pylist())


def slate(seq: int, at: int, *items: str, user: str = "u") -> list[Row]:
    return [
        {"seq": seq, "user": user, "item": item, "at": at, "position": place, "propensity": 0.5, "reported": False}
        for place, item in enumerate(items, start=1)
    ]


def report(seq: int, at: int, item: str, seconds: float | None, user: str = "u") -> Row:
    return {
        "seq": seq, "user": user, "item": item, "at": at, "position": 0, "seconds": seconds, "reported": True
    }  # fmt: skip


def told(seq: int, at: int, item: str, action: str = "like", user: str = "u") -> Row:
    return {"seq": seq, "user": user, "item": item, "at": at, "action": action}


def liked(rows: list[Row]) -> list[tuple[int, int]]:
    """seq and position of the impressions that a like was attributed to."""
    return [(row["seq"], row["position"]) for row in rows if row["label_like"] and not row["organic"]]


def test_feedback_belongs_to_the_last_impression_before_it(database):
    shown = [*slate(1, 0, "a"), *slate(2, 5, "a"), *slate(4, 8, "a")]
    assert liked(rows_of(database, shown, [told(3, 7, "a")])) == [(2, 1)]


def test_an_earlier_impression_keeps_what_came_before_the_later_one(database):
    shown = [*slate(1, 0, "a"), *slate(3, 5, "a")]
    rows = rows_of(database, shown, [told(2, 4, "a", "view"), told(4, 6, "a", "like")])
    assert [(row["seq"], row["label_view"], row["label_like"]) for row in rows] == [(1, 1, 0), (3, 0, 1)]


def test_each_kind_has_its_window_to_the_microsecond(database):
    feedback = [told(2, 10, "a", "view"), told(3, 11, "a", "like"), told(4, 100, "a", "buy")]
    row, organic = rows_of(database, slate(1, 0, "a"), feedback)
    assert (row["label_view"], row["label_like"], row["label_buy"]) == (1, 0, 1)
    assert (organic["seq"], organic["organic"], organic["label_like"]) == (3, True, 1)


def test_at_one_time_impressions_come_first_and_the_greater_seq_is_the_last(database):
    shown = [*slate(1, 5, "a"), *slate(2, 5, "a")]
    assert liked(rows_of(database, shown, [told(3, 5, "a")])) == [(2, 1)]


def test_a_late_entry_of_the_log_counts_by_its_time(database):
    assert liked(rows_of(database, slate(9, 0, "a"), [told(3, 5, "a")])) == [(9, 1)]


def test_other_people_and_other_items_are_not_touched(database):
    rows = rows_of(database, slate(1, 0, "a"), [told(2, 1, "a", user="v"), told(3, 1, "b")])
    assert [(row["user"], row["item"], row["organic"]) for row in rows] == [("v", "a", True), ("u", "b", True)]


def test_what_lies_above_an_answer_is_a_true_negative_and_what_lies_below_is_dropped(database):
    rows = rows_of(database, slate(1, 0, "a", "b", "c", "d"), [told(2, 1, "c")])
    assert [(row["item"], row["label_like"]) for row in rows] == [("a", 0), ("b", 0), ("c", 1)]


def test_a_slate_that_nobody_answered_tells_nothing(database):
    assert rows_of(database, slate(1, 0, "a", "b"), []) == []


def test_rows_weigh_as_many_as_were_shown_for_each_examined(database):
    shown = [row for n in range(40) for row in slate(n, 0, "a", "b", user=f"u{n}")]
    feedback = [told(50, 1, "b", user="u0"), *(told(51 + n, 1, "a", user=f"u{n}") for n in range(1, 10))]
    rows = rows_of(database, shown, feedback)
    assert {row["weight"] for row in rows if row["position"] == 1} == {4.0}
    # One of forty was examined; below a twentieth no row counts more than twenty.
    assert {row["weight"] for row in rows if row["position"] == 2} == {20.0}


def test_organic_feedback_is_one_row_for_each_person_item_and_day(database):
    feedback = [told(1, 30, "a"), told(2, 20, "a", "buy"), told(3, DAY - 1, "a"), told(4, DAY, "a"), told(5, 7, "b")]
    rows = rows_of(database, [], feedback)
    assert [(row["seq"], row["at"], row["item"], row["label_like"], row["label_buy"]) for row in rows] == [
        (2, 20, "a", 1, 1),
        (4, DAY, "a", 1, 0),
        (5, 7, "b", 1, 0),
    ]
    assert all(row["organic"] and row["weight"] == 1 and row["position"] == 0 for row in rows)


def test_kinds_that_are_not_configured_count_for_nothing(database):
    assert rows_of(database, slate(1, 0, "a"), [told(2, 1, "a", "wave")]) == []


def test_dwell_is_the_sum_of_the_reports(database):
    reports = [report(2, 1, "a", 0.4), report(3, 2, "a", 1.5), report(4, 1, "b", None), report(5, 2, "b", 9.0)]
    rows = rows_of(database, [*slate(1, 0, "a", "b", "c"), *reports], [told(6, 3, "c")])
    assert [row["seconds"] for row in rows] == [1.9, None, None]


def test_where_clients_report_only_what_they_reported_is_examined(database):
    rule = Rule(RULE.windows, "reported")
    reports = [report(2, 1, "a", 0.9), report(3, 1, "b", 1.0), report(4, 1, "c", None)]
    rows = rows_of(database, [*slate(1, 0, "a", "b", "c", "d"), *reports], [told(6, 3, "d"), told(7, 3, "b")], rule)
    assert [(row["item"], row["organic"], row["label_like"]) for row in rows] == [
        ("b", False, 1),
        ("c", False, 0),
        ("d", True, 1),
    ]


def test_a_report_without_its_slate_stands_for_itself(database):
    rule = Rule(RULE.windows, "reported")
    rows = rows_of(database, [report(1, 4, "a", 3.0), report(2, 4, "b", 0.1)], [told(6, 5, "a")], rule)
    assert [(row["seq"], row["position"], row["weight"], row["label_like"]) for row in rows] == [(1, 0, 1.0, 1)]
    assert rows_of(database, [report(1, 4, "a", 3.0)], []) == []


def test_tables_without_rows_give_no_rows(database):
    assert rows_of(database, [], []) == []


def test_weights_of_parts_are_those_of_the_whole(database):
    shown = [row for n in range(30) for row in slate(n, n, "a", "b", "c", user=f"u{n % 7}")]
    feedback = [told(40 + n, 3 * n, "abc"[n % 3], user=f"u{n % 7}") for n in range(10)]
    left, right = (ibis.memtable(table) for table in tables(shown, feedback))
    rows = examined(left, right, RULE)
    counts = positions(left, rows)
    halves = [counts.filter(counts.position < 2), counts.filter(counts.position >= 2)]
    found = database.to_pyarrow(weighted(rows, halves[0].union(halves[1]))).to_pylist()
    assert same(found, rows_of(database, shown, feedback))


names = st.sampled_from(["u", "v", None])
items = st.sampled_from(["a", "b", "c", None])
times = st.integers(0, 12).map(lambda n: n * HOUR * 3)
sent = st.tuples(names, times, st.lists(st.sampled_from("abc"), max_size=3, unique=True))
reports = st.tuples(names, times, items, st.sampled_from([None, 0.25, 0.75, 2.0]))
feedback = st.tuples(names, times, items, st.sampled_from(["view", "like", "wave"]))
windows = st.sampled_from([HOUR, 6 * HOUR, 24 * HOUR])


@settings(max_examples=30)
@given(
    st.lists(st.one_of(sent, reports, feedback), max_size=25),
    st.fixed_dictionaries({"view": windows, "like": windows}),
    st.sampled_from(["served", "reported"]),
)
def test_all_rules_together_say_what_they_say_one_by_one(database, log, kinds, mode: Mode):
    shown: list[Row] = []
    said: list[Row] = []
    for seq, event in enumerate(log):
        match event:
            case (user, at, list(found)):
                shown += slate(seq, at, *found, user=user)
            case (user, at, item, None | float() as seconds):
                shown.append(report(seq, at, item, seconds, user))
            case (user, at, item, str(action)):
                said.append(told(seq, at, item, action, user))
    full = [{"seconds": None, "propensity": None, **row} for row in shown]
    rule = Rule(kinds, mode)
    assert same(rows_of(database, full, said, rule), slowly(full, said, rule))


def test_the_columns_are_those_that_are_promised(database):
    left, right = (ibis.memtable(table) for table in tables([], []))
    found = attributed(left, right, RULE)
    assert found.columns == (*SHOWN, "organic", *RULE.labels, "weight")
    assert set(SHOWN) == set(IMPRESSIONS.names) - {"reported"}
