"""Comparison: policies side by side over seeds, each figure with its interval, and differences seed by seed."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from fairshot.core.arrays import Floats
from fairshot.town.figures import figures
from fairshot.town.records import Run
from fairshot.town.scenarios import Scenario
from fairshot.town.simulation import simulate
from fairshot.town.truth import Truth
from fairshot.town.world import make_world

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of a figure over seeds with its 95 % interval by Student's t; none of a single seed.

    seeds: how many of them had anything to measure.
    """

    value: float | None
    low: float | None
    high: float | None
    seeds: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one policy came to: its figures by seed, its runs' seconds and trainings."""

    policy: str
    figures: Mapping[str, Sequence[float]]
    seconds: Sequence[float]
    slates: Sequence[int]
    promoted: Sequence[Sequence[bool]]

    def estimates(self) -> dict[str, Estimate]:
        """Every figure with its interval."""
        return {name: estimate(np.array(values)) for name, values in self.figures.items()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Policies in one scenario over the same seeds."""

    scenario: Scenario
    seeds: Sequence[int]
    outcomes: Sequence[Outcome]

    def differences(self, less: str) -> dict[str, dict[str, Estimate]]:
        """By policy and figure: how far each other policy lies above this one, seed by seed."""
        base = next(one for one in self.outcomes if one.policy == less)
        return {
            one.policy: {
                name: estimate(np.array(values) - np.array(base.figures[name])) for name, values in one.figures.items()
            }
            for one in self.outcomes
            if one.policy != less
        }

    def document(self) -> dict[str, Any]:
        """Everything in plain types, NaN as None."""
        policies = {
            one.policy: {
                "figures": {
                    name: asdict(found) | {"by_seed": [_plain(v) for v in one.figures[name]]}
                    for name, found in one.estimates().items()
                },
                "seconds": list(one.seconds),
                "slates": list(one.slates),
                "promoted": [list(run) for run in one.promoted],
            }
            for one in self.outcomes
        }
        base = reference(self)
        told = {
            policy: {name: asdict(found) for name, found in rows.items()}
            for policy, rows in self.differences(base).items()
        }
        scenario = asdict(self.scenario)
        return {
            "scenario": scenario,
            "seeds": list(self.seeds),
            "policies": policies,
            "against": base,
            "differences": told,
        }


def reference(comparison: Comparison) -> str:
    """The policy that the others are held against: engagement where it ran, else the first."""
    names = [one.policy for one in comparison.outcomes]
    return "engagement" if "engagement" in names else names[0]


def estimate(values: Floats) -> Estimate:
    """Mean and 95 % interval of independent values, (n,): mean -+ t(n - 1, .975) s / sqrt(n); NaN are left out."""
    told = values[np.isfinite(values)]
    n = len(told)
    if n == 0:
        return Estimate(None, None, None, 0)
    mean = float(told.mean())
    if n == 1:
        return Estimate(mean, None, None, 1)
    reach = float(stdtrit(n - 1, 0.975) * told.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - reach, mean + reach, n)


def compare(
    scenario: Scenario, policies: Sequence[str], seeds: Sequence[int], processes: int, progress: Progress
) -> Comparison:
    """Run every policy in the town of every seed; processes take a seed each, or serve the only one together."""
    jobs = [(scenario, seed, list(policies)) for seed in seeds]
    found: list[list[Measured]] = []
    if processes == 1 or len(jobs) == 1:
        for number, job in enumerate(jobs):
            found.append(_measured(*job, _part(progress, number, len(jobs), len(policies)), processes))
    else:
        # A process of its own for each seed: training starts threads, after which forking is not safe.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            for number, done in enumerate(pool.map(_measured, *zip(*jobs, strict=True))):
                found.append(done)
                progress(f"seed {seeds[number]}", (number + 1) / len(jobs))
    outcomes = [_outcome(name, [runs[place] for runs in found]) for place, name in enumerate(policies)]
    return Comparison(scenario, list(seeds), outcomes)


@dataclass(frozen=True, slots=True)
class Measured:
    """A run once it is measured: small enough to be handed from process to process."""

    figures: Mapping[str, float]
    seconds: float
    slates: int
    promoted: Sequence[bool]


def _measured(
    scenario: Scenario, seed: int, policies: list[str], progress: Progress | None = None, processes: int = 1
) -> list[Measured]:
    truth = Truth.of(make_world(scenario, seed))
    with tempfile.TemporaryDirectory(prefix="fairshot-town-") as folder:
        report = progress or (lambda _phase, _share: None)
        runs = simulate(scenario, seed, policies, Path(folder), report, processes=processes)
    return [_of(run, truth) for run in runs]


def _of(run: Run, truth: Truth) -> Measured:
    return Measured(figures(run, truth), run.seconds, len(run.at), [promoted for _, promoted in run.trainings])


def _outcome(name: str, runs: Sequence[Measured]) -> Outcome:
    return Outcome(
        policy=name,
        figures={figure: [run.figures[figure] for run in runs] for figure in runs[0].figures},
        seconds=[round(run.seconds, 2) for run in runs],
        slates=[run.slates for run in runs],
        promoted=[run.promoted for run in runs],
    )


def _part(progress: Progress, number: int, jobs: int, policies: int) -> Progress:
    """The share of one seed's runs in all of them; the past counts as one run more."""
    done = 0
    last = "past"

    def report(phase: str, share: float) -> None:
        nonlocal done, last
        if phase != last:
            done, last = done + 1, phase
        progress(phase, (number + (done + share) / (policies + 1)) / jobs)

    return report


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None
