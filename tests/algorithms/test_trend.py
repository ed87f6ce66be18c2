"""Expectation, rise and wear-out: exact under a steady flow, within their error rates under chance."""

from collections.abc import Callable

import numpy as np
import pytest

from fairshot.algorithms.trend import IMAGINED, Expected, expected_count, rise, steady_pace, worn_out

RNG = np.random.default_rng(0)


def test_a_steady_flow_is_what_both_expect() -> None:
    """Half-lives 1 and 14: a flow of 3 a day, exposures of 60, are sums in the proportion of the half-lives."""
    short, long = 1 / np.log(2), 14 / np.log(2)
    past, seen = 3 * (long - short), 60 * (long - short)
    by_exposure, by_time = expected_count(past, seen, 60 * short, 0.05, 1 / 13)
    assert by_exposure.mean == pytest.approx(3 * short)
    assert by_time.mean == pytest.approx(3 * short)
    assert by_time.variance == pytest.approx(3 * short + (3 * short) ** 2 / (past + IMAGINED * 0.05))


def test_a_steady_flow_since_its_beginning_is_expected_but_for_a_quiet_day() -> None:
    for age in (1.0, 5.0, 40.0):
        short, long = (h * (1 - 2 ** (-age / h)) for h in (1, 14))
        exact = steady_pace(age, 1.0, 14.0, quiet=0.0) * (long - short)
        assert exact == pytest.approx(short)
        assert steady_pace(age, 1.0, 14.0, quiet=1.0) * (long - short) < short


def test_without_a_past_everybodys_rate_is_expected() -> None:
    by_exposure, by_time = expected_count([0.0], [0.0], [100.0], 0.1, 1 / 13)
    assert by_exposure.mean == pytest.approx([10])
    assert by_time.mean == [0]
    assert by_time.variance == [0]


def test_chance_seldom_rises_or_wears_out() -> None:
    """Decayed sums of a steady flow, hour by hour over a hundred days, as the state keeps them."""
    ago = np.arange(0.5, 2400) / 24
    day, weeks = (np.exp2(-ago / half_life) for half_life in (1, 14))
    for hourly in (0.1, 1.0, 10.0):
        flow = RNG.poisson(hourly, (2000, len(ago)))
        count, past = flow @ day, flow @ (weeks - day)
        _, expected = expected_count(past, np.zeros(2000), np.zeros(2000), 0.0, 1 / 13)
        assert (rise(count, expected) > 0).mean() < 0.025
        assert worn_out(count, expected).mean() < 0.025
        assert (rise(3 * count, expected) > 0).mean() > (0.5 if hourly < 1 else 0.99)


def test_more_approval_never_rises_less() -> None:
    expected = Expected(np.full(50, 9.0), np.full(50, 11.0))
    assert (np.diff(rise(np.arange(50.0), expected)) >= 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: expected_count([-1.0], 1.0, 1.0, 1.0, 1.0), "past"),
        (lambda: expected_count(np.ones(2), np.ones(3), 1.0, 1.0, 1.0), "broadcast"),
        (lambda: rise([np.nan], Expected(np.ones(1), np.ones(1))), "count"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
