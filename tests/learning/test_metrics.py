"""Metrics: agree with the well-known ones, and with their definitions at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as known_log_loss
from sklearn.metrics import roc_auc_score

from fairshot.core.arrays import Floats
from fairshot.learning.metrics import (
    auc,
    auc_error,
    calibration_error,
    calibration_noise,
    log_loss,
    paired_auc_difference,
)

rows = st.lists(st.tuples(st.booleans(), st.integers(0, 8), st.floats(0.125, 8)), min_size=2, max_size=60).filter(
    lambda found: len({truth for truth, _, _ in found}) == 2
)


def columns(found: list[tuple[bool, int, float]]) -> list[Floats]:
    return [np.array(column, dtype=float) for column in zip(*found, strict=True)]


@given(rows)
def test_auc_is_the_known_one_ties_and_weights_included(found):
    truth, predicted, weights = columns(found)
    assert auc(truth, predicted / 8, weights) == pytest.approx(
        roc_auc_score(truth, predicted / 8, sample_weight=weights), abs=1e-9
    )


@given(rows)
def test_auc_turns_round_with_the_predictions(found):
    truth, predicted, weights = columns(found)
    assert auc(truth, predicted, weights) == pytest.approx(1 - auc(truth, -predicted, weights))
    assert auc(truth, truth, weights) == 1.0
    assert auc(truth, np.zeros_like(truth), weights) == 0.5


@given(rows)
def test_log_loss_is_the_known_one(found):
    truth, predicted, weights = columns(found)
    p = (predicted + 0.5) / 9
    assert log_loss(truth, p, weights) == pytest.approx(known_log_loss(truth, p, sample_weight=weights))


def test_log_loss_of_a_certain_error_is_finite():
    assert np.isfinite(log_loss(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.ones(2)))


@given(rows, st.integers(0, 99))
def test_calibration_error_does_not_depend_on_the_order_of_examples(found, seed):
    truth, predicted, weights = columns(found)
    order = np.random.default_rng(seed).permutation(len(truth))
    one = calibration_error(truth, predicted / 8, weights)
    assert one == pytest.approx(calibration_error(truth[order], predicted[order] / 8, weights[order]))
    assert 0 <= one <= 1


def test_one_prediction_for_all_is_calibrated_when_it_is_the_rate():
    truth = np.r_[np.ones(30), np.zeros(70)]
    assert calibration_error(truth, np.full(100, 0.3), np.ones(100)) == pytest.approx(0, abs=1e-12)
    assert calibration_error(truth, np.full(100, 0.8), np.ones(100)) == pytest.approx(0.5)


def test_calibration_error_of_the_truth_is_small_and_of_a_shifted_one_the_shift():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.2, 0.6, 40_000)
    truth = (rng.random(40_000) < p).astype(float)
    assert calibration_error(truth, p, np.ones(40_000)) < 0.01
    assert calibration_error(truth, p + 0.2, np.ones(40_000)) == pytest.approx(0.2, abs=0.01)


def test_calibration_error_by_hand():
    truth, p = np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.9, 0.9])
    # Two bins: rate 1/2 against 0.1, rate 1 against 0.9; with weights, 3/4 of the first are negatives.
    assert calibration_error(truth, p, np.ones(4), bins=2) == pytest.approx((0.4 + 0.1) / 2)
    assert calibration_error(truth, p, np.array([3.0, 1.0, 2.0, 2.0]), bins=2) == pytest.approx((0.15 + 0.1) / 2)


# How far chance moves them


def drawn(seed: int, people: int = 60, each: int = 20) -> tuple[Floats, Floats, Floats]:
    """Truth, predictions without the person's own bent, and whose examples they are."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), each)
    odds = rng.normal(0, 1, len(person))
    bent = rng.normal(0, 1, people)[person]
    truth = (rng.random(len(person)) < 1 / (1 + np.exp(-(odds + bent - 1)))).astype(float)
    return truth, odds, person.astype(float)


def test_the_error_of_an_auc_is_how_far_it_varies_from_one_draw_of_people_to_the_next():
    found = [drawn(seed) for seed in range(300)]
    weights = [np.where(truth > 0, 1.0, 3.0) for truth, _, _ in found]
    told = [auc_error(*one[:2], w, one[2]) for one, w in zip(found, weights, strict=True)]
    actual = np.std([auc(*one[:2], w) for one, w in zip(found, weights, strict=True)])
    assert np.mean(told) == pytest.approx(actual, rel=0.15)


def test_the_error_without_groups_is_that_of_delong():
    """Their estimator by its definition: variances of the two sides' placements."""
    truth, odds, _ = drawn(0)
    better = (odds[truth == 1][:, None] > odds[truth == 0][None, :]).astype(float)
    expected = better.mean(1).var(ddof=1) / better.shape[0] + better.mean(0).var(ddof=1) / better.shape[1]
    assert auc_error(truth, odds, np.ones(len(truth))) == pytest.approx(np.sqrt(expected), rel=2e-3)


def test_a_paired_difference_is_surer_than_two_figures_apart():
    truth, odds, person = drawn(0)
    other = odds + np.random.default_rng(1).normal(0, 0.3, len(odds))
    weights = np.ones(len(truth))
    difference, error = paired_auc_difference(truth, odds, other, weights, person)
    assert difference == pytest.approx(auc(truth, odds, weights) - auc(truth, other, weights))
    assert error < 0.5 * auc_error(truth, odds, weights, person)
    assert paired_auc_difference(truth, odds, odds, weights, person) == (0.0, 0.0)


def test_a_paired_difference_lies_within_its_interval_as_often_as_it_says():
    inside = 0
    for seed in range(200):
        truth, odds, person = drawn(seed)
        rng = np.random.default_rng(seed + 1000)
        one, other = (odds + rng.normal(0, 0.5, len(odds)) for _ in range(2))
        difference, error = paired_auc_difference(truth, one, other, np.ones(len(truth)), person)
        inside += abs(difference) <= 1.96 * error
    assert 0.90 <= inside / 200 <= 0.99


def test_a_second_grouping_never_makes_surer_and_one_group_says_nothing():
    truth, odds, person = drawn(0)
    weights, item = np.ones(len(truth)), np.arange(len(truth)) % 7
    assert auc_error(truth, odds, weights, person, item) >= auc_error(truth, odds, weights, person)
    assert auc_error(truth, odds, weights, np.zeros(len(truth))) == np.inf
    assert calibration_noise(truth, odds, weights, np.zeros(len(truth))) == np.inf


def test_a_calibrated_model_exceeds_its_noise_in_one_of_twenty():
    beyond = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p = 1 / (1 + np.exp(-rng.normal(-1, 1, 600)))
        truth = (rng.random(600) < p).astype(float)
        person = np.repeat(np.arange(60), 10)
        beyond += calibration_error(truth, p, np.ones(600)) > calibration_noise(truth, p, np.ones(600), person)
    assert beyond <= 24
