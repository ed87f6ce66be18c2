"""The log: what is acknowledged is there once, in order, under rows that never change; what failed left nothing."""

import random
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairshot.core.errors import StoreError
from fairshot.core.events import Draft, EventBatch, Kind, concatenate
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.ids import SIDES, Ids
from fairshot.stores.log import Log, connect

KINDS = FeedbackKinds.of({name: FeedbackKind() for name in ("view", "like", "hide")})


def like(number: object, user: str = "u", item: str = "i", **more: Any) -> Draft:
    return Draft(kind=Kind.FEEDBACK, at=5, id=f"e{number}", action="like", user=user, item=item, **more)


def item(name: str, creator: str = "c", **more: Any) -> Draft:
    data = {"id": name, "creator_id": creator, **more}
    return Draft(kind=Kind.ITEM, at=5, item=name, creator=creator, data=data)


def slate(name: str, rows: list[int], propensity: list[float] | None = None) -> Draft:
    data = {
        "rows": np.array(rows, np.int32).tobytes(),
        "propensity": np.array(propensity or [1.0] * len(rows)).tobytes(),
        "funnel": [],
    }
    return Draft(kind=Kind.SLATE, at=5, id=name, user="u", data=data)


def everything(log: Log, limit: int = 50_000) -> EventBatch:
    return concatenate(list(islice(log.batches(limit=limit), 100)))


def events_stored(log: Log) -> list[tuple[Any, ...]]:
    return log._db.execute("SELECT seq, id FROM log ORDER BY seq").fetchall()


# Idempotency


@given(st.lists(st.lists(st.integers(0, 9), max_size=8), max_size=6))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_id_is_in_the_log_once_within_and_across_batches(tmp_path_factory, batches):
    log = Log(tmp_path_factory.mktemp("log") / "log.db", Ids(), KINDS)
    seen: list[int] = []
    for batch in batches:
        receipt = log.append([like(number) for number in batch])
        expected = []
        for number in batch:
            expected.append(number not in seen)
            if number not in seen:
                seen.append(number)
        assert receipt.accepted == expected
        assert receipt.seq == len(seen) == log.head()
    assert events_stored(log) == [(seq, f"e{number}") for seq, number in enumerate(seen, start=1)]
    log.close()


def test_an_event_without_an_id_is_always_new(log):
    draft = Draft(kind=Kind.FOLLOW, at=1, user="u", creator="c")
    assert log.append([draft, draft]).accepted == [True, True]


def test_an_empty_append_is_acknowledged_and_changes_nothing(log):
    log.append([like(1)])
    assert log.append([]) == type(log.append([]))([], 1)


def test_the_same_record_again_is_a_duplicate_and_another_one_replaces_it(log):
    a, b = item("i", title="A"), item("i", title="B")
    assert log.append([a, a]).accepted == [True, False]
    assert log.append([a]).accepted == [False]
    assert log.append([b, b, a]).accepted == [True, False, True]
    assert log.record("items", "i") == a.data
    assert log.append([a]).accepted == [False]
    assert log.head() == 3


def test_the_three_sides_do_not_share_ids(log):
    records = [
        item("x", "x"),
        Draft(kind=Kind.CREATOR, at=1, creator="x", data={"id": "x", "name": "creator"}),
        Draft(kind=Kind.USER, at=1, user="x", data={"id": "x"}),
    ]
    assert log.append(records).accepted == [True, True, True]
    assert log.append(records).accepted == [False, False, False]
    assert log.record("creators", "x") == {"id": "x", "name": "creator"}
    assert log.record("users", "x") == {"id": "x"}
    assert log.record("labels", "x") is None


def test_an_id_that_was_only_mentioned_has_no_record(log):
    log.append([like(1, user="u", item="i")])
    assert log.record("items", "i") is None
    assert log.records("items", [0, 1, 99]) == {}
    log.append([item("i")])
    assert log.records("items", [0]) == {0: {"id": "i", "creator_id": "c"}}


# Creators


def test_feedback_on_a_known_item_carries_its_creator(log):
    log.append([item("i", "c1"), item("j", "c2")])
    log.append([like(1, item="i"), like(2, item="j"), like(3, item="unknown")])
    batch = everything(log)
    names = [log._ids.creators.id(row) if row >= 0 else None for row in batch.creator[2:].tolist()]
    assert names == ["c1", "c2", None]


def test_the_creator_of_feedback_does_not_depend_on_which_commit_it_shares(log, open_log, tmp_path):
    drafts = [like(1), item("i", "c1"), like(2), item("i", "c2"), like(3), like(4, creator="own")]
    log.append(drafts)
    other = Log(tmp_path / "one_by_one.db", Ids(), KINDS)
    for draft in drafts:
        other.append([draft])
    together, apart = everything(log), everything(other)
    assert together.creator.tolist() == apart.creator.tolist()
    named = [other._ids.creators.id(row) if row >= 0 else None for row in apart.creator.tolist()]
    assert named == [None, "c1", "c1", "c2", "c2", "c2"]
    other.close()


# Rows


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12), max_size=10))
@settings(max_examples=25)
def test_every_id_comes_back_letter_by_letter(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("log") / "log.db"
    writing, reading = Log(path, Ids(), KINDS), Log(path, Ids(), KINDS)
    for _ in range(2):
        writing.append([like(f"{n}-{name}", user=name, item=name) for n, name in enumerate(names)])
        writing.append([item(name, name, labels=[name]) for name in names])
    batch = everything(reading)
    assert reading._ids.users.ids(range(len(set(names)))) == list(dict.fromkeys(names))
    assert len(reading._ids.labels) == len(set(names))
    told = batch.where(batch.of(Kind.FEEDBACK))
    assert len(told) == len(names)
    assert reading._ids.items.ids(told.item.tolist()) == names
    for name in names:
        assert reading.record("items", name) == {"id": name, "creator_id": name, "labels": [name]}
    writing.close()
    reading.close()


def test_rows_are_dense_in_order_of_arrival_and_never_change(log, open_log):
    log.append([like(1, "a", "x"), like(2, "b", "x"), like(3, "a", "y")])
    reader = open_log()
    first = everything(reader)
    assert first.user.tolist() == [0, 1, 0]
    assert first.item.tolist() == [0, 0, 1]
    open_log().append([like(4, "c", "x"), like(5, "b", "z")])
    assert everything(reader).user.tolist() == [0, 1, 0, 2, 1]
    assert everything(open_log()).item.tolist() == [0, 0, 1, 0, 2]


def test_rows_given_by_several_connections_at_once_never_collide(open_log, tmp_path):
    def work(worker: int) -> list[bool]:
        log, mine = Log(tmp_path / "log.db", Ids(), KINDS), random.Random(worker)
        accepted: list[bool] = []
        for step in range(15):
            names = [f"{mine.randrange(60)}" for _ in range(20)]
            drafts = [like(f"{n}", f"u{n}", f"i{n}") for n in names] + [like(f"{worker}/{step}", f"w{worker}", "i0")]
            accepted += log.append(drafts).accepted
            if step % 5 == 0:
                log.read(0)
        log.close()
        return accepted

    open_log()
    with ThreadPoolExecutor(4) as pool:
        accepted = [flag for flags in pool.map(work, range(4)) for flag in flags]
    log = open_log()
    batch = everything(log)
    assert sum(accepted) == len(batch) == log.head()
    assert len({name for _, name in events_stored(log)}) == len(batch)
    assert batch.seq.tolist() == list(range(1, len(batch) + 1))
    for side in SIDES:
        names = log._ids[side].ids(range(len(log._ids[side])))
        assert len(set(names)) == len(names)
    stored = dict(events_stored(log))
    for seq, user, thing in zip(batch.seq.tolist(), batch.user.tolist(), batch.item.tolist(), strict=True):
        name = stored[seq].removeprefix("e")
        if "/" not in name:
            assert (log._ids.users.id(user), log._ids.items.id(thing)) == (f"u{name}", f"i{name}")


ANOTHER_PROCESS = """
import sys
from pathlib import Path
from fairshot.core.events import Draft, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.stores.log import Log

log, worker = Log(Path(sys.argv[1]), Ids(), FeedbackKinds.of({})), sys.argv[2]
for step in range(10):
    names = [(f"{worker}/{step}/{n}", f"u{n}", f"i{step * n % 17}") for n in range(20)]
    log.append([Draft(kind=Kind.FEEDBACK, at=1, id=e, action="like", user=u, item=i) for e, u, i in names])
log.close()
"""


def test_rows_given_by_several_processes_at_once_to_a_new_log_never_collide(open_log, tmp_path):
    run = [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "log.db")]
    workers = [subprocess.Popen([*run, str(n)]) for n in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    log = open_log()
    batch = everything(log)
    assert batch.seq.tolist() == list(range(1, 601))
    assert len(log._ids.users) == 20
    for (_, name), user in zip(events_stored(log), batch.user.tolist(), strict=True):
        assert log._ids.users.id(user) == "u" + name.split("/")[2]


# Reading


def test_events_come_back_in_order_whatever_the_size_of_a_read(log):
    log.append([like(n, f"u{n % 3}", f"i{n % 5}", value=float(n)) for n in range(23)])
    whole = everything(log)
    assert whole.seq.tolist() == list(range(1, 24))
    for limit in (1, 2, 7, 23, 100):
        assert everything(log, limit).value.tolist() == whole.value.tolist()
    assert len(log.read(23)) == 0
    assert log.read(20).seq.tolist() == [21, 22, 23]


def test_a_slate_becomes_a_row_for_each_of_its_positions(log):
    log.append([like(n, item=f"i{n}") for n in range(4)])
    log.append([slate("r1", [3, 0, 2], [1.0, 0.25, 1.0]), like("after"), slate("r2", [])])
    batch = log.read(4)
    assert batch.seq.tolist() == [5, 5, 5, 6, 7]
    assert batch.item[:3].tolist() == [3, 0, 2]
    assert batch.position.tolist() == [1, 2, 3, 0, 0]
    assert batch.propensity[:3].tolist() == [1.0, 0.25, 1.0]
    assert np.isnan(batch.propensity[3])
    assert batch.data[:3] == (None, None, None)


def test_an_empty_slate_does_not_end_the_reading(log):
    log.append([like(1), slate("r1", []), slate("r2", []), like(2)])
    for limit in (1, 2, 3, 4):
        batch = everything(log, limit)
        assert batch.seq.tolist() == [1, 2, 3, 4]
        assert batch.item.tolist() == [0, -1, -1, 0]
        assert batch.position.tolist() == [0, 0, 0, 0]


def test_an_action_that_is_no_longer_configured_has_no_code(log, open_log):
    log.append([like(1), Draft(kind=Kind.FEEDBACK, at=1, id="w", action="wave", user="u", item="i")])
    assert everything(log).action.tolist() == [1, -1]
    fewer = FeedbackKinds.of({"hide": FeedbackKind(), "wave": FeedbackKind()})
    assert everything(open_log(fewer)).action.tolist() == [-1, 1]


def test_what_feedback_answers_comes_with_it(log):
    log.append([like(1, data={"request": "r", "position": 7, "propensity": 0.5}), like(2)])
    batch = everything(log)
    assert batch.position.tolist() == [7, 0]
    assert batch.propensity[0] == 0.5
    assert np.isnan(batch.propensity[1])


def test_an_items_labels_come_as_rows(log, open_log):
    log.append([item("i", labels=["b", "a"]), item("j", labels=["a"]), item("k")])
    batch = everything(open_log())
    assert [record["label_rows"] for record in batch.data if record] == [[0, 1], [1], []]
    assert log.record("items", "i") == {"id": "i", "creator_id": "c", "labels": ["b", "a"]}


def test_the_version_changes_when_another_connection_commits(log, open_log):
    before = log.version()
    assert log.version() == before
    open_log().append([like(1)])
    assert log.version() != before


def test_an_event_is_found_by_its_id_with_its_time_and_person(log):
    log.append([slate("r1", []), like(1)])
    assert log.event("r1") == {**(slate("r1", []).data or {}), "at": 5, "user": 0}
    assert log.event("e1") is None
    assert log.event("nothing") is None


# Faults


def fill(log: Log, pages: int) -> None:
    (used,) = log._db.execute("PRAGMA page_count").fetchone()
    log._db.execute(f"PRAGMA max_page_count={used + pages}")


def test_a_full_disk_is_a_store_error_and_leaves_nothing(log, open_log):
    log.append([like("before")])
    fill(log, 2)
    many = [like(n, user=f"{'u' * 200}{n}", item=f"{'i' * 200}{n}") for n in range(500)]
    with pytest.raises(StoreError, match=r"cannot write the log.*full"):
        log.append(many)
    assert events_stored(log) == [(1, "ebefore")]
    reader = open_log()
    everything(reader)
    assert reader._ids.sizes().users == 1
    log._db.execute("PRAGMA max_page_count=1073741823")
    assert log.append(many).accepted == [True] * 500
    assert everything(reader).user.tolist() == [0, *range(1, 501)]


def test_a_refused_write_is_a_store_error_and_leaves_nothing(log):
    log.append([like(1)])
    log._db.execute("PRAGMA query_only=ON")
    with pytest.raises(StoreError, match="cannot write the log"):
        log.append([like(2)])
    log._db.execute("PRAGMA query_only=OFF")
    assert events_stored(log) == [(1, "e1")]
    assert log.append([like(2)]).seq == 2


@pytest.mark.parametrize(
    "bad",
    [
        like("x", data={"a": object()}),
        like("x", user="\ud800"),
        like("x", data={"a": 2**70}),
        Draft(kind=Kind.ITEM, at=1),
    ],
    ids=["not packable", "no encoding", "too large", "no id"],
)
def test_a_draft_that_cannot_be_written_leaves_nothing_of_its_append(log, bad):
    with pytest.raises((StoreError, TypeError, ValueError, OverflowError)):
        log.append([like(1), item("new"), bad])
    assert events_stored(log) == []
    assert not log._db.in_transaction
    assert log.append([like(1)]).accepted == [True]
    assert len(everything(log)) == 1
    assert len(log._ids.items) == 1


def test_a_file_that_is_no_log_is_a_store_error(tmp_path):
    path = tmp_path / "log.db"
    path.write_bytes(b"this is no database at all" * 100)
    for bad in (path, tmp_path, tmp_path / "none" / "log.db"):
        with pytest.raises(StoreError, match="cannot open the log"):
            connect(bad)


def test_a_new_log_may_be_opened_by_many_at_once(tmp_path):
    for attempt in range(15):
        start = threading.Barrier(4)

        def opened(path: Path = tmp_path / f"{attempt}.db", start: threading.Barrier = start) -> None:
            start.wait(10)
            connect(path).close()

        with ThreadPoolExecutor(4) as pool:
            for future in [pool.submit(opened) for _ in range(4)]:
                future.result()


def test_a_damaged_log_is_a_store_error_when_read(log, tmp_path):
    log.append([like(n, data={"a": "x" * 500}) for n in range(200)])
    log._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log.close()
    path = tmp_path / "log.db"
    raw = bytearray(path.read_bytes())
    for page in range(2, len(raw) // 4096):
        raw[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(raw)
    damaged = Log(path, Ids(), KINDS)
    for reading in (everything, lambda log: list(log.slates())):
        with pytest.raises(StoreError, match="cannot read the log"):
            reading(damaged)
    damaged.close()


def test_a_waiting_writer_gets_its_turn(log, open_log):
    blocker = sqlite3.connect(log.path, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, blocker.execute, ("COMMIT",))
    timer.start()
    assert open_log().append([like(1)]).accepted == [True]
    timer.join()
    blocker.close()


def test_only_a_log_that_may_be_lost_does_not_wait_for_the_disk(tmp_path):
    waits = {}
    for durable in (True, False):
        log = Log(tmp_path / f"{durable}.db", Ids(), KINDS, **({} if durable else {"durable": False}))
        log.append([like(1)])
        assert log.head() == 1
        (waits[durable],) = log._db.execute("PRAGMA synchronous").fetchone()
        log.close()
    assert waits == {True: 2, False: 0}
