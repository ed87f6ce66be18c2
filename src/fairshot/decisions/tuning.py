"""Tuning: which weights of feedback would raise a chosen measure, read from the log, decided with reasons.

The log says by which factors the weights of a person's day were perturbed, and what came of that day. Every proposal
and every decision is an event with its reasons; the latest decision overrides configuration (`state/weights.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.algorithms.weight_tuning import Proposal, estimate_response, propose_step
from fairshot.core.arrays import DAY, HOUR, Array, Floats, Ints
from fairshot.core.errors import FairshotError
from fairshot.core.events import Draft, EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds

PROPOSED, DECIDED = "propose weights", "weights"
FAMILY = "tuning"
"""Ids of verdicts on weights begin so."""
FEWEST_PEOPLE = 100
"""With fewer, errors that are clustered by person are not to be trusted."""
SESSION = HOUR // 2
"""A slate so long after the last one begins a session."""
Perturbations = Sequence[tuple[int, int, Mapping[str, float]]]
"""User's row, time in microseconds, log factor of each kind."""


@dataclass(frozen=True, slots=True)
class PersonDays:
    """Perturbed days, arrays of length n: person (rows), day (since 1970), factors (n, kinds), outcome."""

    person: Ints
    day: Ints
    factors: Floats
    outcome: Floats


@dataclass(frozen=True, slots=True)
class Decision:
    """What tuning came to. before, after: weights by kind, of the kinds that were perturbed.

    effects: change of the measure with ten per cent more weight, with simultaneous 95 % limits; gain: of the whole
    step, likewise; mean: of the measure; reasons: one sentence for each weight that changes.
    """

    measure: str
    days: int
    before: dict[str, float]
    after: dict[str, float]
    effects: dict[str, tuple[float, float, float]]
    gain: tuple[float, float, float]
    mean: float
    person_days: int
    people: int
    reasons: tuple[str, ...]

    @property
    def changed(self) -> dict[str, float]:
        """The weights that are to change."""
        return {name: weight for name, weight in self.after.items() if weight != self.before[name]}


def measures(feedback: FeedbackKinds) -> list[str]:
    """The names of what can be maximised."""
    return ["return", "sessions", *feedback.names]


def person_days(
    events: EventBatch, perturbed: Perturbations, measure: str, days: int, feedback: FeedbackKinds
) -> PersonDays:
    """What came of each perturbed day whose outcome is complete; the first slate of a day says its factors.

    return: 1 where the person asks for a slate on one of the following `days` days; sessions: how many sessions
    begin on them; a kind of feedback: how often it was given on the day itself.
    """
    first: dict[tuple[int, int], Mapping[str, float]] = {}
    for row, at, factors in perturbed:
        first.setdefault((row, at // DAY), factors)
    # The last day of a log is not over.
    last = int(events.at.max()) // DAY - 1 if len(events) else 0
    wait = days if measure in ("return", "sessions") else 0
    units = sorted(unit for unit in first if unit[1] + wait <= last)
    person, day = np.array(units, np.int64).reshape(-1, 2).T
    drawn = [[first[unit].get(name, 0.0) for name in feedback.names] for unit in units]
    found = np.array(drawn, np.float64).reshape(len(units), len(feedback.names))
    return PersonDays(person, day, found, _outcome(events, person, day, measure, days, feedback))


def _outcome(events: EventBatch, person: Ints, day: Ints, measure: str, days: int, feedback: FeedbackKinds) -> Floats:
    if measure not in ("return", "sessions"):
        chosen = events.of(Kind.FEEDBACK) & (events.action == feedback.code(measure)) & (events.user >= 0)
        return _counted(events.user[chosen], events.at[chosen] // DAY, person, day, (0, 0))
    visits = events.of(Kind.SLATE) & (events.user >= 0)
    user, at = np.unique(np.stack([events.user[visits], events.at[visits]]), axis=1)
    begins = np.r_[True, (np.diff(user) != 0) | (np.diff(at) > SESSION)][: len(user)]
    counted = _counted(user[begins], at[begins] // DAY, person, day, (1, days))
    if measure == "sessions":
        return counted
    every = _counted(user, at // DAY, person, day, (1, days))
    return (every > 0).astype(np.float64)


def _counted(user: Array, when: Array, person: Ints, day: Ints, window: tuple[int, int]) -> Floats:
    """How many of the things (user, day) each person has from day + window[0] to day + window[1]."""
    span = int(max(when.max(initial=0), day.max(initial=0))) + window[1] + 2
    keys = np.sort(user.astype(np.int64) * span + when)
    start, stop = (person * span + day + window[0], person * span + day + window[1] + 1)
    return (np.searchsorted(keys, stop) - np.searchsorted(keys, start)).astype(np.float64)


def decide(units: PersonDays, weights: Mapping[str, float], measure: str, days: int) -> Decision:
    """The weights that the perturbed days speak for; `weights`: those in force, by kind in the order of `factors`.

    Raises FairshotError where too few people were perturbed. A kind of weight zero cannot be moved by factors.
    """
    people = len(np.unique(units.person))
    tried = [n for n, (name, weight) in enumerate(weights.items()) if weight and units.factors[:, n].any()]
    if people < FEWEST_PEOPLE or not tried:
        raise FairshotError(
            f"{people} people have perturbed days whose {measure} is known, at least {FEWEST_PEOPLE} are needed: "
            "set [tuning] sd and wait"
        )
    index = [np.unique(x, return_inverse=True)[1] for x in (units.person, units.day)]
    response = estimate_response(units.factors[:, tried], units.outcome, *index)
    proposal = propose_step(response)
    names = list(weights)
    before = {names[n]: float(weights[names[n]]) for n in tried}
    after = {name: _rounded(was, step) for (name, was), step in zip(before.items(), proposal.step, strict=True)}
    effects = dict(zip(before, _of_a_tenth(proposal), strict=True))
    gain = (proposal.gain, proposal.gain_low, proposal.gain_high)
    reasons = tuple(
        _reason(name, before[name], after[name], effects[name], measure, response.mean)
        for name in before
        if after[name] != before[name]
    )
    return Decision(
        measure, days, before, after, effects, gain, response.mean, len(units.outcome), people, reasons or (NOTHING,)
    )


NOTHING = "no weight's effect on the measure can be told from none"


def verdict(decision: Decision, overriding: Mapping[str, float], at: int, *, applied: bool) -> Draft:
    """The event of a proposal, or of a decision; `overriding`: the weights that tuning decided before."""
    data: dict[str, Any] = {
        "decision": DECIDED if applied else PROPOSED,
        "measure": decision.measure,
        "days": decision.days,
        "before": decision.before,
        "after": decision.after,
        "effects": {name: list(effect) for name, effect in decision.effects.items()},
        "gain": list(decision.gain),
        "person_days": decision.person_days,
        "people": decision.people,
        "reasons": list(decision.reasons),
        "weights": {**overriding, **decision.changed},
    }
    return Draft(kind=Kind.VERDICT, at=at, id=f"{FAMILY}/{at}", data=data)


def reset(before: Mapping[str, float], at: int) -> Draft:
    """The event that gives all weights back to configuration."""
    data = {"decision": DECIDED, "before": dict(before), "weights": {}, "reasons": ["configuration holds again"]}
    return Draft(kind=Kind.VERDICT, at=at, id=f"{FAMILY}/{at}", data=data)


def last_decided(history: Sequence[tuple[int, Mapping[str, Any]]]) -> int:
    """When weights were last decided, 0 for never: days before it were ordered by other weights."""
    return max((at for at, data in history if data["decision"] == DECIDED), default=0)


def _rounded(weight: float, step: float) -> float:
    """Three significant digits are more than any log supports; a weight that stays is left as it is."""
    return float(f"{weight * np.exp(step):.3g}") if step else weight


def _of_a_tenth(proposal: Proposal) -> list[tuple[float, float, float]]:
    tenth = np.log(1.1) * np.stack([proposal.effect, proposal.low, proposal.high], axis=1)
    return [(float(effect), float(low), float(high)) for effect, low, high in tenth]


def _reason(
    name: str, before: float, after: float, effect: tuple[float, float, float], measure: str, mean: float
) -> str:
    """`like 1 -> 1.12: ten per cent more weight went with +1.3 % (0.4 to 2.2) of return`."""
    if mean == 0:
        return f"{name} {before:g} -> {after:g}"
    share, low, high = (100 * x / abs(mean) for x in effect)
    return (
        f"{name} {before:g} -> {after:g}: ten per cent more weight went with {share:+.2g} % "
        f"({low:.2g} to {high:.2g}) of {measure}"
    )
