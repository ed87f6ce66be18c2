"""Engagement: the net finds what is there to find, and says probabilities whatever it is asked."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from fairshot.core.arrays import Floats
from fairshot.learning.engagement import EngagementModel, Taught, calibrate, fit_engagement
from fairshot.learning.metrics import auc, calibration_error


def fit(inputs: Floats, labels: Floats, weights: Floats | None = None, **more: int) -> EngagementModel:
    return fit_engagement(
        [f"f{n}" for n in range(inputs.shape[1])],
        [f"k{n}" for n in range(labels.shape[1])],
        Taught(
            inputs.astype(np.float32),
            labels.astype(np.float32),
            np.ones(len(inputs), np.float32) if weights is None else weights,
        ),
        hidden=[16, 8],
        epochs=more.get("epochs", 6),
        seed=more.get("seed", 0),
    )


def planted(n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Inputs of unlike scale, and two kinds of feedback drawn with probabilities that are logistic in them."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(n, 4))
    logits = np.stack([1.5 * raw[:, 0] - raw[:, 1] - 0.5, 2 * raw[:, 2] - 2], axis=1)
    truth = 1 / (1 + np.exp(-logits))
    return raw * [1, 1000, 0.01, 1] + [0, 5000, 0, 0], (rng.random(truth.shape) < truth).astype(float), truth


@pytest.fixture(scope="module")
def model() -> EngagementModel:
    inputs, labels, _ = planted(12_000, 0)
    return fit(inputs, labels, epochs=12)


def test_a_planted_truth_is_found_by_every_head(model):
    inputs, labels, truth = planted(6000, 1)
    predicted, ones = model.predict(inputs.astype(np.float32)), np.ones(6000)
    for head in range(2):
        best = auc(labels[:, head], truth[:, head], ones)
        assert auc(labels[:, head], predicted[:, head], ones) > best - 0.01
        assert calibration_error(labels[:, head], predicted[:, head], ones) < 0.03
        assert np.corrcoef(predicted[:, head], truth[:, head])[0, 1] > 0.97


def test_a_stored_model_predicts_the_same_bit_by_bit(model):
    tensors, description = model.dump()
    back = EngagementModel.load(load(save(tensors)), json.loads(json.dumps(description)))
    inputs = planted(500, 2)[0].astype(np.float32)
    assert back.predict(inputs).tobytes() == model.predict(inputs).tobytes()
    assert (back.features, back.kinds) == (model.features, model.kinds)


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=4, max_size=4), min_size=1, max_size=5))
def test_predictions_are_probabilities_whatever_is_asked(model, rows):
    predicted = model.predict(np.array(rows, dtype=np.float32))
    assert predicted.shape == (len(rows), 2)
    assert ((predicted >= 0) & (predicted <= 1)).all()


def test_beyond_the_range_that_was_taught_nothing_changes(model):
    low, high = model.bounds
    assert model.predict(low[None] - 1e6).tobytes() == model.predict(low[None]).tobytes()
    assert model.predict(high[None] + 1e6).tobytes() == model.predict(high[None]).tobytes()
    assert len(model.predict(low[None][:0])) == 0


def test_what_is_asked_is_not_changed(model):
    inputs = planted(50, 3)[0].astype(np.float32) * 100
    before = inputs.copy()
    model.predict(inputs)
    assert (inputs == before).all()


def test_the_same_examples_and_seed_give_the_same_model_bit_by_bit():
    inputs, labels, _ = planted(1500, 4)
    one, other, another = (fit(inputs, labels, epochs=2, seed=seed) for seed in (0, 0, 1))
    first, second, third = ({k: v.tobytes() for k, v in m.dump()[0].items()} for m in (one, other, another))
    assert first == second
    assert first != third


def test_weights_say_how_often_an_example_stands_for():
    """A negative that stands for ten pulls the base rate down as ten would."""
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(4000, 2))
    labels = (rng.random((4000, 1)) < 0.5).astype(float)
    weights = np.where(labels[:, 0] > 0, 1, 9).astype(np.float32)
    predicted = fit(inputs, labels, weights).predict(inputs.astype(np.float32))
    assert predicted.mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(("n", "constant", "label"), [(1, 0.0, 1.0), (6, -1e6, 0.0), (3, 1e-8, 1.0)])
def test_few_examples_constant_features_and_one_sided_labels_give_finite_models(n, constant, label):
    inputs = np.full((n, 2), constant)
    model = fit(inputs, np.full((n, 1), label), epochs=2)
    predicted = model.predict(np.array([[constant, constant], [1e30, -1e30]], dtype=np.float32))
    assert np.isfinite(predicted).all()
    assert (predicted[0] > 0.5).all() == (label == 1.0)
    for tensor in model.dump()[0].values():
        assert np.isfinite(tensor).all()


# Calibration and time in view


def test_calibration_mends_shifted_and_overconfident_heads(model):
    slope, shift = np.array([2.5, 0.6]), np.array([1.0, -1.0])
    spoilt = model.recalibrated(slope, shift)
    inputs, labels, _ = (part.astype(np.float32) for part in planted(6000, 6))
    mended = calibrate(spoilt, Taught(inputs, labels, np.ones(6000, np.float32)))
    inputs, labels, _ = (part.astype(np.float32) for part in planted(20_000, 7))
    ones = np.ones(20_000)
    for head in range(2):
        before, after = (calibration_error(labels[:, head], m.predict(inputs)[:, head], ones) for m in (spoilt, mended))
        assert after < 0.02 < before
        assert (
            np.argsort(mended.predict(inputs)[:200, head]).tolist()
            == np.argsort(spoilt.predict(inputs)[:200, head]).tolist()
        )


def test_few_examples_hardly_change_a_model(model):
    inputs, labels, _ = (part.astype(np.float32) for part in planted(3, 8))
    mended = calibrate(model, Taught(inputs, labels, np.ones(3, np.float32)))
    many = planted(500, 9)[0].astype(np.float32)
    assert np.abs(mended.predict(many) - model.predict(many)).max() < 0.15


def test_expected_seconds_in_view_are_right_in_the_mean_whatever_their_distribution():
    rng = np.random.default_rng(10)
    inputs = rng.normal(size=(20_000, 2)).astype(np.float32)
    mean = np.exp(1.5 + 0.8 * inputs[:, 0])
    seconds = (mean * rng.exponential(size=len(mean))).astype(np.float32)
    told = rng.random(len(mean)) < 0.5
    labels = (rng.random((len(mean), 1)) < 0.3).astype(np.float32)
    given = Taught(inputs, labels, np.ones(len(mean), np.float32), np.where(told, seconds, np.nan).astype(np.float32))
    model = fit_engagement(["a", "b"], ["like"], given, hidden=[16, 8], epochs=20)
    probabilities, expected = EngagementModel.load(*model.dump()).outcomes(inputs)
    assert expected is not None
    assert probabilities.shape == (len(mean), 1)
    assert expected.mean() == pytest.approx(mean.mean(), rel=0.1)
    assert np.corrcoef(np.log(expected), np.log(mean))[0, 1] > 0.97
    assert probabilities.mean() == pytest.approx(0.3, abs=0.03)


def test_expected_seconds_stay_within_hours_however_far_a_log_lies():
    """What was taught no further than that must not fill slates when features lie at their bounds."""
    layers = ((np.array([[1.0, 100.0]], np.float32), np.zeros(2, np.float32)),)
    model = EngagementModel(("a",), ("like",), np.array([[-9.0], [9.0]], np.float32), layers, dwells=True)
    probabilities, seconds = model.outcomes(np.array([[-9.0], [0.0], [9.0]], np.float32))
    assert seconds is not None
    assert seconds.tolist() == pytest.approx([0, 1, np.exp(10)], rel=1e-4, abs=1e-6)
    assert probabilities[:, 0].tolist() == sorted(probabilities[:, 0].tolist())
