"""Real headline tests replayed: impressions to the best arm, regret, and verdicts on arms tried one by one.

Tests, their halves and the priors: `headline_tests`. Replay and policies: `headline_replay`. Curves, equal
probability and intervals: `headline_outcomes`. Single trials: `headline_trials`. Ours is top-two Thompson sampling
(leader .75) with a prior of tests' levels and arms about them, which stops when the likeliest arm is best with a
chance of .86 at the start, falling to .46 as the budget is spent, and shows its choice from then on.

A true rate is clicks over impressions, so part of what makes an arm best is chance: to find it is not always to find
the better headline. The rows "rates from posteriors" draw each arm's rate from its posterior instead.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.best_arm import arm_posterior
from fairshot.core.randomness import stream
from fairshot.reproductions.figure import Figure, at_most
from fairshot.reproductions.headline_outcomes import (
    FIRST,
    Outcomes,
    interval,
    resampled,
    right_at,
    spent_at,
    unstopped,
    with_stop,
)
from fairshot.reproductions.headline_replay import (
    BATCHES,
    Course,
    Policy,
    by_beta,
    by_level,
    evenly,
    leader_and_rival,
    replay,
    thompson,
    ucb1,
)
from fairshot.reproductions.headline_tests import HeadlineTests, Priors, load, to_report
from fairshot.reproductions.headline_trials import CONFIDENCE, looks, one_length, run_trials

CHOSEN = FIRST.index(0.86)
RUNS, CHEAP_RUNS, TRIAL_RUNS = 3, 6, 4
LEVELS = {"all": BATCHES - 1, "half": BATCHES // 2 - 1}
LONGEST = 130
"""Clicks expected at the baseline in the longest trial of one length, to compare with."""
SOURCE = "Upworthy Research Archive, {tests:,} tests with {arms:,} arms and {impressions:.1f} million impressions"
Outcome = dict[str, Outcomes]


def figures(data: Path | None) -> list[Figure]:
    """Recompute everything on the half of the tests that no setting was chosen by."""
    tests, priors = to_report(load(data))
    source = SOURCE.format(tests=len(tests.lot), arms=tests.present.sum(), impressions=tests.budget.sum() / 1e6)
    weights = resampled(len(tests.lot), stream("upworthy", "resamples"))
    real = replayed(tests, priors, [tests.rates], "real")
    drawn = replayed(
        tests, priors, plausible(tests, priors, RUNS), "drawn", ("even allocation", "Thompson, fitted prior", "ours")
    )
    found = _counted(real, weights, source) + _impressions(real, weights, source) + _regret(real, weights, source)
    found += _robust(drawn, weights, f"{source}; rates from posteriors")
    for last, label in ((0.5, "narrowing limits"), (CONFIDENCE, "fixed limits")):
        found += _trials(tests, priors, last, label, weights, source)
    return found


def policies(priors: Priors) -> dict[str, Policy]:
    """Every policy that is replayed, by name."""
    flat = by_beta((1.0, 1.0))
    return {
        "even allocation": Policy(flat, evenly, judges=False),
        "UCB1": Policy(flat, ucb1, judges=False),
        "Thompson, flat prior": Policy(flat, thompson),
        "Thompson, fitted prior": Policy(by_beta(priors.rate), thompson),
        "ours": Policy(by_level(priors.arm), leader_and_rival),
    }


def replayed(
    tests: HeadlineTests, priors: Priors, rates: list[Floats], name: str, chosen: Sequence[str] | None = None
) -> Outcome:
    """Replay policies (all where none is chosen) on each of the rates in turn; ours also under "ours, no stop"."""
    budget, found = tests.budget.astype(np.float64), {}
    for label, policy in policies(priors).items():
        if chosen is not None and label not in chosen:
            continue
        runs = range(RUNS if policy.judges else CHEAP_RUNS)
        courses: list[Course] = [
            replay(
                rates[run % len(rates)], tests.present, tests.budget, policy, stream("upworthy", name, label, str(run))
            )
            for run in runs
        ]
        if label == "ours":
            found[label] = with_stop(courses, budget)
            label = "ours, no stop"
        found[label] = unstopped(courses, budget)
    return found


def plausible(tests: HeadlineTests, priors: Priors, draws: int) -> list[Floats]:
    """Draw every arm's rate from its posterior, so many times."""
    alpha, beta = arm_posterior(tests.clicks, tests.impressions, tests.present, priors.arm)
    rng = stream("upworthy", "rates")
    return [np.where(tests.present, rng.beta(alpha, beta), 0.0) for _ in range(draws)]


def _counted(found: Outcome, weights: Floats, source: str) -> list[Figure]:
    even, ours = found["even allocation"], found["ours"]
    rows = [
        ("best arm found, even allocation, all impressions", right_at(even, -1, weights)),
        ("best arm found, ours", right_at(ours, CHOSEN, weights)),
        ("best arm found, ours less even allocation", _advantage(found, weights)),
        ("impressions before ours stops / all", _spent(ours, weights)),
    ]
    return [_reported(name, values, source) for name, values in rows]


def _impressions(found: Outcome, weights: Floats, source: str) -> list[Figure]:
    figures = []
    for part, point in LEVELS.items():
        level = right_at(found["even allocation"], point, weights)
        for label, outcomes in found.items():
            if label in ("even allocation", "UCB1"):
                continue
            share = spent_at(outcomes, level, weights) * BATCHES / (point + 1)
            name = f"{label}: impressions to be right as often as even allocation with {part}, over those"
            figures.append(
                at_most(name, float(share[0]), 0.7, f"{source}; {interval(share)}")
                if label == "ours"
                else _reported(name, share, source)
            )
    return figures


def _regret(found: Outcome, weights: Floats, source: str) -> list[Figure]:
    even = weights @ found["even allocation"].whole
    lost = {label: weights @ outcomes.whole / even for label, outcomes in found.items() if label != "ours"}
    ours = weights @ found["ours"].lost[CHOSEN] / even
    figures = [
        _reported(f"{label}: regret over even allocation's", values, source)
        for label, values in lost.items()
        if label != "even allocation"
    ]
    name, versus = "ours: regret over even allocation's", ours / lost["UCB1"]
    return [
        *figures,
        at_most(name, float(ours[0]), 0.42, f"{source}; {interval(ours)}"),
        at_most("ours: regret over UCB1's", float(versus[0]), 1.0, f"{source}; {interval(versus)}"),
    ]


def _robust(found: Outcome, weights: Floats, source: str) -> list[Figure]:
    even, name = found["even allocation"], "rates from posteriors, ours"
    figures = [
        _reported(f"{name}: best arm found, less even allocation", _advantage(found, weights), source),
        _reported(f"{name}: impressions before it stops / all", _spent(found["ours"], weights), source),
    ]
    for label in ("Thompson, fitted prior", "ours"):
        name = f"rates from posteriors, {label}"
        for part, point in LEVELS.items():
            share = spent_at(found[label], right_at(even, point, weights), weights) * BATCHES / (point + 1)
            figures.append(_reported(f"{name}: impressions to be right as often as even with {part}", share, source))
        lost = weights @ found[label].lost[CHOSEN if label == "ours" else -1] / (weights @ even.whole)
        figures.append(_reported(f"{name}: regret over even allocation's", lost, source))
    return figures


def _trials(
    tests: HeadlineTests, priors: Priors, last: float, label: str, weights: Floats, source: str
) -> list[Figure]:
    baseline = priors.rate[0] / sum(priors.rate)
    runs = [
        run_trials(tests, priors.rate, looks(baseline), last, stream("upworthy", label, str(run)))
        for run in range(TRIAL_RUNS)
    ]
    stopped, graduated = (np.mean(side, axis=0) for side in zip(*(run.errors(weights) for run in runs), strict=True))
    length = np.mean([run.length(weights) for run in runs], axis=0)
    single = one_length(tests, baseline, int(LONGEST / baseline), (stopped, graduated), weights)
    return [
        at_most(f"{label}: good arms stopped", float(stopped[0]), 0.05, f"{source}; {interval(stopped)}"),
        at_most(f"{label}: bad arms graduated", float(graduated[0]), 0.02, f"{source}; {interval(graduated)}"),
        _reported(f"{label}: impressions to a decision", length, source),
        _reported(f"{label}: impressions over those of one length with equal errors", length / single, source),
    ]


def _advantage(found: Outcome, weights: Floats) -> Floats:
    return right_at(found["ours"], CHOSEN, weights) - right_at(found["even allocation"], -1, weights)


def _spent(outcomes: Outcomes, weights: Floats) -> Floats:
    return np.asarray(weights @ outcomes.spent[CHOSEN] / (weights @ outcomes.budget))


def _reported(name: str, values: Floats, source: str) -> Figure:
    return Figure(name, float(values[0]), "reported", 0.0, f"{source}; {interval(values)}", holds=True)
