"""Laws of latent bandits: beliefs are distributions, counting equals updating, the posterior concentrates."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom

from fairshot.algorithms import latent_bandit as lb

seeds = st.integers(0, 2**32 - 1)
MODEL = np.array([[0.2, 0.5, 0.7], [0.8, 0.5, 0.1]])


def random_world(seed: int, rows: int = 4) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.uniform(0.05, 0.95, (rng.integers(1, 5), rng.integers(1, 6)))


@given(seeds, st.integers(0, 15))
def test_counting_equals_updating_in_any_order(seed: int, plays: int) -> None:
    rng, model = random_world(seed)
    states, arms = model.shape
    arm, reward = rng.integers(arms, size=(plays, 4)), rng.integers(2, size=(plays, 4)).astype(float)
    belief = lb.uniform_belief(4, states)
    successes, trials = np.zeros((4, arms)), np.zeros((4, arms))
    for step in rng.permutation(plays):
        belief = lb.update_belief(belief, model, arm[step], reward[step])
        successes[np.arange(4), arm[step]] += reward[step]
        trials[np.arange(4), arm[step]] += 1
    counted = lb.belief_from_counts(lb.uniform_belief(4, states), model, successes, trials)
    np.testing.assert_allclose(np.exp(belief).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(belief), np.exp(counted), atol=1e-12)


@given(seeds)
def test_one_state_means_no_regret(seed: int) -> None:
    rng, model = random_world(seed)
    model = model[:1]
    state = lb.draw_states(lb.uniform_belief(5, 1), rng)
    assert np.all(model[0, lb.best_arms(model, state)] == model.max())


def test_states_are_drawn_in_proportion_to_belief() -> None:
    wanted = np.array([0.1, 0.0, 0.6, 0.3])
    with np.errstate(divide="ignore"):
        belief = np.tile(np.log(wanted), (40_000, 1))
    share = np.bincount(lb.draw_states(belief, np.random.default_rng(1)), minlength=4) / 40_000
    np.testing.assert_allclose(share, wanted, atol=0.01)
    assert share[1] == 0


def test_posterior_concentrates_where_states_differ() -> None:
    """P(true state) > .95 after 50 pulls in more than 90 % of runs, where states differ by .2 or more."""
    rng, rows, states, arms = np.random.default_rng(2), 500, 3, 6
    worlds = rng.uniform(0.02, 0.98, (200_000, states))
    worlds = worlds[np.diff(np.sort(worlds, axis=1), axis=1).min(axis=1) >= 0.2][: rows * arms]
    model = worlds.reshape(rows, arms, states).transpose(0, 2, 1)
    truth, belief = rng.integers(states, size=rows), lb.uniform_belief(rows, states)
    for _ in range(50):
        arm = lb.best_arms(model, lb.draw_states(belief, rng))
        reward = rng.random(rows) < model[np.arange(rows), truth, arm]
        belief = lb.update_belief(belief, model, arm, reward)
    assert np.mean(np.exp(belief[np.arange(rows), truth]) > 0.95) > 0.9


def test_optimistic_play_drops_a_contradicted_state_and_never_runs_out() -> None:
    gap, plays = np.zeros((1, 2)), np.zeros((1, 2), np.int64)
    for _ in range(60):
        state = lb.optimistic_states(MODEL, lb.consistent_states(gap, plays, horizon=60))
        gap, plays = lb.update_gap(gap, plays, MODEL, state, lb.best_arms(MODEL, state), [0.0])
    assert plays.sum() == 60
    assert plays.min() > 0
    assert lb.consistent_states([[99.0, 99.0]], [[1, 1]], horizon=60).all()


@given(seeds)
def test_changing_state_keeps_a_distribution_and_the_identity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    belief = np.log(rng.dirichlet(np.ones(3), size=2))
    np.testing.assert_allclose(lb.change_state(belief, np.eye(3)), belief, atol=1e-12)
    mixed = np.exp(lb.change_state(belief, rng.dirichlet(np.ones(3), size=3)))
    np.testing.assert_allclose(mixed.sum(axis=1), 1)


def test_a_changing_state_is_followed() -> None:
    transition = np.array([[0.95, 0.05], [0.05, 0.95]])
    fixed = moving = lb.uniform_belief(1, 2)
    for reward in [1.0] * 30 + [0.0] * 8:  # arm 0: state 1 likes it, state 0 does not
        fixed = lb.update_belief(fixed, MODEL, [0], [reward])
        moving = lb.update_belief(lb.change_state(moving, transition), MODEL, [0], [reward])
    assert np.exp(moving[0, 0]) > 0.9 > np.exp(fixed[0, 0])


def test_uncertain_model_matches_the_beta_binomial_predictive() -> None:
    alpha, beta = np.array([[[2.0], [5.0]]]), np.array([[[6.0], [1.5]]])
    belief, a, b = lb.uniform_belief(1, 2), alpha, beta
    for reward in (1.0, 0.0, 1.0, 1.0):
        belief, a, b = lb.update_uncertain(belief, a, b, [0], [reward])
    wanted = np.asarray(betabinom.pmf(3, 4, alpha[0, :, 0], beta[0, :, 0]))
    np.testing.assert_allclose(np.exp(belief[0]), wanted / wanted.sum())
    np.testing.assert_allclose([a[0, :, 0], b[0, :, 0]], [alpha[0, :, 0] + 3, beta[0, :, 0] + 1])


def test_uncertain_model_with_much_evidence_plays_like_the_known_model() -> None:
    rng, rows = np.random.default_rng(3), 2000
    alpha, beta = (np.tile(1e6 * rates, (rows, 1, 1)) for rates in (MODEL, 1 - MODEL))
    arm = lb.draw_uncertain_arms(lb.uniform_belief(rows, 2), alpha, beta, rng)
    np.testing.assert_allclose(np.bincount(arm, minlength=3) / rows, [0.5, 0, 0.5], atol=0.04)


BELIEF = lb.uniform_belief(2, 2)
ONES = np.ones((2, 2, 3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lb.uniform_belief(1, 0), r"states .*\(1, 0\)"),
        (lambda: lb.draw_states(np.zeros((2, 2)), np.random.default_rng(0)), r"log_belief .*\(2, 2\)"),
        (lambda: lb.update_belief(BELIEF, [[0.5], [1.0]], [0, 0], [1, 1]), r"model .*\(2, 1\)"),
        (lambda: lb.update_belief(BELIEF, MODEL, [0, 3], [1, 1]), r"arm .*\(2,\)"),
        (lambda: lb.update_belief(BELIEF, MODEL, [0, 0], [1, 2]), r"reward .*\(2,\)"),
        (lambda: lb.belief_from_counts(BELIEF, MODEL, ONES[0], np.zeros((2, 3))), r"successes .*\(2, 3\)"),
        (lambda: lb.best_arms(MODEL, [2]), r"state .*\(1,\)"),
        (lambda: lb.change_state(BELIEF, np.ones((2, 2))), r"transition .*\(2, 2\)"),
        (lambda: lb.consistent_states([[1.0]], [[1, 1]], 5), r"plays .*\(1, 2\)"),
        (lambda: lb.consistent_states([[1.0]], [[1]], 0), "horizon"),
        (
            lambda: lb.draw_uncertain_arms(BELIEF, -ONES, ONES, np.random.default_rng(0)),
            r"alpha .*\(2, 2, 3\)",
        ),
        (lambda: lb.update_uncertain(BELIEF, ONES[:1], ONES, [0, 0], [1, 1]), r"alpha .*\(1, 2, 3\)"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
