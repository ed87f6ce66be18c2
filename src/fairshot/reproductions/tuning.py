"""Tuning finds planted weights, and leaves alone what does not matter.

Set-up: 20,000 items with chances Beta(1, 9) of click, like, share and hide, 30 candidates a request, of which five are
shown, best first by sum_k w_k p_k. A reaction is worth something to the person (click 0, like 1, share 3, hide -3), and
the chance to return is 1 / (1 + exp(-(worth of the day's reactions - 0.6))). The service starts with click 2, like 1,
share 1, hide -1. 2,000 people on 15 days make a round, each day with weights of its own (sd .3); then the proposal is
taken, 12 rounds. Regret: what the chance of return of unperturbed slates lacks against planted weights. Ratios are to
the weight of a like, for the scale of all weights changes no slate; that of clicks is reported, as half a like
left of it costs 2 % of the regret. Where nothing is planted, people return by a chance of their own.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.weight_tuning import Proposal, Search, estimate_response, propose_step, search_step
from fairshot.reproductions.figure import Figure, at_least, at_most

SOURCE = "simulated people whose return depends on planted weights; 5 seeds"
WORTH = np.array([0.0, 1.0, 3.0, -3.0])
START = np.array([2.0, 1.0, 1.0, -1.0])
SEEDS, ROUNDS, PEOPLE, DAYS, SD = 5, 12, 2_000, 15, 0.3
ITEMS, CANDIDATES, SHOWN = 20_000, 30, 5
NULL_RUNS = 100


@dataclass(frozen=True, slots=True)
class Log:
    """Perturbations [n, kinds], returns [n], person and day [n]."""

    factors: Floats
    outcome: Floats
    person: np.ndarray
    day: np.ndarray

    def proposal(self) -> Proposal:
        """What tuning makes of it."""
        return propose_step(estimate_response(self.factors, self.outcome, self.person, self.day))


def chances(weights: Floats, rng: np.random.Generator) -> Floats:
    """Expected worth of each of n days [n], whose slates are ordered by weights [n, kinds]."""
    items = rng.beta(1, 9, (ITEMS, len(WORTH))).astype(np.float32)
    p = items[rng.integers(0, ITEMS, (len(weights), CANDIDATES))]
    value = np.einsum("nck,nk->nc", p, weights.astype(np.float32))
    best = np.argpartition(-value, SHOWN, axis=1)[:, :SHOWN]
    shown = np.take_along_axis(p, best[:, :, None], axis=1)
    worth = (rng.random(shown.shape, np.float32) < shown).sum(axis=1) @ WORTH
    returning: Floats = 1 / (1 + np.exp(-(worth - 0.6)))
    return returning


def round_of(weights: Floats, rng: np.random.Generator) -> Log:
    """A round of the service with these weights perturbed."""
    person, day = np.repeat(np.arange(PEOPLE), DAYS), np.tile(np.arange(DAYS), PEOPLE)
    factors = rng.normal(0, SD, (len(person), len(weights)))
    returned = rng.random(len(person)) < chances(weights * np.exp(factors), rng)
    return Log(factors, returned.astype(float), person, day)


def mean_return(weights: Floats, seed: int, n: int = 40_000) -> float:
    """The chance of return with fixed weights: the same requests for the same seed."""
    return float(chances(np.tile(weights, (n, 1)), np.random.default_rng(seed)).mean())


def tuned(seed: int) -> Floats:
    """The weights after all rounds."""
    rng = np.random.default_rng(seed)
    weights = START
    for _ in range(ROUNDS):
        weights = weights * np.exp(round_of(weights, rng).proposal().step)
    return weights


def closed(weights: Floats, seed: int) -> float:
    """The share of the starting regret that is gone."""
    best, before, after = (mean_return(w, 1_000 + seed) for w in (WORTH, START, weights))
    return (after - before) / (best - before)


def nothing_planted(seed: int) -> bool:
    """Whether anything is proposed where returns have nothing to do with weights."""
    rng = np.random.default_rng(seed)
    own = rng.beta(2, 2, 300)
    person, day = np.repeat(np.arange(300), DAYS), np.tile(np.arange(DAYS), 300)
    factors = rng.normal(0, SD, (len(person), 11))
    returned = (rng.random(len(person)) < own[person]).astype(float)
    return bool(Log(factors, returned, person, day).proposal().step.any())


def searched(seed: int) -> Floats:
    """The weights that the cross-entropy search finds when it may call the simulation."""
    plan = Search(sd=0.7, generations=12, population=24, elite=6, repeats=10)
    rng = np.random.default_rng(seed)
    return START * np.exp(
        search_step(lambda step, run: mean_return(START * np.exp(step), run, 4_000), 4, rng, plan).step
    )


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Regret closed, by seed the least; planted ratios; and false proposals."""
    found = [tuned(seed) for seed in range(SEEDS)]
    ratios = np.array([[w[2] / w[1], -w[3] / w[1], w[0] / w[1]] for w in found]).mean(axis=0)
    false = float(np.mean([nothing_planted(seed) for seed in range(NULL_RUNS)]))
    return [
        at_least("regret closed from logs, worst of 5", min(closed(w, n) for n, w in enumerate(found)), 0.8, SOURCE),
        at_least("regret closed by search, worst of 5", min(closed(searched(n), n) for n in range(SEEDS)), 0.8, SOURCE),
        Figure("share over like, planted 3", float(ratios[0]), "2 to 4.5", 0.0, SOURCE, 2 <= ratios[0] <= 4.5),
        Figure("hide over like, planted -3", -float(ratios[1]), "-4.5 to -2", 0.0, SOURCE, 2 <= ratios[1] <= 4.5),
        Figure("click over like, planted 0, begun at 2", float(ratios[2]), "reported", 0.0, SOURCE, True),
        at_most("proposals where nothing is planted", false, 0.1, f"11 kinds, 300 people, {NULL_RUNS} logs"),
    ]
