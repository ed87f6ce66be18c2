"""Mean regret of latent bandits beside bandits that learn every arm anew (science table, row 6).

Set-up: S states by K arms, mean rewards drawn from Beta(1/2, 2), Bernoulli rewards, 200 rounds, the model
known up to clipping at [.01, .99]; regret against the best arm of the true state. All runs advance together.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fairshot.algorithms import latent_bandit as lb
from fairshot.algorithms.arguments import Floats, Ints
from fairshot.reproductions.figure import Figure, at_most, near

ROUNDS, RUNS = 200, 1000
REFERENCE_RUNS = 100
SOURCE = (
    "regret over {rounds} rounds, S = {states}, K = {arms}; mean of {reference} runs of an independent simulation, "
    "standard error {theirs:.2g}, here {runs} runs, {ours:.2g}; tolerance max(15 %, 2 standard errors of both means)"
)
TARGETS = {
    (5, 50): {"mTS": (3.3, 0.33), "mUCB": (20.7, 1.56), "Beta-TS": (79.3, 1.28), "UCB1": (107.4, 1.59)},
    (10, 50): {"mTS": (6.2, 0.47), "mUCB": (37.4, 2.61), "Beta-TS": (78.8, 1.04), "UCB1": (108.2, 1.61)},
    (20, 20): {"mTS": (9.2, 0.99), "mUCB": (44.4, 2.86), "Beta-TS": (45.1, 1.04), "UCB1": (77.9, 1.57)},
}
"""Mean regret of the reference and its standard error."""
MISSPECIFIED = {0.05: (5.3, 0.63), 0.1: (11.4, 1.45), 0.2: (39.8, 3.60)}
HALF = "still half of Beta-TS when the model is off by .2: 39.8 against 79.3 in the reference"


class Latent:
    """mTS, or mUCB, with a known model [n, S, K]."""

    def __init__(self, model: Floats, rng: np.random.Generator, optimistic: bool = False) -> None:
        self.model, self.rng, self.optimistic = model, rng, optimistic
        rows, states, _ = model.shape
        self.belief = lb.uniform_belief(rows, states)
        self.gap, self.plays = np.zeros((rows, states)), np.zeros((rows, states), np.int64)
        self.state = np.zeros(rows, np.int64)

    def choose(self, _round: int) -> Ints:
        """Arm of each run."""
        if self.optimistic:
            kept = lb.consistent_states(self.gap, self.plays, ROUNDS)
            self.state = lb.optimistic_states(self.model, kept)
        else:
            self.state = lb.draw_states(self.belief, self.rng)
        return lb.best_arms(self.model, self.state)

    def learn(self, arm: Ints, reward: Floats) -> None:
        """Take in the rewards."""
        if self.optimistic:
            self.gap, self.plays = lb.update_gap(self.gap, self.plays, self.model, self.state, arm, reward)
        else:
            self.belief = lb.update_belief(self.belief, self.model, arm, reward)


class Arms:
    """Thompson sampling with Beta(1, 1) on every arm, or UCB1: neither knows of states."""

    def __init__(self, model: Floats, rng: np.random.Generator, optimistic: bool = False) -> None:
        self.rng, self.optimistic = rng, optimistic
        self.won, self.played = np.zeros((2, len(model), model.shape[2]))

    def choose(self, round_: int) -> Ints:
        """Arm of each run."""
        if not self.optimistic:
            draws = self.rng.beta(1 + self.won, 1 + self.played - self.won)
            return np.asarray(draws.argmax(axis=1), np.int64)
        tried = np.maximum(self.played, 1)
        index = self.won / tried + np.sqrt(2 * np.log(round_) / tried)
        return np.asarray(np.where(self.played == 0, np.inf, index).argmax(axis=1), np.int64)

    def learn(self, arm: Ints, reward: Floats) -> None:
        """Take in the rewards."""
        rows = np.arange(len(arm))
        self.won[rows, arm] += reward
        self.played[rows, arm] += 1


METHODS: dict[str, Callable[[Floats, np.random.Generator], Latent | Arms]] = {
    "mTS": Latent,
    "mUCB": lambda model, rng: Latent(model, rng, optimistic=True),
    "Beta-TS": Arms,
    "UCB1": lambda model, rng: Arms(model, rng, optimistic=True),
}


def regrets(method: str, states: int, arms: int, error: float = 0.0, runs: int = RUNS, seed: int = 6) -> Floats:
    """Regret of each run [runs], summed over the rounds; `error` is the sd of the model's noise."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(0.5, 2, (runs, states, arms))
    model = np.clip(truth + error * rng.normal(size=truth.shape), 0.01, 0.99)
    means = truth[np.arange(runs), rng.integers(states, size=runs)]
    player, regret = METHODS[method](model, rng), np.zeros(runs)
    for round_ in range(1, ROUNDS + 1):
        arm = player.choose(round_)
        mean = means[np.arange(runs), arm]
        player.learn(arm, (rng.random(runs) < mean).astype(np.float64))
        regret += means.max(axis=1) - mean
    return regret


def beside(name: str, found: Floats, states: int, arms: int, reference: tuple[float, float]) -> Figure:
    """Hold the mean of runs beside the reference's, which is itself a mean of few runs."""
    target, theirs = reference
    ours = float(found.std(ddof=1)) / math.sqrt(len(found))
    source = SOURCE.format(
        rounds=ROUNDS, states=states, arms=arms, reference=REFERENCE_RUNS, theirs=theirs, runs=len(found), ours=ours
    )
    return near(name, float(found.mean()), target, max(0.15 * target, 2 * math.hypot(theirs, ours)), source)


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Regret of four bandits on three sizes, and of mTS with a wrong model."""
    wrong = {error: regrets("mTS", 5, 50, error) for error in MISSPECIFIED}
    ratio = float(wrong[0.2].mean() / regrets("Beta-TS", 5, 50).mean())
    return [
        *(
            beside(f"regret of {method}, S={states} K={arms}", regrets(method, states, arms), states, arms, reference)
            for (states, arms), targets in TARGETS.items()
            for method, reference in targets.items()
        ),
        *(
            beside(f"regret of mTS, S=5 K=50, model error sd {error}", wrong[error], 5, 50, reference)
            for error, reference in MISSPECIFIED.items()
        ),
        at_most("regret of mTS with model error sd 0.2 / Beta-TS", ratio, 0.5, HALF),
    ]
