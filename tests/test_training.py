"""Training: a snapshot serves only when it is sound, and no log, however odd, takes away the one that serves."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.config import FILE
from fairshot.core.arrays import HOUR, MICROSECONDS
from fairshot.core.errors import TrainingError
from fairshot.training import Fitted, Trainer
from fairshot.versions import version_name

SMALL = """
[learning]
factors = 8
iterations = 4
hidden = [8, 8]
epochs = 3
least_examples = 20
occasions = 100
negatives = 20
"""
NOW = 1_750_000_000 * MICROSECONDS
PHASES = {
    "vectors of the past",
    "neighbours",
    "examples",
    "engagement",
    "vectors",
    "index",
    "labels",
    "retrieval",
    "causal",
}
Event = dict[str, Any]
OpenApp = Callable[..., App]


class Clock:
    """Goes on by a second whenever it is read."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        self.now += MICROSECONDS
        return self.now


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenApp]:
    apps: list[App] = []

    def open_in(name: str = "data", options: str = SMALL) -> App:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_text(options)
        apps.append(open_app(folder, clock=Clock()))
        # Requests of the same names have the same lots drawn whenever this runs.
        apps[-1].new_request_id = lambda: f"{next(names):032x}"
        return apps[-1]

    names = count()
    yield open_in
    for app in apps:
        app.close()


def item(number: int, **more: Any) -> dict[str, Any]:
    half = number % 2
    return {
        "id": f"i{number}",
        "creator_id": f"c{number % 30}",
        "title": f"theme{half}",
        "labels": [f"l{half}"],
        **more,
    }


def event(number: int, user: int, thing: int, kind: str = "like") -> Event:
    at = (NOW - 1000 * HOUR) // MICROSECONDS + number * 60
    return {"event_id": f"e{number}", "kind": kind, "user_id": f"u{user}", "item_id": f"i{thing}", "at": at}


def two_tastes(people: int = 40, items: int = 60, each: int = 15, seed: int = 0) -> list[Event]:
    """Even people like even items, odd ones odd items; everybody in turn."""
    rng = np.random.default_rng(seed)
    things = [rng.choice(items // 2, each, replace=False) for _ in range(people)]
    events: list[Event] = []
    for place in range(each):
        for user in range(people):
            kind = "like" if rng.random() < 0.8 else "view"
            events.append(event(len(events), user, 2 * int(things[user][place]) + user % 2, kind))
    return events


def filled(app: App, events: list[Event], items: int = 60) -> App:
    receipt = app.ingest(events, items=[item(n) for n in range(items)])
    assert receipt.rejected == []
    return app


def serves(app: App, user: str = "u0") -> None:
    """A slate comes, and nothing that should have helped is missing."""
    feed = app.feed(user, limit=5)
    explained = app.explain(feed.request_id)
    assert explained is not None
    assert [problem for problem in explained.problems if not problem.startswith("engagement: too little")] == []


# What a training does


def test_a_sound_snapshot_is_promoted_with_its_figures(opened):
    app = filled(opened(), two_tastes(people=100))
    told: list[tuple[str, float]] = []
    report = app.train(lambda phase, share: told.append((phase, share)))
    assert report.promoted
    assert report.reasons[0] == "no snapshot was in service"
    figures = {(model, name): value for model, name, value in report.figures}
    names = {name for model, name in figures if model.startswith("engagement.")}
    assert names == {"AUC", "AUC standard error", "log loss", "calibration error"}
    assert figures["engagement.like", "AUC"] > 0.7
    assert app.live.snapshot.version == report.version == app.status().snapshot
    assert app.artifacts.manifest(report.version)["facts"]["figures"] == [list(figure) for figure in report.figures]
    assert {phase for phase, _ in told} == PHASES
    assert all(0 <= share <= 1 for _, share in told)
    serves(app)


def test_a_trained_feed_shows_people_their_own_taste(opened):
    options = SMALL.replace("epochs = 3", "epochs = 20") + "[blenders.random_slot]\nshare = 0.0\n"
    app = filled(opened(options=options), two_tastes(each=10))
    before = app.feed("u0", limit=10)
    assert before.degraded
    app.train()
    for user in ("u0", "u1"):
        shown = [int(position.item_id[1:]) % 2 for position in app.feed(user, limit=8).slate]
        # The rules for a varied slate may give up to two positions to others.
        assert np.mean(np.array(shown) == int(user[1:])) >= 0.75


def test_the_same_log_gives_the_same_models_bit_by_bit(opened):
    """Also where another application on the same log, as another process has it, fits one half."""
    alone, beside = (filled(opened(name), two_tastes()) for name in ("one", "other"))
    helper = opened("other")
    asked = []

    def whole():
        asked.append(helper.live.seq)
        return helper.fit_whole()

    one, other = alone.train(), beside.train(whole=whole)
    assert len(asked) == 1
    assert one.version == other.version
    assert one.figures == other.figures
    digests = [opened(name).artifacts.manifest(one.version)["sha256"] for name in ("one", "other")]
    assert digests[0] == digests[1]


def test_half_of_a_training_on_another_log_is_refused(opened):
    app = filled(opened(), two_tastes())
    old = app.fit_whole()
    app.ingest(items=[item(60)])
    with pytest.raises(TrainingError, match="train again"):
        app.train(whole=lambda: old)
    assert app.train().promoted


def test_items_that_come_after_the_training_are_served_and_break_nothing(opened):
    app = filled(opened(), two_tastes())
    app.train()
    for number in range(60, 75):
        app.ingest(items=[item(number)])
        serves(app)
    vectors = app.live.snapshot.artifacts.vectors
    assert vectors is not None
    assert vectors.items.shape[0] == 75
    assert vectors.items[60:75].any(axis=1).all()
    assert app.feed("u0", limit=60).degraded is False


def test_a_second_training_knows_what_came_since_and_old_versions_are_pruned(opened):
    app = filled(opened(options=SMALL + "[worker]\nkeep_snapshots = 2\n"), two_tastes())
    versions = []
    for number in range(4):
        app.ingest([event(10_000 + number, 0, number)])
        versions.append(app.train().version)
    assert versions == sorted(versions)
    assert app.artifacts.versions() == versions[-2:]
    assert app.live.snapshot.version == versions[-1]


# What is refused


def spoiling(monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Fitted], None]) -> None:
    fit: Callable[..., Fitted] = Trainer.fit

    def spoilt(self: Trainer, *log: Any) -> Fitted:
        fitted: Fitted = fit(self, *log)
        spoil(fitted)
        return fitted

    monkeypatch.setattr(Trainer, "fit", spoilt)


def test_a_fall_of_auc_is_refused_and_the_old_snapshot_stays(opened, monkeypatch):
    app = filled(opened(), two_tastes(people=100))
    old = app.train().version

    def turn_round(fitted: Fitted) -> None:
        given = fitted.ranking.heads["like"].candidate
        given[:] = 1 - given

    spoiling(monkeypatch, turn_round)
    report = app.train()
    assert not report.promoted
    assert any("engagement.like: AUC" in reason for reason in report.reasons)
    assert app.live.snapshot.version == old
    assert app.artifacts.versions() == [old]
    verdict = app.log.event(f"verdict/{report.version}")
    assert verdict is not None
    assert (verdict["decision"], verdict["reasons"]) == ("refuse", report.reasons)
    serves(app)
    again = opened()
    assert again.live.snapshot.version == old
    serves(again)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_and_the_old_snapshot_stays(opened, monkeypatch, value):
    app = filled(opened(), two_tastes())
    old = app.train().version

    def spoil(fitted: Fitted) -> None:
        fitted.vectors.items[3, 0] = value

    spoiling(monkeypatch, spoil)
    report = app.train()
    assert not report.promoted
    assert "vectors.items: 1 of 480 numbers are not finite" in report.reasons
    assert app.live.snapshot.version == old
    serves(app)


def test_a_full_disk_leaves_the_old_snapshot_and_no_half_one(opened, monkeypatch):
    app = filled(opened(), two_tastes())
    old = app.train().version
    from fairshot.stores import artifacts

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts, "write_durably", full)
    with pytest.raises(OSError, match="No space"):
        app.train()
    monkeypatch.undo()
    assert app.artifacts.versions() == [old]
    assert app.live.snapshot.version == old
    serves(app)


# Odd logs

ODD: dict[str, tuple[list[Event], int]] = {
    "nothing": ([], 0),
    "items alone": ([], 20),
    "one like": ([event(0, 0, 0)], 1),
    "one like of an item without a record": ([event(0, 0, 0)], 0),
    "one person, few items": ([event(n, 0, n) for n in range(5)], 10),
    "one person, many items": ([event(n, 0, n) for n in range(200)], 400),
    "one item, many people": ([event(n, n, 0) for n in range(60)], 1),
    "one item, liked again and again": ([event(n, n % 3, 0) for n in range(60)], 3),
    "everybody likes everything": ([event(n, n % 30, n // 30) for n in range(900)], 30),
    "two people": ([event(n, n % 2, n // 2) for n in range(160)], 200),
    "hidden by all": ([event(n, n % 20, n // 20, "hide") for n in range(200)], 20),
    "liked once, hidden ever after": ([event(0, 0, 0)] + [event(n, n % 20, n % 15, "hide") for n in range(1, 200)], 20),
    "liked and hidden alike": (
        [event(n, n % 20, n // 40, "like" if n % 40 < 20 else "hide") for n in range(400)],
        20,
    ),
    "only kinds that say nothing of taste": ([event(n, n % 20, n // 20, "dislike") for n in range(200)], 20),
    "ids that occur only in feedback": (two_tastes(), 0),
    "half of the ids occur only in feedback": (two_tastes(), 30),
    "all at one moment": ([{**e, "at": NOW // MICROSECONDS - 9} for e in two_tastes()], 60),
    "more people than the net is taught with": (two_tastes(people=130, each=10), 60),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_log_gives_a_working_snapshot_or_a_clear_error(opened, name):
    events, items = ODD[name]
    app = filled(opened(options=SMALL.replace("least_examples = 20", "least_examples = 1")), events, items)
    if not any(event["kind"] in ("like", "view") for event in events):
        with pytest.raises(TrainingError, match="no approving feedback"):
            app.train()
        assert app.live.snapshot.version is None
        assert app.artifacts.versions() == []
    else:
        report = app.train()
        assert report.promoted or report.reasons
        assert all(np.isfinite(value) for _, _, value in report.figures)
        if report.promoted:
            serves(app)
    feed = app.feed("u0", limit=5)
    assert len(feed.slate) <= max(items, 0)
    assert len(app.feed("stranger", limit=5).slate) == min(5, items)


def test_records_without_feedback_and_items_of_every_sort_train_together(opened):
    app = opened()
    app.ingest(
        two_tastes(),
        items=[
            item(0, embedding=[1.0, 2.0]),
            item(1, embedding=[1e6, -1e6]),
            {"id": "i2", "creator_id": "c"},
            {"id": "i3", "creator_id": "c", "title": "\u200b", "labels": ["?!"]},
            {"id": "new", "creator_id": "c", "title": "theme0", "labels": ["l0"]},
            *[item(n, embedding=[float(n), 1.0, 0.0]) for n in range(4, 30)],
            *[item(n) for n in range(30, 60)],
        ],
    )
    assert app.train().promoted
    serves(app)


@pytest.mark.parametrize("seed", range(5))
def test_the_log_of_the_service_itself_trains_too(opened, seed):
    """Slates, impressions, verdicts and moderation stand between the reactions; few people differ by chance."""
    app = filled(opened(), two_tastes(each=10, seed=seed))
    app.train()
    for user in range(40):
        feed = app.feed(f"u{user}", limit=10)
        liked = [p for p in feed.slate if int(p.item_id[1:]) % 2 == user % 2][:4]
        app.ingest(
            [
                {
                    "event_id": f"{feed.request_id}/{p.position}",
                    "kind": "like",
                    "user_id": f"u{user}",
                    "item_id": p.item_id,
                    "exposure": p.exposure,
                }
                for p in liked
            ]
        )
    app.ingest(decisions=[{"item_id": "i5", "decision": "remove", "reason": "r"}])
    report = app.train()
    assert report.promoted, report.reasons
    assert "i5" not in [p.item_id for p in app.feed("u1", limit=60).slate]


def test_versions_sort_by_age():
    moments = [0, 1, 999_999, MICROSECONDS, NOW, NOW + 1, NOW + 10 * MICROSECONDS, 4_000_000_000 * MICROSECONDS]
    names = [version_name(moment) for moment in moments]
    assert names == sorted(names)
    assert len(set(names)) == len(names)
