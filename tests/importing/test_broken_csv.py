"""Every way in which a CSV file can be broken: reported with its line, and the good rows kept."""

from pathlib import Path
from typing import Any

import pytest

from fairshot.core.answers import Receipt
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.records import Reader
from fairshot.importing import ImportFileError
from fairshot.importing.run import Report, import_file, plan

NOW = 1_700_000_000_000_000
READER = Reader(FeedbackKinds.of({"like": FeedbackKind(weight=1.0), "follow": FeedbackKind()}), b"secret")


def imported(path: Path, kind: str | None = None, **more: Any) -> tuple[Report, list[Any]]:
    taken: list[Any] = []

    def sink(kind: str, records: Any) -> Any:
        drafts, _, rejected = READER.read(kind, records, NOW)
        taken.extend(drafts)
        return lambda: Receipt(len(drafts), 0, rejected, 0)

    planned = plan(path, kind, more.pop("mapping", {}), more.pop("constants", {}))
    return import_file(planned, sink, **more), taken


def csv(folder: Path, data: bytes, name: str = "items.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


GOOD = b"id,creator_id,title\n"

BROKEN = {
    "too few cells": (GOOD + b"a,c,A\nb,c\nd,c,D\n", [(3, "2 cells where the header has 3")], 2),
    "too many cells": (GOOD + b"a,c,A\nb,c,B,x\n", [(3, "4 cells where the header has 3")], 1),
    "one cell": (GOOD + b"a\n", [(2, "1 cell where")], 0),
    "text after a quote": (GOOD + b'a,c,"A" or so\nb,c,B\n', [(2, "must be doubled")], 1),
    "quote never closed": (GOOD + b'a,c,A\nb,c,"B\nd,c,D\ne,c,E\n', [(3, "never closed")], 3),
    "quote closed by the next one": (GOOD + b'a,c,"A\nb,c,"B"\nd,c,D\n', [(2, "must be doubled")], 2),
    "quotes on every line": (GOOD + b'a,c,"A\nb,c,"B\nd,c,"D\n', [(2, "doubled"), (3, "doubled"), (4, "closed")], 0),
    "a NUL byte": (GOOD + b"a,c,A\nb,c,B\0B\nd,c,D\n", [(3, "NUL byte at byte 6")], 2),
    "Latin-1": (GOOD + b"a,c,A\nb,c,caf\xe9\nd,c,D\n", [(3, "not UTF-8: byte 0xe9 at byte 8")], 2),
    "a lone carriage return": (GOOD + b"a,c,A\rb\nd,c,D\n", [(2, "carriage return")], 1),
    "a missing id": (GOOD + b",c,A\nb,c,B\n", [(2, "missing")], 1),
    "a control character": (GOOD + b"a\x01,c,A\nb,c,B\n", [(2, "control character")], 1),
    "an id that is too long": (GOOD + b"a" * 257 + b",c,A\nb,c,B\n", [(2, "256")], 1),
    "a cell that is too long": (GOOD + b"a,c," + b"x" * 200_000 + b"\nb,c,B\n", [(2, "too long")], 1),
    "everything at once": (
        GOOD + b'a,c\n\n"b,c,B\nd,c,D\0\ne,c,\xff\nf,c,F\n',
        [(2, "2 cells"), (4, "never closed|doubled|NUL"), (5, "NUL"), (6, "UTF-8")],
        1,
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_rows_are_reported_and_the_others_kept(case: str, tmp_path: Path) -> None:
    data, expected, kept = BROKEN[case]
    report, taken = imported(csv(tmp_path, data))
    assert [row["line"] for row in report.first_rejected] == [line for line, _ in expected]
    for row, (_, words) in zip(report.first_rejected, expected, strict=True):
        assert any(word in row["reason"] for word in words.split("|")), row
    assert (report.accepted, len(taken), report.rejected) == (kept, kept, len(expected))


SOUND = {
    "a byte order mark": b"\xef\xbb\xbf" + GOOD + b"a,c,A\n",
    "carriage returns and newlines": b"id,creator_id,title\r\na,c,A\r\n",
    "no newline at the end": GOOD + b"a,c,A",
    "blank lines": b"\n\n" + GOOD + b"\na,c,A\n\n",
    "semicolons": b"id;creator_id;title\na;c;A\n",
    "tabs": b"id\tcreator_id\ttitle\na\tc\tA\n",
    "spaces in the header": b"id, creator_id ,title\na,c,A\n",
}


@pytest.mark.parametrize("case", SOUND)
def test_what_is_unusual_but_sound_is_read(case: str, tmp_path: Path) -> None:
    report, taken = imported(csv(tmp_path, SOUND[case]))
    assert (report.accepted, report.rejected) == (1, 0)
    assert (taken[0].item, taken[0].creator, taken[0].data["title"]) == ("a", "c", "A")


def test_a_cell_of_several_lines_is_one_cell(tmp_path: Path) -> None:
    report, taken = imported(csv(tmp_path, GOOD + b'a,c,"one\ntwo ""three"""\nb\n'))
    assert taken[0].data["title"] == 'one\ntwo "three"'
    assert [row["line"] for row in report.first_rejected] == [4]


HOPELESS = {
    "empty": (b"", "is empty"),
    "only blank lines": (b"\n\n \n", "is empty"),
    "no header": (b"1,2,3\n4,5,6\n", "not a header"),
    "UTF-16": ("id,creator_id\n".encode("utf-16"), "UTF-16"),
    "carriage returns alone": (b"id,creator_id\ra,c\r", "carriage returns alone"),
    "NUL in the header": (b"id\0,creator_id\n", "NUL"),
    "not UTF-8 in the header": (b"id,caf\xe9\n", "not UTF-8"),
    "broken quotes in the header": (b'"id"x,creator_id\n', "doubled"),
    "unknown column": (b"id,creator_id,titel\n", "unknown columns: titel; did you mean 'title'"),
    "repeated column": (b"id,creator_id,id\n", "two columns fill id"),
    "missing column": (b"id,title\n", "need creator_id"),
}


@pytest.mark.parametrize("case", HOPELESS)
def test_a_file_that_is_hopeless_is_refused_whole(case: str, tmp_path: Path) -> None:
    data, words = HOPELESS[case]
    with pytest.raises(ImportFileError, match=words):
        imported(csv(tmp_path, data), "items")


def test_a_line_longer_than_a_request_may_be_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairshot.importing.lines.LONGEST", 64)
    report, taken = imported(csv(tmp_path, GOOD + b"a,c," + b"x" * 500 + b"\nb,c,B\n"))
    assert [row["line"] for row in report.first_rejected] == [2]
    assert [draft.item for draft in taken] == ["b"]


def test_rejected_rows_go_to_a_file_that_can_be_mended_and_imported(tmp_path: Path) -> None:
    path = csv(tmp_path, b"id,creator_id,title,price\na,c,A,1\nb,c,B,cheap\nd,c\n")
    report, _ = imported(path)
    assert report.rejected_file == str(tmp_path / "items.csv.rejected.csv")
    lines = Path(report.rejected_file).read_text().splitlines()
    assert lines[0] == "id,creator_id,title,price,rejected_line,rejected_field,rejected_reason,rejected_raw"
    assert lines[1].startswith("b,c,B,cheap,3,price,is not a number: 'cheap'")
    assert lines[2] == ',,,,4,,has 2 cells where the header has 4,"d,c"'
    Path(report.rejected_file).write_text("\n".join(lines[:2]).replace("cheap,3", "2.5,3") + "\n")
    again, taken = imported(Path(report.rejected_file), "items")
    assert (again.accepted, again.rejected, taken[0].data["price"]) == (1, 0, 2.5)


def test_rejected_rows_go_elsewhere_where_the_folder_takes_no_files(tmp_path: Path, monkeypatch: Any) -> None:
    path, elsewhere = csv(tmp_path, GOOD + b"b\n"), tmp_path / "data"
    elsewhere.mkdir()
    (tmp_path / "items.csv.rejected.csv").mkdir()
    report, _ = imported(path, elsewhere=elsewhere)
    assert report.rejected_file == str(elsewhere / "items.csv.rejected.csv")


def test_many_rejected_rows_are_counted_but_not_all_shown(tmp_path: Path) -> None:
    report, _ = imported(csv(tmp_path, GOOD + b"b\n" * 12_000))
    assert (report.rejected, len(report.first_rejected)) == (12_000, 20)
    assert report.rejected_file is not None
    assert len(Path(report.rejected_file).read_text().splitlines()) == 12_001
