import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.algorithms.click_models import (
    attraction_information,
    cascade_examination,
    dcm_examination,
    fit_cascade,
    fit_dcm,
    reach,
    trust_click_rate,
    trust_corrected,
)

probabilities = st.floats(0, 1)


@given(st.lists(st.tuples(probabilities, probabilities), min_size=1, max_size=5))
def test_examination_by_enumeration_of_every_session(ranks: list[tuple[float, float]]) -> None:
    attraction = np.array([a for a, _ in ranks])
    continuation = np.array([c for _, c in ranks])
    looked = np.zeros(len(ranks))
    for session in itertools.product((0, 1), repeat=2 * len(ranks)):
        clicks, goes_on = session[: len(ranks)], session[len(ranks) :]
        chance = np.prod(np.where(clicks, attraction, 1 - attraction))
        chance *= np.prod(np.where(goes_on, continuation, 1 - continuation))
        for k in range(len(ranks)):
            looked[k] += chance
            if clicks[k] and not goes_on[k]:
                break
    assert dcm_examination(attraction[None], continuation)[0] == pytest.approx(looked)


def test_cascade_is_dcm_that_stops_and_dcm_that_goes_on_sees_all() -> None:
    attraction = np.random.default_rng(0).random((5, 4))
    assert (cascade_examination(attraction) == dcm_examination(attraction, np.zeros(4))).all()
    assert (dcm_examination(attraction, np.ones(4)) == 1).all()


def sessions(seed: int, n: int, continuation: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    attraction = np.linspace(0.1, 0.6, 12)
    items = np.array([rng.permutation(12)[: len(continuation)] for _ in range(n)])
    clicks = rng.random(items.shape) < attraction[items]
    stops = clicks & (rng.random(items.shape) >= continuation)
    looked = np.cumsum(stops, axis=1) - stops == 0
    return attraction, items, clicks & looked


def test_cascade_fit_recovers_attraction_where_rates_do_not() -> None:
    attraction, items, clicks = sessions(0, 20_000, [0.0] * 6)
    found = fit_cascade(items, clicks, 12)
    naive = np.bincount(items[clicks], minlength=12) / np.bincount(items.ravel(), minlength=12)
    assert np.abs(found - attraction).max() < 0.02
    assert np.abs(naive - attraction).max() > 0.15


def test_dcm_fit_is_close_and_its_continuation_is_low_as_documented() -> None:
    continuation = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    attraction, items, clicks = sessions(1, 20_000, continuation)
    found, go_on = fit_dcm(items, clicks, 12)
    assert np.abs(found - attraction).max() < 0.12
    assert (go_on[:-1] <= np.array(continuation)[:-1] + 0.02).all()
    assert np.isnan(go_on[-1])
    assert (found - attraction).mean() == pytest.approx(0.06, abs=0.01)


def test_items_never_looked_at_are_nan() -> None:
    found = fit_cascade([[0, 1]], np.array([[True, False]]), 3)
    assert found[0] == 1
    assert np.isnan(found[1:]).all()


@given(relevance=st.floats(0, 1), looked=st.floats(0.05, 1), trust=st.floats(0.5, 1), mistrust=st.floats(0, 0.4))
def test_affine_correction_is_unbiased(relevance: float, looked: float, trust: float, mistrust: float) -> None:
    rate = trust_click_rate([[relevance]], [looked], [trust], [mistrust])[0, 0]
    estimate = trust_corrected([[1.0], [0.0]], [looked], [trust], [mistrust])[:, 0]
    assert rate * estimate[0] + (1 - rate) * estimate[1] == pytest.approx(relevance, abs=1e-9)


def test_ips_alone_is_biased_under_trust() -> None:
    rate = trust_click_rate([[0.0, 0.0]], [1.0, 0.5], [0.9, 0.9], [0.3, 0.1])
    assert (rate / np.array([1.0, 0.5])).ravel() == pytest.approx([0.3, 0.1])


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30))
def test_reach_falls_from_one(depths: list[int]) -> None:
    found = reach(depths, 10)
    assert found[0] == 1
    assert (np.diff(found) <= 0).all()


def test_information_is_examination_over_attraction_for_rare_clicks() -> None:
    looked = 1 / np.log2(np.array([2.0, 101.0]))
    top, deep = attraction_information(looked, 1e-4)
    assert top / deep == pytest.approx(np.log2(101), rel=1e-3)


def test_bad_input_names_the_argument() -> None:
    with pytest.raises(ValueError, match=r"attraction.*\(1, 2\)"):
        cascade_examination([[0.5, 1.5]])
    with pytest.raises(ValueError, match=r"continuation.*\(3,\)"):
        dcm_examination([[0.5, 0.5]], [0.1, 0.1, 0.1])
    with pytest.raises(ValueError, match=r"items.*\(1, 1\)"):
        fit_cascade([[0]], np.array([[True, False]]), 1)
    with pytest.raises(ValueError, match="items"):
        fit_dcm([[0, 5]], np.array([[True, False]]), 2)
    with pytest.raises(ValueError, match="clicks"):
        fit_dcm([[0, 1]], [[1, 0]], 2)
    with pytest.raises(ValueError, match="examination"):
        trust_corrected([[1.0]], [0.0], [0.9], [0.1])
    with pytest.raises(ValueError, match="trust"):
        trust_corrected([[1.0]], [0.5], [0.1], [0.1])
    with pytest.raises(ValueError, match="depths"):
        reach([0, 1], 3)
    with pytest.raises(ValueError, match="depths"):
        reach([], 3)
    with pytest.raises(ValueError, match="attraction"):
        attraction_information([1.0], 0.0)
