"""Attribution by day: equal to attribution from scratch, at the cost of the days that changed."""

from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.learning.logs import FEEDBACK, IMPRESSIONS, Row, same

from fairshot.core.arrays import DAY, HOUR
from fairshot.core.errors import StoreError
from fairshot.learning import attribution_days
from fairshot.learning.attribution import Mode, Rule, attributed
from fairshot.learning.attribution_days import load, update
from fairshot.stores.analytics import connect
from fairshot.stores.export import files, write_parquet
from fairshot.stores.files import write_durably
from fairshot.stores.log_tables import EVENTS, day_of
from fairshot.stores.log_tables import IMPRESSIONS as SHOWN

RULE = Rule({"view": 6 * HOUR, "like": 24 * HOUR})


class Lake:
    """An export that grows: what the log's export would have written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seq = 0

    def add(self, *entries: Row) -> None:
        """Entries of the log: slates (items), reports (seconds) or feedback (action)."""
        first = self.seq + 1
        rows: dict[str, list[Row]] = {"impressions": [], "events": []}
        for number, entry in enumerate(entries, start=first):
            one = {"seq": number, "user": entry["user"], "at": entry["at"]}
            if "items" in entry:
                places = enumerate(entry["items"], start=1)
                rows["impressions"] += [{**one, "item": i, "position": p, "reported": False} for p, i in places]
            elif "action" in entry:
                rows["events"].append({**one, "item": entry["item"], "kind": "feedback", "action": entry["action"]})
            else:
                told = {"item": entry["item"], "seconds": entry["seconds"], "position": 0}
                rows["impressions"].append({**one, **told, "reported": True})
        self.seq += len(entries)
        for name, schema in (("impressions", SHOWN), ("events", EVENTS)):
            for day in {row["at"] // DAY for row in rows[name]}:
                part = [row for row in rows[name] if row["at"] // DAY == day]
                path = self.folder / name / f"day={day_of(day * DAY)}" / f"{first:016d}-{self.seq:016d}.parquet"
                write_parquet(pa.Table.from_pylist(part, schema), path)
        write_durably(self.folder / "export.json", f'{{"seq": {self.seq}}}'.encode())

    def rows(self) -> list[Row]:
        """The attributed rows as they lie there."""
        database = connect()
        try:
            found: list[Row] = database.to_pyarrow(load(database, self.folder)).to_pylist()
            return found
        finally:
            database.disconnect()

    def from_scratch(self, rule: Rule) -> list[Row]:
        """What one expression over the whole export gives."""
        database = connect()
        try:
            paths = {name: [str(p) for of in files(self.folder, name).values() for p in of] for name in LAID}
            shown, told = (
                database.read_parquet(paths[name], hive_partitioning=False)
                if paths[name]
                else ibis.memtable(schema.empty_table())
                for name, schema in LAID.items()
            )
            found: list[Row] = database.to_pyarrow(attributed(shown, told, rule)).to_pylist()
            return found
        finally:
            database.disconnect()

    def times(self) -> dict[str, int]:
        """When each day's rows were written."""
        return {p.parent.name: p.stat().st_mtime_ns for p in self.folder.glob("attributed/*/*")}


LAID = {"impressions": IMPRESSIONS, "events": FEEDBACK}


def slate(user: str, at: int, *items: str) -> Row:
    return {"user": user, "at": at, "items": items}


def like(user: str, at: int, item: str) -> Row:
    return {"user": user, "at": at, "item": item, "action": "like"}


@pytest.fixture(name="lake")
def _lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def week(lake: Lake) -> None:
    for day in range(7):
        at = day * DAY + 9 * HOUR
        lake.add(slate("u", at, "a", "b", "c"), slate("v", at, "b", "a"), like("u", at + HOUR, "b"))


def test_a_new_day_is_computed_with_the_one_before_it_and_no_other(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    week(lake)
    assert len(update(lake.folder, RULE).days) == 7
    before = lake.times()
    lake.add(slate("u", 7 * DAY, "a"), like("u", 7 * DAY + HOUR, "a"))
    read: list[str] = []
    monkeypatch.setattr(attribution_days, "connect", lambda: spied(connect(), read))
    done = update(lake.folder, RULE)
    assert done.days == ["1970-01-07", "1970-01-08"]
    assert {path.partition("day=")[2][:10] for path in read} == {"1970-01-06", "1970-01-07", "1970-01-08"}
    after = lake.times()
    assert {day for day in after if after[day] != before.get(day)} == {"day=1970-01-07", "day=1970-01-08"}
    assert update(lake.folder, RULE).days == []
    assert same(lake.rows(), lake.from_scratch(RULE))


def spied(database: Any, read: list[str]) -> Any:
    real = database.read_parquet

    def reading(paths: list[str], **options: Any) -> Any:
        read.extend(paths)
        return real(paths, **options)

    database.read_parquet = reading
    return database


def test_late_feedback_changes_its_day_and_the_one_before(lake: Lake):
    week(lake)
    update(lake.folder, RULE)
    lake.add(like("v", 3 * DAY + HOUR, "a"))
    assert update(lake.folder, RULE).days == ["1970-01-03", "1970-01-04"]
    assert same(lake.rows(), lake.from_scratch(RULE))


def test_a_late_slate_takes_over_what_was_organic_the_day_after(lake: Lake):
    lake.add(slate("w", 0, "b"), like("w", 1, "b"), like("u", DAY + 2 * HOUR, "a"))
    update(lake.folder, RULE)
    assert (lake.folder / "attributed/day=1970-01-02/rows.parquet").exists()
    lake.add(slate("u", 20 * HOUR, "a"))
    assert update(lake.folder, RULE).days == ["1970-01-01", "1970-01-02"]
    assert not (lake.folder / "attributed/day=1970-01-02/rows.parquet").exists()
    assert same(lake.rows(), lake.from_scratch(RULE))


def test_a_late_report_moves_feedback_from_a_slate_two_days_before(lake: Lake):
    rule = Rule(RULE.windows, "reported")
    seen = {"user": "u", "item": "a", "seconds": 3.0}
    lake.add(slate("u", 13 * HOUR, "a"), {**seen, "at": 13 * HOUR}, slate("u", 36 * HOUR, "a"))
    lake.add(like("u", 36 * HOUR + HOUR // 2, "a"))
    update(lake.folder, rule)
    assert [row["label_like"] for row in lake.rows()] == [1]
    lake.add({**seen, "at": 59 * HOUR})
    assert update(lake.folder, rule).days == ["1970-01-01", "1970-01-02", "1970-01-03"]
    assert [row["label_like"] for row in sorted(lake.rows(), key=lambda row: row["at"])] == [0, 1]


def test_days_between_those_that_changed_are_not_read(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    week(lake)
    update(lake.folder, RULE)
    lake.add(like("v", HOUR, "a"), slate("u", 7 * DAY, "a"))
    read: list[str] = []
    monkeypatch.setattr(attribution_days, "connect", lambda: spied(connect(), read))
    assert update(lake.folder, RULE).days == ["1970-01-01", "1970-01-07", "1970-01-08"]
    days = {path.partition("day=")[2][:10] for path in read}
    assert days == {"1970-01-01", "1970-01-02", "1970-01-06", "1970-01-07", "1970-01-08"}


def test_another_rule_computes_everything_anew(lake: Lake):
    week(lake)
    update(lake.folder, RULE)
    shorter = Rule({"view": HOUR, "like": 1})
    assert len(update(lake.folder, shorter).days) == 7
    assert same(lake.rows(), lake.from_scratch(shorter))


def test_an_update_that_was_killed_is_made_good(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    week(lake)
    calls = 0

    def dies(table: Any, path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        write_parquet(table, path)

    monkeypatch.setattr(attribution_days, "write_parquet", dies)
    with pytest.raises(KeyboardInterrupt):
        update(lake.folder, RULE)
    assert len(update(lake.folder, RULE).days) == 7
    assert same(lake.rows(), lake.from_scratch(RULE))


def test_of_nothing_comes_nothing(lake: Lake):
    lake.add()
    assert update(lake.folder, RULE).days == []
    with pytest.raises(StoreError, match="no attributed rows"):
        lake.rows()
    lake.add(slate("u", 0, "a"))
    assert update(lake.folder, RULE).rows == 0


people, things = st.sampled_from("uv"), st.sampled_from("ab")
moments = st.integers(0, 5 * 8).map(lambda n: n * 3 * HOUR)
entries = st.one_of(
    st.builds(
        lambda user, at, items: slate(user, at, *items), people, moments, st.lists(things, min_size=1, unique=True)
    ),
    st.fixed_dictionaries({"user": people, "at": moments, "item": things, "action": st.sampled_from(["view", "like"])}),
    st.fixed_dictionaries(
        {"user": people, "at": moments, "item": things, "seconds": st.sampled_from([None, 0.5, 3.0])}
    ),
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(st.lists(entries, max_size=8), min_size=2, max_size=3),
    mode=st.sampled_from(["served", "reported"]),
)
def test_in_parts_it_comes_to_the_same_as_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Row]], mode: Mode
):
    lake, rule = Lake(tmp_path_factory.mktemp("lake")), Rule(RULE.windows, mode)
    for part in parts:
        lake.add(*part)
        update(lake.folder, rule)
    expected = lake.from_scratch(rule)
    if expected:
        assert same(lake.rows(), expected)
