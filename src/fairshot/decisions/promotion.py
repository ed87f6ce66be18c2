"""Promotion: whether a freshly trained snapshot may take the place of the one in service, with the reasons.

Nothing is refused for what chance explains: a figure has fallen when the lower end of the 95 % interval of
its fall, over all guarded figures together, is beyond the tolerance.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import stdtrit

from fairshot.config import Learning
from fairshot.core.arrays import Array, Floats
from fairshot.decisions.drift import Inputs, drift, limit
from fairshot.learning.metrics import (
    auc,
    auc_error,
    calibration_error,
    calibration_noise,
    log_loss,
    paired_auc_difference,
)

_LEVEL = 0.05
LEAST_OUTCOMES = 10
"""Examples with and without the feedback below which no figure is compared: a spread of so few cannot be told."""
Figure = tuple[str, str, float]
"""Model, name of the figure, value."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One head on people it was not taught with: arrays (n,).

    truth: 0 or 1; candidate: its probabilities; standing: those of the model in service for the same examples,
    None where it has no such head or reads other features; weights: of the examples; people, items: whose and what.
    """

    truth: Floats
    candidate: Floats
    standing: Floats | None
    weights: Floats
    people: Array
    items: Array

    def error(self) -> float:
        """The standard error of the candidate's AUC over people and items; infinite for fewer than two of either."""
        return auc_error(self.truth, self.candidate, self.weights, self.people, self.items)

    def figures(self) -> list[tuple[str, float]]:
        """Of the candidate: AUC and, where it has one, its standard error, log loss, calibration error."""
        given = self.truth, self.candidate, self.weights
        error = self.error()
        return [
            ("AUC", auc(*given)),
            *([("AUC standard error", error)] if np.isfinite(error) else []),
            ("log loss", log_loss(*given)),
            ("calibration error", calibration_error(*given)),
        ]


@dataclass(frozen=True, slots=True)
class Guarded:
    """A measure that must not fall, higher is better: an off-policy value, the recall of the retrieval.

    error: standard error of the difference; unit: what the tolerance is a share of; of: what has the standing figure;
    beside: the same measure compared in another way, with another fault: refused is only what fell in both.
    """

    name: str
    candidate: float
    standing: float
    error: float
    unit: float = 1.0
    of: str = "the snapshot in service"
    beside: "Guarded | None" = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparisons beyond the heads came to: figures to keep, measures to guard, sentences that decide nothing."""

    figures: tuple[Figure, ...] = ()
    guarded: tuple[Guarded, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Compared") -> "Compared":
        """Both."""
        return Compared(self.figures + other.figures, self.guarded + other.guarded, self.notes + other.notes)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a candidate. tensors: by model and name; heads: by kind, those whose figures exist.

    kinds: all heads of its net; told: the kinds of feedback that the log still holds enough of; inputs: what the
    net read; growth: how many times as long as then the log is; notes: what could not be compared, and why.
    """

    tensors: Mapping[str, Array]
    kinds: Collection[str]
    heads: Mapping[str, HeldOut]
    told: Collection[str]
    inputs: Mapping[str, Inputs] = field(default_factory=dict)
    growth: float = 1.0
    guarded: Sequence[Guarded] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the snapshot in service; version None where there is none.

    kinds: heads of its net; figures: as they were when it was trained; profile: of its inputs (see `drift`).
    """

    version: str | None = None
    kinds: Collection[str] = ()
    figures: Sequence[Figure] = ()
    profile: Mapping[str, Any] = field(default_factory=dict)

    def figure(self, kind: str, name: str) -> float | None:
        """A head's figure; None where it was not kept."""
        return self.kept(f"engagement.{kind}", name)

    def kept(self, model: str, name: str) -> float | None:
        """Any model's figure; None where it was not kept."""
        return next((value for one, key, value in self.figures if (one, key) == (model, name)), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision: why it was refused, or what was compared before it was promoted."""

    promote: bool
    reasons: list[str]


def judge(candidate: Candidate, standing: Standing, settings: Learning) -> Verdict:
    """Promote or refuse, with a sentence for each reason.

    Refused where a tensor is not finite, every item vector is zero, a head vanished although its feedback is
    still told, a feature drifted beyond `drift_tolerance`, an AUC or another guarded measure fell by more than
    `tolerance`, or a calibration error is more than `calibration_tolerance` above that of the snapshot in
    service on the same examples, above zero where there is none. Chance is allowed for in each.
    """
    refused = [*_unsound(candidate), *_vanished(candidate, standing), *_drifted(candidate, standing, settings)]
    tests = max(1, len(candidate.heads) + len(candidate.guarded))
    compared: list[str] = []
    for kind, head in candidate.heads.items():
        if not np.isfinite(head.candidate).all():
            refused.append(f"engagement.{kind}: predictions that are not finite")
            continue
        for holds, reason in (
            _auc(kind, head, standing, settings.tolerance, _LEVEL / tests),
            _calibration(kind, head, standing, settings.calibration_tolerance, _LEVEL / tests),
        ):
            (compared if holds else refused).append(reason)
    for measure in candidate.guarded:
        holds, reason = _guarded(measure, settings.tolerance, float(stdtrit(1e9, 1 - _LEVEL / tests)))
        (compared if holds else refused).append(reason)
    if standing.version is None:
        compared.insert(0, "no snapshot was in service")
    elif not compared:
        compared.append("all numbers are finite; there is too little feedback to measure more")
    compared += candidate.notes
    return Verdict(not refused, refused or compared)


def _unsound(candidate: Candidate) -> Iterator[str]:
    for name, tensor in candidate.tensors.items():
        wrong = 0 if tensor.dtype.kind != "f" else tensor.size - int(np.isfinite(tensor).sum())
        if wrong:
            yield f"{name}: {wrong} of {tensor.size} numbers are not finite"
    vectors = candidate.tensors.get("vectors.items")
    if vectors is not None and not vectors.any():
        yield f"every one of the {len(vectors)} item vectors is zero"


def _vanished(candidate: Candidate, standing: Standing) -> Iterator[str]:
    for kind in standing.kinds:
        if kind not in candidate.kinds and kind in candidate.told:
            yield (
                f"engagement.{kind}: the head of the snapshot in service has vanished, though the log goes on "
                "telling the kind: too few examples are left (see learning.occasions and learning.least_examples)"
            )


def _drifted(candidate: Candidate, standing: Standing, settings: Learning) -> Iterator[str]:
    most = limit(settings.drift_tolerance, candidate.growth)
    # Like with like: what slates show has been chosen by the very features.
    both = [(standing.profile[part], inputs) for part, inputs in candidate.inputs.items() if part in standing.profile]
    for found in (one for kept, inputs in both for one in drift(kept, inputs)):
        if found.feature not in settings.drift_exempt and found.beyond(most):
            low, high, then, now = found.most
            yield (
                f"feature {found.feature} drifted: population stability index {found.index:.3f}, chance explains "
                f"{found.chance:.3f} and {most:.3f} is tolerated; {100 * now:.1f} % of candidates lie between "
                f"{low:.2f} and {high:.2f} standard deviations, it was {100 * then:.1f} %. "
                "If that is meant, raise learning.drift_tolerance for one training"
            )


def _auc(kind: str, head: HeldOut, standing: Standing, tolerance: float, level: float) -> tuple[bool, str]:
    """Whether the AUC stands, in one of two comparisons with the snapshot in service, each with its own fault.

    On the same examples; these favour the one in service, for what it showed could be answered. And with what
    its own figure was when it was trained; that was of other people at another time.
    """
    name, groups = f"engagement.{kind}: AUC", min(len(np.unique(head.people)), len(np.unique(head.items)))
    quantile = float(stdtrit(groups - 1, 1 - level)) if groups > 1 else 1.0
    value, own = auc(head.truth, head.candidate, head.weights), head.error()
    scarce = int(min(head.truth.sum(), (1 - head.truth).sum()))
    if scarce < LEAST_OUTCOMES:
        return True, f"{name} {value:.4f}, which hangs on {scarce} examples of one outcome: too few to compare"
    before = standing.figure(kind, "AUC")
    compared: list[tuple[bool, str]] = []
    if head.standing is not None:
        change, error = paired_auc_difference(
            head.truth, head.candidate, head.standing, head.weights, head.people, head.items
        )
        compared.append(
            _fell(f"{name} on the same examples", Guarded(name, value, value - change, error), tolerance, quantile)
        )
    if before is not None:
        # A snapshot that kept no error was measured on as few people as this one, or fewer.
        error = float(np.hypot(own, standing.figure(kind, "AUC standard error") or own))
        compared.append(
            _fell(f"{name}, measured at each training,", Guarded(name, value, before, error), tolerance, quantile)
        )
    if not compared:
        return True, f"{name} {value:.4f} +- {own:.4f}, and nothing to compare it with"
    return next((one for one in compared if one[0]), compared[0])


def _guarded(measure: Guarded, tolerance: float, quantile: float) -> tuple[bool, str]:
    found = _fell(measure.name, measure, tolerance, quantile)
    if found[0] or measure.beside is None:
        return found
    beside = _guarded(measure.beside, tolerance, quantile)
    return beside if beside[0] else found


def _fell(name: str, measure: Guarded, tolerance: float, quantile: float) -> tuple[bool, str]:
    """Whether the measure stands, and the sentence that says by how much it changed."""
    change = measure.candidate - measure.standing
    least, most = -change - quantile * measure.error, tolerance * measure.unit
    told = (
        f"{name} {measure.candidate:.4f} against {measure.standing:.4f} of {measure.of}, "
        f"a change of {change:+.4f} +- {measure.error:.4f}"
    )
    # An infinite error makes the bound infinite: nothing can be said then. Anything but that must be shown to hold.
    if least <= most:
        return True, told
    return False, f"{told}: a fall of at least {least:.4f} with 95 % confidence, {most:g} is tolerated"


def _calibration(kind: str, head: HeldOut, standing: Standing, tolerance: float, level: float) -> tuple[bool, str]:
    value = calibration_error(head.truth, head.candidate, head.weights)
    noise = calibration_noise(head.truth, head.candidate, head.weights, head.people, head.items, level=1 - level)
    before = standing.figure(kind, "calibration error")
    if head.standing is not None:
        before = calibration_error(head.truth, head.standing, head.weights)
    limit = tolerance + (before or 0.0)
    beside = "" if before is None else f", {before:.4f} of the snapshot in service"
    told = f"engagement.{kind}: calibration error {value:.4f}{beside}"
    if value - noise <= limit:
        return True, told
    return False, f"{told}: above {limit:.4f} by more than what chance explains ({noise:.4f})"


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training came to; reasons: why it was refused, or what was compared before it was promoted."""

    version: str
    promoted: bool
    reasons: list[str]
    figures: list[Figure]
    seconds: float
