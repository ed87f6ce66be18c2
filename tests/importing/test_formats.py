"""What cells of each format become."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.importing.test_broken_csv import imported

from fairshot.core.records import Refused
from fairshot.importing import ImportFileError
from fairshot.importing.columns import Columns, guess_kind
from fairshot.importing.run import open_rows, plan

ITEMS = Columns("items", {"film": "id"}, {"creator_id": "studio"})


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("labels", "Drama|Film-Noir| ", ["Drama", "Film-Noir"]),
        ("embedding", "[0.5, 1]", [0.5, 1]),
        ("embedding", "0.5 -1e-3", [0.5, -0.001]),
        ("durable", "Yes", True),
        ("durable", "0", False),
        ("price", "12.50", 12.5),
        ("created_at", "874965758", 874965758.0),
        ("created_at", "1997-09-23", "1997-09-23"),
        ("attributes", '{"year": 1997}', {"year": 1997}),
        ("film", "007", "007"),
    ],
)
def test_cells_of_text(column: str, cell: str, expected: Any) -> None:
    record = ITEMS.record({column: cell}, text=True)
    assert record[ITEMS.field(column)] == expected
    assert record["creator_id"] == "studio" or column == "creator_id"


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("price", "12,50"),
        ("price", "nan"),
        ("price", "1e400"),
        ("durable", "maybe"),
        ("embedding", "1 x"),
        ("attributes", "{"),
    ],
)
def test_cells_that_cannot_be(column: str, cell: str) -> None:
    with pytest.raises(Refused):
        ITEMS.record({column: cell}, text=True)


def test_empty_cells_are_absent_and_attributes_gather() -> None:
    record = ITEMS.record({"film": "a", "title": "", "attributes.year": "1997", "attributes.seen": ""}, text=True)
    assert record == {"creator_id": "studio", "id": "a", "attributes": {"year": "1997"}}


@pytest.mark.parametrize(
    ("name", "fields", "kind"),
    [
        ("items.csv", [], "items"),
        ("ml-100k.events.2026.csv", [], "events"),
        ("user.ndjson", [], "users"),
        ("export.csv", ["user_id", "kind"], "events"),
        ("export.csv", ["id", "creator_id"], "items"),
    ],
)
def test_the_kind_is_guessed(name: str, fields: list[str], kind: str) -> None:
    assert guess_kind(Path(name), fields) == kind


def test_a_kind_that_cannot_be_guessed_is_asked_for() -> None:
    with pytest.raises(ImportFileError, match="say --kind"):
        guess_kind(Path("export.csv"), ["id", "name"])


def test_mappings_name_what_exists(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("user,movie,stars,x\n1,2,5,y\n")
    with pytest.raises(ImportFileError, match="no field 'usr_id'; did you mean 'user_id'"):
        plan(path, "events", {"user": "usr_id"}, {})
    with pytest.raises(ImportFileError, match="no column 'usr'; did you mean 'user'"):
        plan(path, "events", {"usr": "user_id"}, {})
    fields = {"user": "user_id", "movie": "item_id", "stars": "value", "x": "-"}
    with pytest.raises(ImportFileError, match=r"need kind.*--set kind=VALUE"):
        plan(path, None, fields, {})
    report, taken = imported(path, mapping=fields, constants={"kind": "like"})
    assert (report.kind, report.accepted) == ("events", 1)
    assert (taken[0].user, taken[0].item, taken[0].value, taken[0].action) == ("1", "2", 5.0, "like")


NDJSON = (
    rb"""{"id": "a", "creator_id": "c"}
{"id": "b", "creator_id": "c"

{"id": "d", "creator_id": "c", "price": NaN}
{"id": "e", "creator_id": "c", "id": "f"}
[1]
{"id": "g", "creator_id": "c", "colour": "red"}
{"id": "h\ud800", "creator_id": "c"}
{"id": 7, "creator_id": "c", "attributes.year": 1997}
{"id": "j", "creator_id": "c", "price": "12"}
"""
    + b'{"id": "k\xff"}\n{"id": "l", "creator_id": "c"}'
)


def test_bad_lines_of_ndjson_are_reported_and_the_others_kept(tmp_path: Path) -> None:
    path = tmp_path / "items.ndjson"
    path.write_bytes(NDJSON)
    report, taken = imported(path)
    said = {row["line"]: f"{row['field']} {row['reason']}" for row in report.first_rejected}
    assert sorted(said) == [2, 4, 5, 6, 7, 8, 10, 11]
    for line, words in {2: "not JSON", 4: "price is NaN", 5: "occurs twice", 6: "not a JSON object"}.items():
        assert words in said[line]
    for line, words in {7: "colour is not a known", 8: "surrogate", 10: "price expected", 11: "not UTF-8"}.items():
        assert words in said[line]
    assert [draft.item for draft in taken] == ["a", "7", "l"]
    assert taken[1].data["attributes"] == {"year": 1997}
    assert report.rejected_file == str(path) + ".rejected.ndjson"
    assert len(Path(report.rejected_file).read_text().splitlines()) == 8


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ('[{"id": "a"}]', "JSON array")])
def test_ndjson_that_is_none(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "items.ndjson"
    path.write_text(text)
    with pytest.raises(ImportFileError, match=words):
        imported(path)


def test_parquet_with_its_own_types(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
    columns = {
        "id": pa.array([1, 2, 3]),
        "creator_id": ["c", "c", None],
        "labels": [["Drama"], None, []],
        "price": pa.array([Decimal("1.5"), None, Decimal("2.0")]),
        "created_at": pa.array([moment, None, moment], pa.timestamp("ns", "UTC")),
        "embedding": [[0.5, 1.0], [1.0, 2.0], [3.0, 4.0]],
        "durable": [True, None, False],
        "attributes.day": [date(2024, 1, 2), None, None],
    }
    pq.write_table(pa.table(columns), path)
    report, taken = imported(path)
    assert [(row["line"], row["field"]) for row in report.first_rejected] == [(3, "creator_id")]
    first = taken[0].data
    assert (taken[0].item, first["labels"], first["price"], first["durable"]) == ("1", ["Drama"], 1.5, True)
    assert (first["created_at"], first["attributes"]) == ("2020-01-02T03:04:05Z", {"day": "2024-01-02"})
    assert "labels" not in taken[1].data


def test_parquet_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    rows = {"kind": ["like"] * 2, "user_id": ["u"] * 2, "item_id": ["i"] * 2, "value": [float("nan"), 1.0]}
    pq.write_table(pa.table(rows), path)
    report, taken = imported(path)
    assert [(row["line"], row["field"]) for row in report.first_rejected] == [(1, "value")]
    assert len(taken) == 1


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    path.write_bytes(b"PAR1 or so")
    with pytest.raises(ImportFileError, match="cannot be read as Parquet"):
        imported(path)


@pytest.mark.parametrize("name", ["items.xlsx", "nowhere.csv"])
def test_files_that_nobody_can_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "items.xlsx").write_bytes(b"x")
    with pytest.raises(ImportFileError):
        open_rows(tmp_path / name)
