"""The figures of fairness hold: on simulations everywhere, on the films where that data set is at hand."""

import os
from pathlib import Path

import numpy as np
import pytest

from fairshot.algorithms.exposure_disparity import group_totals, overall_disparity, received_per_merit
from fairshot.algorithms.fairco import fairco_error, fairco_order
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
    mean = {policy: fairco.simulate(policy, range(4), 1500).impact.mean() for policy in ("relevance", "impact")}
    assert mean["impact"] < 0.5 * mean["relevance"]


def test_fairco_simulated_side_by_side_is_the_algorithm_of_one_request() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 2, (5, 12))
    received, merit, scores = 100 * rng.random((5, 12)), rng.random((5, 12)), rng.random((5, 12))
    ratio = fairco.per_merit(received, merit, groups)
    order = np.argsort(-(scores + 0.01 * fairco.behind(ratio, groups)), axis=1, kind="stable")
    for trial in range(5):
        one, two = (group_totals(values[trial], groups[trial], 2) for values in (received, merit))
        np.testing.assert_array_equal(ratio[trial], received_per_merit(one, two))
        assert fairco.gap(ratio)[trial] == overall_disparity(one, two)
        np.testing.assert_array_equal(
            order[trial], fairco_order(scores[trial], groups[trial], fairco_error(one, two), 0.01)
        )


def test_a_trial_does_not_depend_on_its_company() -> None:
    alone, beside = fairco.simulate("impact", [2], 200), fairco.simulate("impact", [0, 1, 2], 200)
    np.testing.assert_allclose(alone.scaled_disparity[0], beside.scaled_disparity[2])


def test_missing_films_are_named() -> None:
    with pytest.raises(MissingData, match="fair-coldstart-ml1m"):
        mean_discounted_gain.figures(None)
