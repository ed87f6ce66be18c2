"""Statistics of experiments hold what they promise: A/A tests, the split alarm, and looking all the time.

Set-up: 2,000 A/A tests of 500 users with clicks and impressions that differ between users, tested by mean, by
ratio (delta method) and with a covariate (CUPED); the power of the alarm at a split of 49.5 to 50.5; 1,000 A/A
tests with 40 looks at always-valid intervals.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from fairshot.algorithms import experiment_statistics as es
from fairshot.reproductions.figure import Figure, at_most, near

TESTS: dict[str, Callable[[es.Moments, es.Moments], es.Effect]] = {
    "mean": es.mean_difference,
    "ratio, delta method": es.ratio_difference,
    "CUPED": es.cuped_difference,
}


def false_positives(test: Callable[[es.Moments, es.Moments], es.Effect], runs: int = 2000, users: int = 500) -> float:
    """Share of A/A tests found significant at .05."""
    rng = np.random.default_rng(12)

    def arm() -> es.Moments:
        shown = rng.poisson(rng.gamma(2, 10, users)) + 1
        return es.moments(np.column_stack([rng.binomial(shown, rng.beta(2, 20, users)), shown]))

    return float(np.mean([test(arm(), arm()).p_value < 0.05 for _ in range(runs)]))


def stopped_early(runs: int = 1000, looks: int = 40, users: int = 50) -> float:
    """Share of A/A tests whose always-valid interval excludes 0 at any look."""
    rng, stopped = np.random.default_rng(13), 0
    for _ in range(runs):
        control, treatment = (es.moments(rng.normal(size=users)) for _ in range(2))
        for _ in range(looks):
            control = es.merge_moments(control, es.moments(rng.normal(size=users)))
            treatment = es.merge_moments(treatment, es.moments(rng.normal(size=users)))
            low, high = es.always_valid_interval(es.mean_difference(control, treatment), expected=0.1)
            if not low <= 0 <= high:
                stopped += 1
                break
    return stopped / runs


def alarms(total: int, runs: int = 4000) -> float:
    """Share of splits at 49.5 to 50.5 that raise the alarm at p < .001."""
    heads = np.random.default_rng(14).binomial(total, 0.495, runs)
    return float(np.mean([es.sample_ratio_mismatch([n, total - n], [0.5, 0.5]) < 0.001 for n in heads]))


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """False positives of A/A tests, power of the split alarm, false stops at any of 40 looks."""
    level, power = "nominal level .05, within one point", "split 49.5 to 50.5 at p < .001"
    return [
        *(near(f"A/A false positives, {name}", false_positives(t), 0.05, 0.01, level) for name, t in TESTS.items()),
        near("sample ratio alarm, 100,000 users", alarms(100_000), 0.45, 0.03, power),
        near("sample ratio alarm, 210,000 users", alarms(210_000), 0.90, 0.03, power),
        at_most("A/A tests stopped at any of 40 looks", stopped_early(), 0.05, "always-valid level .05"),
    ]
