"""Importing as a whole: into a real log, again, in bounded memory; ids of events that have none."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fairshot
from fairshot.core.answers import Receipt
from fairshot.core.errors import StoreError
from fairshot.importing.event_ids import EventIds, Occurrences
from fairshot.importing.run import BATCH, import_file, in_order, plan


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def files(folder: Path) -> list[Path]:
    return [
        write(folder / "events.csv", "kind,user_id,item_id,at\nlike,u,a,2024-01-01\nlike,u,a,2024-01-01\nview,u,b,\n"),
        write(folder / "items.csv", "id,creator_id,labels\na,c,x|y\nb,c,\n"),
        write(folder / "creators.csv", "id,name\nc,Cee\n"),
    ]


def test_importing_twice_doubles_nothing(tmp_path: Path) -> None:
    plans = in_order(plan(path, None, {}, {}) for path in files(tmp_path))
    assert [one.kind for one in plans] == ["creators", "items", "events"]
    with fairshot.open(str(tmp_path / "data")) as app:
        first = [import_file(one, app.submit) for one in plans]
        assert [(r.accepted, r.duplicate, r.rejected) for r in first] == [(1, 0, 0), (2, 0, 0), (3, 0, 0)]
        head = app.log.head()
        again = [import_file(one, app.submit) for one in plans]
        assert [(r.accepted, r.duplicate, r.rejected) for r in again] == [(0, 1, 0), (0, 2, 0), (0, 3, 0)]
        assert app.log.head() == head


def test_a_large_file_is_read_batch_by_batch(tmp_path: Path) -> None:
    count = BATCH * 3 + 7
    path = write(tmp_path / "users.csv", "id\n" + "".join(f"u{n}\n" for n in range(count)))
    sizes: list[int] = []

    def sink(_kind: str, records: Any) -> Any:
        sizes.append(len(records))
        return lambda: Receipt(len(records), 0, [], 0)

    shares: list[float] = []
    report = import_file(plan(path, None, {}, {}), sink, progress=shares.append)
    assert report.accepted == count
    assert sizes == [BATCH] * 3 + [7]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_disk_that_refuses_ends_the_import(tmp_path: Path) -> None:
    path = write(tmp_path / "users.csv", "id\nu\n")

    def sink(_kind: str, _records: Any) -> Any:
        def wait() -> Receipt:
            raise StoreError("the disk is full")

        return wait

    with pytest.raises(StoreError, match="full"):
        import_file(plan(path, None, {}, {}), sink)


def ids(events: list[dict[str, Any]], *, batch: int = 100) -> list[str]:
    names = EventIds()
    copies = [dict(event) for event in events]
    for start in range(0, len(copies), batch):
        names.fill(copies[start : start + batch])
    return [event["event_id"] for event in copies]


LIKE: dict[str, Any] = {"kind": "like", "user_id": "u", "item_id": "i", "at": "2024-01-01"}


def test_equal_rows_are_different_events_and_the_same_ones_the_next_time() -> None:
    events = [LIKE, {**LIKE, "item_id": "j"}, LIKE, LIKE]
    first = ids(events)
    assert len(set(first)) == 4
    assert first == ids(events, batch=1)
    assert first[2:] == [f"{first[0]}-1", f"{first[0]}-2"]


def test_ids_do_not_depend_on_how_the_same_is_written() -> None:
    same = [{**LIKE, "at": "2024-01-01T00:00:00Z"}, {**LIKE, "at": 1704067200}, {**LIKE, "at": 1704067200.0}]
    assert len({ids([event])[0] for event in [LIKE, *same]}) == 1
    assert ids([{**LIKE, "value": 5}]) == ids([{**LIKE, "value": 5.0}])


def test_ids_that_are_given_stay() -> None:
    assert ids([{**LIKE, "event_id": "mine"}]) == ["mine"]


@given(st.lists(st.lists(st.integers(0, 5), max_size=20), max_size=8))
def test_occurrences_count_what_came_before(batches: list[list[int]]) -> None:
    seen, truth = Occurrences(), Counter[int]()
    for batch in batches:
        counted = seen.add(np.array(batch, np.uint64)).tolist()
        for value, count in zip(batch, counted, strict=True):
            assert count == truth[value]
            truth[value] += 1
