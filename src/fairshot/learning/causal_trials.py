"""What tries the causal layer: halves that teach and judge each other, and attempts to refute it."""

from dataclasses import dataclass, replace

import numpy as np

from fairshot.algorithms.doubly_robust import Effect, mean_effect
from fairshot.algorithms.regression import logistic
from fairshot.algorithms.uplift import rate
from fairshot.core.arrays import Bools, Floats
from fairshot.core.randomness import stream
from fairshot.learning.causal import FOLDS, TRIM, CausalUnits, Corrected, corrected, dealt, effect_model, joined

LEAST = 200
"""Units with a counterpart that each half must hold of both arms; fewer teach noise."""


class NothingToCompareError(ValueError):
    """A half in which shown and not shown units cannot be compared; the message says why."""


def halves_of(units: CausalUnits, seed: str) -> tuple[Corrected, Corrected]:
    """The units of two halves of the people, each with pseudo-outcomes from that half alone."""
    half = dealt(units.person, 2, f"{seed}/halves")
    return _half(units.where(half == 0), seed), _half(units.where(half == 1), seed)


def _half(own: CausalUnits, seed: str) -> Corrected:
    if not _every_fold_is_taught(own, seed):
        raise NothingToCompareError("some people saw all of the units shown, or none of them")
    found = corrected(own, seed)
    treated = found.units.treated
    if min(treated.sum(), (~treated).sum()) < LEAST or not found.units.outcome.any():
        raise NothingToCompareError(f"only {len(treated)} of {len(own)} units of one half have a counterpart")
    return found


def _every_fold_is_taught(units: CausalUnits, seed: str) -> bool:
    """Whether the rest of each fold has both arms, also among those whose propensity must be learned."""
    fold, unknown = dealt(units.person, FOLDS, seed), ~units.drawn
    for one in range(FOLDS):
        rest = fold != one
        needed = [rest, rest & unknown] if (unknown & ~rest).any() else [rest]
        if not all(units.treated[part].any() and (~units.treated[part]).any() for part in needed):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Refutations:
    """What a layer must stand.

    placebo: z of the average effect of permuted treatments; permuted: z of the RATE of effects learned from
    permuted outcomes; moved: by how many of its standard errors noise as one more confounder moves the average.
    """

    placebo: float
    permuted: float
    moved: float


def refutations(units: CausalUnits, average: Effect, seed: str) -> Refutations:
    """Try to refute an average effect and its model; NothingToCompareError where a permutation leaves too little."""
    rng = stream("causal", "refutations", seed)
    n = len(units)
    sham = replace(units, treated=units.treated[rng.permutation(n)], propensity=np.full(n, np.nan))
    blind = replace(units, outcome=units.outcome[rng.permutation(n)])
    taught, judged = halves_of(blind, seed)
    scores = effect_model(taught).predict(judged.units.inputs)
    permuted = rate(scores, judged.outcomes, rng, weights=judged.units.weights, groups=judged.units.person)
    noise = rng.normal(size=(n, 1)).astype(np.float32)
    noisy = replace(units, features=(*units.features, "noise"), inputs=np.hstack([units.inputs, noise]))
    shift = average_of(joined(*halves_of(noisy, seed))).value - average.value
    placebo = average_of(joined(*halves_of(sham, seed)))
    return Refutations(placebo.z, permuted.z, abs(shift) / max(average.standard_error, 1e-12))


def average_of(found: Corrected) -> Effect:
    """The average effect on the units that have a counterpart."""
    return mean_effect(found.outcomes, found.units.weights, found.units.person)


def agreement(found: Corrected) -> Effect | None:
    """By how much lots say more than the remaining log predicts for them; None where either is too small to tell.

    Only lots of the sort that the ranking itself sometimes shows and sometimes not are asked: elsewhere the rest
    knows nothing. If the features hold every reason for showing, this is zero: what only the ranker knew shows here.
    """
    units, rest, x = found.units, ~found.units.drawn, found.units.confounders
    if not (units.treated[rest].any() and (~units.treated[rest]).any()):
        return None
    usual = logistic(x[rest], units.treated[rest], units.weights[rest])(x.astype(np.float64))
    lots = units.drawn & (usual >= TRIM) & (usual <= 1 - TRIM)
    for part in (rest, lots):
        if min(units.treated[part].sum(), (~units.treated[part]).sum()) < LEAST // 2:
            return None
    told = mean_effect(found.outcomes[lots], units.weights[lots], units.person[lots])
    at = np.average(units.inputs[lots].astype(np.float64), axis=0, weights=units.weights[lots])
    predicted = _least_squares_at(found, rest, at)
    return Effect(told.value - predicted.value, float(np.hypot(told.standard_error, predicted.standard_error)))


def _least_squares_at(found: Corrected, part: Bools, at: Floats) -> Effect:
    """The effect at one point by least squares, with an error robust to noise that a person's units share."""
    x, w = found.units.inputs[part].astype(np.float64), found.units.weights[part]
    psi, person = found.outcomes[part], found.units.person[part]
    centre, scale = np.average(x, axis=0, weights=w), x.std(axis=0)
    scale = np.where(scale > 1e-6, scale, np.inf)
    design = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    gram = (design * w[:, None]).T @ design + 1e-6 * len(x) * np.eye(design.shape[1])
    share = w * (design @ np.linalg.solve(gram, np.append(1.0, (at - centre) / scale)))
    slopes = np.linalg.solve(gram, design.T @ (w * psi))
    _, member = np.unique(person, return_inverse=True)
    sums = np.bincount(member, share * (psi - design @ slopes))
    return Effect(float(share @ psi), float(np.sqrt((sums**2).sum())))
