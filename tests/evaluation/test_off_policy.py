"""Off-policy: what was served is judged to be worth what it earned, and nothing is concluded from little."""

import itertools
import json
import math

import numpy as np
import pytest
from tests.evaluation.worlds import NOW, SMALL, catalogue, tastes

from fairshot.app import open_app
from fairshot.config import FILE
from fairshot.core.errors import FairshotError
from fairshot.evaluation import evaluate


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Sixty visits of thirty people, a tenth of the positions by lot, every second shown item liked."""
    folder = tmp_path_factory.mktemp("served")
    (folder / FILE).write_text(SMALL + "\n[blenders.random_slot]\nshare = 0.1\n[impressions]\ndays = 0.0\n")
    clock = itertools.count(NOW, 60_000_000)
    rng = np.random.default_rng(2)
    with open_app(folder, clock=lambda: next(clock)) as app:
        app.ingest(tastes(each=6), items=catalogue())
        for visit in range(4):
            for user in range(30):
                feed = app.feed(f"u{user}", 4)
                liked = [place for place in feed.slate if rng.random() < 0.5]
                app.ingest(
                    [
                        {
                            "event_id": f"{visit}/{user}/{place.position}",
                            "kind": "view",
                            "user_id": f"u{user}",
                            "item_id": place.item_id,
                            "exposure": place.exposure,
                        }
                        for place in liked
                    ]
                )
        yield evaluate(app, "off-policy")


def test_what_was_served_earned_what_the_log_says(report):
    (served,) = [one for one in report.figures if one.arm == "served"]
    # Four positions, half of them viewed; a view is worth .5.
    assert served.value == pytest.approx(4 * 0.5 * 0.5, abs=0.25)
    assert served.low is not None
    assert served.high is not None
    assert served.low < served.value < served.high
    assert report.people == 30
    assert "view 0.5 within 24 h" in report.relevance, "rewards of other weights are other rewards"


def test_every_arm_is_judged_by_every_estimator_and_doubts_stand_beside(report):
    arms = {"defaults", "fairness off"}
    assert {one.arm for one in report.differences} == arms
    assert {one.less for one in report.differences} == {"served"}
    assert {(doubt.arm, doubt.estimator) for doubt in report.doubts} == {
        (arm, estimator) for arm in arms for estimator in ("IIPS", "SNIPS", "DR", "PBM", "RIPS", "SIPS", "PI")
    }
    assert all(math.isfinite(doubt.support) for doubt in report.doubts)
    assert any(doubt.warnings for doubt in report.doubts), "thirty slates are too few to conclude from"
    assert len(report.document()["doubts"]) == len(report.doubts)


def test_a_log_without_slates_is_told(tmp_path):
    (tmp_path / FILE).write_text(SMALL)
    with open_app(tmp_path, clock=lambda: NOW) as app:
        app.ingest(tastes(), items=catalogue())
        with pytest.raises(FairshotError, match="slates that were served"):
            evaluate(app, "off-policy")


def test_a_single_person_gives_figures_without_intervals_and_valid_json(tmp_path):
    (tmp_path / FILE).write_text(SMALL)
    clock = itertools.count(NOW, 60_000_000)
    with open_app(tmp_path, clock=lambda: next(clock)) as app:
        app.ingest(tastes(), items=catalogue())
        for _ in range(8):
            app.feed("u0", 4)
        found = evaluate(app, "off-policy")
    assert found.people == 1
    assert all(one.low is None and one.high is None for one in found.figures)
    assert all(one.low is None and one.high is None for one in found.differences)
    json.dumps(found.document(), allow_nan=False)
    assert all("only 1 people: their intervals cannot be trusted" in doubt.warnings for doubt in found.doubts)
