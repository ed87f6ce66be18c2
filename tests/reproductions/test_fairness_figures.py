"""The figures of fairness hold: on simulations everywhere, on the films where that data set is at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from fairshot.learning.fair_scores.scale import fit_scale
from fairshot.reproductions import fairco, fairrec, mean_discounted_gain
from fairshot.reproductions.figure import MissingData
from fairshot.reproductions.ml1m_cold_items import ColdItems, judge, load


@pytest.fixture(scope="module")
def data() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    found = Path(os.environ.get("FAIRSHOT_SCIENCE_DATA", beside))
    try:
        load(found)
    except MissingData as reason:
        pytest.skip(str(reason))
    return found


@pytest.fixture(scope="module")
def films(data: Path) -> ColdItems:
    return load(data)


def test_the_metric_is_the_published_one(data: Path) -> None:
    assert [figure.name for figure in mean_discounted_gain.figures(data) if not figure.holds] == []


def test_scale_lifts_the_worst_placed_films(films: ColdItems) -> None:
    scores, (train, held_out) = films.scores("Heater"), films.halves()
    both = np.concatenate((train, films.validation))
    model = fit_scale(scores[both], films.liked[both], np.random.default_rng(0), strength=4.0, epochs=40)
    before = judge(scores[held_out], films.liked[held_out])
    after = judge(model(scores[held_out]), films.liked[held_out])
    assert before.worst_tenth < 0.001
    assert after.worst_tenth > 0.005
    assert after.ndcg > 0.49


def test_the_parts_of_the_split_do_not_meet(films: ColdItems) -> None:
    train, held_out = films.halves()
    assert len(films.test) == 905
    assert len(films.validation) == 302
    assert not set(train) & set(held_out)
    assert not set(films.validation) & set(films.test)


def test_fairrec_keeps_both_guarantees() -> None:
    assert [figure.name for figure in fairrec.figures() if not figure.holds] == []


def test_fairco_controls_the_disparity_that_it_is_given() -> None:
    mean = {
        policy: np.mean([fairco.simulate(policy, seed, 1500).impact for seed in range(4)])
        for policy in ("relevance", "impact")
    }
    assert mean["impact"] < 0.5 * mean["relevance"]


def test_missing_films_are_named() -> None:
    with pytest.raises(MissingData, match="fair-coldstart-ml1m"):
        mean_discounted_gain.figures(None)
