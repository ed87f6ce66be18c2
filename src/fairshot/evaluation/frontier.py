"""The frontier: accuracy against the exposure of the least popular, over the weight of a fairness term, with all peers.

Each seed is split and trained once; all weights rank the same described candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fairshot.app import App, build_pipeline
from fairshot.core.arrays import Array
from fairshot.core.events import concatenate
from fairshot.evaluation.accuracy import accuracy
from fairshot.evaluation.arms import accuracy_alone, occurring_kinds, weighted
from fairshot.evaluation.exposure import LEAST_ITEMS, exposure
from fairshot.evaluation.peers import DISCOUNTS, discount_name, peer_slates, peers
from fairshot.evaluation.prepared import Prepared, Progress, prepare
from fairshot.evaluation.protocols import RELEVANCE, definition_hash, split
from fairshot.evaluation.report import fingerprint
from fairshot.evaluation.slates import Arm, slates_of

DEFAULTS, PIPELINE, DISCOUNTED = "defaults", "fairshot", "EASE with a popularity discount"
GIVEN = (0.04, 0.10, 0.20)
"""Exposures at which the accuracy of each line is read off."""


@dataclass(frozen=True, slots=True)
class Point:
    """One arm: its figures by name for each seed; line: which curve it belongs to, or its own name.

    Coverage and Gini stand beside the exposure of the least popular, for that share alone could be raised by a
    few items at its edge.
    """

    arm: str
    line: str
    figures: Mapping[str, tuple[float, ...]]

    def mean(self, name: str) -> float:
        """Mean of a figure over seeds."""
        return float(np.mean(self.figures[name]))

    def deviation(self, name: str) -> float:
        """Standard deviation of a figure over seeds; 0 for a single seed."""
        values = self.figures[name]
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


@dataclass(frozen=True)
class Frontier:
    """All arms over all seeds, and the question that they answer."""

    seeds: tuple[int, ...]
    k: int
    term: str
    data: str
    config: str
    points: tuple[Point, ...]

    @property
    def accuracy(self) -> str:
        """The name of the figure of accuracy."""
        return f"nDCG@{self.k}"

    def line(self, name: str) -> list[Point]:
        """The points of one curve, least exposure first."""
        return sorted((p for p in self.points if p.line == name), key=lambda p: (p.mean(LEAST_ITEMS), p.arm))

    def accuracy_at(self, name: str, share: float) -> float | None:
        """The accuracy of a curve where its exposure is `share`, between its points; None beyond its ends."""
        line = self.line(name)
        shares, values = [p.mean(LEAST_ITEMS) for p in line], [p.mean(self.accuracy) for p in line]
        return float(np.interp(share, shares, values)) if line and shares[0] <= share <= shares[-1] else None

    def document(self) -> dict[str, Any]:
        """The frontier as plain JSON types."""
        points = [
            {"arm": p.arm, "line": p.line, "mean": {name: p.mean(name) for name in p.figures}, **_seeds(p)}
            for p in self.points
        ]
        lines = (PIPELINE, DISCOUNTED)
        return {
            "protocol": "random",
            "definition": definition_hash("random"),
            "relevance": RELEVANCE,
            "seeds": list(self.seeds),
            "k": self.k,
            "term": self.term,
            "data": self.data,
            "config": self.config,
            "points": points,
            "accuracy_at": {line: {f"{share:g}": self.accuracy_at(line, share) for share in GIVEN} for line in lines},
        }


def _seeds(point: Point) -> dict[str, Any]:
    return {"seeds": {name: list(values) for name, values in point.figures.items()}}


def frontier(
    app: App,
    seeds: Sequence[int],
    term: str,
    weights: Sequence[float],
    *,
    k: int = 10,
    progress: Progress | None = None,
) -> Frontier:
    """Sweep the weight of a value term where accuracy alone is sought otherwise; train once for each seed.

    Raises FairshotError as `evaluate` does, and ConfigError where there is no such term.
    """
    report = progress or (lambda _phase, _share: None)
    events = concatenate(list(app.log.batches()))
    sought = accuracy_alone(app.config, occurring_kinds(events, app.config))
    configs = {"accuracy alone": sought, DEFAULTS: app.config}
    configs |= {f"{term} {weight:g}": weighted(sought, term, weight) for weight in weights}
    for config in configs.values():  # what cannot be set up is told before anything is trained
        build_pipeline(config)
    found: dict[str, list[dict[str, float]]] = {}
    for number, seed in enumerate(seeds):
        tell = partial(_within, report, number, len(seeds))
        prepared = prepare(app, events, split(events, "random", seed), tell)
        arms = {name: Arm(config, prepared.snapshot) for name, config in configs.items()}
        slates = slates_of(arms, prepared.people, k, prepared.split.now, report=partial(tell, "slates"))
        for name, given in _with_peers(prepared, slates, k).items():
            found.setdefault(name, []).append(_measured(prepared, given, k))
    return Frontier(
        seeds=tuple(seeds),
        k=k,
        term=term,
        data=fingerprint(events, app.live.ids),
        config=app.config.hash(),
        points=tuple(Point(name, _line(name, term), _gathered(each)) for name, each in found.items()),
    )


def _gathered(each: Sequence[Mapping[str, float]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(one[name] for one in each) for name in each[0]}


def _within(report: Progress, number: int, of: int, phase: str, share: float) -> None:
    report(phase, (number + share) / of)


def _with_peers(prepared: Prepared, slates: Mapping[str, list[Array]], k: int) -> dict[str, list[Array]]:
    matrix, listed = prepared.matrix, prepared.catalogue.listed
    theirs = {name: peer_slates(scores, matrix, prepared.people, listed, k) for name, scores in peers(matrix)}
    return {**slates, **theirs}


def _measured(prepared: Prepared, slates: list[Array], k: int) -> dict[str, float]:
    figures = {name: float(values.mean()) for name, values in accuracy(slates, prepared.truth, k).items()}
    shares = exposure("", slates, prepared.catalogue, intervals=False)
    return figures | {one.name: one.value for one in shares}


def _line(arm: str, term: str) -> str:
    if arm == "accuracy alone" or arm.startswith(f"{term} "):
        return PIPELINE
    return DISCOUNTED if arm in ("EASE", *map(discount_name, DISCOUNTS)) else arm
