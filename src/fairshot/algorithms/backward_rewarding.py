"""Backward rewarding: credit each creator with what users would miss without them.

Creators whose items score sigma_1 >= ... >= sigma_n for a request share its reward so that the i-th gets

    M_(i) = sum_{k >= i} f_k (sigma_k - sigma_{k+1}),   sigma_{n+1} = 0,   f_1 >= f_2 >= ... >= 0.

With f the user's own discount of positions (`ranked_hits.discounts` for DCG), M_(i) is exactly the welfare
W(S) - W(S without i). So a copy earns only what a second one is worth to users: nothing where one position
counts, and crowding into the majority's topic does not pay. Rewards by share of exposure or of engagement do
pay for crowding.
Source: Yao et al., "Rethinking Incentives in Recommender Systems: Are Monotone Rewards Always Beneficial?",
NeurIPS 2023 (backward rewarding mechanism, BRCM*).
"""

import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import Floats, at_least_zero


def welfare(scores: ArrayLike, weights: ArrayLike) -> Floats:
    """Welfare of a request whose slate holds the best items in order.

    Formula: sum_k f_k sigma_(k), sigma sorted downwards.
    Shapes: scores [..., n], weights [m], positions beyond m count nothing; returns [...].
    Errors: ValueError where scores are negative or there are none, or weights are negative or rise.

    >>> welfare([[0.4, 0.9, 0.8], [0.0, 1.0, 0.0]], weights=[1.0, 0.5, 0.25]).round(4)
    array([1.4, 1. ])
    """
    values, factors = _checked(scores, weights)
    return np.asarray(-np.sort(-values, axis=-1) @ factors)


def backward_rewards(scores: ArrayLike, weights: ArrayLike) -> Floats:
    """Reward of each candidate of a request: what it adds to the welfare.

    Formula: M_(i) = sum_{k >= i} f_k (sigma_k - sigma_{k+1}), given back in the order of `scores`.
    Shapes: scores [..., n], weights [m], positions beyond m count nothing; returns [..., n]. Units: of the
    scores.
    Errors: as `welfare`.

    >>> backward_rewards([0.9, 0.8, 0.4], weights=[1.0, 0.5, 0.25]).round(4)
    array([0.4, 0.3, 0.1])
    >>> backward_rewards([0.9, 0.9], weights=[1.0, 0.0]).round(4)       # a copy adds nothing
    array([0., 0.])
    """
    values, factors = _checked(scores, weights)
    order = np.argsort(-values, axis=-1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=-1)
    drops = factors * (ranked - np.append(ranked[..., 1:], np.zeros((*ranked.shape[:-1], 1)), axis=-1))
    rewards = np.empty_like(values)
    np.put_along_axis(rewards, order, np.cumsum(drops[..., ::-1], axis=-1)[..., ::-1], axis=-1)
    return rewards


def _checked(scores: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    """Return the scores, and as many weights as there are scores."""
    values = at_least_zero("scores", scores, np.shape(scores))
    if values.ndim == 0 or values.shape[-1] == 0:
        raise ValueError(f"scores must be [..., n >= 1], shape {values.shape}")
    factors = at_least_zero("weights", weights, (None,))
    if np.any(np.diff(factors) > 0):
        raise ValueError(f"weights must not rise, shape {factors.shape}")
    count = values.shape[-1]
    return values, np.pad(factors, (0, max(0, count - len(factors))))[:count]
