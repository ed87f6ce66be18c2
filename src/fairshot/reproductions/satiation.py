"""Greedy play of rebounding arms is optimal when they are identical (science table, row 10).

Set-up: 3 arms, 8 steps, base reward 1, strength 1, retention .8; the optimum by trying all 3^8 schedules.
"""

from pathlib import Path

from fairshot.algorithms import satiation as sa
from fairshot.reproductions.figure import Figure, near

ARMS, HORIZON, RETENTION = 3, 8, 0.8
SOURCE = "brute force over all schedules, K = 3, T = 8, gamma = .8"


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - enumerated
    """Reward of the greedy schedule, and of the best of all."""
    base = [1.0] * ARMS
    schedules = {
        "greedy": sa.greedy_schedule(base, 1.0, RETENTION, HORIZON),
        "best": sa.best_schedule(base, 1.0, RETENTION, HORIZON),
    }
    rewards = {name: sa.schedule_reward(plan, base, 1.0, RETENTION) for name, plan in schedules.items()}
    return [near(f"reward of the {name} schedule", rewards[name], 4.915712, 5e-7, SOURCE) for name in rewards]
