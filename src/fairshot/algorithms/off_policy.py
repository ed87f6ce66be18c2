"""Off-policy evaluation: what another policy would have earned, from a log with known propensities.

Shapes throughout: n logged decisions; for slates, L positions, the top first. `target` and `logging` are the
probabilities with which the policy under evaluation and the one that was live choose the logged action, given
the context (at position l of a slate also given the positions above). w = target / logging is the weight.
Every estimator returns an `Estimate`. An action that `logging` never takes but `target` does cannot be seen
in any log: its share is missing from the estimate, and no interval says so.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import real
from fairshot.algorithms.off_policy_estimate import Estimate, cumulated, effective_sample_size, mean_of, weights_of

__all__ = [
    "Estimate",
    "cascade_doubly_robust",
    "cascade_ips",
    "doubly_robust",
    "effective_sample_size",
    "independent_doubly_robust",
    "independent_ips",
    "independent_snips",
    "ips",
    "pseudo_inverse",
    "slate_ips",
    "snips",
]


def ips(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """Inverse propensity scoring of single decisions: unbiased, its variance grows with the weights.

    Formula: mean of w r, w = min(target / logging, clip); clipping biases towards zero rewards and the
    estimate says which share of the samples it touched.
    Shapes: rewards, target, logging [n]. Errors: ValueError for other shapes, logging outside (0, 1], target
    outside [0, 1], clip <= 0, or propensities so small that a weight is not finite. Source: Horvitz and Thompson, 1952.

    >>> ips([1.0, 0.0], target=[0.5, 0.5], logging=[0.25, 0.75]).value
    1.0
    """
    weight, clipped = weights_of(target, logging, 1, clip)
    return mean_of(weight * real("rewards", rewards, (len(weight),)), weight, clipped)


def snips(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """Self-normalised IPS: a bias of order 1/n for much less variance; stays within the range of rewards.

    Formula: v = sum w r / sum w; standard error by the delta method, from the terms v + w (r - v) / mean(w).
    Shapes and errors: as `ips`, and ValueError if all weights are zero.
    Source: Swaminathan and Joachims, "The self-normalized estimator for counterfactual learning", NeurIPS
    2015.

    >>> round(snips([1.0, 0.0], target=[0.5, 0.5], logging=[0.25, 0.75]).value, 4)
    0.75
    """
    weight, clipped = weights_of(target, logging, 1, clip)
    reward = real("rewards", rewards, (len(weight),))
    total = float(weight.sum())
    if total == 0:
        raise ValueError(f"target of shape {weight.shape} is zero on every logged action")
    value = float(weight @ reward) / total
    errors = weight * (reward - value)
    return mean_of(value + errors * (len(weight) / total), weight, clipped)


def doubly_robust(
    rewards: ArrayLike,
    target: ArrayLike,
    logging: ArrayLike,
    predicted: ArrayLike,
    expected: ArrayLike,
    *,
    switch: float = math.inf,
    clip: float = math.inf,
) -> Estimate:
    """Correct a reward model by the weighted errors that it makes on the log (DR; with `switch`, switch-DR).

    Formula: mean of expected + w (r - predicted), the second term left out where w > switch. Unbiased when
    the propensities or the model are right; switch = 0 is the model alone (direct method).
    Shapes: all [n]; predicted = Q^(x, logged action); expected = sum over actions a of target(a|x) Q^(x, a).
    Fit Q^ on other data than this log, or by cross-fitting. Errors: as `ips`, and switch < 0.
    Source: Dudik, Langford, Li, ICML 2011; Wang, Agarwal, Dudik, "Optimal and adaptive off-policy evaluation
    in contextual bandits", ICML 2017, for the switch.

    >>> one = doubly_robust([1.0, 0.0], [0.5, 0.5], [0.25, 0.75], predicted=[0.8, 0.2], expected=[0.5, 0.5])
    >>> round(one.value, 4)
    0.6333
    """
    weight, clipped = weights_of(target, logging, 1, clip)
    n = (len(weight),)
    if not switch >= 0:
        raise ValueError(f"switch must not be negative, shape (): {switch}")
    kept = np.where(weight <= switch, weight, 0.0)
    error = real("rewards", rewards, n) - real("predicted", predicted, n)
    return mean_of(real("expected", expected, n) + kept * error, weight, clipped)


def slate_ips(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """IPS of whole slates (SIPS): assumes nothing about positions, and pays by weights that multiply.

    Formula: mean of (prod_l w_l) sum_l r_l.
    Shapes: rewards, target, logging [n, L]. Errors: as `ips`. Source: as `ips`, with a slate as the action.

    >>> slate_ips([[1.0, 1.0]], target=[[0.5, 0.5]], logging=[[0.25, 0.5]]).value
    4.0
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    whole = cumulated(weight)[:, -1]
    return mean_of(whole * real("rewards", rewards, weight.shape).sum(axis=1), whole, clipped)


def independent_ips(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """IPS by position (IIPS): least variance; unbiased only if a click depends on its own position alone.

    Formula: mean of sum_l w_l r_l. Where users stop at what they click (cascade), it is biased:
    `cascade_ips`. Here the propensities are the marginal ones of the item at its position.
    Shapes: rewards, target, logging [n, L]. Errors: as `ips`.
    Source: Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay, Wen, "Offline evaluation of ranking policies
    with click models", KDD 2018.

    >>> independent_ips([[1.0, 1.0]], target=[[0.5, 0.5]], logging=[[0.25, 0.5]]).value
    3.0
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    terms = (weight * real("rewards", rewards, weight.shape)).sum(axis=1)
    return mean_of(terms, weight.mean(axis=1), clipped)


def independent_snips(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """Self-normalised IPS by position: each position's mean is divided by its mean weight.

    Formula: sum_l v_l, v_l = sum_i w_il r_il / sum_i w_il. Unbiased, up to order 1/n, where `independent_ips`
    is; stays within the range of rewards where the target is rarely logged.
    Shapes: rewards, target, logging [n, L]. Errors: as `ips`, and ValueError if all weights at a position are
    zero. Source: as `snips`, with a position's item as the action.

    >>> found = independent_snips([[1.0, 0.0], [0.0, 1.0]], np.full((2, 2), 0.5), [[0.25, 0.5], [0.5, 0.25]])
    >>> round(found.value, 4)
    1.3333
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    reward = real("rewards", rewards, weight.shape)
    total = weight.sum(axis=0)
    if not total.all():
        raise ValueError(f"target of shape {weight.shape} is zero on every logged action of a position")
    values = (weight * reward).sum(axis=0) / total
    errors = (weight * (reward - values) * (len(weight) / total)).sum(axis=1)
    return mean_of(float(values.sum()) + errors, weight.mean(axis=1), clipped)


def independent_doubly_robust(
    rewards: ArrayLike,
    target: ArrayLike,
    logging: ArrayLike,
    predicted: ArrayLike,
    expected: ArrayLike,
    *,
    clip: float = math.inf,
) -> Estimate:
    """Correct a reward model of single positions by the weighted errors that it makes on the log.

    Formula: mean of sum_l expected_l + w_l (r_l - predicted_l). Unbiased where `independent_ips` is, or where
    the model is right.
    Shapes: all [n, L]; predicted[:, l] = Q^(x, item logged at l), expected[:, l] = its mean over the items that
    the target would put there. Errors: as `ips`. Source: as `doubly_robust`, with a position's item as the action.

    >>> ones, half = np.ones((1, 2)), np.full((1, 2), 0.5)
    >>> independent_doubly_robust(ones, half, half, predicted=[[0.5, 1.0]], expected=[[0.25, 1.0]]).value
    1.75
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    error = real("rewards", rewards, weight.shape) - real("predicted", predicted, weight.shape)
    terms = (real("expected", expected, weight.shape) + weight * error).sum(axis=1)
    return mean_of(terms, weight.mean(axis=1), clipped)


def cascade_ips(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """IPS by position given the positions above (RIPS): unbiased when users read from the top down.

    Formula: mean of sum_l (prod_{j <= l} w_j) r_l.
    Shapes: rewards, target, logging [n, L]. Errors: as `ips`.
    Source: McInerney, Brost, Chandar, Mehrotra, Carterette, "Counterfactual evaluation of slate
    recommendations with sequential reward interactions", KDD 2020.

    >>> cascade_ips([[1.0, 1.0]], target=[[0.5, 0.5]], logging=[[0.25, 0.5]]).value
    4.0
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    reaching = cumulated(weight)
    terms = (reaching * real("rewards", rewards, weight.shape)).sum(axis=1)
    return mean_of(terms, reaching.mean(axis=1), clipped)


def pseudo_inverse(rewards: ArrayLike, target: ArrayLike, logging: ArrayLike, *, clip: float = math.inf) -> Estimate:
    """Evaluate slates by one reward for each slate, such as its session's length, when only that is logged.

    Formula: mean of r (sum_l w_l - L + 1). Unbiased when the expected reward is a sum over positions and the
    logging policy draws the positions independently of each other given the context.
    Shapes: rewards [n]; target, logging [n, L]. Errors: as `ips`.
    Source: Swaminathan et al., "Off-policy evaluation for slate recommendation", NeurIPS 2017, for factored
    logging.

    >>> pseudo_inverse([1.0], target=[[0.5, 0.5]], logging=[[0.25, 0.5]]).value
    2.0
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    combined = weight.sum(axis=1) - weight.shape[1] + 1
    return mean_of(combined * real("rewards", rewards, (len(weight),)), np.abs(combined), clipped)


def cascade_doubly_robust(
    rewards: ArrayLike,
    target: ArrayLike,
    logging: ArrayLike,
    predicted: ArrayLike,
    expected: ArrayLike,
    *,
    clip: float = math.inf,
) -> Estimate:
    """Correct a model of the reward still to come at each position: as `cascade_ips`, with less variance.

    Formula: V_L+1 = 0; V_l = expected_l + w_l (r_l + V_l+1 - predicted_l); mean of V_1.
    Shapes: all [n, L]; predicted[:, l] = Q^_l, the rewards from position l to the end given the items placed
    down to l; expected[:, l] = its mean over the target's choice at l given those above. Zeros for both give
    `cascade_ips`. Errors: as `ips`.
    Source: Kiyohara, Saito, Matsuhiro, Narita, Shimizu, Yamamoto, "Doubly robust off-policy evaluation for
    ranking policies under the cascade behavior model", WSDM 2022.

    >>> ones, half = np.ones((1, 2)), np.full((1, 2), 0.5)
    >>> cascade_doubly_robust(ones, half, half, predicted=[[2.0, 1.0]], expected=[[1.5, 1.0]]).value
    1.5
    """
    weight, clipped = weights_of(target, logging, 2, clip)
    reward = real("rewards", rewards, weight.shape)
    model, mean = real("predicted", predicted, weight.shape), real("expected", expected, weight.shape)
    value, reaching = np.zeros(len(weight)), cumulated(weight)
    for position in reversed(range(weight.shape[1])):
        error = reward[:, position] + value - model[:, position]
        value = mean[:, position] + weight[:, position] * error
    return mean_of(value, reaching.mean(axis=1), clipped)
