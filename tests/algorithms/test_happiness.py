"""Laws of the concave families: normalised, increasing, concave, and each marginal is the derivative."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import happiness as hp
from fairshot.algorithms.arguments import Floats

FAMILIES = [
    (hp.log_happiness, hp.marginal_happiness, 20.0),
    (hp.power_happiness, hp.marginal_power_happiness, 0.3),
    (hp.capped_happiness, hp.marginal_capped_happiness, 15.5),
]
Family = Callable[[object, float], Floats]


@pytest.mark.parametrize(("total", "marginal", "parameter"), FAMILIES)
def test_normalised_increasing_concave(total: Family, marginal: Family, parameter: float) -> None:
    likes = np.arange(200.0)
    assert total(0.0, parameter) == 0
    assert marginal(0.0, parameter) == 1
    gains = np.diff(total(likes, parameter))
    assert np.all(gains >= 0)
    assert np.all(np.diff(gains) <= 1e-12)
    assert np.all(np.diff(marginal(likes, parameter)) <= 0)


@pytest.mark.parametrize(("total", "marginal", "parameter"), FAMILIES)
@given(likes=st.integers(1, 10_000))
def test_marginal_is_the_derivative(total: Family, marginal: Family, parameter: float, likes: int) -> None:
    step = 1e-3
    slope = (total(likes + step, parameter) - total(likes - step, parameter)) / (2 * step)
    assert slope == pytest.approx(float(marginal(likes, parameter)), abs=1e-6)


@given(half=st.floats(1e-3, 1e6))
def test_one_like_at_half_is_worth_one_half(half: float) -> None:
    assert hp.marginal_happiness(half, half) == pytest.approx(0.5)


def test_greedy_on_log_happiness_equalises_and_linear_does_not() -> None:
    """Equal chances: proportional fairness spreads the likes, plain counting gives all to the first."""
    concave, linear = np.zeros(5), np.zeros(5)
    for _ in range(100):
        concave[np.argmax(hp.marginal_happiness(concave, 5.0))] += 1
        linear[np.argmax(hp.marginal_power_happiness(linear, 1.0))] += 1
    assert np.array_equal(concave, np.full(5, 20.0))
    assert np.array_equal(linear, [100, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hp.marginal_happiness([1.0, -1.0], 5.0), r"likes .*\(2,\)"),
        (lambda: hp.marginal_happiness([np.nan], 5.0), r"likes .*\(1,\)"),
        (lambda: hp.log_happiness(1.0, 0.0), "half"),
        (lambda: hp.power_happiness(1.0, 1.5), "exponent"),
        (lambda: hp.marginal_capped_happiness(1.0, -2.0), "cap"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
