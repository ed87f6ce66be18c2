"""Relevance of items from clicks that were only possible where the item was examined.

A click needs two things: that the person looked at the position, and that the item is relevant. Dividing each
click by the probability of examination leaves the relevance, whatever the positions were.
Source: Morik, Singh, Hong, Joachims, "Controlling Fairness and Bias in Dynamic Learning-to-Rank", SIGIR 2020.
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, at_least_zero, propensities, real, within


def ips_relevance(clicks: ArrayLike, examination: ArrayLike, floor: float = 0.0) -> Floats:
    """Estimate each item's mean relevance by inverse propensity scoring.

    Formula: R_d = 1/T sum_t c_td / max(p_td, floor). Unbiased with floor 0: the mean over what people happen
    to examine is the mean relevance. A floor (0.05 is usual) trades a bias downwards at deep positions for
    less variance. For a stream, keep sum c/p and T.
    Shapes: clicks (0 or 1) and examination (probabilities) [rounds, items] -> [items].
    Errors: ValueError for other shapes, negative clicks, examination or floor outside (0, 1] and [0, 1].

    >>> ips_relevance([[1, 0], [1, 1]], [[1.0, 0.5], [1.0, 0.5]])
    array([1., 1.])
    """
    probabilities = propensities("examination", examination, (None, None))
    values = at_least_zero("clicks", clicks, probabilities.shape)
    within("floor", floor, 0, 1)
    return np.asarray((values / np.maximum(probabilities, floor)).mean(axis=0))


def clicks_over_expected(clicks: ArrayLike, examination: ArrayLike) -> Floats:
    """Estimate each item's mean relevance as clicks over expected examinations, the self-normalised form.

    Formula: R_d = sum_t c_td / sum_t p_td. Far less variance than `ips_relevance` where some probabilities
    are small; unbiased where an item's relevance does not depend on who was shown it high up, else biased
    towards those people.
    Shapes, errors: as `ips_relevance`.

    >>> clicks_over_expected([[1, 0], [0, 1]], [[1.0, 0.5], [0.25, 1.0]])
    array([0.8       , 0.66666667])
    """
    probabilities = propensities("examination", examination, (None, None))
    values = at_least_zero("clicks", clicks, probabilities.shape)
    return np.asarray(values.sum(axis=0) / probabilities.sum(axis=0))


def unbiased_squared_error(predicted: ArrayLike, clicks: ArrayLike, examination: ArrayLike) -> float:
    """Squared error of predicted relevance against relevance that is seen only through clicks.

    Formula: mean of h^2 + (c / p) (c - 2 h). Its expectation over examination is the mean of (r - h)^2 plus a
    constant that no h changes, for relevance r in {0, 1}; so it can be minimised in place of the error
    itself, and, single values being unbounded below, it is a loss to compare and not to read.
    Shapes: all [rounds, items] -> float. Errors: ValueError for other shapes, clicks other than 0 and 1, and
    examination outside (0, 1].

    >>> unbiased_squared_error([[0.5, 0.5]], [[1, 0]], [[1.0, 0.5]])
    0.25
    """
    scores = real("predicted", predicted, (None, None))
    values = real("clicks", clicks, scores.shape)
    if not np.isin(values, (0, 1)).all():
        raise ValueError(f"clicks of shape {values.shape} must be 0 or 1")
    probabilities = propensities("examination", examination, scores.shape)
    return float((scores**2 + values / probabilities * (values - 2 * scores)).mean())
