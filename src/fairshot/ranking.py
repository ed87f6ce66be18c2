"""Ranking: the net is taught with one part of the examples, calibrated on the next, and measured on the last.

A service is asked what comes next, so time parts them; where that is not the question, or everything happened at
once, people do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fairshot.config import Learning
from fairshot.core.arrays import Bools, Floats, Ints
from fairshot.core.randomness import stream
from fairshot.decisions.drift import Inputs
from fairshot.decisions.promotion import Figure, HeldOut
from fairshot.examples import Examples
from fairshot.learning.engagement import WITHOUT_HEADS, EngagementModel, Taught, calibrate, fit_engagement
from fairshot.pipeline.features.engagement import SHOWN

CALIBRATING, TESTING = 0.05, 0.1
"""Shares of the examples, the last, that calibrate the net and that measure it."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The net, and how good it is.

    heads: by kind, what the net says of what it was not taught with; inputs: what it was taught with, of slates
    ("shown") and of what no slate led to ("organic"); dwell: figures of the expected seconds in view; since:
    microseconds since 1970, from when on it was neither taught nor calibrated, None where there is no such time.
    """

    model: EngagementModel = WITHOUT_HEADS
    heads: Mapping[str, HeldOut] = field(default_factory=dict)
    inputs: Mapping[str, Inputs] = field(default_factory=dict)
    dwell: tuple[Figure, ...] = ()
    since: int | None = None

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Of every head that could be measured."""
        heads = (
            (f"engagement.{kind}", name, value) for kind, head in self.heads.items() for name, value in head.figures()
        )
        return (*heads, *self.dwell)


def teach_ranking(
    examples: Examples | None,
    kinds: Sequence[str],
    settings: Learning,
    *,
    by_time: bool,
    standing: EngagementModel | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> Ranking:
    """Teach, calibrate and measure; without heads where data is scarce.

    kinds: names of the labels' columns; by_time: whether what comes next is the question; standing: the net in
    service, measured on the same examples.
    """
    if examples is None:
        return Ranking()
    inputs = _inputs(examples)
    parts = parts_of(examples, by_time=by_time)
    if parts is None:
        return Ranking(inputs=inputs)
    since = _since(examples, parts) if by_time else None
    learned = _learned(examples, parts, kinds, settings, standing)
    if not learned:
        return Ranking(inputs=inputs, since=since)
    timed = np.isfinite(examples.seconds[parts == 0]).sum() >= settings.least_examples
    seconds = examples.seconds if timed else None
    every = Taught(examples.inputs, examples.labels[:, learned], examples.weights, seconds)
    balanced = replace(every, weights=_balanced(examples))
    names = [kinds[n] for n in learned]
    model = fit_engagement(
        examples.features,
        names,
        balanced.where(parts == 0),
        hidden=settings.hidden,
        epochs=settings.epochs,
        decay=settings.decay,
        progress=progress,
    )
    model = calibrate(model, balanced.where(parts == 1))
    test = parts == 2
    heads, dwell = _measured(model, every.where(test), examples.where(test), standing)
    return Ranking(model, heads, inputs, dwell, since)


def parts_of(examples: Examples, *, by_time: bool) -> Ints | None:
    """For each example 0: to teach, 1: to calibrate, 2: to test; None where there is no telling them apart."""
    people = np.unique(examples.user)
    by_lot = stream("training", "parts").permutation(len(people))[np.searchsorted(people, examples.user)]
    for by in (examples.at, by_lot) if by_time else (by_lot,):
        ordered = np.sort(by)
        first, second = (ordered[int(share * len(by))] for share in (1 - CALIBRATING - TESTING, 1 - TESTING))
        parts: Ints = (by >= first).astype(np.int64) + (by >= second)
        if len(np.unique(parts)) == 3:
            return parts
    return None


def _since(examples: Examples, parts: Ints) -> int | None:
    """When the test part begins; None where something that was taught is as late."""
    since = int(examples.at[parts == 2].min())
    return since if since > examples.at[parts < 2].max() else None


def _learned(
    examples: Examples, parts: Ints, kinds: Sequence[str], settings: Learning, standing: EngagementModel | None
) -> list[int]:
    """The kinds that get a head: those with enough examples, half of them at least to teach with.

    One that serves already stays with half as many, so that it does not come and go.
    """
    stands = () if standing is None else standing.kinds
    least = [settings.least_examples / (2 if kind in stands else 1) for kind in kinds]
    told, taught = examples.labels.sum(axis=0), examples.labels[parts == 0].sum(axis=0)
    return [n for n in range(len(kinds)) if told[n] >= least[n] and taught[n] >= told[n] / 2]


def _measured(
    model: EngagementModel, given: Taught, examples: Examples, standing: EngagementModel | None
) -> tuple[Mapping[str, HeldOut], tuple[Figure, ...]]:
    """What the net, and the one in service, say of examples that were not taught."""
    predicted, dwell = model.outcomes(given.inputs)
    stands = _standing(standing, examples)
    heads = {
        name: HeldOut(truth, predicted[:, head], stands.get(name), given.weights, examples.user, examples.item)
        for head, name in enumerate(model.kinds)
        if 0 < (truth := given.labels[:, head]).sum() < len(truth)
    }
    return heads, _dwell_figures(given, dwell)


def _standing(model: EngagementModel | None, examples: Examples) -> Mapping[str, Floats]:
    """What the net in service says of the same examples, by kind; nothing where it reads what is not there."""
    if model is None or not model.kinds or not set(model.features) <= set(examples.features):
        return {}
    predicted = model.predict(examples.inputs[:, [examples.features.index(name) for name in model.features]])
    return {kind: predicted[:, head] for head, kind in enumerate(model.kinds)}


def _balanced(examples: Examples) -> Floats:
    """Weights with which what slates showed and the rest count by their numbers of examples, float32 (n,).

    A candidate drawn by lot stands for hundreds, an impression for itself: each part's probabilities are its own,
    but the many would drown the lesson of what was really shown.
    """
    shown = _shown(examples)
    weights = examples.weights.copy()
    if shown.any() and not shown.all():
        for part in (shown, ~shown):
            weights[part] /= weights[part].mean()
    return weights


def _dwell_figures(given: Taught, dwell: Floats | None) -> tuple[Figure, ...]:
    """Expected over real seconds in view, of examples that were not taught."""
    if dwell is None or given.seconds is None:
        return ()
    told = np.isfinite(given.seconds)
    if not told.any():
        return ()
    real = float(np.average(given.seconds[told], weights=given.weights[told]))
    expected = float(np.average(dwell[told], weights=given.weights[told]))
    return (("engagement.seconds", "expected / real", expected / max(real, 1e-9)),)


def _inputs(examples: Examples) -> Mapping[str, Inputs]:
    shown = _shown(examples)
    parts = {"shown": examples.where(shown), "organic": examples.where(~shown)}
    return {
        name: Inputs(part.features, part.inputs, part.weights, part.user, part.item)
        for name, part in parts.items()
        if len(part)
    }


def _shown(examples: Examples) -> Bools:
    found: Bools = examples.inputs[:, examples.features.index(SHOWN)] > 0
    return found
