"""Slates over real HTTP: one's own feedback at once, nothing removed ever, degraded rather than down."""

import itertools
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fairshot.app import open_app
from fairshot.core.events import Draft, Kind
from fairshot.service.process import ServiceProcess, start_service

TRIALS = 200
PEOPLE = itertools.count()


@pytest.fixture(scope="module")
def client(server: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=30) as client:
        yield client


def feed(client: httpx.Client, user: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/feed", json={"user_id": user, **more})
    assert answer.status_code == 200, answer.text
    slate: dict[str, Any] = answer.json()
    return slate


def shown(slate: dict[str, Any]) -> list[str]:
    return [position["item_id"] for position in slate["slate"]]


def tell(client: httpx.Client, **event: Any) -> dict[str, Any]:
    event.setdefault("event_id", f"told{time.time_ns()}{next(PEOPLE)}")
    answer = client.post("/v1/events", json={"events": [event]})
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.json()
    assert receipt["accepted"] == 1, receipt
    return receipt


def test_the_next_slate_repeats_nothing_of_the_last(client: httpx.Client) -> None:
    for n in range(50):
        first, second = feed(client, f"reader{n}", limit=20), feed(client, f"reader{n}", limit=20)
        assert set(shown(first)).isdisjoint(shown(second))


def test_a_slate_is_what_the_contract_says(client: httpx.Client) -> None:
    answer = feed(client, "nobody has met this person", limit=5)
    assert set(answer) == {"request_id", "snapshot", "degraded", "slate"}
    assert [position["position"] for position in answer["slate"]] == [1, 2, 3, 4, 5]
    assert set(answer["slate"][0]) == {
        "position", "item_id", "creator_id", "source", "score", "exposure", "sponsored",
    }  # fmt: skip
    assert len(feed(client, "another", limit=1)["slate"]) == 1
    assert len(feed(client, "another one")["slate"]) == 20


def test_what_one_did_counts_in_the_very_next_slate(client: httpx.Client) -> None:
    for trial in range(TRIALS):
        user = f"trial{trial}"
        first = shown(feed(client, user, limit=5))
        tell(client, kind="hide", user_id=user, item_id=first[0])
        assert first[0] not in shown(feed(client, user, limit=200))


def test_feedback_carries_the_exposure_it_answers(client: httpx.Client) -> None:
    position = feed(client, "honest", limit=1)["slate"][0]
    event = {"kind": "like", "user_id": "honest", "item_id": position["item_id"], "exposure": position["exposure"]}
    tell(client, **event)
    stolen = client.post("/v1/events", json={"events": [{**event, "user_id": "thief", "event_id": "stolen"}]}).json()
    assert stolen["rejected"][0]["field"] == "exposure"


def test_the_same_event_twice_is_a_duplicate(client: httpx.Client) -> None:
    event = {"event_id": "once", "kind": "like", "user_id": "u", "item_id": "item1"}
    first, again = (client.post("/v1/events", json={"events": [event]}).json() for _ in range(2))
    both = client.post("/v1/events", json={"events": [event, event]}).json()
    assert (first["accepted"], again["duplicate"], both["duplicate"]) == (1, 1, 2)


def test_after_waits_for_what_is_acknowledged(client: httpx.Client) -> None:
    receipt = tell(client, kind="like", user_id="patient", item_id="item2")
    feed(client, "patient", after=receipt["seq"])
    started = time.monotonic()
    answer = client.post("/v1/feed", json={"user_id": "patient", "after": 2**62})
    assert answer.status_code == 409
    assert "after" in answer.json()["detail"]
    assert time.monotonic() - started < 2


def test_a_request_is_explained_at_once(client: httpx.Client) -> None:
    answer = feed(client, "curious", limit=7)
    found = client.get(f"/v1/requests/{answer['request_id']}").json()
    assert [position["item_id"] for position in found["slate"]] == shown(answer)
    assert found["funnel"]
    assert found["user_id"] == "curious"


def test_exclude_and_mode_are_honoured(client: httpx.Client) -> None:
    everything = shown(feed(client, "chooser", limit=50))
    kept = shown(feed(client, "chooser2", limit=50, exclude=everything[:10], mode="nonprofiling"))
    assert not set(everything[:10]) & set(kept)


def test_records_come_back_as_they_were_given(client: httpx.Client) -> None:
    record: dict[str, Any] = {
        "id": "a/b c?d=€%2F",
        "creator_id": "c/1",
        "title": "T",
        "attributes": {"n": [1, {"x": None}]},
    }
    assert client.post("/v1/items", json={"items": [record]}).json()["accepted"] == 1
    assert client.get("/v1/items/a%2Fb%20c%3Fd%3D%E2%82%AC%252F").json() == record
    many = client.get("/v1/items", params={"id": ["item3", "none", record["id"], "item1"]}).json()["items"]
    assert [item["id"] for item in many] == ["item3", record["id"], "item1"]


def test_users_can_be_listed(client: httpx.Client) -> None:
    users = [{"id": f"listed{n}"} for n in range(30)]
    client.post("/v1/users", json={"users": users})
    assert client.get("/v1/users?prefix=listed&limit=3").json() == {"users": ["listed0", "listed1", "listed2"]}
    assert len(client.get("/v1/users").json()["users"]) == 20


def test_trending_and_status(client: httpx.Client) -> None:
    # An item of its own: how often other tests were served one by lot changes what is expected of it.
    item = {"id": "rising item", "creator_id": "riser", "title": "Rising"}
    assert client.post("/v1/items", json={"items": [item]}).status_code == 200
    for n in range(5):
        tell(client, kind="like", user_id=f"fan{n}", item_id="rising item")
    assert "rising item" in [found["item_id"] for found in client.get("/v1/trending").json()["trending"]]
    status = client.get("/v1/status").json()
    assert status["items"] >= 200
    assert status["lag"] == 0
    assert status["snapshot"] is None
    assert status["degraded"]


def test_metrics_tell_routes_and_no_ids(client: httpx.Client) -> None:
    feed(client, "metricperson")
    client.get("/v1/items/metricitem")
    client.get("/made/up/path")
    client.request("MADEUP", "/v1/feed")
    client.request("MADEUP", "/made/up/path")
    text = client.get("/metrics").text
    assert 'fairshot_http_answers_total{method="POST",route="/v1/feed",status="200"}' in text
    assert 'route="unknown",status="404"' in text
    assert "fairshot_stage_seconds_count" in text
    assert 'fairshot_records_total{kind="items",outcome="accepted"}' in text
    assert "metricperson" not in text
    assert "metricitem" not in text
    assert "/made/up" not in text
    assert 'method="other"' in text
    assert "MADEUP" not in text


def test_a_removed_item_is_in_no_slate_until_restored(client: httpx.Client) -> None:
    tell(client, kind="like", user_id="fan0", item_id="item7")
    decide = {"item_id": "item7", "decision": "remove", "reason": "stolen"}
    assert client.post("/v1/moderation", json={"decisions": [decide]}).json()["accepted"] == 1
    for n in range(20):
        assert "item7" not in shown(feed(client, f"guard{n}", limit=200))
    assert "item7" not in [item["item_id"] for item in client.get("/v1/trending?limit=200").json()["trending"]]
    restore = {"item_id": "item7", "decision": "restore", "reason": "appeal upheld"}
    client.post("/v1/moderation", json={"decisions": [restore]})
    assert any("item7" in shown(feed(client, f"again{n}", limit=200)) for n in range(5))


# Models


def train(folder: Path) -> str:
    """Vectors that could have been trained, promoted; returns their version."""
    with open_app(folder) as app:
        n, width = len(app.live.ids.items), 8
        rng = np.random.default_rng(n)
        items = rng.normal(size=(n, width)).astype(np.float32)
        tensors = {"items": items, "trained": np.ones(n, bool), "gram": np.eye(width, dtype=np.float32)}
        version = f"v{time.time_ns()}"
        app.artifacts.save(version, {"vectors": (tensors, {"confidence": 8.0})}, {})
        promote(app, version)
    return version


def promote(app: Any, version: str) -> None:
    data = {"decision": "promote", "snapshot": version}
    app.writer.append([Draft(kind=Kind.VERDICT, at=app.clock(), id=f"verdict/{version}", data=data)]).result()


@pytest.fixture
def catalogue(data: Path) -> Path:
    """A data directory with 60 items, likes, and one item removed."""
    with open_app(data) as app:
        app.ingest(
            [
                {"event_id": f"e{n}", "kind": "like", "user_id": f"u{n % 9}", "item_id": f"i{n % 60}"}
                for n in range(300)
            ],
            items=[{"id": f"i{n}", "creator_id": f"c{n % 5}"} for n in range(60)],
            decisions=[{"item_id": "i3", "decision": "remove", "reason": "spam"}],
        )
    return data


@pytest.mark.parametrize("damage", ["missing", "cut", "changed", "manifest", "whole"])
def test_damaged_models_degrade_and_never_bring_back_what_was_removed(catalogue: Path, damage: str) -> None:
    version = train(catalogue)
    folder = catalogue / "artifacts" / version
    file = folder / "vectors.safetensors"
    match damage:
        case "missing":
            file.unlink()
        case "cut":
            file.write_bytes(file.read_bytes()[:50])
        case "changed":
            file.write_bytes(file.read_bytes()[:-1] + b"\xff")
        case "manifest":
            (folder / "manifest.json").write_text("{")
        case "whole":
            shutil.rmtree(folder)
    with start_service(catalogue) as service, httpx.Client(base_url=service.address, timeout=30) as client:
        for n in range(40):
            answer = feed(client, f"u{n}", limit=60)
            assert answer["degraded"]
            assert answer["slate"]
            assert {position["source"] for position in answer["slate"]} & {"popular", "fresh"}
            assert "i3" not in shown(answer)
        assert client.get("/v1/status").json()["degraded"]
        assert client.get("/readyz").status_code == 200


class Load(threading.Thread):
    """Asks for slates without a pause; keeps what came back."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.ending = threading.Event()
        self.answers: list[dict[str, Any]] = []
        self.failures: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.address, timeout=30) as client:
            for n in itertools.count():
                if self.ending.is_set():
                    return
                answer = client.post("/v1/feed", json={"user_id": f"u{n % 50}", "limit": 5})
                if answer.status_code == 200:
                    self.answers.append(answer.json())
                else:
                    self.failures.append(answer.text)

    def stop(self) -> None:
        self.ending.set()
        self.join()


def until(client: httpx.Client, version: str | None) -> None:
    deadline = time.monotonic() + 20
    while client.get("/v1/status").json()["snapshot"] != version:
        assert time.monotonic() < deadline, f"{version} did not come into service"
        time.sleep(0.02)


def test_snapshots_change_under_load_without_a_failure(catalogue: Path) -> None:
    with start_service(catalogue) as service, httpx.Client(base_url=service.address, timeout=30) as client:
        load = Load(service.address)
        load.start()
        versions = []
        for _ in range(5):
            versions.append(train(catalogue))
            until(client, versions[-1])
        load.stop()
        assert not load.failures
        seen = [answer["snapshot"] for answer in load.answers]
        order = [version for version, _ in itertools.groupby(seen)]
        assert order == [version for version in [None, *versions] if version in order]
        assert len(order) >= 3
        assert all("i3" not in shown(answer) for answer in load.answers)


def test_a_snapshot_that_cannot_be_loaded_leaves_the_present_one(catalogue: Path) -> None:
    present = train(catalogue)
    log = catalogue / "service.log"
    with (
        start_service(catalogue, log=log) as service,
        httpx.Client(base_url=service.address, timeout=30) as client,
    ):
        until(client, present)
        with open_app(catalogue) as app:
            promote(app, "v-none")
        for _ in range(10):
            assert feed(client, "u1")["snapshot"] == present
            time.sleep(0.1)
        assert any("v-none" in json.loads(line).get("snapshot", "") for line in log.read_text().splitlines() if line)
        until(client, present)
        after = train(catalogue)
        until(client, after)
