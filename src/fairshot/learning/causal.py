"""Causal layer: what showing an item changes, learned from shown and not shown, served as one linear function.

tau(x) = E[Y(1) - Y(0) | x]: Y, what the person's feedback on the item within the window was worth, on whatever
surface; 1, shown now; 0, left to its usual fate. Doubly robust pseudo-outcomes are made from models that never
saw the unit (`fairshot.algorithms.doubly_robust`), then regressed on the pipeline's features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from fairshot.algorithms.doubly_robust import cross_fitted, doubly_robust_outcomes
from fairshot.algorithms.regression import ridge
from fairshot.core.arrays import Array, Bools, Floats, Ints
from fairshot.core.randomness import stream

TRIM = 0.02
"""Units shown with a chance below this, or above one less it, have no counterpart and are left out."""
FOLDS = 5
PENALTIES = (1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 1e6)
"""Shrinkage of the effect's slopes, in units of the number of examples; the last leaves the average alone."""


@dataclass(frozen=True, slots=True)
class CausalModel:
    """tau(x) = level + weights . clip(x, bounds), held within `limits`; without features it is no effect at all.

    features: names of the columns (f,); bounds: float32 (2, f), the range that was taught, beyond which it does
    not extrapolate; weights: float32 (f,); level and limits (2,): in units of worth, one like is 1; reasons: why
    it may not be served, empty where it may.
    """

    features: tuple[str, ...]
    bounds: Floats
    weights: Floats
    level: float
    limits: tuple[float, float]
    reasons: tuple[str, ...] = ()

    def predict(self, inputs: Floats) -> Floats:
        """The effect of showing each candidate, float64 (n,), of inputs float32 (n, f)."""
        if not self.features:
            return np.zeros(len(inputs))
        effect = np.clip(inputs, self.bounds[0], self.bounds[1]) @ self.weights + self.level
        held: Floats = np.clip(effect.astype(np.float64), *self.limits)
        return held

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        numbers = np.array([self.level, *self.limits])
        tensors = {"bounds": self.bounds, "weights": self.weights, "level_and_limits": numbers}
        return tensors, {"features": list(self.features), "reasons": list(self.reasons)}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> "CausalModel":
        """The model from what `dump` gave."""
        level, low, high = tensors["level_and_limits"].tolist()
        names, reasons = tuple(description["features"]), tuple(description["reasons"])
        return cls(names, tensors["bounds"], tensors["weights"], level, (low, high), reasons)


def without_effect(reasons: Sequence[str]) -> CausalModel:
    """The model that says zero of every candidate, and why."""
    return CausalModel((), np.zeros((2, 0), np.float32), np.zeros(0, np.float32), 0.0, (0.0, 0.0), tuple(reasons))


@dataclass(frozen=True, slots=True)
class CausalUnits:
    """n pairs of person and item, each at one request: shown or not, and what came of it.

    features: names (f,); inputs: float32 (n, f), the pipeline's columns as of the request; score: (n,), the value
    that the ranking went by, which is the confounder; treated: bool (n,), shown and examined; outcome: (n,), worth
    of feedback within the window; propensity: (n,), of being treated where that was drawn by lot, else NaN;
    weights: (n,), 1 / chance of having been examined; person: (n,), whose units share noise.
    """

    features: tuple[str, ...]
    inputs: Floats
    score: Floats
    treated: Bools
    outcome: Floats
    propensity: Floats
    weights: Floats
    person: Ints

    def __len__(self) -> int:
        return len(self.treated)

    def where(self, keep: Array) -> "CausalUnits":
        """The chosen units; keep: a mask or indices."""
        return replace(self, **{f.name: getattr(self, f.name)[keep] for f in fields(self) if f.name != "features"})

    @property
    def drawn(self) -> Bools:
        """Which units were treated, or not, by lot."""
        return ~np.isnan(self.propensity)

    @property
    def confounders(self) -> Floats:
        """What may explain the treatment: all features and the score, whose own effect may bend at its quantiles."""
        knots = np.unique(np.quantile(self.score, (0.2, 0.4, 0.6, 0.8)))
        bends = np.maximum(self.score[:, None] - knots, 0)
        return np.column_stack([self.inputs.astype(np.float64), self.score, bends])


@dataclass(frozen=True, slots=True)
class Corrected:
    """Units with a counterpart and their pseudo-outcomes, whose mean given x is the effect there.

    units: those kept (m); outcomes: psi (m,); propensity: (m,); kept: bool (n,), of the units given.
    """

    units: CausalUnits
    outcomes: Floats
    propensity: Floats
    kept: Bools


def corrected(units: CausalUnits, seed: str) -> Corrected:
    """Pseudo-outcomes by models that never saw the unit's person; units without a counterpart are left out.

    Source of leaving out: Crump, Hotz, Imbens, Mitnik, "Dealing with limited overlap", Biometrika 2009.
    """
    fold = dealt(units.person, FOLDS, seed)
    found = cross_fitted(
        units.confounders,
        units.outcome,
        units.treated,
        fold,
        propensity=units.propensity,
        weights=units.weights,
    )
    kept = (found.propensity >= TRIM) & (found.propensity <= 1 - TRIM)
    own = units.where(kept)
    chance = found.propensity[kept]
    if not kept.any():
        return Corrected(own, np.empty(0), chance, kept)
    psi = doubly_robust_outcomes(
        own.outcome, own.treated, chance, found.treated[kept], found.control[kept], trim=TRIM / 2
    )
    return Corrected(own, psi, chance, kept)


def joined(one: Corrected, other: Corrected) -> Corrected:
    """The units of both together."""
    units = {
        f.name: np.concatenate([getattr(one.units, f.name), getattr(other.units, f.name)])
        for f in fields(CausalUnits)
        if f.name != "features"
    }
    parts = [np.concatenate([getattr(one, n), getattr(other, n)]) for n in ("outcomes", "propensity", "kept")]
    return Corrected(CausalUnits(features=one.units.features, **units), *parts)


def dealt(person: Ints, parts: int, seed: str) -> Ints:
    """A part for each unit, (n,), all of a person's units in the same one."""
    people, member = np.unique(person, return_inverse=True)
    parts_of: Ints = stream("causal", "deal", seed).permutation(np.arange(len(people)) % parts)
    return parts_of[member]


def effect_model(taught: Corrected) -> CausalModel:
    """Ridge of the pseudo-outcomes on the features, shrunken as much as serves people left out best."""
    units = taught.units
    low, high = np.quantile(units.inputs, (0.005, 0.995), axis=0)
    inside = np.clip(units.inputs, low, high).astype(np.float64)
    centre, scale = inside.mean(axis=0), inside.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0)
    x = (inside - centre) / scale
    penalty = _best_penalty(x, taught)
    effect = ridge(x, taught.outcomes, units.weights, penalty=penalty)
    level = effect(np.zeros((1, x.shape[1])))[0]
    slopes = (effect(np.eye(x.shape[1])) - level) / scale
    given = effect(x)
    return CausalModel(
        features=units.features,
        bounds=np.stack([low, high]).astype(np.float32),
        weights=slopes.astype(np.float32),
        level=float(level - slopes @ centre),
        limits=(float(np.quantile(given, 0.005)), float(np.quantile(given, 0.995))),
    )


def _best_penalty(x: Floats, taught: Corrected) -> float:
    """The penalty whose effects, of people left out, are nearest to their pseudo-outcomes."""
    units, psi = taught.units, taught.outcomes
    fold = dealt(units.person, FOLDS, "penalty")
    errors = np.zeros(len(PENALTIES))
    for one in range(FOLDS):
        own, rest = fold == one, fold != one
        if not (own.any() and rest.any()):
            continue
        for number, share in enumerate(PENALTIES):
            effect = ridge(x[rest], psi[rest], units.weights[rest], penalty=share * rest.sum())
            errors[number] += (units.weights[own] * (psi[own] - effect(x[own])) ** 2).sum()
    # Of equal ones the strongest, so that constant features leave the average alone.
    return PENALTIES[len(errors) - 1 - int(np.argmin(errors[::-1]))] * len(psi)
