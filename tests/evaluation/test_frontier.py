"""The frontier: weights trade accuracy for exposure on the same models, and the picture is the same each time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.evaluation.worlds import NOW, SMALL, catalogue, tastes

from fairshot.app import App, open_app
from fairshot.config import FILE
from fairshot.core.errors import ConfigError
from fairshot.evaluation import evaluate
from fairshot.evaluation.exposure import LEAST_ITEMS
from fairshot.evaluation.frontier import DISCOUNTED, PIPELINE, Frontier, Point, frontier
from fairshot.evaluation.picture import draw


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder: Path = tmp_path_factory.mktemp("frontier")
    (folder / FILE).write_text(SMALL)
    with open_app(folder, clock=lambda: NOW) as app:
        app.ingest(tastes(), items=catalogue())
        yield app


@pytest.fixture(scope="module")
def swept(app: App) -> Frontier:
    return frontier(app, [42, 1], "fairness", [0.0, 10.0], k=5)


def test_weights_move_exposure_and_nothing_else_moves(app, swept):
    arms = {point.arm: point for point in swept.points}
    assert arms["fairness 0"].figures == arms["accuracy alone"].figures
    assert arms["fairness 10"].mean(LEAST_ITEMS) > arms["accuracy alone"].mean(LEAST_ITEMS)
    assert arms["fairness 10"].mean("nDCG@5") < arms["accuracy alone"].mean("nDCG@5")
    found = {(one.arm, one.name): one.value for one in evaluate(app, "random", seed=1, k=5, with_peers=True).figures}
    for arm in ("defaults", "popularity", "EASE", "implicit ALS", "implicit BM25"):
        assert arms[arm].figures["nDCG@5"][1] == found[arm, "nDCG@5"], arm
        assert arms[arm].figures[LEAST_ITEMS][1] == found[arm, LEAST_ITEMS], arm


def test_lines_are_ordered_and_read_between_their_points():
    def point(arm: str, line: str, share: float, value: float) -> Point:
        return Point(arm, line, {"nDCG@10": (value - 0.01, value + 0.01), LEAST_ITEMS: (share, share)})

    made = Frontier(
        seeds=(1, 2),
        k=10,
        term="t",
        data="d",
        config="c",
        points=(
            point("t 2", PIPELINE, 0.2, 0.4),
            point("t 1", PIPELINE, 0.1, 0.5),
            point("EASE", DISCOUNTED, 0.0, 0.3),
        ),
    )
    assert [p.arm for p in made.line(PIPELINE)] == ["t 1", "t 2"]
    assert made.accuracy_at(PIPELINE, 0.15) == pytest.approx(0.45)
    assert made.accuracy_at(PIPELINE, 0.05) is None
    assert made.accuracy_at("nobody", 0.05) is None
    assert made.points[0].deviation("nDCG@10") == pytest.approx(0.02 / 2**0.5)
    assert made.points[0].mean("nDCG@10") == pytest.approx(0.4)


def test_a_term_that_does_not_exist_is_said_before_anything_is_trained(app):
    with pytest.raises(ConfigError, match="fairnes"):
        frontier(app, [42], "fairnes", [1.0])


def test_the_picture_has_the_same_bytes_each_time(swept, tmp_path):
    draw(swept, tmp_path / "deep" / "a.png")
    draw(swept, tmp_path / "b.png")
    first = (tmp_path / "deep" / "a.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert first == (tmp_path / "b.png").read_bytes()


def test_the_document_says_what_it_answers(swept):
    document = swept.document()
    assert document["seeds"] == [42, 1]
    assert set(document) >= {"definition", "relevance", "data", "config", "term", "k", "points"}
    assert len(document["points"]) == len(swept.points)
