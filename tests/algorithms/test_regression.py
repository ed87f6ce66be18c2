import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from fairshot.algorithms.regression import logistic, ridge


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_whole_weights_are_copies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, new = rng.normal(size=(30, 2)), rng.normal(size=(5, 2))
    y = x[:, 0] + rng.normal(size=30)
    answer = (y > 0).astype(float)
    weights = rng.integers(0, 4, 30)
    weights[:2] = 1
    copies = np.repeat(np.arange(30), weights)
    # The mean weight of used units is that of copies only up to the number of units: without a penalty none matters.
    one = ridge(x, y, weights, penalty=0.0)(new)
    np.testing.assert_allclose(one, ridge(x[copies], y[copies], penalty=0.0)(new), atol=1e-8)
    if 0 < answer[copies].mean() < 1:
        share = 30 / len(copies)
        probability = logistic(x, answer, weights, penalty=1.0 * share)(new)
        np.testing.assert_allclose(probability, logistic(x[copies], answer[copies], penalty=1.0)(new), atol=1e-6)


def test_a_planted_probability_is_found() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50_000, 2))
    truth = expit(-1 + 1.5 * x[:, 0])
    predict = logistic(x * [1000, 1] + [5000, 0], (rng.random(50_000) < truth).astype(float))
    assert np.abs(predict(x * [1000, 1] + [5000, 0]) - truth).max() < 0.03


def test_perfectly_separated_answers_and_constant_columns_stay_finite() -> None:
    x = np.column_stack([np.arange(40.0), np.full(40, 0.1), np.full(40, 1e9)])
    answer = (x[:, 0] >= 20).astype(float)
    probability = logistic(x, answer)(x)
    assert np.isfinite(probability).all()
    assert ((probability > 0.5) == (answer > 0)).all()
    np.testing.assert_allclose(ridge(x, x[:, 0], penalty=0.0)(x), x[:, 0], atol=1e-9)


@pytest.mark.parametrize("weights", [[-1.0, 1.0], [0.0, 0.0], [1.0], [np.nan, 1.0]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    for fit in (ridge, logistic):
        with pytest.raises(ValueError, match="weights"):
            fit(np.ones((2, 1)), np.array([0.0, 1.0]), weights)
