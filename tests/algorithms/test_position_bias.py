import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fairshot.algorithms.position_bias import (
    click_table,
    em_examination,
    harvest_examination,
    swap_examination,
)

Floats = NDArray[np.float64]
TRUTH = 1 / np.log2(np.arange(2, 12))


def simulated(seed: int, impressions: int, steer: float = 0.0) -> tuple[Floats, Floats]:
    """Two rankers that disagree; `steer` ties rank to attraction, so naive rates per rank are biased."""
    rng = np.random.default_rng(seed)
    attraction = rng.beta(2, 6, 200)
    items = rng.integers(0, 200, impressions)
    preferred = np.argsort(np.argsort(-attraction)) // 20
    ranks = np.where(rng.random(impressions) < steer, preferred[items], rng.integers(0, 10, impressions))
    clicks = rng.random(impressions) < TRUTH[ranks] * attraction[items]
    return click_table(items, ranks, clicks, 200, 10)


@given(
    theta=st.lists(st.floats(0.05, 1.0), min_size=2, max_size=8),
    attraction=st.lists(st.floats(0.01, 0.9), min_size=2, max_size=6),
    seed=st.integers(0, 99),
)
@settings(max_examples=50, deadline=None)
def test_expected_clicks_give_the_truth_back(theta: list[float], attraction: list[float], seed: int) -> None:
    examination = np.array(theta) / max(theta)
    shown = np.random.default_rng(seed).integers(1, 50, (len(attraction), len(theta)))
    clicks = shown * np.outer(attraction, examination)
    relative = examination / examination[0]
    assert harvest_examination(clicks, shown, smooth=False) == pytest.approx(relative, rel=1e-4)


def test_em_gives_expected_clicks_back() -> None:
    shown = np.random.default_rng(0).integers(50, 500, (40, 10))
    attraction = np.linspace(0.05, 0.6, 40)
    found, attracted = em_examination(shown * np.outer(attraction, TRUTH), shown, tolerance=1e-9)
    assert found == pytest.approx(TRUTH, abs=2e-3)
    assert attracted == pytest.approx(attraction, abs=2e-3)


def test_estimators_see_through_rank_that_follows_attraction() -> None:
    clicks, shown = simulated(3, 200_000, steer=0.5)
    rate = clicks.sum(0) / shown.sum(0)
    assert np.abs(rate / rate[0] - TRUTH).max() > 0.15
    assert np.abs(harvest_examination(clicks, shown) - TRUTH).max() < 0.03
    assert np.abs(em_examination(clicks, shown)[0] - TRUTH).max() < 0.04


def test_smoothing_lowers_the_error_and_leaves_a_jagged_curve_alone() -> None:
    errors = {True: 0.0, False: 0.0}
    for seed in range(8):
        table = simulated(seed, 40_000)
        for smooth in errors:
            errors[smooth] += float(np.abs(harvest_examination(*table, smooth=smooth) - TRUTH).max())
    assert errors[True] < 0.8 * errors[False]
    jagged = np.array([1.0, 0.3, 0.9, 0.2, 0.8, 0.1])
    shown = np.full((50, 6), 2000.0)
    clicks = shown * np.outer(np.full(50, 0.3), jagged)
    assert harvest_examination(clicks, shown) == pytest.approx(jagged, rel=0.02)


def test_swaps_recover_examination_whatever_the_items_are() -> None:
    attraction = np.linspace(0.8, 0.05, 10)
    shown = np.zeros((10, 10))
    shown[:, 0], shown[0, :] = 1000.0, 1000.0
    shown[np.diag_indices(10)] = 9000.0
    clicks = shown * np.outer(attraction, TRUTH)
    assert swap_examination(clicks, shown) == pytest.approx(TRUTH)


def test_click_table_counts_each_row_once() -> None:
    rng = np.random.default_rng(0)
    clicks, shown = click_table(rng.integers(0, 3, 99), rng.integers(0, 4, 99), rng.random(99) < 0.3, 3, 4)
    assert shown.sum() == 99
    assert (clicks <= shown).all()


def test_bad_tables_are_refused() -> None:
    shown = np.full((3, 2), 5.0)
    for estimate in (harvest_examination, em_examination, swap_examination):
        with pytest.raises(ValueError, match=r"impressions.*\(3, 3\)"):
            estimate(shown, np.full((3, 3), 5.0))
        with pytest.raises(ValueError, match="exceed"):
            estimate(shown + 1, shown)
    for estimate in (harvest_examination, em_examination):
        with pytest.raises(ValueError, match="without any click"):
            estimate(shown * [1, 0], shown)
        with pytest.raises(ValueError, match="share no clicked item"):
            estimate(np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match="swapped"):
        swap_examination(np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match=r"clicks.*\(3, 2\)"):
        swap_examination(shown, shown)
    with pytest.raises(ValueError, match="ranks"):
        click_table([0], [2], [1], 1, 2)
