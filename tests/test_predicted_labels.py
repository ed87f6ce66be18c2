"""Predicted labels in the running application: at hand for every item whose record brings none."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.config import FILE
from fairshot.core.arrays import MICROSECONDS
from fairshot.core.events import concatenate
from fairshot.core.predicted_labels import category_of
from fairshot.learning.loading import load_artifacts
from fairshot.replay import Replay

SMALL = """
[learning]
factors = 4
iterations = 2
hidden = [4]
epochs = 1
least_examples = 20
tolerance = 1.0
calibration_tolerance = 1.0
drift_tolerance = 100.0
"""
NOW = 1_750_000_000 * MICROSECONDS
THEMES = {"cooking": ("pasta", "basil", "oven"), "space": ("rocket", "orbit", "comet")}
OpenApp = Callable[[], App]


def story(name: str, theme: str, number: int = 0, **more: Any) -> dict[str, Any]:
    words = THEMES[theme]
    return {"id": name, "creator_id": "c", "title": f"{words[number % 3]} {words[(number + 1) % 3]}", **more}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenApp]:
    (tmp_path / FILE).write_text(SMALL)
    apps: list[App] = []

    def open_again() -> App:
        if apps:
            apps.pop().close()
        apps.append(open_app(tmp_path, clock=lambda: NOW))
        return apps[-1]

    yield open_again
    for app in apps:
        app.close()


def trained(app: App) -> None:
    """Forty stories with labels, one without any, one that cannot be read."""
    items = [story(f"{theme}{n}", theme, n, labels=[theme]) for theme in THEMES for n in range(20)]
    events = [
        {
            "event_id": f"{user}-{n}",
            "kind": "like",
            "user_id": f"u{user}",
            "item_id": items[n]["id"],
            "at": NOW // 10**6,
        }
        for user in range(20)
        for n in range(user % 5, 40, 4)
    ]
    bare = [story("bare", "space"), {"id": "mute", "creator_id": "c"}]
    assert app.ingest(events, items=[*items, *bare]).rejected == []
    assert app.train().promoted


def category(app: App, *names: str) -> list[str | None]:
    app.catch_up()
    found = category_of(app.live.snapshot, np.array([app.live.ids.items.row(name) for name in names], np.int32))
    return [None if row < 0 else app.live.ids.labels.id(row) for row in found.tolist()]


def test_items_without_labels_have_a_category_and_what_cannot_be_read_passes(opened):
    app = opened()
    trained(app)
    assert category(app, "cooking3", "bare", "mute") == ["cooking", "space", None]
    late = [story("late", "cooking"), {"id": "dumb", "creator_id": "c"}, story("odd", "space", labels=["cooking"])]
    app.ingest(items=late)
    names = ("late", "dumb", "odd", "bare")
    assert category(app, *names) == ["cooking", None, "cooking", "space"]
    labels = app.live.snapshot.artifacts.need("labels")
    confidence = labels.confidence[[app.live.ids.items.row(name) for name in names]]
    assert (confidence > 0).tolist() == [True, False, False, True]
    again = opened()
    assert category(again, *names) == ["cooking", None, "cooking", "space"]


def test_a_later_record_is_read_anew(opened):
    app = opened()
    trained(app)
    app.ingest(items=[{"id": "late", "creator_id": "c"}])
    assert category(app, "late") == [None]
    app.ingest(items=[story("late", "space")])
    assert category(app, "late") == ["space"]
    app.ingest(items=[story("late", "space", labels=["cooking"])])
    assert category(app, "late") == ["cooking"]


def test_a_replay_finds_what_serving_found(opened):
    app = opened()
    trained(app)
    app.ingest(items=[story("late", "cooking"), story("later", "space")])
    app.ingest(items=[story("late", "space")])
    app.catch_up()
    served = app.live.snapshot
    replay = Replay(concatenate(list(app.log.batches())), app.live.folds, app.live.ids, app.config)
    replay.at(served.seq - 1)
    found = replay.swap(load_artifacts(app.artifacts, served.version, app.pipeline))
    rows = np.arange(len(app.live.ids.items), dtype=np.int32)
    late = app.live.ids.items.row("late")
    assert app.live.ids.labels.id(category_of(found, rows)[late]) == "cooking"
    found = replay.at(served.seq)
    assert category_of(found, rows).tolist() == category_of(served, rows).tolist()


def test_labels_are_at_hand_before_the_swap(opened, monkeypatch):
    app = opened()
    trained(app)
    app.ingest(items=[story("late", "cooking")])
    app.catch_up()
    beside = app.load(app.live.promoted, app.live.recorded())
    row = app.live.ids.items.row("late")
    assert app.live.ids.labels.id(beside.labels.label[row]) == "cooking"
    read: list[int] = []
    monkeypatch.setattr(type(beside.labels.labeller), "first", lambda _self, records: read.append(len(records)))
    app.swap(beside)
    assert read == []
    assert category(app, "late") == ["cooking"]
