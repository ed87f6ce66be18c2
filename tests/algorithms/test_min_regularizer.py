"""The minimum regulariser is plain ranking at strength 0 and even exposure when strong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms.min_regularizer import min_regularizer, provider_deficit


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 5)), min_size=1, max_size=6))
def test_deficits_are_zero_for_the_best_served_only(log: list[tuple[float, float]]) -> None:
    positions, weight = np.array(log).T
    deficit = provider_deficit(positions, weight)
    assert deficit.min() == 0
    assert deficit.argmin() == (positions / weight).argmax()


def test_strength_moves_from_plain_ranking_to_even_exposure() -> None:
    rng = np.random.default_rng(0)
    owner = np.repeat([0, 1], 5)
    scores = rng.random((300, 10)) + np.where(owner == 0, 0.5, 0.0)
    least = []
    for strength in (0.0, 0.3, 100.0):
        slates = min_regularizer(scores, owner, [1.0, 1.0], 2, strength=strength)
        least.append(float((owner[slates] == 1).mean()))
    assert least[0] == pytest.approx((owner[np.argsort(-scores, axis=1)[:, :2]] == 1).mean())
    assert least[0] < least[1] < least[2]
    assert least[2] == pytest.approx(0.5, abs=0.02)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weight of shape \(2,\) must be positive"):
        provider_deficit([1.0, 1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="k must lie within"):
        min_regularizer(np.ones((1, 2)), [0, 1], [1.0, 1.0], 3)
