"""Causal layer on confounded logs whose truth is known (science section 6).

The world: a person would have found an item anyway with chance p0 = sigmoid(x0 - 2); showing it persuades some of
the others, h = sigmoid(x1 - 1.5), so p1 = p0 + (1 - p0) h and the effect is (1 - p0) h. The base ranker is as good
as rankers of engagement get: its score is p1 itself, and the log shows what scores high, P(shown) =
sigmoid(1.2 (p1 - .343) / .164), its mean and spread. Six features, four of them of no use; 8,000 units of 1,000
people a log, 20 logs; rankings are compared on 40,000 new units, shown by lot.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from fairshot.algorithms.doubly_robust import mean_effect
from fairshot.algorithms.uplift import auuc
from fairshot.core.arrays import Bools, Floats
from fairshot.learning.causal import CausalUnits
from fairshot.learning.causal_fit import fit_causal
from fairshot.reproductions.figure import Figure, at_least, at_most, near

FEATURES = tuple(f"x{n}" for n in range(6))
LOGS = 20
SOURCE = "ours: synthetic confounded logs, the base score is the confounder; 20 seeds"
NOMINAL = f"{SOURCE}; nominal 95 %: 18 or more of 20 in 92 % of sound runs"
HIDDEN = f"{SOURCE}; the score and what made it are missing from the log, a fifth of it was shown by lot"
EVEN = 2 / LOGS**0.5
"""Two standard errors of the mean of 20 sound z."""


@dataclass(frozen=True, slots=True)
class World:
    """Units with the effect that is true of each, (n,)."""

    units: CausalUnits
    effect: Floats


def drawn(rng: np.random.Generator, n: int = 8000, share_by_lot: float = 0.0) -> World:
    """A log of n units, of which a share was shown by lot, with chance one half."""
    x = rng.normal(size=(n, len(FEATURES)))
    anyway, persuaded = expit(x[:, 0] - 2), expit(x[:, 1] - 1.5)
    score = anyway + (1 - anyway) * persuaded
    by_lot: Bools = rng.random(n) < share_by_lot
    shown = rng.random(n) < np.where(by_lot, 0.5, expit(1.2 * (score - 0.343) / 0.164))
    outcome = (rng.random(n) < np.where(shown, score, anyway)).astype(np.float64)
    units = CausalUnits(
        features=FEATURES,
        inputs=x.astype(np.float32),
        score=score,
        treated=shown,
        outcome=outcome,
        propensity=np.where(by_lot, 0.5, np.nan),
        weights=np.ones(n),
        person=np.arange(n) % 1000,
    )
    return World(units, (1 - anyway) * persuaded)


def true_effect() -> float:
    """The mean of the effect over all units, by Gauss-Hermite quadrature."""
    at, weight = np.polynomial.hermite_e.hermegauss(60)
    mass = weight / weight.sum()
    return float((1 - mass @ expit(at - 2)) * (mass @ expit(at - 1.5)))


def without_confounder(units: CausalUnits) -> CausalUnits:
    """The same log where neither the score nor the feature behind what is found anyway was kept."""
    inputs = units.inputs.copy()
    inputs[:, 0] = 0
    return replace(units, inputs=inputs, score=units.inputs[:, 5].astype(np.float64))


def measured(seed: int) -> dict[str, float]:
    """All figures of one log."""
    rng = np.random.default_rng([6, seed])
    log, trial = drawn(rng).units, drawn(rng, 40_000, share_by_lot=1.0).units
    model, report = fit_causal(log, str(seed))
    found = {name: value for _, name, value in report.figures}
    shown, rest = (mean_effect(log.outcome[arm], groups=log.person[arm]) for arm in (log.treated, ~log.treated))
    naive = shown.value - rest.value - true_effect()
    spread = (found["average effect, high"] - found["average effect"]) / 1.96
    own = auuc(model.predict(trial.inputs), trial.outcome, trial.treated)
    _, blind = fit_causal(without_confounder(drawn(rng, share_by_lot=0.2).units), str(seed))
    return {
        "z": (found["average effect"] - true_effect()) / spread,
        "naive z": naive / float(np.hypot(shown.standard_error, rest.standard_error)),
        "placebo z": found["placebo z"],
        "permuted z": found["permuted outcome z"],
        "gain": own - auuc(trial.score, trial.outcome, trial.treated),
        "served": float(report.served),
        "hidden z": {name: value for _, name, value in blind.figures}["lots z"],
    }


def figures(data: Path | None) -> list[Figure]:  # noqa: ARG001 - simulated
    """Estimates against the truth, refutations, and the ranking by effect against that by engagement."""
    logs = [measured(seed) for seed in range(LOGS)]
    table = {name: np.array([log[name] for log in logs]) for name in logs[0]}
    within = {name: float((np.abs(table[name]) <= 2).sum()) for name in ("z", "naive z", "placebo z", "permuted z")}
    gain, error = float(table["gain"].mean()), float(table["gain"].std(ddof=1)) / LOGS**0.5
    return [
        at_least("doubly robust: within 2 standard errors of the truth", within["z"], 18, NOMINAL),
        at_least("placebo: within 2 standard errors of zero", within["placebo z"], 18, NOMINAL),
        at_least("permuted outcome: RATE within 2 standard errors of zero", within["permuted z"], 18, NOMINAL),
        near("doubly robust: mean z", float(table["z"].mean()), 0, EVEN, SOURCE),
        near("placebo: mean z", float(table["placebo z"].mean()), 0, EVEN, SOURCE),
        near("naive difference: within 2 standard errors of the truth", within["naive z"], 0, 0, SOURCE),
        at_least("naive difference: smallest z", float(table["naive z"].min()), 2, SOURCE),
        at_least("layers that stood their trials", float(table["served"].sum()), 18, SOURCE),
        at_least("AUUC above the base ranker's: logs", float((table["gain"] > 0).sum()), LOGS, SOURCE),
        at_least("AUUC above the base ranker's: mean less 2 standard errors", gain - 2 * error, 0, SOURCE),
        at_most(
            "hidden confounder: mean z of what lots say against the rest", float(table["hidden z"].mean()), -2, HIDDEN
        ),
    ]
