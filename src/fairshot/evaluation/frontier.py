"""The frontier: accuracy against the exposure of the least popular, over the weight of a fairness term, with all peers.

Each seed is split and trained once; all weights rank the same described candidates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from fairshot.app import App
from fairshot.core.arrays import Array
from fairshot.core.events import concatenate
from fairshot.evaluation.accuracy import accuracy
from fairshot.evaluation.arms import accuracy_alone, occurring_kinds, weighted
from fairshot.evaluation.exposure import LEAST_ITEMS, exposure
from fairshot.evaluation.peers import DISCOUNTS, discount_name, peer_slates, peers
from fairshot.evaluation.prepared import Prepared, Progress, prepare
from fairshot.evaluation.protocols import definition_hash, split
from fairshot.evaluation.report import fingerprint
from fairshot.evaluation.slates import Arm, slates_of

DEFAULTS, PIPELINE, DISCOUNTED = "defaults", "fairshot", "EASE with a popularity discount"
GIVEN = (0.04, 0.10, 0.20)
"""Exposures at which the accuracy of each line is read off."""


@dataclass(frozen=True, slots=True)
class Point:
    """One arm: its accuracy and exposure for each seed; line: which curve it belongs to, or its own name."""

    arm: str
    line: str
    accuracy: tuple[float, ...]
    exposure: tuple[float, ...]

    @property
    def at(self) -> tuple[float, float]:
        """Mean exposure and mean accuracy over seeds."""
        return float(np.mean(self.exposure)), float(np.mean(self.accuracy))

    @property
    def bars(self) -> tuple[float, float]:
        """Standard deviation over seeds of exposure and of accuracy; 0 for a single seed."""
        if len(self.accuracy) < 2:
            return 0.0, 0.0
        return float(np.std(self.exposure, ddof=1)), float(np.std(self.accuracy, ddof=1))


@dataclass(frozen=True)
class Frontier:
    """All arms over all seeds, and the question that they answer."""

    seeds: tuple[int, ...]
    k: int
    term: str
    data: str
    points: tuple[Point, ...]

    def line(self, name: str) -> list[Point]:
        """The points of one curve, least exposure first."""
        return sorted((point for point in self.points if point.line == name), key=lambda point: point.at)

    def document(self) -> dict[str, Any]:
        """The frontier as plain JSON types."""
        points = [
            {
                **asdict(point),
                "mean_accuracy": point.at[1],
                "mean_exposure": point.at[0],
                "deviation_accuracy": point.bars[1],
                "deviation_exposure": point.bars[0],
            }
            for point in self.points
        ]
        given = {
            name: {f"{share:g}": accuracy_at(self.line(name), share) for share in GIVEN}
            for name in (PIPELINE, DISCOUNTED)
        }
        return {
            "protocol": "random",
            "definition": definition_hash("random"),
            "seeds": list(self.seeds),
            "k": self.k,
            "term": self.term,
            "data": self.data,
            "accuracy": f"nDCG@{self.k}",
            "exposure": LEAST_ITEMS,
            "points": points,
            "accuracy_at": given,
        }


def accuracy_at(line: Sequence[Point], share: float) -> float | None:
    """The accuracy of a curve where its exposure is `share`, between its points; None beyond its ends."""
    shares, values = zip(*(point.at for point in line), strict=True) if line else ((), ())
    if not line or not shares[0] <= share <= shares[-1]:
        return None
    return float(np.interp(share, shares, values))


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
    found: dict[str, list[tuple[float, float]]] = {}
    for number, seed in enumerate(seeds):
        tell = partial(_within, report, number, len(seeds))
        prepared = prepare(app, events, split(events, "random", seed), tell)
        arms = {name: Arm(config, prepared.snapshot) for name, config in configs.items()}
        slates = slates_of(arms, prepared.people, k, prepared.split.now, report=partial(tell, "slates"))
        for name, given in _with_peers(prepared, slates, k).items():
            found.setdefault(name, []).append(_measured(prepared, given, k))
    points = [Point(name, _line(name, term), *zip(*pairs, strict=True)) for name, pairs in found.items()]
    return Frontier(tuple(seeds), k, term, fingerprint(events, app.live.ids), tuple(points))


def _within(report: Progress, number: int, of: int, phase: str, share: float) -> None:
    report(phase, (number + share) / of)


def _with_peers(prepared: Prepared, slates: Mapping[str, list[Array]], k: int) -> dict[str, list[Array]]:
    matrix, listed = prepared.matrix, prepared.catalogue.listed
    theirs = {name: peer_slates(scores, matrix, prepared.people, listed, k) for name, scores in peers(matrix)}
    return {**slates, **theirs}


def _measured(prepared: Prepared, slates: list[Array], k: int) -> tuple[float, float]:
    shares = exposure("", slates, prepared.catalogue, intervals=False)
    (share,) = (one.value for one in shares if one.name == LEAST_ITEMS)
    return float(accuracy(slates, prepared.truth, k)[f"nDCG@{k}"].mean()), share


def _line(arm: str, term: str) -> str:
    if arm == "accuracy alone" or arm.startswith(f"{term} "):
        return PIPELINE
    return DISCOUNTED if arm in ("EASE", *map(discount_name, DISCOUNTS)) else arm
