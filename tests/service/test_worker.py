"""The worker: what is due when, and that it does it."""

import time
from pathlib import Path

import httpx

from fairshot.app import open_app
from fairshot.config import load_config
from fairshot.service.process import start_service
from fairshot.service.worker import Schedule
from fairshot.stores.progress import Progress

SETTINGS = load_config().worker
HOUR = 3600.0


def schedule(**state: int) -> Schedule:
    return Schedule(SETTINGS, **state)


def test_the_first_training_comes_as_soon_as_it_can() -> None:
    assert schedule(checkpoint=10**6).due(0, 300, trained=0) == ["train"]


def test_a_first_training_that_failed_waits_for_twice_as_much() -> None:
    plan = schedule(checkpoint=10**6)
    plan.done("train", 0, 300)
    assert plan.due(9 * HOUR, 599, trained=0) == []
    assert plan.due(0, 600, trained=0) == ["train"]


def test_later_ones_need_both_events_and_time() -> None:
    plan = schedule(checkpoint=10**9)
    plan.done("train", 0, 1000)
    enough = 1000 + SETTINGS.train_events
    assert plan.due(2 * HOUR, enough - 1, trained=1000) == []
    assert plan.due(0.9 * HOUR, enough, trained=1000) == []
    assert plan.due(1.1 * HOUR, enough, trained=1000) == ["train"]


def test_a_training_before_the_start_counts() -> None:
    assert schedule(checkpoint=10**9).due(0, 10_000, trained=9_000) == []
    assert schedule(checkpoint=10**9).due(0, 40_000, trained=9_000) == ["train"]


def test_checkpoints_follow_the_log() -> None:
    plan = schedule()
    assert plan.due(0, SETTINGS.checkpoint_events, trained=10**9) == ["checkpoint"]
    plan.done("checkpoint", 0, SETTINGS.checkpoint_events)
    assert plan.due(0, 2 * SETTINGS.checkpoint_events - 1, trained=10**9) == []


def test_progress_is_told_without_reading_the_log(data: Path) -> None:
    with open_app(data) as app:
        progress = Progress(data / "fairshot.db")
        assert (progress.head(), progress.trained(), progress.has_feedback(1)) == (0, 0, False)
        app.ingest([{"event_id": f"e{n}", "kind": "like", "user_id": "u", "item_id": "i"} for n in range(5)])
        assert progress.head() == 5
        assert progress.has_feedback(5)
        assert not progress.has_feedback(6)
        # An event of a client cannot pass for a decision.
        app.ingest([{"event_id": "verdict/x", "kind": "like", "user_id": "u", "item_id": "i"}])
        assert progress.trained() == 0
        progress.close()


def test_the_worker_writes_checkpoints_beside_a_running_service(data: Path) -> None:
    (data / "fairshot.toml").write_text("[learning]\nleast_examples = 1\n[worker]\ncheckpoint_events = 10\n")
    with start_service(data, log=data / "service.log") as service:
        items = [{"id": f"i{n}", "creator_id": "c", "title": f"Title {n}"} for n in range(20)]
        httpx.post(f"{service.address}/v1/items", json={"items": items}).raise_for_status()
        event = {"event_id": "e", "kind": "like", "user_id": "u", "item_id": "i1"}
        httpx.post(f"{service.address}/v1/events", json={"events": [event]}).raise_for_status()
        deadline = time.monotonic() + 60
        while not list((data / "checkpoints").glob("*.json")):
            assert time.monotonic() < deadline, (data / "service.log").read_text()
            time.sleep(0.1)
        assert httpx.post(f"{service.address}/v1/feed", json={"user_id": "u"}).status_code == 200


def test_new_items_are_put_on_trial_and_their_card_is_served(data: Path) -> None:
    (data / "fairshot.toml").write_text("[worker]\ntrial_seconds = 0.5\n[learning]\nleast_examples = 1000000000\n")
    with start_service(data) as service:
        httpx.post(f"{service.address}/v1/items", json={"items": [{"id": "new", "creator_id": "c"}]}).raise_for_status()
        deadline = time.monotonic() + 30
        while (card := httpx.get(f"{service.address}/v1/items/new/trial").json())["state"] == "waiting":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert card["state"] == "testing"
        assert card["decisions"][0]["reason"]
        assert httpx.get(f"{service.address}/v1/items/nobody/trial").status_code == 404
