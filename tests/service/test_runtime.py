"""What the service does when the disk is full, when clients leave, and when there is much to do at once."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairshot.core.errors import StoreError
from fairshot.core.events import Draft, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.learning.content import fit_content
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


@contextmanager
def failing_on(service: Any) -> Iterator[None]:
    """However slow the machine, no tick meets the failed writer meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service.runtime, "_replace_writer", lambda _failure: None)
        yield


def test_a_full_disk_costs_ingestion_and_not_slates(inside: Any, data: Path) -> None:
    inside("POST", "/v1/items", json={"items": [{"id": f"i{n}", "creator_id": "c"} for n in range(9)]})
    inside.app.writer.close()
    inside.app.writer = Writer(full_disk(data / "fairshot.db", inside.app.config.kinds))
    with failing_on(inside):
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

    with failing_on(inside):
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


# Models that change under traffic


def save(app: Any, version: str, items: int, trained: int | None = None) -> None:
    """A version with vectors of the first items; those beyond get theirs from their records."""
    n = items if trained is None else trained
    tensors = {
        "items": np.ones((n, 4), np.float32),
        "trained": np.ones(n, bool),
        "gram": np.eye(4, dtype=np.float32),
    }
    records = [{"title": f"word{n % 3}"} for n in range(items)]
    encoder = fit_content(records, np.ones((items, 4), np.float32), np.ones(items, np.float32), 2)
    app.artifacts.save(version, {"vectors": (tensors, {"confidence": 8.0}), "content": encoder.dump()}, {})


def decide(app: Any, decision: str, version: str) -> None:
    data = {"decision": decision, "snapshot": version}
    name = f"verdict/{app.log.head():09d}"
    app.writer.append([Draft(kind=Kind.VERDICT, at=app.clock(), id=name, data=data)]).result()


def with_items(inside: Any, count: int = 12) -> None:
    items = [{"id": f"i{n}", "creator_id": "c", "title": f"word{n % 3}"} for n in range(count)]
    assert inside("POST", "/v1/items", json={"items": items}).json()["accepted"] == count


async def until(inside: Any, version: str) -> None:
    for _ in range(1000):
        feed = await inside.runtime.feed(FeedRequest("u"))
        assert len(feed.slate) > 0
        if feed.snapshot == version:
            return
        await asyncio.sleep(0.002)
    raise AssertionError(f"{version} never came into service")


def test_models_are_swapped_back_and_forth_while_slates_are_asked_for(inside: Any) -> None:
    with_items(inside)
    for version in ("1", "2"):
        save(inside.app, version, 12)

    async def swaps() -> None:
        for number in range(30):
            version = "12"[number % 2]
            decide(inside.app, "roll back" if number % 3 else "promote", version)
            await until(inside, version)

    inside.run(swaps)


def test_items_that_came_since_the_training_have_vectors_before_the_swap(inside: Any) -> None:
    with_items(inside)
    save(inside.app, "1", 12, trained=5)
    beside = inside.app.load("1", inside.app.live.recorded())
    assert beside.vectors.items[5:12].any(axis=1).all()
    encoded: list[int] = []
    encode = type(beside.vectors).encode

    def counted(self: Any, rows: Any, records: Any) -> None:
        encoded.append(len(rows))
        encode(self, rows, records)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(beside.vectors), "encode", counted)
        inside.app.swap(beside)
    assert sum(encoded) == 0


def test_a_snapshot_that_was_damaged_is_tried_again_after_another(inside: Any, data: Path) -> None:
    with_items(inside)
    for version in ("1", "2"):
        save(inside.app, version, 12)
    file = data / "artifacts" / "2" / "vectors.safetensors"
    sound = file.read_bytes()

    async def scene() -> None:
        decide(inside.app, "promote", "1")
        await until(inside, "1")
        file.write_bytes(sound[:-1])
        decide(inside.app, "promote", "2")
        for _ in range(40):
            assert (await inside.runtime.feed(FeedRequest("u"))).snapshot == "1"
            await asyncio.sleep(0.005)
        file.write_bytes(sound)
        decide(inside.app, "roll back", "1")
        await asyncio.sleep(2 * runtime.TICK)
        decide(inside.app, "promote", "2")
        await until(inside, "2")

    inside.run(scene)
