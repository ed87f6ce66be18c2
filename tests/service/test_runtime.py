"""What the service does when the disk is full, when clients leave, and when there is much to do at once."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairshot.core.errors import StoreError
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.service import runtime
from fairshot.service.problems import ProblemError
from fairshot.service.shapes import FeedRequest
from fairshot.stores.log import Log
from fairshot.stores.writer import Writer


def likes(name: str, count: int = 1) -> dict[str, Any]:
    return {
        "events": [{"event_id": f"{name}{n}", "kind": "like", "user_id": "u", "item_id": f"i{n}"} for n in range(count)]
    }


def full_disk(path: Path, kinds: FeedbackKinds) -> Callable[[], Log]:
    """A log that cannot grow."""

    def open_log() -> Log:
        log = Log(path, Ids(), kinds)
        (pages,) = log._db.execute("PRAGMA page_count").fetchone()
        log._db.execute(f"PRAGMA max_page_count = {pages}")
        return log

    return open_log


def tick(service: Any) -> None:
    async def wait() -> None:
        await asyncio.sleep(2.5 * runtime.TICK)

    service.run(wait)


def test_a_full_disk_costs_ingestion_and_not_slates(inside: Any, data: Path) -> None:
    inside("POST", "/v1/items", json={"items": [{"id": f"i{n}", "creator_id": "c"} for n in range(9)]})
    inside.app.writer.close()
    inside.app.writer = Writer(full_disk(data / "fairshot.db", inside.app.config.kinds))
    answers = [inside("POST", "/v1/events", json=likes(f"big{n}.", 3000)) for n in range(3)]
    refused = answers[-1]
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert inside("GET", "/readyz").status_code == 503
    assert inside("POST", "/v1/feed", json={"user_id": "u"}).status_code == 200
    # A new writer is tried, and by then there is room again.
    tick(inside)
    assert inside("GET", "/readyz").status_code == 200
    again = inside("POST", "/v1/events", json=likes("big2.", 3000)).json()
    assert again["accepted"] == 3000
    total = sum(answer.status_code == 200 for answer in answers) + 1
    assert inside("GET", "/v1/status").json()["events"]["feedback"] == 3000 * total


def test_a_log_that_cannot_be_opened_refuses_and_does_not_hang(inside: Any) -> None:
    def open_log() -> Log:
        raise StoreError("no disk")

    inside.app.writer.close()
    inside.app.writer = Writer(open_log)
    assert inside("POST", "/v1/events", json=likes("e")).status_code == 503
    inside.app.writer.close()
    inside.app.writer = inside.app.open_writer()


def test_clients_that_leave_do_no_harm(inside: Any) -> None:
    async def leave() -> None:
        bodies = [json.dumps(likes(f"gone{n}.")).encode() for n in range(50)]
        tasks = [asyncio.create_task(inside.runtime.take("events", body)) for body in bodies]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(not isinstance(one, BaseException) for one in done[1::2])

    inside.run(leave)
    receipt = inside("POST", "/v1/events", json=likes("after")).json()
    assert receipt["accepted"] == 1


def test_slates_are_answered_while_much_is_decoded(inside: Any) -> None:
    async def both() -> int:
        taking = asyncio.create_task(inside.runtime.take("events", json.dumps(likes("many", 9000)).encode()))
        answered = 0
        while not taking.done():
            await asyncio.sleep(0)
            await inside.runtime.feed(FeedRequest(f"u{answered}"))
            answered += 1
        assert (await taking).accepted == 9000
        return answered

    assert inside.run(both) > 3


def test_entries_of_slates_are_in_the_log_when_the_service_ends(data: Path, in_process: Any) -> None:
    service = in_process(data)
    asked = service("POST", "/v1/feed", json={"user_id": "u"}).json()["request_id"]
    service.close()
    again = in_process(data)
    assert again("GET", f"/v1/requests/{asked}").status_code == 200
    again.close()


def test_after_waits_no_longer_than_bearable(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "PATIENCE", 0.3)
    seq = inside("POST", "/v1/events", json=likes("e")).json()["seq"]
    # Acknowledged by another process, and this one does not get round to applying it.
    monkeypatch.setattr(inside.app.log, "head", lambda: seq + 9)

    async def both() -> None:
        waiting = asyncio.create_task(inside.runtime.feed(FeedRequest("w", after=seq + 9)))
        await asyncio.sleep(0.05)
        await inside.runtime.feed(FeedRequest("brisk"))
        assert not waiting.done()
        with pytest.raises(ProblemError, match="not applied yet"):
            await waiting

    inside.run(both)
