"""The causal layer fitted and tried: it may be served only where no refutation refuted it.

Half of the people teach the effect, the other half judge it (RATE, uplift curve); the model in service is then
taught by all. A placebo instead of the treatment must do nothing, effects learned from permuted outcomes must
not order anybody, a confounder out of thin air must not move the estimate, and where some were shown by lot,
what the remaining log teaches must agree with them: if it does not, lots alone teach.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.doubly_robust import Effect, standardised_differences
from fairshot.algorithms.uplift import Band, auuc_gain, rate, uplift_band
from fairshot.core.randomness import stream
from fairshot.learning.causal import CausalModel, CausalUnits, Corrected, effect_model, joined, without_effect
from fairshot.learning.causal_trials import (
    LEAST,
    NothingToCompareError,
    Refutations,
    agreement,
    average_of,
    halves_of,
    refutations,
)

Figure = tuple[str, str, float]
"""Model, name of the figure, value."""
ANSWERS = 100
"""Units with an outcome other than none."""
PEOPLE = 40
REFUTED = 3.0
"""Standard errors beyond which a refutation counts: each refuses one sound layer in 370 by chance."""


@dataclass(frozen=True, slots=True)
class CausalReport:
    """What was found: figures, the uplift curve on people who did not teach, and why the layer may not be served."""

    figures: tuple[Figure, ...]
    curve: Band | None
    reasons: tuple[str, ...]

    @property
    def served(self) -> bool:
        """Whether the layer may change slates."""
        return not self.reasons

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        if self.served:
            return (
                "the causal layer may be served: it orders people whom it was not taught with by what showing changes"
            )
        return f"the causal layer says nothing: {'; '.join(self.reasons)}"


WITHOUT_LOTS = (
    "too few positions were drawn by lot to tell whether something hidden decided on showing; "
    "give [blenders.random_slot] a share, or wait"
)


def fit_causal(units: CausalUnits, seed: str = "", *, lots_needed: bool = False) -> tuple[CausalModel, CausalReport]:
    """Fit the layer and try it; where it may not be served the model has no effect, and the reasons are told.

    seed: names the random halves, folds and permutations; the same units and seed give the same model. lots_needed:
    refuse where no lots tell whether something hidden decided on showing.
    """
    size: Figure = ("causal", "units", float(len(units)))
    try:
        _enough(units)
        halves = halves_of(units, seed)
        lots = agreement(joined(*halves))
        if lots is None and lots_needed:
            return _refused([WITHOUT_LOTS], [size])
        if lots is None or abs(lots.z) <= REFUTED:
            return _tried(units, halves, lots, seed)
    except NothingToCompareError as error:
        return _refused([str(error)], [size])
    return _by_lot_alone(units, lots, seed)


def _by_lot_alone(units: CausalUnits, lots: Effect, seed: str) -> tuple[CausalModel, CausalReport]:
    """Taught by lots alone, for in the remaining log something decided on showing that no feature tells."""
    drawn = units.where(units.drawn)
    try:
        _enough(drawn)
        return _tried(drawn, halves_of(drawn, seed), lots, seed)
    except NothingToCompareError as error:
        told = f"lots contradict what the remaining log teaches by {lots.z:+.1f} standard errors"
        figures: list[Figure] = [("causal", "units", float(len(units))), ("causal", "lots z", lots.z)]
        return _refused([f"{told}, and of lots alone {error}"], figures)


def _enough(units: CausalUnits) -> None:
    """Raise where so few units teach nothing."""
    shown = int(units.treated.sum())
    answers, people = int((units.outcome != 0).sum()), len(np.unique(units.person))
    if min(shown, len(units) - shown) < 2 * LEAST:
        few = f"{shown} units shown and {len(units) - shown} not shown are too few: {2 * LEAST} of each are needed"
    elif answers < ANSWERS:
        few = f"{answers} units with feedback are too few: {ANSWERS} are needed"
    elif people < PEOPLE:
        few = f"{people} people are too few: {PEOPLE} are needed"
    else:
        return
    raise NothingToCompareError(few)


def _tried(
    units: CausalUnits, halves: tuple[Corrected, Corrected], lots: Effect | None, seed: str
) -> tuple[CausalModel, CausalReport]:
    """The verdict on what two halves say."""
    whole = joined(*halves)
    average = average_of(whole)
    order, gain, curve = _judged(*halves, seed)
    stood = refutations(units, average, seed)
    reasons = _reasons(order, stood)
    figures = [
        *_overlap(units, whole),
        *_interval("average effect", average),
        ("causal", "naive difference", _naive(units)),
        *_interval("RATE", order),
        *_interval("AUUC above the base ranking", gain),
        ("causal", "placebo z", stood.placebo),
        ("causal", "permuted outcome z", stood.permuted),
        ("causal", "noise as confounder, standard errors", stood.moved),
        *([] if lots is None else [("causal", "lots z", lots.z)]),
    ]
    model = without_effect(reasons) if reasons else effect_model(whole)
    return model, CausalReport(tuple(figures), curve, tuple(reasons))


def _judged(taught: Corrected, judged: Corrected, seed: str) -> tuple[Effect, Effect, Band]:
    """RATE, the area above that of the base score, and the uplift curve, of people who did not teach."""
    units, psi = judged.units, judged.outcomes
    weights, groups = units.weights, units.person
    scores, rng = effect_model(taught).predict(units.inputs), stream("causal", "judged", seed)
    order = rate(scores, psi, rng, weights=weights, groups=groups)
    gain = auuc_gain(scores, units.score, psi, rng, weights=weights, groups=groups)
    return order, gain, uplift_band(scores, psi, rng, weights=weights, groups=groups)


def _reasons(order: Effect, stood: Refutations) -> list[str]:
    """Why the layer may not be served; none where it may."""
    low, high = order.interval()
    told = [
        (low <= 0, f"its order of people whom it was not taught with may be chance (RATE {low:.4g} to {high:.4g})"),
        (abs(stood.placebo) > REFUTED, f"a placebo has an effect ({stood.placebo:+.1f} standard errors)"),
        (abs(stood.permuted) > REFUTED, f"permuted outcomes order people too ({stood.permuted:+.1f} standard errors)"),
        (stood.moved > 1, f"noise as one more confounder moves the average by {stood.moved:.1f} standard errors"),
    ]
    return [reason for refuted, reason in told if refuted]


def _overlap(units: CausalUnits, whole: Corrected) -> list[Figure]:
    """How comparable shown and not shown units are, before and after weighting."""
    own, e = whole.units, whole.propensity
    before = np.column_stack([units.inputs.astype(np.float64), units.score])
    after = np.column_stack([own.inputs.astype(np.float64), own.score])
    balancing = own.weights * np.where(own.treated, 1 / e, 1 / (1 - e))
    unlike = np.abs(standardised_differences(before, units.treated, units.weights)).max()
    alike = np.abs(standardised_differences(after, own.treated, balancing)).max()
    return [
        ("causal", "units", float(len(units))),
        ("causal", "share treated", float(units.treated.mean())),
        ("causal", "share by lot", float(units.drawn.mean())),
        ("causal", "share without a counterpart", float(1 - whole.kept.mean())),
        ("causal", "largest standardised difference", float(unlike)),
        ("causal", "largest standardised difference, weighted", float(alike)),
    ]


def _naive(units: CausalUnits) -> float:
    """What the log says at first sight: worth of the shown less that of the others."""
    t, w, y = units.treated, units.weights, units.outcome
    return float(np.average(y[t], weights=w[t]) - np.average(y[~t], weights=w[~t]))


def _interval(name: str, effect: Effect) -> list[Figure]:
    low, high = effect.interval()
    return [("causal", name, effect.value), ("causal", f"{name}, low", low), ("causal", f"{name}, high", high)]


def _refused(reasons: Sequence[str], figures: Sequence[Figure]) -> tuple[CausalModel, CausalReport]:
    return without_effect(reasons), CausalReport(tuple(figures), None, tuple(reasons))
