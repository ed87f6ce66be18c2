import numpy as np
import pytest
from scipy.special import expit

from fairshot.algorithms.doubly_robust import (
    cross_fitted,
    doubly_robust_outcomes,
    mean_effect,
    standardised_differences,
)


def test_known_propensities_are_kept_and_unknown_ones_learned_from_the_unknown_alone() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8000, 1))
    lot = rng.random(8000) < 0.5
    shown = rng.random(8000) < np.where(lot, 0.9, expit(x[:, 0]))
    known = np.where(lot, 0.9, np.nan)
    found = cross_fitted(x, x[:, 0], shown, np.arange(8000) % 4, propensity=known)
    assert (found.propensity[lot] == 0.9).all()
    assert np.abs(found.propensity - expit(x[:, 0]))[~lot].max() < 0.1


def test_no_model_sees_the_fold_that_it_speaks_of() -> None:
    rng = np.random.default_rng(1)
    x, t, fold = rng.normal(size=(60, 2)), np.arange(60) % 2 == 0, np.arange(60) // 12
    y = rng.normal(size=60)
    before = cross_fitted(x, y, t, fold)
    changed = y.copy()
    changed[fold == 2] += 100
    after = cross_fitted(x, changed, t, fold)
    own = fold == 2
    np.testing.assert_array_equal(after.treated[own], before.treated[own])
    np.testing.assert_array_equal(after.control[own], before.control[own])
    assert (after.treated[~own] != before.treated[~own]).all()


def test_units_of_a_person_are_not_counted_as_so_many_persons() -> None:
    """Coverage of the interval where people differ: 95 % with groups, far less without."""
    covered = np.zeros(2)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        person = np.repeat(np.arange(60), 20)
        psi = 1 + rng.normal(size=60)[person] + rng.normal(size=1200)
        for n, groups in enumerate((person, None)):
            low, high = mean_effect(psi, groups=groups).interval()
            covered[n] += low <= 1 <= high
    assert covered[0] >= 180
    assert covered[1] < 120


def test_one_unit_a_group_and_equal_weights_are_the_plain_standard_error() -> None:
    psi = np.random.default_rng(2).normal(size=50)
    found = mean_effect(psi, weights=np.full(50, 3.0))
    assert found.value == pytest.approx(psi.mean())
    assert found.standard_error == pytest.approx(psi.std(ddof=1) / 50**0.5)
    assert mean_effect(np.ones(4)).z == 0


def test_the_right_weights_balance_and_none_do_not() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100_000, 2))
    e = expit(x[:, 0])
    shown = rng.random(100_000) < e
    raw = standardised_differences(x, shown)
    assert raw[0] > 0.5
    assert abs(raw[1]) < 0.03
    assert np.abs(standardised_differences(x, shown, np.where(shown, 1 / e, 1 / (1 - e)))).max() < 0.03
    assert standardised_differences(np.ones((4, 1)), np.array([True, True, False, False])).tolist() == [0]


def test_propensities_are_held_within_the_trim() -> None:
    shown = np.array([True, False])
    psi = doubly_robust_outcomes([1.0, 1.0], shown, [0.0, 1.0], [0, 0], [0, 0], trim=0.1)
    assert psi == pytest.approx([10, -10])


def test_bad_input_names_the_argument() -> None:
    x, yes = np.ones((4, 1)), np.array([True, False, True, False])
    with pytest.raises(ValueError, match="fold"):
        cross_fitted(x, np.ones(4), yes, np.zeros(4))
    with pytest.raises(ValueError, match=r"propensity of shape \(4,\)"):
        cross_fitted(x, np.ones(4), yes, np.arange(4) // 2, propensity=[0.5, 2.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="no propensity can be learned"):
        cross_fitted(x, np.ones(4), yes, np.arange(4) // 2, propensity=[0.5, np.nan, 0.5, np.nan])
    with pytest.raises(ValueError, match="weights"):
        mean_effect([1.0, 2.0], [0.0, 0.0])
    with pytest.raises(ValueError, match="groups"):
        mean_effect([1.0, 2.0], groups=[1, 1])
    with pytest.raises(ValueError, match=r"groups.*\(3,\)"):
        mean_effect([1.0, 2.0], groups=[1, 2, 3])
    with pytest.raises(ValueError, match="treated"):
        standardised_differences(x, np.ones(4, bool))
