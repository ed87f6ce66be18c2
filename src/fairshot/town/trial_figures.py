"""Figures of trials: how they ended, how soon, and whether they found whom a work is for."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from fairshot.core.arrays import DAY, Array, Floats, Ints
from fairshot.town.records import Run
from fairshot.town.slot_trials import slot_decisions
from fairshot.town.truth import Truth

STEPS = ("graduated", "stopped")
SETTLED_DAYS = 5
"""An item that was put on trial so many days before the end had time enough to be decided."""
FOUND_IMPRESSIONS = 500
"""Impressions, of trials and others, within which the audience of a crossed work should be named."""
Decisions: TypeAlias = Sequence[tuple[int, Mapping[str, Any]]]


def trial_figures(run: Run, truth: Truth) -> dict[str, float]:
    """How trials ended, of those that did, and what a decision took.

    impressions to a decision: the mean; for a decision: all that were spent, on items that were never decided too, over
    the trials that ended.
    Of a policy without trials that tries items at positions of its own: what the same rule would have decided
    (`slot_decisions`). decided: of items put on trial at least 5 days before the end. Of crossed ones among them:
    planted audiences found, the share whose true topic was named (`named`); crossed items graduated, the share whose
    first end that was.
    """
    verdicts = run.decisions or slot_decisions(run, truth.told)
    rows, steps, impressions = decided(verdicts)
    graduated, stopped = (np.array([step == name for step in steps], bool) for name in STEPS)
    good, bad = truth.good[rows], truth.bad[rows]
    settled = begun(verdicts, run.end - SETTLED_DAYS * DAY)
    crossed = settled[truth.crossed[settled]]
    found = named(run, truth.topic, crossed) if run.decisions else np.full(len(crossed), np.nan)
    return {
        "good items graduated": _share(graduated[good]),
        "good items stopped": _share(stopped[good]),
        "bad items stopped": _share(stopped[bad]),
        "bad items graduated": _share(graduated[bad]),
        "impressions to a decision": _share(impressions),
        "trial impressions for a decision": float(run.tried.sum()) / len(rows) if len(rows) else float("nan"),
        "decided": _share(np.isin(settled, rows)),
        "planted audiences found": _share(found),
        "crossed items graduated": _share(np.isin(crossed, rows[graduated])),
    }


def decided(decisions: Decisions) -> tuple[Ints, list[str], Floats]:
    """The first end of each trial: items, steps ("graduated" or "stopped"), impressions until then."""
    first: dict[int, tuple[str, float]] = {}
    for _at, data in decisions:
        if data.get("decision") == "trial" and data["step"] in STEPS:
            first.setdefault(_item(data), (data["step"], float(data.get("impressions", np.nan))))
    ends = list(first.values())
    return np.array(list(first), np.int64), [step for step, _ in ends], np.array([n for _, n in ends], np.float64)


def begun(decisions: Decisions, until: int) -> Ints:
    """The items that were put on trial up to a moment in microseconds, (m,), ascending."""
    found = {
        _item(data)
        for at, data in decisions
        if data.get("decision") == "trial" and data["step"] == "testing" and at <= until
    }
    return np.array(sorted(found), np.int64)


def named(run: Run, topic: Ints, items: Ints) -> Array:
    """Whether a verdict named the label of an item's topic as its audience within 500 impressions, bool (m,).

    topic: (n,), of all items; items (m,). Impressions: all that the item had before the verdict, wherever.
    """
    found = set()
    for at, data in run.decisions:
        if data.get("decision") == "trial" and data["step"] == "audience":
            item = _item(data)
            if data["label"] == f"topic{topic[item]}" and _shown(run, item, at) <= FOUND_IMPRESSIONS:
                found.add(item)
    return np.isin(items, sorted(found))


def _shown(run: Run, item: int, before: int) -> int:
    return int((run.item == item)[run.at < before].sum())


def _item(data: Mapping[str, Any]) -> int:
    return int(data["item"].removeprefix("i"))


def _share(values: Array) -> float:
    """The mean, NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")
