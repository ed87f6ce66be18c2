"""Spread and bias of slate estimators on logs whose truth is known (science table, row 11).

Set-up: every position draws one of 5 actions, logging from Dirichlet(1) mixed half with the uniform policy,
the target from Dirichlet(.3) with weight .8. First: 4 positions, a click at each with its own probability,
4,000 slates a log, 200 logs. Second: 3 positions, one reward for a slate whose probability is a third of the
sum of appeals, 3,000 slates a log, 300 logs. A spread belongs to one draw of the policies, so the policies
are those behind the published figures (same generator and place in its stream); the logs are drawn anew.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fairshot.algorithms import off_policy
from fairshot.algorithms.arguments import Floats
from fairshot.reproductions.figure import Figure, near

ACTIONS = 5
SPREAD = "sd over {} simulated logs of {:,} slates, {} positions; independent simulation, same policies"
TRUTH = "true value of the target policy in the same simulation, within 3 standard errors"
EARLIER_DRAWS = 50 * (30 * 16 + 30) + 500 * 64 + 500
Estimator = Callable[[Floats, Floats, Floats], off_policy.Estimate]


def policies(rng: np.random.Generator, positions: int) -> tuple[Floats, Floats]:
    """Logging and target policy [positions, actions]."""
    logging = rng.dirichlet(np.ones(ACTIONS), positions) * 0.5 + 0.5 / ACTIONS
    return logging, rng.dirichlet(np.ones(ACTIONS) * 0.3, positions) * 0.8 + 0.2 / ACTIONS


def logged_actions(rng: np.random.Generator, logging: Floats, slates: int) -> tuple[np.ndarray, np.ndarray]:
    """Index [positions], [slates, positions] of the logged actions, drawn from the logging policy."""
    drawn = [rng.choice(ACTIONS, slates, p=p) for p in logging]
    return np.arange(len(logging)), np.stack(drawn, axis=1)


def by_position(logs: int = 200, slates: int = 4000, positions: int = 4) -> list[Figure]:
    """SIPS, RIPS and IIPS where clicks do not influence each other: all unbiased, IIPS the sharpest."""
    rng = np.random.default_rng(0)
    rng.normal(size=EARLIER_DRAWS)
    appeal = rng.random((positions, ACTIONS))
    logging, target = policies(rng, positions)
    names: dict[str, tuple[Estimator, float]] = {
        "SIPS": (off_policy.slate_ips, 0.152),
        "RIPS": (off_policy.cascade_ips, 0.073),
        "IIPS": (off_policy.independent_ips, 0.030),
    }
    values: dict[str, list[float]] = {name: [] for name in names}
    fresh = np.random.default_rng(11)
    for _ in range(logs):
        at = logged_actions(fresh, logging, slates)
        clicks = (fresh.random((slates, positions)) < appeal[at]).astype(np.float64)
        for name, (estimate, _spread) in names.items():
            values[name].append(estimate(clicks, target[at], logging[at]).value)
    targets = {name: spread for name, (_, spread) in names.items()}
    return _report(values, targets, float((target * appeal).sum()), SPREAD.format(logs, slates, positions))


def by_slate(logs: int = 300, slates: int = 3000, positions: int = 3) -> list[Figure]:
    """Pseudo-inverse beside SIPS where only one reward for a slate is logged."""
    rng = np.random.default_rng(1)
    logging, target = policies(rng, positions)
    appeal = rng.random((positions, ACTIONS)) / positions
    values: dict[str, list[float]] = {"PI": [], "SIPS of one reward": []}
    fresh = np.random.default_rng(12)
    for _ in range(logs):
        at = logged_actions(fresh, logging, slates)
        reward = (fresh.random(slates) < appeal[at].sum(axis=1)).astype(np.float64)
        values["PI"].append(off_policy.pseudo_inverse(reward, target[at], logging[at]).value)
        spread_out = np.column_stack([np.zeros((slates, positions - 1)), reward])
        values["SIPS of one reward"].append(off_policy.slate_ips(spread_out, target[at], logging[at]).value)
    targets = {"PI": 0.034, "SIPS of one reward": 0.058}
    return _report(values, targets, float((target * appeal).sum()), SPREAD.format(logs, slates, positions))


def _report(values: dict[str, list[float]], targets: dict[str, float], truth: float, source: str) -> list[Figure]:
    """Two figures an estimator: its spread within 15 % (three standard errors of a spread), and its mean."""
    found = []
    for name, spread in targets.items():
        measured = float(np.std(values[name]))
        error = 3 * measured / len(values[name]) ** 0.5
        found.append(near(f"{name}, standard deviation", measured, spread, 0.15 * spread, source))
        found.append(near(f"{name}, mean", float(np.mean(values[name])), truth, error, TRUTH))
    return found


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Standard deviation and mean of five estimators."""
    return by_position() + by_slate()
