"""Thompson sampling on one slot for fresh items, beside uniform trial, and the prior fitted from the trials.

Set-up: 200 items, rates drawn from Beta(1.5, 28.5), 20,000 requests with one slot each; an item that has had
200 impressions graduates and leaves the slot. Figures: successes a request, and how many of the true best 20
are among the 20 best posterior means at the end. All runs advance together.
"""

from pathlib import Path

import numpy as np

from fairshot.algorithms import beta_bandit as bb
from fairshot.algorithms.arguments import Floats
from fairshot.reproductions.figure import Figure, near

ITEMS, REQUESTS, GRADUATION, BEST = 200, 20_000, 200, 20
PRIOR = (1.5, 28.5)
SOURCE = "one slot, 200 items, 20,000 requests; means of 5 runs of an independent simulation"
TOLERANCE = {"success rate": 0.005, "share of best 20 found": 0.06}
TARGETS = {True: (0.067, 0.76), False: (0.050, 0.63)}


def trial_slot(thompson: bool, runs: int = 20, seed: int = 8) -> tuple[float, float]:
    """Run the slot; return the success rate and the share of the true best found, means over runs."""
    rng, rows = np.random.default_rng(seed), np.arange(runs)
    rates = rng.beta(*PRIOR, (runs, ITEMS))
    won, played = np.zeros((2, runs, ITEMS))
    for _ in range(REQUESTS):
        draws = bb.thompson_draw(PRIOR[0] + won, PRIOR[1] + played - won, rng) if thompson else rng.random(rates.shape)
        item = np.where(played < GRADUATION, draws, -1.0).argmax(axis=1)
        won[rows, item] += rng.random(runs) < rates[rows, item]
        played[rows, item] += 1
    return float(won.sum() / (runs * REQUESTS)), _found(rates, (PRIOR[0] + won) / (sum(PRIOR) + played))


def _found(rates: Floats, means: Floats) -> float:
    truth, picked = (np.argsort(-table, axis=1)[:, :BEST] for table in (rates, means))
    return float(np.mean([len(set(a) & set(b)) / BEST for a, b in zip(truth, picked, strict=True)]))


def fitted_prior(seed: int = 8) -> tuple[float, float]:
    """Fit the prior from 2,000 items with 100 to 1,000 impressions each."""
    rng = np.random.default_rng(seed)
    trials = rng.integers(100, 1000, 2000)
    return bb.fit_beta_prior(rng.binomial(trials, rng.beta(*PRIOR, 2000)), trials)


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Success rate and best items found by Thompson and by uniform trial; the prior within 10 %."""
    found = []
    for thompson, targets in TARGETS.items():
        method = "Thompson" if thompson else "uniform trial"
        for (what, tolerance), figure, target in zip(TOLERANCE.items(), trial_slot(thompson), targets, strict=True):
            found.append(near(f"{what}, {method}", figure, target, tolerance, SOURCE))
    source = "true prior of a simulation, within 10 %"
    for name, figure, target in zip(("alpha", "beta"), fitted_prior(), PRIOR, strict=True):
        found.append(near(f"prior {name} by maximum likelihood", figure, target, 0.1 * target, source))
    return found
