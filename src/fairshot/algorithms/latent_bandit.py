"""Latent bandits: find out which of a few known types somebody is, instead of learning every arm anew.

A row (a new user, or a new item) has one hidden state s out of S, fixed or slowly changing. A model learned
offline gives the mean reward mu[s, a] of each of K arms in each state, S << K. For a new user the arms are
item clusters; for a new item they are audience segments, and each impression tells which audience is the
right one.

- mTS: draw a state from the posterior, play its best arm; P(s) <- P(s) p(reward | arm, s).
- mUCB: keep the states whose predictions have not been contradicted; play the best arm of the most promising.
- mmTS: the model is uncertain too, a Beta posterior for each (s, a); draw a state, then its row, jointly.
- changing state: a step of a hidden Markov chain, P <- P Phi, before each update.

Shapes throughout: n rows, log_belief [n, S] (log probabilities, normalised), model [S, K] or [n, S, K] with
rates strictly inside (0, 1), arm and state int [n], reward [n] in [0, 1].
Source: Hong, Kveton, Zaheer, Chow, Ahmed, Boutilier, "Latent Bandits Revisited", NeurIPS 2020; the changing
state: the same authors, "Non-Stationary Latent Bandits" (2020).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlog1py, xlogy

from fairshot.algorithms.arguments import Bools, Floats, Ints, at_least_zero, flags, labels, real, within

ROUNDING = 1e-5
"""How far from one a belief may sum."""


def uniform_belief(rows: int, states: int) -> Floats:
    """Log belief of rows about which nothing is known: 1/S for each state.

    Formula: log b_s = -log S.
    Shapes: returns [rows, states]. Errors: ValueError where there is no state.

    >>> np.exp(uniform_belief(1, 4))
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    if rows < 0 or states < 1:
        raise ValueError(f"rows >= 0 and states >= 1 wanted, shape ({rows}, {states})")
    return np.full((rows, states), -np.log(states))


def draw_states(log_belief: Floats, rng: np.random.Generator, times: int | None = None) -> Ints:
    """Draw a state for each row from its belief: the Thompson step of mTS and mmTS.

    Formula: the number of cumulated probabilities that a uniform number exceeds.
    Shapes: [n, S] to [n]; [1, S] to [times] where `times` draws from one belief are wanted.
    Errors: ValueError where log_belief is not [n, S >= 1] or does not sum to one.

    >>> draw_states(np.log([[0.001, 0.999], [0.999, 0.001]]), np.random.default_rng(0))
    array([1, 0])
    """
    cumulated = np.cumsum(np.exp(_belief(log_belief)), axis=1)
    return np.asarray(
        (rng.random((len(cumulated) if times is None else times, 1)) >= cumulated[:, :-1]).sum(axis=1), np.int64
    )


def best_arms(model: ArrayLike, state: ArrayLike) -> Ints:
    """Arm with the largest mean reward in the state of each row.

    Formula: argmax_a mu[s, a]; the first of equals.
    Shapes: model [S, K] or [n, S, K], state [n]; returns [n]. Errors: ValueError for other shapes.

    >>> best_arms([[0.1, 0.9], [0.8, 0.2]], state=[0, 1, 1])
    array([1, 0, 0])
    """
    rates = _model(model, np.size(state))
    states = labels("state", state, len(rates), rates.shape[1])
    return np.asarray(rates[np.arange(len(rates)), states].argmax(axis=1), np.int64)


def update_belief(log_belief: Floats, model: ArrayLike, arm: ArrayLike, reward: ArrayLike) -> Floats:
    """Belief after each row has played one arm and seen one Bernoulli reward.

    Formula: P(s) <- P(s) mu[s, arm]^reward (1 - mu[s, arm])^(1 - reward), normalised.
    Errors: ValueError where rates are not inside (0, 1), rewards not in [0, 1], or shapes do not fit (the
    belief and the model must have the same number of states).

    >>> belief = update_belief(uniform_belief(1, 2), [[0.2, 0.5], [0.8, 0.5]], arm=[0], reward=[1.0])
    >>> np.exp(belief).round(3)
    array([[0.2, 0.8]])
    """
    beliefs, rewards = _belief(log_belief), _rewards(reward, len(log_belief))
    rates = _arm_rates(_model(model, *beliefs.shape), arm)
    evidence = xlogy(rewards[:, None], rates) + xlog1py(1 - rewards[:, None], -rates)
    return _normalised(beliefs + evidence)


def belief_from_counts(log_prior: Floats, model: ArrayLike, successes: ArrayLike, trials: ArrayLike) -> Floats:
    """Belief after whole counts of plays: the same as one update for each play, in any order.

    Formula: log P(s) + sum_a [x_a log mu[s, a] + (n_a - x_a) log(1 - mu[s, a])], normalised. So live state
    need only count.
    Shapes: log_prior [n, S], successes and trials [n, K]; returns [n, S].
    Errors: ValueError where 0 <= successes <= trials does not hold, rates are not inside (0, 1) or shapes
    differ.

    >>> log_prior, model = uniform_belief(1, 2), [[0.2, 0.5], [0.8, 0.5]]
    >>> np.exp(belief_from_counts(log_prior, model, successes=[[2, 0]], trials=[[3, 4]])).round(3)
    array([[0.2, 0.8]])
    """
    priors = _belief(log_prior)
    rates = _model(model, *priors.shape)
    played = at_least_zero("trials", trials, (len(priors), rates.shape[2]))
    won = at_least_zero("successes", successes, played.shape)
    if not np.all(won <= played):
        raise ValueError(f"successes must not exceed trials, shape {won.shape}")
    table = np.asarray(model, np.float64)
    if table.ndim == 2:
        return _normalised(priors + won @ np.log(table).T + (played - won) @ np.log1p(-table).T)
    hits = np.einsum("nk,nsk->ns", won, np.log(table), optimize=True)
    return _normalised(priors + hits + np.einsum("nk,nsk->ns", played - won, np.log1p(-table), optimize=True))


def change_state(log_belief: Floats, transition: ArrayLike) -> Floats:
    """Belief one step later when states change: the forward step of a hidden Markov chain.

    Formula: P'(t) = sum_s P(s) Phi[s, t].
    Shapes: log_belief [n, S], transition [S, S] with rows that sum to one; returns [n, S].
    Errors: ValueError where the transition is not such a matrix.

    >>> np.exp(change_state(np.log([[0.9, 0.1]]), [[0.5, 0.5], [0.0, 1.0]])).round(3)
    array([[0.45, 0.55]])
    """
    beliefs = _belief(log_belief)
    matrix = at_least_zero("transition", transition, (beliefs.shape[1],) * 2)
    if not np.allclose(matrix.sum(axis=1), 1):
        raise ValueError(f"transition must have rows that sum to one, shape {matrix.shape}")
    with np.errstate(divide="ignore"):
        return _normalised(np.log(np.exp(beliefs) @ matrix))


def consistent_states(gap: ArrayLike, plays: ArrayLike, horizon: int, sd: float = 0.5) -> Bools:
    """States that their own predictions have not yet contradicted (mUCB).

    Formula: G(s) <= sd sqrt(6 N(s) log horizon); where none is left, all are.
    Shapes: gap and plays [n, S] as kept by `update_gap`; returns [n, S]. Units: sd of a reward, 1/2 bounds
    every reward in [0, 1]. Errors: ValueError where shapes differ, horizon < 1 or sd is not positive.

    >>> consistent_states(gap=[[9.0, 0.0]], plays=[[10, 0]], horizon=200)
    array([[False,  True]])
    """
    gaps = real("gap", gap, (None, None))
    counts = at_least_zero("plays", plays, gaps.shape)
    if horizon < 1 or not sd > 0:
        raise ValueError(f"horizon >= 1 and sd > 0 wanted, shape (): {horizon}, {sd}")
    kept = np.asarray(gaps <= sd * np.sqrt(6 * counts * np.log(horizon)))
    return kept | ~kept.any(axis=1, keepdims=True)


def optimistic_states(model: ArrayLike, consistent: Bools) -> Ints:
    """State with the largest best reward among the consistent ones of each row (mUCB).

    Formula: argmax_{s consistent} max_a mu[s, a].
    Shapes: model [S, K] or [n, S, K], consistent [n, S]; returns [n]. Errors: ValueError for other shapes.

    >>> optimistic_states([[0.1, 0.9], [0.8, 0.2]], np.array([[True, True], [False, True]]))
    array([0, 1])
    """
    rates = _model(model, len(consistent))
    kept = flags("consistent", consistent, rates.shape[:2])
    return np.asarray(np.where(kept, rates.max(axis=2), -1.0).argmax(axis=1), np.int64)


def update_gap(
    gap: Floats,
    plays: Ints,
    model: ArrayLike,
    state: ArrayLike,
    arm: ArrayLike,
    reward: ArrayLike,
    error: float = 0,
) -> tuple[Floats, Ints]:
    """Count how far the rewards fell short of what the acted state had predicted (mUCB).

    Formula: for the acted state s, G(s) += mu[s, arm] - error - reward and N(s) += 1.
    Shapes: gap and plays [n, S]; returns new ones. Units: error bounds |mu - true mu|, in rewards.
    Errors: as `update_belief`; ValueError where gap is not finite, plays are not integers >= 0 or error is
    outside [0, 1].

    >>> update_gap(np.zeros((1, 2)), np.zeros((1, 2), np.int64), [[0.25], [0.75]], [1], [0], [0.0])
    (array([[0.  , 0.75]]), array([[0, 1]]))
    """
    new_gap = real("gap", gap, (None, None)).copy()
    if np.shape(plays) != new_gap.shape or np.asarray(plays).dtype.kind not in "iu" or np.min(plays) < 0:
        raise ValueError(f"plays must be integers >= 0 {new_gap.shape} as gap, shape {np.shape(plays)}")
    within("error", error, 0, 1)
    rewards, rows, new_plays = _rewards(reward, len(gap)), np.arange(len(gap)), np.array(plays, np.int64)
    states, rates = labels("state", state, *new_gap.shape), _arm_rates(_model(model, *new_gap.shape), arm)
    new_gap[rows, states] += rates[rows, states] - error - rewards
    new_plays[rows, states] += 1
    return new_gap, new_plays


def draw_uncertain_arms(log_belief: Floats, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Ints:
    """Arm to play when the model itself is uncertain (mmTS): draw a state, then its rates, play the best.

    Formula: s ~ P, theta_a ~ Beta(alpha[s, a], beta[s, a]), argmax_a theta_a.
    Shapes: log_belief [n, S], alpha and beta [n, S, K]; returns [n].
    Errors: ValueError where alpha or beta are not positive or shapes differ.

    >>> alpha, beta = np.array([[[900.0, 100.0]]]), np.array([[[100.0, 900.0]]])
    >>> draw_uncertain_arms(uniform_belief(1, 1), alpha, beta, np.random.default_rng(0))
    array([0])
    """
    _check_beta(log_belief, alpha, beta)
    rows, states = np.arange(len(alpha)), draw_states(log_belief, rng)
    return np.asarray(rng.beta(alpha[rows, states], beta[rows, states]).argmax(axis=1), np.int64)


def update_uncertain(
    log_belief: Floats, alpha: Floats, beta: Floats, arm: ArrayLike, reward: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Joint posterior of state and rates after one play of each row (mmTS).

    Formula: P(s) <- P(s) times the predictive chance alpha / (alpha + beta) of the reward at (s, arm); then
    alpha[s, arm] += reward and beta[s, arm] += 1 - reward in every state, for each row of a state is the
    posterior given that state. Shapes: as `draw_uncertain_arms`; returns (log_belief, alpha, beta). Errors:
    the same.

    >>> alpha, beta = np.array([[[1.0], [3.0]]]), np.array([[[3.0], [1.0]]])
    >>> log_belief, alpha, beta = update_uncertain(uniform_belief(1, 2), alpha, beta, [0], [1.0])
    >>> np.exp(log_belief).round(2), alpha[0, :, 0]
    (array([[0.25, 0.75]]), array([2., 4.]))
    """
    _check_beta(log_belief, alpha, beta)
    rows, rewards = np.arange(len(alpha)), _rewards(reward, len(alpha))
    arms = labels("arm", arm, len(alpha), alpha.shape[2])
    belief = update_belief(log_belief, alpha / (alpha + beta), arms, rewards)
    new_alpha, new_beta = alpha.copy(), beta.copy()
    new_alpha[rows, :, arms] += rewards[:, None]
    new_beta[rows, :, arms] += 1 - rewards[:, None]
    return belief, new_alpha, new_beta


def _normalised(log_belief: Floats) -> Floats:
    shifted = log_belief - log_belief.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _belief(log_belief: Floats) -> Floats:
    if np.ndim(log_belief) != 2 or not (np.abs(np.exp(log_belief).sum(axis=1) - 1) <= ROUNDING).all():
        raise ValueError(f"log_belief must be [n, S], its exp summing to one, shape {np.shape(log_belief)}")
    return log_belief


def _model(model: ArrayLike, rows: int, states: int | None = None) -> Floats:
    rates = real("model", model, (states, None) if np.ndim(model) == 2 else (rows, states, None))
    if not np.all((rates > 0) & (rates < 1)):
        raise ValueError(f"model must be strictly inside (0, 1), shape {rates.shape}")
    return np.broadcast_to(rates, (rows, *rates.shape[-2:]))


def _arm_rates(model: Floats, arm: ArrayLike) -> Floats:
    rows, _, arms = model.shape
    return np.asarray(model[np.arange(rows), :, labels("arm", arm, rows, arms)])


def _rewards(reward: ArrayLike, rows: int) -> Floats:
    rewards = real("reward", reward, (rows,))
    if not np.all((rewards >= 0) & (rewards <= 1)):
        raise ValueError(f"reward must be in [0, 1], shape {rewards.shape}")
    return rewards


def _check_beta(log_belief: Floats, alpha: Floats, beta: Floats) -> None:
    if alpha.ndim != 3 or alpha.shape != beta.shape or alpha.shape[:2] != log_belief.shape:
        raise ValueError(f"alpha and beta must be [n, S, K], shape {alpha.shape} and {beta.shape}")
    if not all(np.all((array > 0) & np.isfinite(array)) for array in (alpha, beta)):
        raise ValueError(f"alpha and beta must be > 0 and finite, shape {alpha.shape}")
