"""Trend: whether an item gets more approval than its exposure and its own past let expect, and when that is over.

Counts and exposures are decayed sums of two half-lives, short h and long H (`decay`). The long less the short is the
past, without the present: a kernel 2^(-t/H) - 2^(-t/h). What the short sum would be if nothing changed:

- by exposure: exposure * (past + k rate) / (past exposure + k), the item's own rate, drawn towards everybody's by k
  imagined exposures;
- by time: past * pace, which a steady flow gives whatever its rate, also where approval comes without exposures.

The larger of both is expected: neither more exposure nor an old habit is a rise. It is uncertain by its own past, so
that its variance is that of a Poisson count of that mean, and the mean's: E + E^2 / (past + k rate).
Source: rate ratio of two Poisson counts with a gamma prior (Gu et al., "Testing the ratio of two Poisson rates", 2008);
wear-out after the windows of RAW-UCB (Seznec et al., AISTATS 2020), with half-lives for windows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Bools, Floats, at_least_zero, broadcast
from fairshot.algorithms.decay import MICROSECONDS_PER_DAY

HOURS, DAYS, WEEKS = (days * MICROSECONDS_PER_DAY for days in (0.25, 1.0, 14.0))
"""Half-lives of the windows, microseconds: a rise is told by a day against weeks, its end by hours against a day."""
IMAGINED = 20.0
"""k: exposures by which an item's own rate is drawn towards everybody's."""


class Expected(NamedTuple):
    """What a count would be if nothing changed, and the variance of a count around it: [n] each."""

    mean: Floats
    variance: Floats


def steady_pace(age: ArrayLike, short: float, long: float, quiet: float = DAYS) -> Floats:
    """What a steady flow leaves in the short sum for each unit in the past.

    Formula: S / (L - S), S = h (1 - 2^(-A / h)), L = H (1 - 2^(-A / H)), A = age + quiet: what is new counts as if it
    had been there for a day before, without any approval, for its first success is a rise. h / (H - h) at a great age.
    Shapes: age [n]; short and long: half-lives, all in one unit of time. Errors: ValueError for a negative age.

    >>> steady_pace([0.0, 3.0, 1e9], short=1.0, long=14.0, quiet=1.0).round(3)
    array([2.837, 0.594, 0.077])
    """
    lived = at_least_zero("age", age, None) + quiet
    one, other = (half_life * -np.expm1(-lived / half_life * np.log(2)) for half_life in (short, long))
    return np.asarray(one / (other - one))


def expected_count(
    past: ArrayLike, past_exposure: ArrayLike, exposure: ArrayLike, rate: ArrayLike, pace: ArrayLike
) -> tuple[Expected, Expected]:
    """The short sum to be expected by exposure, and by time.

    past, past_exposure: sums of the past kernel; exposure: the short sum of exposures; rate: approval for each exposure
    that everybody gets; pace: see `steady_pace`.
    Shapes: all broadcast. Errors: ValueError for negative or infinite numbers or shapes that do not fit.

    >>> by_exposure, by_time = expected_count([10.0], [180.0], [36.0], rate=0.05, pace=1 / 13)
    >>> by_exposure.mean.round(2), by_time.mean.round(2)
    (array([1.98]), array([0.77]))
    """
    liked, seen = at_least_zero("past", past, None), at_least_zero("past_exposure", past_exposure, None)
    now, known = at_least_zero("exposure", exposure, None), at_least_zero("rate", rate, None)
    broadcast(past=liked, past_exposure=seen, exposure=now, rate=known)
    told = liked + IMAGINED * known
    by_exposure, by_time = now * told / (seen + IMAGINED), at_least_zero("pace", pace, None) * liked
    return _with_variance(by_exposure, told), _with_variance(by_time, told)


def _with_variance(mean: Floats, told: Floats) -> Expected:
    return Expected(mean, mean + np.divide(mean * mean, told, out=np.zeros_like(mean), where=told > 0))


def rise(count: ArrayLike, expected: Expected, deviations: float = 2.0, shrinkage: float = 3.0) -> Floats:
    """By which share a count is above what chance explains; 0 where it is not.

    Formula: max(0, (count + c) / (E + z sd + c) - 1), c = shrinkage, so that single approvals rise little.
    Shapes: count and expected [n]. Errors: as `expected_count`.

    >>> quiet = Expected(np.zeros(2), np.zeros(2))
    >>> rise([1.0, 6.0], quiet).round(2)
    array([0.33, 2.  ])
    >>> rise([50.0, 90.0], Expected(np.full(2, 50.0), np.full(2, 50.0))).round(2)
    array([0.  , 0.39])
    """
    bound = expected.mean + deviations * np.sqrt(expected.variance) + shrinkage
    return np.maximum((at_least_zero("count", count, None) + shrinkage) / bound - 1, 0.0)


def worn_out(count: ArrayLike, expected: Expected, deviations: float = 2.0) -> Bools:
    """Whether even an optimistic view of the count lies below what was before.

    Formula: count + z sd < E: the index of a rotting arm, its latest mean and a bound, has left its own level.
    Shapes: as `rise`. Errors: as `expected_count`.

    >>> worn_out([2.0, 8.0], Expected(np.full(2, 10.0), np.full(2, 12.0)))
    array([ True, False])
    """
    optimistic = at_least_zero("count", count, None) + deviations * np.sqrt(expected.variance)
    return np.asarray(optimistic < expected.mean)
