"""Slates of many arms: sharing candidates and features among arms changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.worlds import NOW, SMALL, catalogue, tastes

from fairshot.app import App, build_pipeline, open_app
from fairshot.config import FILE
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.evaluation.arms import accuracy_alone, arms, without_fairness
from fairshot.evaluation.slates import Arm, fixed_source, request_of, slates_of


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder: Path = tmp_path_factory.mktemp("slates")
    (folder / FILE).write_text(SMALL + "\n[blenders.random_slot]\nshare = 0.3\n")
    with open_app(folder, clock=lambda: NOW) as app:
        app.ingest(tastes(), items=catalogue())
        app.train()
        yield app


def test_each_arm_gets_the_very_slates_of_its_whole_pipeline(app: App) -> None:
    app.catch_up()
    snapshot: Snapshot = app.live.snapshot
    configs = {**arms(app.config), "alone": accuracy_alone(app.config, ["like"])}
    compared = {name: Arm(config, snapshot) for name, config in configs.items()}
    people = np.arange(len(snapshot.ids.users))
    shared = slates_of(compared, people, 10, NOW)
    for name, config in configs.items():
        pipeline = build_pipeline(config)
        for row in people.tolist():
            ctx = Context(request_of(snapshot, row, 10, NOW), compared[name].snapshot)
            assert shared[name][row].tolist() == pipeline(ctx).rows.tolist(), (name, row)
    assert any(a.tolist() != b.tolist() for a, b in zip(shared["alone"], shared["defaults"], strict=True))


def test_candidates_are_shared_only_where_they_are_found_alike(app: App) -> None:
    snapshot = app.live.snapshot
    default = Arm(app.config, snapshot)
    assert Arm(without_fairness(app.config), snapshot).finding == default.finding
    assert Arm(accuracy_alone(app.config, ["like"]), snapshot).finding != default.finding


def test_who_listens_hears_of_everybody_once(app: App) -> None:
    heard: list[tuple[int, int]] = []
    compared = {name: Arm(config, app.live.snapshot) for name, config in arms(app.config).items()}
    people = np.array([3, 5])
    slates_of(compared, people, 5, NOW, told={"defaults": lambda row, batch: heard.append((row, len(batch)))})
    assert [row for row, _ in heard] == [3, 5]
    assert all(n > 5 for _, n in heard)


def test_a_given_source_brings_all_its_rows(app: App) -> None:
    ctx = Context(request_of(app.live.snapshot, 0, 5, NOW), app.live.snapshot)
    assert fixed_source(np.array([3, 1])).call(ctx).rows.tolist() == [3, 1]
