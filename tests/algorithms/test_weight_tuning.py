"""Tuning of weights: the gradient, its errors, the step, and the search."""

import numpy as np
import pytest

from fairshot.algorithms.arguments import Floats, Ints
from fairshot.algorithms.weight_tuning import (
    LARGEST_STEP,
    Response,
    Search,
    estimate_response,
    propose_step,
    search_step,
)
from fairshot.reproductions import tuning


def log(people: int = 400, curvature: Floats | None = None, own: float = 0.5) -> tuple[Floats, Floats, Ints, Ints]:
    """Outcomes of a quadratic in the factors, with an effect of each person and each day's own."""
    rng = np.random.default_rng(0)
    person, day = np.repeat(np.arange(people), 5), np.tile(np.arange(5), people)
    z = rng.normal(0, 0.3, (len(person), 3))
    y = (
        z @ np.array([0.2, 0.0, -0.1])
        + own * rng.normal(size=people)[person]
        + 3.0 * day
        + 0.2 * rng.normal(size=len(z))
    )
    return z, y if curvature is None else y + np.einsum("ni,ij,nj->n", z, curvature, z) / 2, person, day


def test_slope_and_curvature_are_found():
    true = np.array([[-1.0, 0.5, 0.0], [0.5, -1.0, 0.0], [0.0, 0.0, 0.0]])
    found = estimate_response(*log(people=4_000, curvature=true, own=0.1))
    np.testing.assert_allclose(found.slope, [0.2, 0.0, -0.1], atol=0.02)
    np.testing.assert_allclose(found.curvature, true, atol=0.1)


def test_errors_cover_the_truth_when_people_differ():
    """Factors that were held over a person's days would look certain if their days were taken as independent."""
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        person, day = np.repeat(np.arange(100), 10), np.tile(np.arange(10), 100)
        z = rng.normal(0, 0.3, (100, 1))[person] + 0.01 * rng.normal(size=(1000, 1))
        y = 0.5 * z[:, 0] + rng.normal(size=100)[person] + 0.1 * rng.normal(size=1000)
        found = propose_step(estimate_response(z, y, person, day))
        inside += bool(found.low[0] <= 0.5 <= found.high[0])
    assert 0.9 <= inside / 200 <= 0.99


def test_days_are_compared_within_themselves():
    z, y, person, day = log(people=300)
    shifted = y + 1e3 * (day**2)
    np.testing.assert_allclose(
        estimate_response(z, y, person, day).slope, estimate_response(z, shifted, person, day).slope, atol=1e-8
    )


def test_only_what_is_certain_moves_and_by_a_quarter_at_most():
    found = propose_step(estimate_response(*log()))
    assert found.step[1] == 0
    assert found.step[0] == pytest.approx(LARGEST_STEP)
    assert found.step[2] == pytest.approx(-LARGEST_STEP)
    assert found.gain_low < found.gain < found.gain_high
    assert found.gain == pytest.approx(0.3 * LARGEST_STEP, rel=0.3)


def test_curvature_stops_the_step_at_the_maximum():
    sure = Response(np.array([0.1, 0.1]), np.array([[-1.0, 0.0], [0.0, -4.0]]), np.eye(5) * 1e-8, 5_000, 0.0)
    np.testing.assert_allclose(propose_step(sure).step, [0.1, 0.025], atol=1e-3)


def test_weights_of_which_only_the_ratio_counts_do_not_overshoot():
    """The measure depends on z_1 - z_2 alone, best at .1: each would go .1 if it did not know of the other."""
    ratio = np.array([[-1.0, 1.0], [1.0, -1.0]])
    found = propose_step(Response(np.array([0.1, -0.1]), ratio, np.eye(5) * 1e-8, 5_000, 0.0))
    assert found.step[0] - found.step[1] == pytest.approx(0.1, abs=1e-3)


def test_nothing_is_proposed_where_nothing_is_planted():
    """Nominally one log in twenty; 100 logs give more than ten of them in 1 % of all such tests."""
    assert sum(tuning.nothing_planted(seed) for seed in range(100)) <= 10


def test_planted_weights_are_found_from_logs():
    weights = tuning.tuned(seed=11)
    assert tuning.closed(weights, 11) >= 0.8
    like = weights[1]
    assert weights[2] / like == pytest.approx(3.0, rel=0.5)
    assert -weights[3] / like == pytest.approx(3.0, rel=0.5)
    assert weights[0] / like < 0.75


def test_the_search_finds_a_noisy_maximum_and_leaves_alone_what_does_not_matter():
    def measure(step, run):
        noise = np.random.default_rng(run).normal()
        return float(1 - (step[0] - 0.8) ** 2 - (step[1] + 0.5) ** 2 + noise)

    found = search_step(measure, 3, np.random.default_rng(0), Search(generations=15))
    np.testing.assert_allclose(found.step, [0.8, -0.5, 0.0], atol=0.15)
    assert found.step[2] == 0
    assert found.gain == pytest.approx(0.89, abs=0.05)


def test_the_search_proposes_nothing_where_there_is_only_noise():
    def measure(step, run):
        return float(np.random.default_rng([run, *np.abs(step * 1e6).astype(int)]).normal())

    proposed = sum(
        search_step(measure, 3, np.random.default_rng(n), Search(generations=3)).step.any() for n in range(40)
    )
    assert proposed <= 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factors": np.ones(3)}, "factors"),
        ({"outcome": np.ones(2)}, "outcome"),
        ({"outcome": np.full(30, np.nan)}, "outcome"),
        ({"person": np.zeros(30)}, "person"),
        ({"person": np.zeros(30, int)}, "too few people"),
        ({"day": np.arange(30)}, "too few people"),
    ],
)
def test_what_cannot_be_estimated_is_refused(change, words):
    rng = np.random.default_rng(0)
    given = {"factors": rng.normal(size=(30, 2)), "outcome": rng.normal(size=30)}
    given |= {"person": np.arange(30), "day": np.zeros(30, int)} | change
    with pytest.raises(ValueError, match=words):
        estimate_response(**given)


def test_columns_that_are_alike_or_constant_are_no_error():
    z, y, person, day = log(people=200)
    z = np.stack([z[:, 0], z[:, 0], np.full(len(z), 2.0)], axis=1)
    found = propose_step(estimate_response(z, y, person, day))
    assert np.isfinite(found.step).all()
    assert found.step[2] == 0
