"""The estimators are unbiased: every examination that could happen, weighed by its probability."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.unbiased_relevance import clicks_over_expected, ips_relevance, unbiased_squared_error

rounds = st.lists(st.tuples(st.floats(0.05, 1.0), st.booleans()), min_size=1, max_size=6)


def outcomes(examination: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Every pattern of examined rounds with its probability."""
    patterns = [np.array(seen) for seen in product((0, 1), repeat=len(examination))]
    chances = [np.where(seen == 1, examination, 1 - examination).prod() for seen in patterns]
    return list(zip(chances, patterns, strict=True))


@settings(deadline=None)
@given(rounds)
def test_ips_is_unbiased(log: list[tuple[float, bool]]) -> None:
    examination, relevant = np.array([p for p, _ in log]), np.array([float(r) for _, r in log])
    mean = sum(
        chance * ips_relevance((seen * relevant)[:, None], examination[:, None])[0]
        for chance, seen in outcomes(examination)
    )
    assert mean == pytest.approx(relevant.mean(), abs=1e-9)


@settings(deadline=None)
@given(rounds, st.floats(0, 1))
def test_a_floor_only_ever_lowers_the_estimate(log: list[tuple[float, bool]], floor: float) -> None:
    examination, relevant = np.array([[p] for p, _ in log]), np.array([[float(r)] for _, r in log])
    assert ips_relevance(relevant, examination, floor)[0] <= ips_relevance(relevant, examination)[0]


@settings(deadline=None)
@given(rounds)
def test_clicks_over_expected_is_unbiased_for_constant_relevance(log: list[tuple[float, bool]]) -> None:
    examination = np.array([p for p, _ in log])
    mean = sum(
        chance * clicks_over_expected(seen[:, None], examination[:, None])[0] for chance, seen in outcomes(examination)
    )
    assert mean == pytest.approx(1.0, abs=1e-9)


@settings(deadline=None)
@given(rounds, st.floats(-1, 2), st.floats(-1, 2))
def test_the_loss_prefers_what_the_true_error_prefers(log: list[tuple[float, bool]], one: float, other: float) -> None:
    examination, relevant = np.array([p for p, _ in log]), np.array([float(r) for _, r in log])

    def expected(guess: float) -> float:
        guesses = np.full((len(log), 1), guess)
        return sum(
            chance * unbiased_squared_error(guesses, (seen * relevant)[:, None], examination[:, None])
            for chance, seen in outcomes(examination)
        )

    truth = np.mean((relevant - one) ** 2) - np.mean((relevant - other) ** 2)
    assert expected(one) - expected(other) == pytest.approx(truth, abs=1e-9)


def test_zero_propensities_and_other_clicks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"examination of shape \(1, 1\)"):
        ips_relevance([[1]], [[0.0]])
    with pytest.raises(ValueError, match=r"clicks must have shape \(1, 1\), got shape \(1, 2\)"):
        clicks_over_expected([[1, 0]], [[0.5]])
    with pytest.raises(ValueError, match="0 or 1"):
        unbiased_squared_error([[0.5]], [[0.5]], [[1.0]])
