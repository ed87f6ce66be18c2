import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from fairshot.algorithms.doubly_robust import cross_fitted_outcomes, doubly_robust_outcomes
from fairshot.algorithms.regression import ridge
from fairshot.algorithms.uplift import auuc, auuc_gain, qini, rate, uplift_band, uplift_curve

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def confounded(seed: int, n: int, effect: float = 1.0) -> tuple[Floats, Floats, Bools, Floats, Floats]:
    """The ranker shows what it scores high, and high scores would be played anyway."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    propensity = expit(1.2 * x[:, 0])
    treated = rng.random(n) < propensity
    truth = effect * (0.3 + 0.4 * x[:, 1])
    outcome = 0.8 * x[:, 0] + truth * treated + rng.normal(size=n) * 0.5
    return x, outcome, treated, propensity, truth


def test_confounding_fools_the_difference_and_not_the_doubly_robust_mean() -> None:
    x, outcome, treated, propensity, truth = confounded(0, 6000)
    naive = outcome[treated].mean() - outcome[~treated].mean()
    assert naive - truth.mean() > 0.5
    for known in (propensity, None):
        psi = cross_fitted_outcomes(x, outcome, treated, np.random.default_rng(1), propensity=known)
        assert abs(psi.mean() - truth.mean()) < 2.5 * psi.std() / np.sqrt(len(psi))


def test_doubly_robust_survives_one_wrong_part_and_not_two() -> None:
    _, outcome, treated, propensity, truth = confounded(2, 200_000)
    x = confounded(2, 200_000)[0]
    good1, good0 = 0.8 * x[:, 0] + truth, 0.8 * x[:, 0]
    bad, half = np.zeros(len(x)), np.full(len(x), 0.5)

    def error(e: Floats, m1: Floats, m0: Floats) -> float:
        return abs(float(doubly_robust_outcomes(outcome, treated, e, m1, m0, trim=1e-4).mean() - truth.mean()))

    assert error(propensity, bad, bad) < 0.02
    assert error(half, good1, good0) < 0.02
    assert error(half, bad, bad) > 0.5


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_pseudo_outcomes_are_unbiased_by_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    e, y1, y0 = rng.uniform(0.05, 0.95, 4), rng.normal(size=4), rng.normal(size=4)
    model1, model0 = rng.normal(size=4), rng.normal(size=4)
    shown, hidden = np.ones(4, bool), np.zeros(4, bool)
    mean = e * doubly_robust_outcomes(y1, shown, e, model1, model0)
    mean += (1 - e) * doubly_robust_outcomes(y0, hidden, e, model1, model0)
    assert mean == pytest.approx(y1 - y0)


def test_ranking_by_estimated_effect_beats_ranking_by_base_score() -> None:
    x, outcome, treated, _, _ = confounded(3, 4000)
    psi = cross_fitted_outcomes(x, outcome, treated, np.random.default_rng(0))
    effect = ridge(x, psi)
    rng = np.random.default_rng(4)
    new = rng.normal(size=(4000, 3))
    shown = rng.random(4000) < 0.5
    gains = 0.8 * new[:, 0] + (0.3 + 0.4 * new[:, 1]) * shown + rng.normal(size=4000) * 0.5
    assert auuc(effect(new), gains, shown) > auuc(new[:, 0], gains, shown) + 0.05
    assert qini(effect(new), gains, shown) > qini(new[:, 0], gains, shown) + 0.02
    held_out = cross_fitted_outcomes(new, gains, shown, rng, propensity=np.full(4000, 0.5))
    for weighting in ("autoc", "qini"):
        assert rate(effect(new), held_out, rng, weighting=weighting).interval()[0] > 0


def test_rate_of_a_ranking_without_information_covers_zero() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        low, high = rate(rng.normal(size=300), rng.normal(size=300), rng, samples=100).interval()
        covered += low <= 0 <= high
    assert covered >= 52


def test_placebo_treatment_has_no_effect() -> None:
    x, outcome, treated, _, _ = confounded(5, 4000, effect=0.0)
    placebo = np.random.default_rng(6).random(4000) < 0.5
    for given_treatment in (treated, placebo):
        psi = cross_fitted_outcomes(x, outcome, given_treatment, np.random.default_rng(7))
        assert abs(psi.mean()) < 3 * psi.std() / np.sqrt(len(psi))


def test_curve_ends_at_the_average_effect_and_random_is_half() -> None:
    rng = np.random.default_rng(8)
    treated = rng.random(20_000) < 0.5
    outcome = 0.4 * treated + rng.normal(size=20_000)
    curve = uplift_curve(rng.random(20_000), outcome, treated)
    effect = outcome[treated].mean() - outcome[~treated].mean()
    assert curve[-1] == pytest.approx(effect)
    assert curve.mean() == pytest.approx(effect / 2, abs=0.02)
    assert qini(rng.random(20_000), outcome, treated) == pytest.approx(0, abs=0.01)


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_rate_sees_ranks_only_and_ties_by_their_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, psi = rng.integers(0, 4, 40).astype(float), rng.normal(size=40)
    order = rng.permutation(40)
    one = rate(scores, psi, np.random.default_rng(0), samples=2).value
    assert rate(np.exp(scores[order]), psi[order], np.random.default_rng(0), samples=2).value == pytest.approx(one)
    assert rate(np.ones(40), psi, rng, samples=2).value == pytest.approx(0)


def test_bad_input_names_the_argument() -> None:
    yes = np.array([True, False])
    with pytest.raises(ValueError, match=r"propensity.*\(2,\)"):
        doubly_robust_outcomes([1, 0], yes, [0.5, 1.5], [0, 0], [0, 0])
    with pytest.raises(ValueError, match="treated"):
        doubly_robust_outcomes([1, 0], [1, 0], [0.5, 0.5], [0, 0], [0, 0])
    with pytest.raises(ValueError, match="trim"):
        doubly_robust_outcomes([1, 0], yes, [0.5, 0.5], [0, 0], [0, 0], trim=0)
    with pytest.raises(ValueError, match="folds"):
        cross_fitted_outcomes(np.ones((2, 1)), [1, 0], yes, np.random.default_rng(0), folds=3)
    with pytest.raises(ValueError, match="treated"):
        cross_fitted_outcomes(np.ones((2, 1)), [1, 0], yes, np.random.default_rng(0), folds=2)
    with pytest.raises(ValueError, match="treated"):
        auuc([1, 2], [1, 0], np.array([True, True]))
    with pytest.raises(ValueError, match=r"scores.*\(0,\)"):
        qini([], [], np.array([], bool))
    with pytest.raises(ValueError, match="weighting"):
        rate(np.ones(9), np.ones(9), np.random.default_rng(0), weighting="x")
    with pytest.raises(ValueError, match="four"):
        rate(np.ones(3), np.ones(3), np.random.default_rng(0))


def test_the_gain_over_a_base_ranking_is_the_difference_of_areas_and_knows_its_error() -> None:
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        effect = rng.normal(size=800)
        psi = effect + rng.normal(size=800) * 2
        scores, base = effect + rng.normal(size=800), rng.normal(size=800)
        found = auuc_gain(scores, base, psi, rng, samples=100)
        # corr(score, effect) = sqrt(.5); the area above chance of a normal effect is that times 1 / (2 sqrt(pi)).
        low, high = found.interval()
        covered += low <= 0.5**0.5 / (2 * np.pi**0.5) <= high
    assert covered >= 51
    same = auuc_gain(psi, psi, psi, np.random.default_rng(0), samples=2)
    assert (same.value, same.standard_error) == (0, 0)
    curves = [uplift_band(s, psi, rng, shares=np.arange(1, 801) / 800, samples=2).gain.mean() for s in (scores, base)]
    assert found.value == pytest.approx(curves[0] - curves[1], abs=2e-3)


def test_a_band_holds_the_curve_as_often_as_it_says_and_groups_widen_it() -> None:
    """The average effect is 1; people differ by as much as their 20 units do together."""
    covered = np.zeros(2)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        person = np.repeat(np.arange(50), 20)
        psi = 1 + rng.normal(size=50)[person] + rng.normal(size=1000)
        for n, groups in enumerate((person, None)):
            band = uplift_band(rng.random(1000), psi, rng, shares=[0.5, 1.0], groups=groups, samples=100)
            covered[n] += band.low[1] <= 1 <= band.high[1]
    assert covered[0] >= 87
    assert covered[1] < 65


def test_weights_count_units_as_copies() -> None:
    rng = np.random.default_rng(1)
    scores, psi = rng.normal(size=60), rng.normal(size=60)
    weights = rng.integers(1, 4, 60)
    copies = np.repeat(np.arange(60), weights)
    one, other = (
        uplift_band(scores, psi, rng, weights=weights, shares=[0, 0.3, 1], samples=2),
        uplift_band(scores[copies], psi[copies], rng, shares=[0, 0.3, 1], samples=2),
    )
    np.testing.assert_allclose(one.gain, other.gain, atol=1e-12)


def test_groups_widen_the_error_of_a_rate() -> None:
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(40), 25)
    trait = rng.normal(size=40)[person]
    psi = rng.normal(size=40)[person] + rng.normal(size=1000) * 0.1
    alone, together = (rate(trait, psi, np.random.default_rng(0), groups=g).standard_error for g in (None, person))
    assert together > 2.5 * alone


def test_bad_bands_are_refused_by_name() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="shares"):
        uplift_band(np.ones(9), np.ones(9), rng, shares=[0, 2])
    with pytest.raises(ValueError, match="confidence"):
        uplift_band(np.ones(9), np.ones(9), rng, confidence=2)
    with pytest.raises(ValueError, match=r"groups.*\(8,\)"):
        uplift_band(np.ones(9), np.ones(9), rng, groups=np.ones(8))
    with pytest.raises(ValueError, match="base"):
        auuc_gain(np.ones(9), np.ones(8), np.ones(9), rng)
