"""A small world with models, built in memory: what the conformance suite and the stages' own tests run in."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Artifacts, Vectors
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.nearest import VectorSearch

NOW = 1_700_000_000_000_000
ITEMS, WIDTH = 300, 16
FEATURES = ("match", "closeness", "popularity", "approval", "age")


def artifacts() -> Artifacts:
    """Vectors and a ranking net drawn from a fixed seed."""
    rng = np.random.default_rng(1)
    items = rng.normal(size=(ITEMS, WIDTH)).astype(np.float32)
    gram = (items.T @ items + np.eye(WIDTH)).astype(np.float32)
    vectors = Vectors(items, np.ones(ITEMS, bool), gram, 3.0)
    layers = (
        (rng.normal(size=(len(FEATURES), 8)).astype(np.float32), np.zeros(8, np.float32)),
        (rng.normal(size=(8, 2)).astype(np.float32), np.zeros(2, np.float32)),
    )
    bounds = np.array([[-10.0] * len(FEATURES), [10.0] * len(FEATURES)], np.float32)
    model = EngagementModel(FEATURES, ("view", "like"), bounds, layers)
    return Artifacts("test", vectors, VectorSearch(vectors), model)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Items by 30 creators under 8 labels; 20 people who like, follow, block, buy and hide; decisions."""
    app = open_app(tmp_path_factory.mktemp("world"), clock=lambda: NOW)
    rng = np.random.default_rng(0)
    app.ingest(
        items=[
            {
                "id": f"i{n}",
                "creator_id": f"c{n % 30}",
                "title": f"item {n}",
                "labels": [f"l{n % 8}"] if n % 9 else [],
                "created_at": 1_600_000_000 + n * 10_000,
                "durable": bool(n % 2),
            }
            for n in range(ITEMS)
        ]
    )
    events: list[dict[str, Any]] = []
    kinds = ["view", "like", "love", "dislike", "purchase", "hide"]
    for n in range(600):
        user, item = f"u{rng.integers(20)}", f"i{rng.integers(ITEMS)}"
        events.append(
            {
                "event_id": f"e{n}",
                "kind": kinds[rng.choice(6, p=[0.3, 0.4, 0.1, 0.1, 0.05, 0.05])],
                "user_id": user,
                "item_id": item,
                "at": 1_699_900_000 + n,
            }
        )
    for n in range(20):
        events.append({"event_id": f"f{n}", "kind": "follow", "user_id": f"u{n}", "creator_id": f"c{n}"})
        events.append({"event_id": f"b{n}", "kind": "hide", "user_id": f"u{n}", "creator_id": f"c{n + 5}"})
    app.ingest(events)
    app.ingest(
        decisions=[{"item_id": f"i{n}", "decision": "remove", "reason": "test"} for n in range(0, 60, 10)]
        + [{"item_id": f"i{n}", "decision": "flag", "severity": 0.5, "reason": "test"} for n in range(1, 60, 10)]
    )
    app.live.catch_up()
    app.live.swap(artifacts())
    app.live.promoted = "test"
    yield app
    app.close()


@pytest.fixture
def context(world: App) -> Callable[..., Context]:
    """Contexts in the world: context(user="u1", limit=10, context={...}, profile=False, without=("engagement",))."""

    def make(user: str = "u1", *, without: tuple[str, ...] = (), **fields: Any) -> Context:
        row = world.live.ids.users.row(user)
        request = Request(id=f"{user}-request", user=user, row=row, **{"limit": 10, "now": NOW, **fields})
        snapshot = world.live.snapshot
        if without:
            absent: dict[str, Any] = dict.fromkeys(without)
            gone = replace(snapshot.artifacts, **absent, missing=without)
            snapshot = replace(snapshot, artifacts=gone)
        return Context(request, snapshot)

    return make
