"""The whole evaluation: it replays, changes nothing, and nobody is told what was held out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.worlds import NOW, SMALL, catalogue, tastes

from fairshot.app import App, open_app
from fairshot.config import FILE, load_config
from fairshot.core.errors import FairshotError
from fairshot.evaluation import evaluate
from fairshot.evaluation.arms import FAIRNESS_TERMS, arms


def test_the_arms_differ_only_in_fairness_and_the_lot():
    config = load_config(None, {})
    compared = arms(config)
    assert compared["defaults"] == config
    off = compared["fairness off"]
    changed = {name for name, weight in config.pipeline.value.items() if off.pipeline.value[name] != weight}
    assert changed == {name for name in FAIRNESS_TERMS if config.pipeline.value[name] != 0}
    assert all(off.pipeline.value[name] == 0 for name in changed)
    assert set(config.pipeline.blenders) - set(off.pipeline.blenders) == {"random_slot"}
    assert off.learning == config.learning
    assert off.pipeline.sources == config.pipeline.sources


# The whole


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """Twenty even people who like even items, twenty odd ones who like odd ones."""
    (tmp_path / FILE).write_text(SMALL)
    with open_app(tmp_path, clock=lambda: NOW) as app:
        yield app


@pytest.mark.parametrize("protocol", ["random", "latest", "temporal"])
def test_an_evaluation_replays_and_changes_nothing(app, protocol):
    app.ingest(tastes(), items=catalogue())
    before = app.log.head()
    report = evaluate(app, protocol)
    assert report == evaluate(app, protocol)
    results = report.figures
    assert app.log.head() == before
    assert app.artifacts.versions() == []
    found = {(one.arm, one.name): one.value for one in results}
    assert {arm for arm, _ in found} == {"fairness off", "defaults"}
    assert all(0 <= value <= 1 for value in found.values())
    # By lot one would find about an eighth.
    assert found["fairness off", "nDCG@10"] > 0.2


def test_what_was_held_out_can_be_found_although_it_was_once_shown(app):
    """A slate that led to a reaction tells what is held out: its trace must not keep the item from coming back."""
    app.ingest(items=catalogue(18))
    for user in range(20):
        shown = app.feed(f"u{user}", limit=12)
        app.ingest(
            [
                {
                    "event_id": f"{shown.request_id}/{p.position}",
                    "kind": "like",
                    "user_id": f"u{user}",
                    "item_id": p.item_id,
                    "exposure": p.exposure,
                }
                for p in shown.slate[:8]
            ]
        )
    app.flush()
    for protocol in ("random", "latest"):
        found = {(one.arm, one.name): one.value for one in evaluate(app, protocol, k=6).figures}
        # Six items were never shown, and two are held out: by lot three quarters of these are in six positions.
        assert found["fairness off", "recall@6"] > 0.4, protocol


def test_too_little_to_hold_out_is_said(app):
    with pytest.raises(FairshotError, match="three"):
        evaluate(app)
    app.ingest(tastes(people=5, each=2), items=catalogue())
    with pytest.raises(FairshotError, match="three"):
        evaluate(app)


def test_a_catalogue_without_records_is_said(app):
    app.ingest(tastes())
    with pytest.raises(FairshotError, match="record"):
        evaluate(app)


def test_an_unknown_protocol_is_said(app):
    with pytest.raises(FairshotError, match="there are: random, latest"):
        evaluate(app, "newest")


def test_what_was_shown_does_not_tell_what_is_held_out(tmp_path):
    """Serving many slates after the reactions must not make the held-out ones easier to find."""
    rng = np.random.default_rng(5)
    (tmp_path / FILE).write_text("[learning]\nfactors = 8\ntext_dimensions = 8\nleast_examples = 20\n")
    with open_app(tmp_path, clock=lambda: 1_700_000_000_000_000) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}"} for n in range(120)])
        app.ingest(
            [
                {
                    "event_id": f"e{n}",
                    "kind": "like",
                    "user_id": f"u{n % 30}",
                    "item_id": f"i{rng.integers(120)}",
                    "at": n,
                }
                for n in range(600)
            ]
        )
        before = {(m.arm, m.name): m.value for m in evaluate(app).figures}
        for n in range(90):
            app.feed(f"u{n % 30}", 20)
        after = {(m.arm, m.name): m.value for m in evaluate(app).figures}
        assert after["fairness off", "nDCG@10"] == pytest.approx(before["fairness off", "nDCG@10"], abs=0.03)
