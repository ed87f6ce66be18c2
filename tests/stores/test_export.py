"""The export: everything of the log, by day, once; whatever happens on the way."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.stores.conftest import KINDS

from fairshot.core.arrays import DAY
from fairshot.core.errors import StoreError
from fairshot.core.events import Draft, Kind
from fairshot.stores import export as module
from fairshot.stores.export import cursor, export, files, only_one
from fairshot.stores.files import write_durably
from fairshot.stores.log import Log
from fairshot.stores.log_tables import SCHEMAS, read_tables


def slate(name: str, user: str, at: int, *rows: int) -> Draft:
    data = {
        "rows": np.array(rows, np.int32).tobytes(),
        "propensity": np.linspace(0.5, 0.9, len(rows)).tobytes(),
        "source": np.array([n % 2 for n in range(len(rows))], np.int16).tobytes(),
        "score": np.arange(len(rows), dtype=float).tobytes(),
        "sources": ["fresh", "trending"],
        "surface": "home",
        "snapshot": None,
        "seq": 0,
    }
    return Draft(kind=Kind.SLATE, id=f"slate/{name}", at=at, user=user, data=data)


def like(name: str, user: str, item: str, at: int) -> Draft:
    return Draft(kind=Kind.FEEDBACK, id=name, at=at, user=user, item=item, action="like")


def item(name: str) -> Draft:
    return Draft(kind=Kind.ITEM, at=5, item=name, creator="c", data={"id": name, "title": "ü"})


def table(folder: Path, name: str) -> pa.Table:
    """All whole files of a table together, in the order of the log."""
    read = [pq.read_table(path, partitioning=None) for paths in files(folder, name).values() for path in paths]
    return pa.concat_tables([SCHEMAS[name].empty_table(), *read]).sort_by([("seq", "ascending")])


def test_impressions_and_events_say_what_the_log_says(log: Log, tmp_path: Path):
    log.append([item("a"), item("b"), slate("r1", "u", DAY + 7, 1, 0), like("e1", "u", "b", DAY + 9)])
    said = {"request": "r1", "position": 2, "propensity": 0.9}
    log.append([Draft(kind=Kind.IMPRESSION, id="e2", at=2 * DAY, user="u", item="a", value=2.5, data=said)])
    log.append([Draft(kind=Kind.IMPRESSION, id="e3", at=2 * DAY, user="w", item="a"), slate("r2", "u", DAY)])
    done = export(log.path, tmp_path / "lake")
    assert (done.seq, done.impressions, done.events) == (7, 4, 3)
    assert done.days == ["1970-01-01", "1970-01-02", "1970-01-03"]
    first, second, third, fourth = table(tmp_path / "lake", "impressions").to_pylist()
    assert first == {
        "seq": 3, "request": "r1", "user": "u", "item": "b", "at": DAY + 7, "position": 1, "propensity": 0.5,
        "source": "fresh", "score": 0.0, "seconds": None, "reported": False, "surface": "home", "snapshot": None,
    }  # fmt: skip
    assert (second["item"], second["position"], second["propensity"], second["source"]) == ("a", 2, 0.9, "trending")
    assert (third["request"], third["seconds"], third["reported"], third["position"]) == ("r1", 2.5, True, 2)
    assert (fourth["user"], fourth["seconds"], fourth["request"], fourth["position"]) == ("w", None, None, 0)
    a, _, liked = table(tmp_path / "lake", "events").to_pylist()
    assert (a["kind"], a["creator"], json.loads(a["data"])) == ("item", "c", {"id": "a", "title": "ü"})
    assert liked == {
        "seq": 4, "id": "e1", "kind": "feedback", "action": "like", "user": "u", "item": "b", "creator": "c",
        "at": DAY + 9, "value": None, "data": None,
    }  # fmt: skip


def test_a_further_call_adds_only_what_is_new(log: Log, tmp_path: Path):
    folder = tmp_path / "lake"
    log.append([like("e1", "u", "a", 5), slate("r1", "u", DAY, 0)])
    export(log.path, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*/*")}
    assert export(log.path, folder).days == []
    log.append([like("e2", "u", "b", 6), like("e3", "v", "a", 2 * DAY)])
    done = export(log.path, folder)
    assert (done.seq, done.events, done.days) == (4, 2, ["1970-01-01", "1970-01-03"])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert table(folder, "events")["id"].to_pylist() == ["e1", "e2", "e3"]


def test_an_export_killed_at_any_moment_is_made_good(log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log.append([like(f"e{n}", "u", f"i{n % 3}", n * DAY // 4) for n in range(40)])
    monkeypatch.setattr(module, "TOGETHER", 1)
    monkeypatch.setattr(module, "read_tables", partial(read_tables, entries=16))
    for deaths in range(1, 14):
        folder, calls = tmp_path / f"lake{deaths}", 0

        def dies(path: Path, data: bytes) -> None:
            nonlocal calls
            calls += 1
            if calls == deaths:  # noqa: B023  called within this round
                path.with_name(f".{path.name}.1.tmp").write_bytes(data[:3])
                raise KeyboardInterrupt
            write_durably(path, data)

        monkeypatch.setattr(module, "write_durably", dies)
        with pytest.raises(KeyboardInterrupt):
            export(log.path, folder)
        monkeypatch.setattr(module, "write_durably", write_durably)
        log.append([like(f"late{deaths}", "u", "i0", 3 * DAY)])
        export(log.path, folder)
        assert table(folder, "events")["seq"].to_pylist() == list(range(1, 41 + deaths))
        assert not list(folder.glob("*/*/.*"))


def test_readers_do_not_see_what_is_not_whole(log: Log, tmp_path: Path):
    folder = tmp_path / "lake"
    log.append([like("e1", "u", "a", 5)])
    export(log.path, folder)
    (path,) = files(folder, "events")["1970-01-01"]
    path.with_name("0000000000000002-0000000000000009.parquet").write_bytes(path.read_bytes())
    path.with_name("mine.parquet").write_bytes(path.read_bytes())
    assert files(folder, "events") == {"1970-01-01": [path]}
    export(log.path, folder)
    assert sorted(found.name for found in path.parent.iterdir()) == [path.name, "mine.parquet"]


def test_another_log_and_a_second_writer_are_refused(log: Log, tmp_path: Path):
    folder = tmp_path / "lake"
    assert cursor(folder) == 0
    log.append([like("e1", "u", "a", 5), like("e2", "u", "a", 5)])
    export(log.path, folder)
    (tmp_path / "other").mkdir()
    shorter = Log(tmp_path / "other" / "log.db", log._ids, KINDS)
    shorter.append([like("e1", "u", "a", 5)])
    shorter.close()
    with pytest.raises(StoreError, match="later state"):
        export(shorter.path, folder)
    (folder / "export.json").write_text('{"seq": 1, "origin": [7, 1, "x"]}')
    with pytest.raises(StoreError, match="another log"):
        export(log.path, folder)
    (folder / "export.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        export(log.path, folder)
    with only_one(folder), pytest.raises(StoreError, match="another export"), only_one(folder):
        pass


def test_an_empty_log_exports_nothing(log: Log, tmp_path: Path):
    done = export(log.path, tmp_path / "lake")
    assert (done.seq, done.impressions, done.events, done.days) == (0, 0, 0, [])
