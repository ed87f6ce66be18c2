"""What the stopping rule of trials would decide on items that a policy without trials tries at its own positions."""

from typing import Any

import numpy as np

from fairshot.core.arrays import HOUR, Array, Bools, Ints
from fairshot.core.trial import CELLS, POSITIONS, Trials, TrialState
from fairshot.core.trial_posterior import posterior_of
from fairshot.decisions.trials import Priors, fit_priors, judge, looks
from fairshot.town.records import Run

SETTINGS = Trials()
"""The defaults, which the policies with trials use too."""
ENDS = (TrialState.GRADUATED, TrialState.STOPPED)
IMPRESSION = np.dtype(
    [("item", np.int64), ("at", np.int64), ("person", np.int64), ("position", np.int64), ("liked", np.bool_)]
)


def slot_decisions(run: Run, category: Ints) -> tuple[tuple[int, dict[str, Any]], ...]:
    """Verdicts as a policy with trials would have written them: (time, data), data of steps "testing" and ends.

    Evidence: the impressions that the policy's rule gave among the first three positions, one for each person and
    item, the first. All of them are of one audience tier, for nobody was chosen. Priors are fitted to the whole run,
    so the rule knows from the beginning what trials learn on their way. Looks are taken every hour, at the same
    numbers of people, and `judge` decides. category: (items,), whose mean rate is the bar; none where priors cannot
    be fitted.
    """
    shown = impressions(run)
    starts = np.flatnonzero(_firsts(shown["item"]))
    begun: list[tuple[int, dict[str, Any]]] = [
        (int(shown["at"][row]), _data(int(shown["item"][row]), "testing", 0)) for row in starts.tolist()
    ]
    at, item, step, people = _ends(shown, starts, category)
    ended = [
        (int(at[row]), _data(int(item[row]), TrialState(int(step[row])).name.lower(), int(people[row])))
        for row in np.flatnonzero(_firsts(item)).tolist()
    ]
    return (*begun, *ended)


def impressions(run: Run) -> Array:
    """The evidence: IMPRESSION, by item and then by time, the first of each person and item. Positions from 0."""
    row, position = np.nonzero(run.tried[:, :POSITIONS])
    found = np.empty(len(row), IMPRESSION)
    found["item"], found["liked"] = run.item[row, position], run.liked[row, position]
    found["at"], found["person"], found["position"] = run.at[row], run.person[row], position
    found = found[np.lexsort((found["at"], found["person"], found["item"]))]
    found = found[_firsts(found["item"]) | _firsts(found["person"])]
    return found[np.lexsort((found["person"], found["at"], found["item"]))]


def _ends(shown: Array, starts: Ints, category: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Every look that would end a trial: time, item, step and people so far, by item and then by time."""
    nothing = np.zeros(0, np.int64)
    counts, likes = _counts(shown, starts)
    last = np.flatnonzero(_lasts(shown["item"]))
    priors = fit_priors(counts[last], likes[last], category[shown["item"][last]], SETTINGS)
    if priors is None:
        return nothing, nothing, nothing, nothing
    item, hour = shown["item"], shown["at"] // HOUR
    begin = np.repeat(starts, np.diff(np.append(starts, len(shown))))
    people = np.arange(len(shown)) - begin + 1
    looked = looks(people, SETTINGS)
    # The last impression of an item within an hour: then it is looked at, as far as its look reaches.
    rows = np.flatnonzero((_lasts(item) | _lasts(hour)) & (looked > 0))
    upto = begin[rows] + looked[rows] - 1
    step = _judged((counts[upto], likes[upto]), category[item[rows]], priors)
    rows, step = rows[np.isin(step, ENDS)], step[np.isin(step, ENDS)]
    return (hour[rows] + 1) * HOUR, item[rows], step, people[rows]


def _counts(shown: Array, starts: Ints) -> tuple[Ints, Ints]:
    """People who were shown each item up to each impression, and who liked it: int64 (m, CELLS) each."""
    cells = np.zeros((len(shown), CELLS), np.int64)
    cells[np.arange(len(shown)), shown["position"]] = 1
    lengths = np.diff(np.append(starts, len(shown)))
    found = []
    for each in (cells, cells * shown["liked"][:, None]):
        total = np.cumsum(each, axis=0)
        found.append(total - np.repeat((total - each)[starts], lengths, axis=0))
    return found[0], found[1]


def _judged(counts: tuple[Ints, Ints], category: Ints, priors: Priors) -> Ints:
    told = posterior_of(priors.of(category), counts, SETTINGS, priors.tiers)
    testing = np.full(len(category), TrialState.TESTING)
    return judge(told, told.tried * told.threshold / SETTINGS.likes, testing, SETTINGS).step


def _firsts(values: Ints) -> Bools:
    """Where a run of equal values begins."""
    return np.append(True, values[1:] != values[:-1])[: len(values)]


def _lasts(values: Ints) -> Bools:
    return _firsts(values[::-1])[::-1]


def _data(item: int, step: str, people: int) -> dict[str, Any]:
    return {"decision": "trial", "item": f"i{item}", "step": step, "impressions": people}
