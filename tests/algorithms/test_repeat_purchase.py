"""Repeat purchase: what is bought once stays hidden, what runs out returns in time, and priors are recovered."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms import repeat_purchase as rp

spans = st.floats(0.1, 500)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=30))
def test_repeat_probability_equals_counting(rows: list[tuple[int, int]]) -> None:
    found = rp.repeat_probability([n for n, _ in rows], [c for _, c in rows], categories=3)
    for category in range(3):
        counts = [n for n, c in rows if c == category and n >= 1]
        assert found[category] == (sum(n >= 2 for n in counts) / len(counts) if counts else 0)


@given(st.floats(-1, 5), st.floats(0.1, 2), st.floats(0, 1))
def test_weight_is_within_repeat_and_grows_with_time(mu: float, sigma: float, repeat: float) -> None:
    weight = rp.repurchase_weight(repeat, np.geomspace(1e-3, 1e5, 50), mu, sigma)
    assert np.all(np.diff(weight) >= 0)
    assert weight.max() <= repeat
    assert rp.repurchase_weight(repeat, 0.0, mu, sigma) == 0


def test_log_normal_is_recovered() -> None:
    mu, sigma = rp.fit_log_normal(np.random.default_rng(0).lognormal(3.0, 0.7, 20_000))
    assert mu == pytest.approx(3.0, abs=0.02)
    assert sigma == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 30.0), (0.6, 5.0)])
def test_gamma_prior_is_recovered(alpha: float, beta: float) -> None:
    rng = np.random.default_rng(1)
    time = rng.uniform(20, 200, 5000)
    found = rp.fit_gamma_prior(rng.poisson(time * rng.gamma(alpha, 1 / beta, 5000)), time)
    np.testing.assert_allclose(found, (alpha, beta), rtol=0.1)


@given(st.integers(0, 50), spans, spans, spans)
def test_rate_lies_between_the_buyer_and_everybody(count: int, time: float, alpha: float, beta: float) -> None:
    own, everybody = count / time, alpha / beta
    rate = rp.purchase_rate(count, time, (alpha, beta))
    assert min(own, everybody) - 1e-9 <= rate <= max(own, everybody) + 1e-9


@given(st.integers(1, 50), spans, spans)
def test_modified_rate_peaks_at_the_interval_and_joins_the_plain_rate(
    count: int, history: float, interval: float
) -> None:
    since = np.linspace(0, 4 * interval, 81)
    rate = rp.modified_purchase_rate(count, history, since, interval, (1.0, 10.0))
    assert rate.argmax() == 20
    assert np.all(np.diff(rate[:21]) >= 0)
    assert np.all(np.diff(rate[20:]) <= 0)
    plain = rp.purchase_rate(count, history + since, (1.0, 10.0))
    np.testing.assert_allclose(rate[40:], plain[40:])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rp.repeat_probability([1, 1], [0], 1), r"category .*\(1,\)"),
        (lambda: rp.repeat_probability([-1], [0], 1), r"purchases .*\(1,\)"),
        (lambda: rp.fit_log_normal([1.0]), r"intervals .*\(1,\)"),
        (lambda: rp.fit_log_normal([1.0, 0.0]), r"intervals .*\(2,\)"),
        (lambda: rp.interval_distribution([-1.0], 0.0, 1.0), r"elapsed .*\(1,\)"),
        (lambda: rp.interval_distribution(1.0, 0.0, 0.0), "sigma"),
        (lambda: rp.repurchase_weight(1.5, 1.0, 0.0, 1.0), "repeat"),
        (lambda: rp.purchase_rate(1, 1, (0.0, 1.0)), "prior"),
        (lambda: rp.modified_purchase_rate(1, 1, -1.0, 1, (1.0, 1.0)), "since"),
        (lambda: rp.fit_gamma_prior([0, 0], [1.0, 1.0]), r"purchases .*\(2,\)"),
        (lambda: rp.fit_gamma_prior([1], [0.0]), r"time .*\(1,\)"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
