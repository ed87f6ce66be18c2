"""Statistics of experiments: how many users, what the difference is, whether the split is sound, when to stop.

Tests read moments, never rows: the moments of parts merge into those of the whole, so they can be counted while
the experiment runs. Rows are the units that were assigned (users, or creators in a two-sided experiment).
Source: Deng et al., "Improving the sensitivity of online controlled experiments" (CUPED), WSDM 2013; the delta
method for ratios as in Deng, Knoblich & Lu, KDD 2018; Fabijan et al. on sample ratio mismatch, KDD 2019; Johari
et al., "Always valid inference" (mixture sequential probability ratio test), Operations Research 2022.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import chi2, ncx2, norm

from fairshot.algorithms.arguments import Floats, at_least_zero, real, whole

FEWEST_UNITS = 20
"""Units of each arm from which `always_valid_interval` may be read: below, an estimated variance is too often
far too small, and a look at 2 to 10 units breaks the promise (see `tests/algorithms/test_experiment_statistics`).
"""
MOST_UNITS = 1e15


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean [d] and scatter [d, d] (sum of outer products of deviations) of units with d columns."""

    count: int
    mean: Floats
    scatter: Floats


@dataclass(frozen=True, slots=True)
class Effect:
    """Treatment minus control, with its standard error, two-sided interval and p-value.

    `units` is the size of the smaller arm that the standard error was estimated from; infinite if it is known.
    """

    difference: float
    standard_error: float
    low: float
    high: float
    p_value: float
    units: float = np.inf


def moments(values: ArrayLike) -> Moments:
    """Sum up units into what the tests need.

    Formula: mean = sum_i x_i / n, scatter = sum_i outer(x_i - mean, x_i - mean).
    Shapes: values [n, d], one row a unit; or [n] for one column. Errors: ValueError where empty or not finite.

    >>> moments([1.0, 2.0, 3.0])
    Moments(count=3, mean=array([2.]), scatter=array([[2.]]))
    """
    array = real("values", values, None)
    table = real("values", array[:, None] if array.ndim == 1 else array, (None, None))
    mean = table.mean(axis=0)
    return Moments(len(table), mean, (table - mean).T @ (table - mean))


def merge_moments(one: Moments, other: Moments) -> Moments:
    """Merge the moments of two disjoint sets of units into those of both.

    Formula: scatter = S1 + S2 + n1 n2 / (n1 + n2) outer(m1 - m2). Errors: ValueError where columns differ.

    >>> merge_moments(moments([1.0, 2.0]), moments([3.0]))
    Moments(count=3, mean=array([2.]), scatter=array([[2.]]))
    """
    if one.mean.shape != other.mean.shape:
        raise ValueError(f"other must have mean of shape {one.mean.shape}, shape {other.mean.shape}")
    count, gap = one.count + other.count, other.mean - one.mean
    share = other.count / max(count, 1)
    scatter = one.scatter + other.scatter + one.count * share * np.outer(gap, gap)
    return Moments(count, one.mean + share * gap, scatter)


def mean_difference(control: Moments, treatment: Moments, confidence: float = 0.95) -> Effect:
    """Difference of the means of the first column, by the normal approximation (Welch).

    Formula: m_t - m_c, variance s_t^2 / n_t + s_c^2 / n_c.
    Errors: ValueError where an arm has fewer than two units or confidence is not in (0, 1).

    >>> effect = mean_difference(moments([1.0, 2.0, 3.0]), moments([3.0, 4.0, 5.0]))
    >>> effect.difference, round(effect.standard_error, 4)
    (2.0, 0.8165)
    """
    return _linear_difference(control, treatment, np.eye(len(control.mean))[0], confidence)


def ratio_difference(control: Moments, treatment: Moments, confidence: float = 0.95) -> Effect:
    """Difference of a ratio of sums (clicks over impressions) when the unit is the user: delta method.

    Formula: R = m_0 / m_1 in each arm, variance (s_00 - 2 R s_01 + R^2 s_11) / (n m_1^2).
    Shapes: moments of columns (numerator, denominator). Errors: as `mean_difference`, and a denominator of mean 0.

    >>> arm = moments([[1.0, 10.0], [3.0, 30.0], [2.0, 20.0]])
    >>> ratio_difference(arm, arm).difference
    0.0
    """
    ratios, variance = [], 0.0
    for arm in (control, treatment):
        covariance = _covariance(arm)
        if len(arm.mean) != 2 or arm.mean[1] == 0:
            raise ValueError(f"moments must be of 2 columns, the second not of mean 0, shape {arm.mean.shape}")
        ratios.append(float(arm.mean[0] / arm.mean[1]))
        slope = np.array([1.0, -ratios[-1]]) / arm.mean[1]
        variance += float(slope @ covariance @ slope) / arm.count
    return _effect(ratios[1] - ratios[0], variance, confidence, min(control.count, treatment.count))


def cuped_difference(control: Moments, treatment: Moments, confidence: float = 0.95) -> Effect:
    """Difference of means, less what a covariate from before the experiment explains: CUPED.

    Formula: Y - theta (X - mean X), theta = cov(Y, X) / var(X) over both arms; variance falls by 1 - corr^2.
    Shapes: moments of columns (outcome, covariate). Errors: as `mean_difference`.

    >>> control, treatment = moments([[1.0, 1.0], [2.0, 2.0]]), moments([[4.0, 3.0], [3.0, 2.0]])
    >>> effect = cuped_difference(control, treatment)
    >>> round(effect.difference, 6), effect.standard_error < 1e-6
    (1.0, True)
    """
    if len(control.mean) != 2 or len(treatment.mean) != 2:
        raise ValueError(f"moments must be of 2 columns, shape {control.mean.shape} and {treatment.mean.shape}")
    pooled = control.scatter + treatment.scatter
    theta = pooled[0, 1] / pooled[1, 1] if pooled[1, 1] > 0 else 0.0
    return _linear_difference(control, treatment, np.array([1.0, -theta]), confidence)


def sample_size(sd: float, effect: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Units each arm needs to find a difference of `effect`.

    Formula: 2 (z_{1 - alpha/2} + z_power)^2 sd^2 / effect^2, rounded up. Units: sd and effect of the metric.
    Errors: ValueError where sd is not positive, effect is 0, alpha or power not in (0, 1), or over 1e15
    units would be needed.

    >>> sample_size(sd=1.0, effect=0.1)
    1570
    """
    if not (sd > 0 and effect != 0 and np.isfinite(sd / effect)):
        raise ValueError(f"sd > 0 and effect other than 0 wanted, shape (): {sd}, {effect}")
    z = ndtri(1 - _inside("alpha", alpha) / 2) + ndtri(_inside("power", power))
    size = float(np.ceil(2 * np.square(min(abs(z * sd / effect), 1e9))))
    if size > MOST_UNITS:
        raise ValueError(f"effect of {effect} at sd {sd} needs over {MOST_UNITS:g} units, shape ()")
    return int(size)


def standardised_difference(control: Moments, treatment: Moments) -> Floats:
    """Balance of covariates between arms; below .1 in size is taken as balanced.

    Formula: (m_t - m_c) / sqrt((s_t^2 + s_c^2) / 2) for each column, 0 where nothing varies.
    Shapes: returns [d]. Errors: as `mean_difference`.

    >>> standardised_difference(moments([1.0, 3.0]), moments([2.0, 4.0])).round(4)
    array([0.7071])
    """
    spread = np.sqrt((np.diag(_covariance(control)) + np.diag(_covariance(treatment))) / 2)
    gap = treatment.mean - control.mean
    return np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)


def sample_ratio_mismatch(counts: ArrayLike, shares: ArrayLike) -> float:
    """p-value that the arms' sizes came about by the intended shares; below .001 something is broken.

    Formula: chi-squared test with one degree of freedom fewer than arms.
    Shapes: counts and shares [arms]. Errors: ValueError where fewer than two arms, no units or shares not a
    distribution.

    >>> round(sample_ratio_mismatch([50_500, 49_500], [0.5, 0.5]), 4)
    0.0016
    """
    seen, wanted = at_least_zero("counts", counts, (None,)), _shares("shares", shares)
    if seen.shape != wanted.shape or seen.sum() == 0:
        raise ValueError(f"counts must be {wanted.shape} and hold units, shape {seen.shape}")
    expected = seen.sum() * wanted
    return float(chi2.sf(((seen - expected) ** 2 / expected).sum(), len(seen) - 1))


def sample_ratio_power(total: int, actual: ArrayLike, shares: ArrayLike, alpha: float = 0.001) -> float:
    """Chance that `sample_ratio_mismatch` raises the alarm when units really fall by the `actual` shares.

    Formula: non-central chi-squared with non-centrality total * sum (actual - shares)^2 / shares.
    Shapes: actual and shares [arms]. Errors: as `sample_ratio_mismatch`, alpha not in (0, 1), total < 1.

    >>> round(sample_ratio_power(100_000, [0.495, 0.505], [0.5, 0.5]), 2)
    0.45
    """
    true, wanted = _shares("actual", actual), _shares("shares", shares)
    if whole("total", total, 1) and true.shape != wanted.shape:
        raise ValueError(f"actual must be {wanted.shape} as shares, shape {true.shape}")
    centre = total * ((true - wanted) ** 2 / wanted).sum()
    return float(ncx2.sf(chi2.isf(_inside("alpha", alpha), len(true) - 1), len(true) - 1, centre))


def always_valid_interval(effect: Effect, expected: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval that holds at every look together, so that one may stop as soon as it excludes 0 (mSPRT).

    Formula: difference -+ sqrt((2 log(1/alpha) + log((v + tau^2) / v)) v (v + tau^2) / tau^2), v the squared
    standard error, tau = expected, the size of effect it is sharpest for; fixed before the start. The promise is
    for a known variance; with an estimated one it holds from about 20 units an arm, so do not look before.
    Errors: ValueError where expected or the standard error are not positive and finite, confidence is not in
    (0, 1), or an arm has fewer than `FEWEST_UNITS` units (20).

    >>> effect = mean_difference(moments([0.0, 1.0] * 500), moments([0.2, 1.2] * 500))
    >>> low, high = always_valid_interval(effect, expected=0.1)
    >>> bool(low < effect.low < effect.high < high), low > 0
    (True, True)
    """
    variance, tau = effect.standard_error**2, expected**2
    if not (0 < variance < np.inf and 0 < tau < np.inf and expected > 0):
        raise ValueError(f"expected, standard_error > 0 wanted, shape (): {expected}, {effect.standard_error}")
    if effect.units < FEWEST_UNITS:
        raise ValueError(f"effect must rest on {FEWEST_UNITS} units an arm or more, shape (): {effect.units}")
    evidence = 2 * np.log(1 / (1 - _inside("confidence", confidence))) + np.log1p(tau / variance)
    half = float(np.sqrt(evidence * variance * (variance + tau) / tau))
    return effect.difference - half, effect.difference + half


def _linear_difference(control: Moments, treatment: Moments, weights: Floats, confidence: float) -> Effect:
    variance = sum(float(weights @ _covariance(arm) @ weights) / arm.count for arm in (control, treatment))
    units = min(control.count, treatment.count)
    return _effect(float(weights @ (treatment.mean - control.mean)), max(variance, 0.0), confidence, units)


def _effect(difference: float, variance: float, confidence: float, units: int) -> Effect:
    error = float(np.sqrt(variance))
    half = float(ndtri(0.5 + _inside("confidence", confidence) / 2)) * error
    sizes = abs(difference) / error if error > 0 else (np.inf if difference else 0.0)
    return Effect(difference, error, difference - half, difference + half, float(2 * norm.sf(sizes)), units)


def _covariance(arm: Moments) -> Floats:
    if arm.count < 2:
        raise ValueError(f"moments must be of 2 units or more, shape ({arm.count}, {len(arm.mean)})")
    return arm.scatter / (arm.count - 1)


def _shares(name: str, shares: ArrayLike) -> Floats:
    array = real(name, shares, (None,))
    if len(array) < 2 or not np.all(array > 0) or not np.isclose(array.sum(), 1):
        raise ValueError(f"{name} must be two or more > 0 that sum to one, shape {array.shape}")
    return array


def _inside(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be in (0, 1), shape (): {value}")
    return value
