"""The writer: one commit for all who wait, a receipt for each, and after a failure not one acknowledgement more."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fairshot.core.errors import StoreError
from fairshot.core.events import Draft, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.stores.log import Log, Receipt
from fairshot.stores.writer import Writer


def like(name: object, **more: Any) -> Draft:
    return Draft(kind=Kind.FEEDBACK, at=5, id=f"e{name}", action="like", user=f"u{name}", item="i", **more)


class SlowLog(Log):
    """A log whose next write waits for `go`, so that others gather behind it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Ids(), FeedbackKinds.of({}))
        self.go = threading.Event()
        self.go.set()
        self.commits: list[int] = []
        self.fail: Exception | None = None

    def append(self, drafts: Any) -> Receipt:
        self.go.wait(10)
        if self.fail is not None:
            raise self.fail
        self.commits.append(len(drafts))
        return super().append(drafts)


@pytest.fixture
def slow(tmp_path: Path) -> SlowLog:
    return SlowLog(tmp_path / "log.db")


@pytest.fixture
def writer(slow: SlowLog) -> Iterator[Writer]:
    writer = Writer(lambda: slow)
    yield writer
    slow.go.set()
    writer.close()


def stored(path: Path) -> list[str]:
    log = Log(path, Ids(), FeedbackKinds.of({}))
    names = [name for (name,) in log._db.execute("SELECT id FROM log ORDER BY seq")]
    log.close()
    return names


def done(future: "Future[Receipt]") -> Receipt:
    return future.result(10)


def test_everybody_gets_their_own_receipt(writer, tmp_path):
    def work(thread: int) -> int:
        accepted = 0
        for step in range(20):
            receipt = done(writer.append([like(f"{thread}/{step}"), like(f"shared{step}"), like(f"{thread}/{step}")]))
            assert receipt.accepted[0] is True
            assert receipt.accepted[2] is False
            accepted += sum(receipt.accepted)
        return accepted

    with ThreadPoolExecutor(8) as pool:
        accepted = sum(pool.map(work, range(8)))
    names = stored(tmp_path / "log.db")
    assert accepted == len(names) == len(set(names)) == 8 * 20 + 20


def test_who_waits_together_is_committed_together(writer, slow):
    slow.go.clear()
    first = writer.append([like(0)])
    others = [writer.append([like(n)]) for n in range(1, 50)]
    slow.go.set()
    assert done(first).accepted == [True]
    assert {done(other).seq for other in others} <= {50, done(others[0]).seq}
    assert sum(slow.commits) == 50
    assert len(slow.commits) <= 3


def test_an_acknowledged_event_is_on_disk_before_its_receipt(writer, tmp_path):
    for step in range(5):
        done(writer.append([like(step)]))
        assert f"e{step}" in stored(tmp_path / "log.db")


def test_nothing_to_write_waits_for_what_was_written_before(writer, tmp_path):
    writer.append([like(1)])
    assert done(writer.append([])).accepted == []
    assert stored(tmp_path / "log.db") == ["e1"]


@pytest.mark.parametrize("error", [StoreError("disk full"), OSError("gone")], ids=repr)
def test_after_a_failure_nothing_more_is_acknowledged(writer, slow, tmp_path, error):
    done(writer.append([like("before")]))
    slow.go.clear()
    slow.fail = error
    waiting = [writer.append([like(n)]) for n in range(5)]
    slow.go.set()
    for future in waiting:
        with pytest.raises(StoreError):
            done(future)
    slow.fail = None
    with pytest.raises(StoreError):
        done(writer.append([like("later")]))
    assert writer.failed is not None
    assert stored(tmp_path / "log.db") == ["ebefore"]


UNWRITABLE = [
    like("x", data={"a": object()}),
    like("x", data={"a": 2**70}),
    Draft(kind=Kind.FOLLOW, at=1, user="\ud800"),
]


@pytest.mark.parametrize("bad", UNWRITABLE, ids=["no type of the log", "too large", "no encoding"])
def test_a_draft_that_no_log_could_hold_costs_only_its_own_sender(writer, slow, tmp_path, bad):
    slow.go.clear()
    head = writer.append([like("head")])
    good = writer.append([like(1)])
    refused = writer.append([like(2), bad])
    after = writer.append([like(3)])
    slow.go.set()
    assert done(head).accepted == done(good).accepted == done(after).accepted == [True]
    with pytest.raises((TypeError, ValueError, OverflowError)):
        done(refused)
    assert writer.failed is None
    assert sorted(stored(tmp_path / "log.db")) == ["e1", "e3", "ehead"]


def test_who_gives_up_before_the_write_begins_is_not_written(writer, slow, tmp_path):
    slow.go.clear()
    first = writer.append([like("first")])
    while not first.running():
        pass
    second = writer.append([like("second")])
    assert second.cancel()
    third = writer.append([like("third")])
    slow.go.set()
    assert done(third).accepted == [True]
    assert stored(tmp_path / "log.db") == ["efirst", "ethird"]


def test_closing_writes_what_waits(slow, tmp_path):
    writer = Writer(lambda: slow)
    slow.go.clear()
    waiting = [writer.append([like(n)]) for n in range(30)]
    threading.Timer(0.1, slow.go.set).start()
    writer.close()
    assert all(future.done() for future in waiting)
    assert len(stored(tmp_path / "log.db")) == 30


def test_after_closing_an_append_fails_at_once_and_a_second_close_does_nothing(slow):
    writer = Writer(lambda: slow)
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.append([like(1)]).result(5)
    writer.close()


def test_a_log_that_cannot_be_opened_is_said_to_everybody_who_waits():
    def refuse() -> Log:
        raise StoreError("cannot open the log")

    writer = Writer(refuse)
    with pytest.raises(StoreError, match="cannot open"):
        done(writer.append([like(1)]))
    assert writer.failed is not None
    writer.close()
