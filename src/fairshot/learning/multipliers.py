"""Multipliers: what a reaction of one person says against one of anybody's.

Who likes everything says little by a like; who never does says much. How often person u gives feedback of kind k is
Poisson with a rate l_uk of their own, and the rates of all people are Gamma with shape a_k and rate b_k, fitted by
maximum likelihood. After c reactions on E occasions the rate is Gamma(a + c, b + E), and

    log m_uk = E[log l] - E[log l | c, E] = digamma(a) - log b - digamma(a + c) + log(b + E)

clipped to [1/2, 2]. Before clipping its mean over people is 0 whatever E is (the mean of a posterior mean is the
prior's), so that the scale of values stays; without any occasion it is exactly 0, and the fewer occasions the closer
to it. It needs counts alone, so it is as fresh as the state, for people who came after training too.
Why the inverse rate: with P(k | u, i) = l_uk * attraction, weights w_k / l_uk let every kind speak equally for
each person, as published value models do on average over people.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

from fairshot.core.arrays import Array, Floats
from fairshot.core.randomness import stream

LARGEST = 2.0
"""A multiplier is at most this, and at least its inverse."""
PEOPLE = 20_000
"""At most so many people, drawn by lot, are fitted on: more would not move two numbers."""
CERTAIN = 2.706
"""By twice how much the log-likelihood must rise over that of one rate for all (5 % if all are alike)."""
_BOUNDS = ((math.log(1e-9), math.log(1e3)), (math.log(1e-3), math.log(1e4)))


@dataclass(frozen=True, slots=True)
class Multipliers:
    """The Gamma distribution of people's rates for each kind in which they differ.

    kinds: names (k,); shape, rate: float64 (k,), a and b above; kinds that are not named have multiplier 1.
    """

    kinds: tuple[str, ...]
    shape: Floats
    rate: Floats
    _places: dict[tuple[str, ...], Array] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, names: tuple[str, ...], counts: Array, occasions: Array | float) -> Floats:
        """The multipliers of people for the kinds `names` (n,): counts (..., n), occasions (...) -> (..., n)."""
        result = np.ones(counts.shape)
        told, mine = self._matched(names)
        exposure = np.asarray(occasions, np.float64)[..., None]
        shape, rate = self.shape[mine], self.rate[mine]
        prior, posterior = digamma(shape) - np.log(rate), digamma(shape + counts[..., told]) - np.log(rate + exposure)
        most = math.log(LARGEST)
        result[..., told] = np.exp(np.clip(prior - posterior, -most, most))
        return result

    def _matched(self, names: tuple[str, ...]) -> Array:
        """Places in `names` and in the model of the kinds that both know: (2, m)."""
        if names not in self._places:
            pairs = [(names.index(kind), place) for place, kind in enumerate(self.kinds) if kind in names]
            self._places[names] = np.array(pairs, np.int64).reshape(-1, 2).T
        return self._places[names]

    def dump(self) -> tuple[Mapping[str, Array], Mapping[str, Any]]:
        """Tensors and description, for the artifact store."""
        return {"shape": self.shape, "rate": self.rate}, {"kinds": list(self.kinds)}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> Self:
        """What `dump` gave."""
        return cls(tuple(description["kinds"]), tensors["shape"], tensors["rate"])


def fit_multipliers(counts: Array, occasions: Array, names: Sequence[str]) -> Multipliers:
    """Fit how people's rates differ, for each kind: counts (people, kinds), occasions (people,).

    People without an occasion are passed over; so are kinds in which nobody can be told from the others.
    """
    met = np.flatnonzero(occasions > 0)
    if len(met) > PEOPLE:
        met = stream("multipliers").choice(met, PEOPLE, replace=False)
    counts, exposure = np.asarray(counts[met], np.float64), np.asarray(occasions[met], np.float64)
    found: dict[str, tuple[float, float]] = {}
    for code, name in enumerate(names):
        prior = fit_rates(counts[:, code], exposure)
        if prior is not None:
            found[name] = prior
    return Multipliers(tuple(found), *np.array(list(found.values())).reshape(-1, 2).T.copy())


def fit_rates(counts: Floats, exposure: Floats) -> tuple[float, float] | None:
    """Shape a and rate b of the Gamma distribution of rates; None where the counts do not tell people apart.

    counts, exposure: (n,), exposure > 0. Maximises sum_i log NB(c_i; a, E_i / (b + E_i)) over log mean and log shape,
    from the moments on; the mean is a / b.
    """
    total = counts.sum()
    if total == 0 or len(counts) < 2:
        return None
    mean = total / exposure.sum()
    # Var c = E mean + (E mean)^2 / a, so a from what the variance has above a Poisson's.
    surplus = ((counts - exposure * mean) ** 2 - exposure * mean).sum() / (exposure * mean @ (exposure * mean))
    start = np.array([math.log(mean), -math.log(max(surplus, 1e-3))])
    start = np.clip(start, *np.array(_BOUNDS).T)
    fitted = minimize(_negative, start, (counts, exposure), jac=True, method="L-BFGS-B", bounds=_BOUNDS)
    alike = float((counts * np.log(mean) - mean * exposure + counts * np.log(exposure)).sum())
    if 2 * (-fitted.fun - alike) < CERTAIN:
        return None
    shape = math.exp(fitted.x[1])
    return shape, shape / math.exp(fitted.x[0])


def log_likelihood(counts: Floats, exposure: Floats, shape: Floats | float, rate: Floats | float) -> Floats:
    """Log probability of each count, log(c!) left out: that of a negative binomial, (n,)."""
    told: Floats = gammaln(counts + shape) - gammaln(shape) + shape * np.log(rate) + counts * np.log(exposure)
    return told - (counts + shape) * np.log(rate + exposure)


def _negative(point: Floats, counts: Floats, exposure: Floats) -> tuple[float, Floats]:
    """Minus the log-likelihood and its slope, at (log mean, log shape)."""
    shape = math.exp(point[1])
    rate = shape / math.exp(point[0])
    value = -log_likelihood(counts, exposure, shape, rate).sum()
    by_shape = (digamma(counts + shape) - digamma(shape) + np.log(rate) - np.log(rate + exposure)).sum()
    by_rate = (shape / rate - (counts + shape) / (rate + exposure)).sum()
    return float(value), -np.array([-rate * by_rate, shape * by_shape + rate * by_rate])
