"""Concave happiness of creators: what the likes already received are worth, and what one more would add.

A creator with few recent likes gains more from the next one than a creator with many. Each family is
normalised to slope one at zero, so the first like is worth (about) one like whatever the family:

- log:    H(n) = h log(1 + n/h)          H'(n) = 1 / (1 + n/h), one half at n = h
- power:  H(n) = ((1 + n)^p - 1) / p     H'(n) = (1 + n)^(p - 1), 0 < p <= 1
- capped: H(n) = min(n, cap)             H'(n) = 1 where n < cap, else 0

Greedy maximisation of sum_c H(n_c) with the log family gives a proportionally fair allocation; p = 1 is the
plain count of likes, under which the rich get richer. Likes are counts (or decayed sums) over a recent
window, else established creators would stay satisfied for ever.
Source: concave welfare of creators in a value model; proportional fairness after Kelly (1997).
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, at_least_zero


def marginal_happiness(likes: ArrayLike, half: float) -> Floats:
    """Worth of one more like to a creator who already has `likes`, by the log family.

    Formula: 1 / (1 + likes / half). The first like is worth 1; at `half` likes one more is worth one half.
    Shapes: any; the result has the shape of `likes`. Units: likes in the window.
    Errors: ValueError where likes are negative or not finite, or half is not positive.
    Source: derivative of H(n) = half log(1 + n / half).

    >>> marginal_happiness([0, 20, 60], half=20.0)
    array([1.  , 0.5 , 0.25])
    """
    return 1.0 / (1.0 + _likes(likes) / _positive("half", half))


def log_happiness(likes: ArrayLike, half: float) -> Floats:
    """Happiness of a creator with `likes`, growing like a logarithm beyond `half`.

    Formula: half log(1 + likes / half); its derivative is `marginal_happiness`.
    Shapes, units, errors: as `marginal_happiness`.

    >>> log_happiness([0.0, 20.0], half=20.0).round(4)
    array([ 0.    , 13.8629])
    """
    half = _positive("half", half)
    return half * np.log1p(_likes(likes) / half)


def power_happiness(likes: ArrayLike, exponent: float) -> Floats:
    """Happiness of a creator with `likes`, growing like a power: linear at exponent 1, flatter below.

    Formula: ((1 + likes)^exponent - 1) / exponent.
    Shapes: any, kept. Errors: ValueError where likes are negative or infinite, or exponent not in (0, 1].

    >>> power_happiness([0.0, 3.0], exponent=0.5)
    array([0., 2.])
    >>> power_happiness([7.0], exponent=1.0)
    array([7.])
    """
    return ((1.0 + _likes(likes)) ** _exponent(exponent) - 1.0) / exponent


def marginal_power_happiness(likes: ArrayLike, exponent: float) -> Floats:
    """Worth of one more like by the power family.

    Formula: (1 + likes)^(exponent - 1).
    Shapes: any, kept. Errors: as `power_happiness`.

    >>> marginal_power_happiness([0.0, 3.0, 8.0], exponent=0.5).round(4)
    array([1.    , 0.5   , 0.3333])
    """
    return (1.0 + _likes(likes)) ** (_exponent(exponent) - 1.0)


def capped_happiness(likes: ArrayLike, cap: float) -> Floats:
    """Happiness that counts every like up to `cap` and none beyond.

    Formula: min(likes, cap).
    Shapes: any, kept. Errors: ValueError where likes are negative or not finite, or cap is not positive.

    >>> capped_happiness([3.0, 12.0], cap=10.0)
    array([ 3., 10.])
    """
    return np.minimum(_likes(likes), _positive("cap", cap))


def marginal_capped_happiness(likes: ArrayLike, cap: float) -> Floats:
    """Worth of one more like by the capped family: one below the cap, nothing from it on.

    Formula: 1[likes < cap].
    Shapes: any, kept. Errors: as `capped_happiness`.

    >>> marginal_capped_happiness([9.0, 10.0], cap=10.0)
    array([1., 0.])
    """
    return (_likes(likes) < _positive("cap", cap)).astype(np.float64)


def _likes(likes: ArrayLike) -> Floats:
    return at_least_zero("likes", likes, np.shape(likes))


def _positive(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and > 0, shape (): {value}")
    return value


def _exponent(exponent: float) -> float:
    if not 0 < exponent <= 1:
        raise ValueError(f"exponent must be in (0, 1], shape (): {exponent}")
    return exponent
