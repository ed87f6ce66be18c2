"""Comparison: a candidate is judged by slates that its models knew nothing of, and by what its retrieval finds."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.comparison import RECALL, OffPolicy, Past, compare_retrieval
from fairshot.config import FILE
from fairshot.core.arrays import MICROSECONDS
from fairshot.core.events import concatenate
from fairshot.core.snapshot import Snapshot
from fairshot.decisions.promotion import Candidate, Compared, Standing, TrainingReport, judge
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.retrieval_recall import PEOPLE, recall, spared
from fairshot.training import Fitted, Trainer

SETTINGS = """
[learning]
factors = 4
iterations = 2
text_dimensions = 4
hidden = [8, 8]
epochs = 20
least_examples = 20
holdout = 0.9
negatives = 8
[impressions]
days = 0.0
[blenders.random_slot]
share = 0.45
"""
NOW = 1_750_000_000 * MICROSECONDS
ITEMS, VISITS, PERSONS, LENGTH = 10, 1500, 750, 3
GOOD = {f"i{n}" for n in range(0, ITEMS, 2)}
Fit = tuple[App, Fitted, TrainingReport]


class Site:
    """Nearly half of the places go by lot; half of the items are liked by most, the others by few."""

    def __init__(self, folder: Path) -> None:
        (folder / FILE).write_text(SETTINGS)
        clock = itertools.count(NOW, MICROSECONDS)
        self.app = open_app(folder, clock=lambda: next(clock))
        self.rng = np.random.default_rng(1)
        self.app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}", "title": f"theme{n}"} for n in range(ITEMS)])

    def likes(self, item: str) -> bool:
        return bool(self.rng.random() < (0.8 if item in GOOD else 0.1))

    def told(self, count: int) -> None:
        """Likes that no slate led to, long before the first slate."""
        found = [(n, item) for n in range(count) if self.likes(item := f"i{self.rng.integers(ITEMS)}")]
        start = NOW // MICROSECONDS - 10_000_000
        self.app.ingest(
            {"event_id": f"e{n}", "kind": "like", "user_id": f"old{n}", "item_id": item, "at": start + 60 * n}
            for n, item in found
        )

    def visits(self, count: int) -> None:
        events = list[dict[str, str]]()
        # Requests of the same names have the same lots drawn whenever this runs.
        names = (f"{n:032x}" for n in itertools.count())
        for n in range(count):
            user = f"u{n % PERSONS}"
            with patch("fairshot.app.secrets.token_hex", lambda _bytes: next(names)):
                slate = self.app.feed(user, LENGTH).slate
            liked = [place for place in slate if self.likes(place.item_id)]
            events.extend(
                {
                    "event_id": f"{n}/{place.position}",
                    "kind": "like",
                    "user_id": user,
                    "item_id": place.item_id,
                    "exposure": place.exposure,
                }
                for place in liked
            )
            if n % 50 == 49:
                self.app.ingest(events)
                events = []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fit]:
    """A site that served what a first training ranked, and its second training."""
    site = Site(tmp_path_factory.mktemp("lots"))
    site.told(900)
    first = site.app.train()
    assert first.promoted, first.reasons
    assert any("no slate was served" in reason for reason in first.reasons), first.reasons
    site.visits(VISITS)
    found: list[Fitted] = []
    fit = Trainer.fit

    def kept(*given: Any, **more: Any) -> Fitted:
        found.append(fit(*given, **more))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "fit", kept)
        report = site.app.train()
    yield site.app, found[-1], report
    site.app.close()


def upside_down(model: EngagementModel) -> EngagementModel:
    """What was liked most, it says, will be liked least."""
    weights = np.zeros((len(model.features), len(model.kinds)), np.float32)
    weights[model.features.index("popularity")] = -1
    return replace(model, layers=((weights, np.zeros(len(model.kinds), np.float32)),))


def spoilt(past: Past | None) -> Past:
    assert past is not None
    return replace(past, models=replace(past.models, engagement=upside_down(past.models.engagement)))


def compared(app: App, past: Past | None, standing: EngagementModel | None, most: int | None = None) -> Compared:
    """Off-policy, by the whole log; most: slates."""
    settings = app.config.learning
    learning = msgspec.structs.replace(settings, off_policy_slates=most or settings.off_policy_slates)
    config = msgspec.structs.replace(app.config, learning=learning)
    off_policy = OffPolicy(config, app.live.folds, app.pipeline, app.live.ids, app.live.snapshot.weights)
    return off_policy.compare(concatenate(list(app.log.batches())), app.log.slates, past, standing)


def refused(app: App, found: Compared, standing: Standing | None = None) -> list[str]:
    candidate = Candidate({}, (), {}, (), guarded=found.guarded, notes=found.notes)
    verdict = judge(candidate, standing or Standing("v1"), app.config.learning)
    return [] if verdict.promote else verdict.reasons


# Off-policy


def test_a_sound_candidate_is_promoted_with_what_its_slates_would_have_earned(trained: Fit) -> None:
    _, fitted, report = trained
    assert report.promoted, report.reasons
    (reason,) = [reason for reason in report.reasons if reason.startswith("off-policy")]
    assert "that its models knew nothing of" in reason
    assert "of the slates that were served" in reason
    figures = {name: value for model, name, value in report.figures if model == "off-policy"}
    assert figures["effective slates"] >= 100
    served = figures["worth of a slate that was served"]
    assert figures["worth of a slate by PBM"] > served - 3 * figures["standard error of the difference"]
    assert fitted.past is not None


def test_a_candidate_that_ranks_upside_down_is_refused(trained: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else speaks against it: off-policy alone sees it."""
    app, fitted, report = trained
    wrong = replace(fitted, past=spoilt(fitted.past))
    monkeypatch.setattr(Trainer, "fit", lambda *_, **__: wrong)
    found = app.train()
    assert not found.promoted
    (reason,) = found.reasons
    assert reason.startswith("off-policy: worth of a slate by PBM")
    assert "a fall of at least" in reason
    assert app.live.promoted == report.version
    assert app.decisions()[-1].reasons == (reason,)


def test_what_befalls_the_net_in_service_beside_the_same_models_does_not_count(trained: Fit) -> None:
    app, fitted, _ = trained
    past = spoilt(fitted.past)
    assert refused(app, compared(app, past, None))
    found = compared(app, past, past.models.engagement)
    (measure,) = found.guarded
    assert measure.beside is not None
    assert measure.beside.candidate == measure.beside.standing
    assert refused(app, found) == []


def test_where_nothing_can_be_concluded_a_sentence_says_why_and_nothing_is_refused(trained: Fit) -> None:
    app, fitted, _ = trained
    past = spoilt(fitted.past)
    late = replace(past, since=int(1e18))
    few = compared(app, past, None, most=20)
    rare = compared(app, past, None, most=101)
    for found, why in (
        (compared(app, None, None), "too little feedback was held out"),
        (compared(app, late, None), "no slate was served after"),
        (few, "20 slates of 20 people came after what was taught"),
        (rare, "not conclusive over 101 slates: DR rests on"),
    ):
        (note,) = found.notes
        assert why in note
        assert found.figures == ()
        assert found.guarded == ()
        assert refused(app, found) == []


def test_slates_without_profiling_and_slates_of_before_are_left_out(trained: Fit) -> None:
    app, fitted, _ = trained
    assert fitted.past is not None
    events = concatenate(list(app.log.batches()))
    off_policy = OffPolicy(app.config, app.live.folds, app.pipeline, app.live.ids, app.live.snapshot.weights)
    late = [slate for slate in app.log.slates() if slate.at >= fitted.past.since]
    assert 0 < len(late) < VISITS / 2

    def hidden(_: int) -> Iterator[object]:
        return (replace(slate, mode="nonprofiling") for slate in late)

    found = off_policy.compare(events, hidden, fitted.past, None)  # type: ignore[arg-type]
    assert "no slate was served" in found.notes[0]


# Retrieval


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fit]:
    """More items than are candidates; two tastes."""
    folder = tmp_path_factory.mktemp("large")
    (folder / FILE).write_text(SETTINGS.replace("epochs = 20", "epochs = 2"))
    clock, rng = itertools.count(NOW, MICROSECONDS), np.random.default_rng(2)
    app = open_app(folder, clock=lambda: next(clock))
    items = [{"id": f"i{n}", "creator_id": f"c{n % 50}", "title": f"theme{n % 2}"} for n in range(900)]
    likes = [(f"u{n % 100}", f"i{2 * rng.integers(450) + n % 2}") for n in range(1500)]
    app.ingest(
        [
            {"event_id": f"e{n}", "kind": "like", "user_id": user, "item_id": item}
            for n, (user, item) in enumerate(likes)
        ],
        items=items,
    )
    found: list[Fitted] = []
    fit = Trainer.fit

    def kept(*given: Any, **more: Any) -> Fitted:
        found.append(fit(*given, **more))
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "fit", kept)
        report = app.train()
    yield app, found[-1], report
    app.close()


def lost(snapshot: Snapshot) -> Snapshot:
    """The same, but its retrieval finds anything."""
    model = snapshot.artifacts.retrieval
    drawn = np.random.default_rng(3).normal(size=model.items.shape).astype(np.float32)
    return replace(snapshot, artifacts=replace(snapshot.artifacts, retrieval=replace(model, items=drawn, index=None)))


def test_every_training_tells_the_recall_of_its_retrieval(large: Fit) -> None:
    app, fitted, report = large
    assert report.promoted, report.reasons
    (value,) = [value for model, name, value in report.figures if (model, name) == ("retrieval", RECALL)]
    found = recall(app.pipeline, app.live.snapshot, fitted.spared, app.live.snapshot.artifacts.retrieval.at)
    assert len(found) == len(fitted.spared) == 10
    assert value == pytest.approx(found.mean())
    assert value > 0.6
    # What is found by chance alone: 500 of 900.
    by_lot = recall(app.pipeline, lost(app.live.snapshot), fitted.spared, app.live.snapshot.artifacts.retrieval.at)
    assert by_lot.mean() == pytest.approx(500 / 900, abs=0.15)


def test_a_recall_that_fell_is_refused_but_not_where_the_standing_one_finds_as_little_today(large: Fit) -> None:
    app, fitted, report = large
    present, standing = app.live.snapshot, Standing(report.version, figures=report.figures)
    same = compare_retrieval(app.pipeline, (present, present), fitted.spared, standing)
    assert refused(app, same, standing) == []
    fallen = compare_retrieval(app.pipeline, (lost(present), present), fitted.spared, standing)
    (reason,) = refused(app, fallen, standing)
    assert reason.startswith(f"retrieval: {RECALL}, measured at each training,")
    grown = compare_retrieval(app.pipeline, (lost(present), lost(present)), fitted.spared, standing)
    assert refused(app, grown, standing) == []


def test_a_catalogue_too_small_or_too_large_is_told(trained: Fit, large: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any("500 candidates hold the whole catalogue" in reason for reason in trained[2].reasons)
    app, fitted, _ = large
    monkeypatch.setattr("fairshot.comparison.LARGEST", 800)
    found = compare_retrieval(app.pipeline, (app.live.snapshot,) * 2, fitted.spared, Standing())
    assert "not measured above 800 items" in found.notes[0]
    nobody = compare_retrieval(app.pipeline, (app.live.snapshot,) * 2, fitted.spared[:0], Standing())
    assert nobody.guarded == ()


def test_the_people_spared_are_few_and_mostly_stay_the_same() -> None:
    people = np.arange(0, 3000, 3, dtype=np.int32)
    drawn = spared(people)
    assert len(drawn) == PEOPLE
    assert np.isin(drawn, people).all()
    assert (np.diff(drawn) > 0).all()
    more = spared(np.arange(0, 3300, 3, dtype=np.int32))
    assert len(np.intersect1d(drawn, more)) > 0.75 * PEOPLE
    assert len(spared(people[:30])) == 3
    assert len(spared(people[:9])) == len(spared(people[:0])) == 0
