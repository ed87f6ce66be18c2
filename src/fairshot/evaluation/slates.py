"""Slates of many arms for many people: candidates are found and described once, then valued and ordered by each arm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from fairshot.app import build_pipeline
from fairshot.config import Config
from fairshot.core.arrays import Array, Ints
from fairshot.core.candidates import Candidates
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.stages import Stage

Described = Callable[[int, Candidates], None]
"""Told of each person's row and their described candidates."""


@dataclass(frozen=True)
class Arm:
    """A configuration ready to rank: its pipeline, and the snapshot as its feedback kinds see it."""

    config: Config
    snapshot: Snapshot
    pipeline: Pipeline = field(init=False)
    kinds: FeedbackKinds = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pipeline", build_pipeline(self.config))
        object.__setattr__(self, "kinds", self.config.kinds)
        object.__setattr__(self, "snapshot", self.seen(self.snapshot))

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """Another snapshot, as its feedback kinds see it."""
        return replace(snapshot, feedback=self.kinds)

    @property
    def finding(self) -> bytes:
        """Equal for arms that find and describe the same candidates: all but value, re-rankers and blenders."""
        kinds = ("sources", "filters", "features")
        plan = {kind: getattr(self.config.pipeline, kind) for kind in kinds}
        options = {kind: getattr(self.config, kind) for kind in kinds}
        return msgspec.json.encode([self.config.feedback, self.config.impressions, plan, options], order="sorted")


def request_of(snapshot: Snapshot, row: int, k: int, now: int) -> Request:
    """A person's request of an evaluation: its random streams depend on the person alone."""
    user = snapshot.ids.users.id(row)
    return Request(id=f"evaluation/{user}", user=user, row=row, limit=k, now=now)


def slates_of(
    arms: Mapping[str, Arm],
    people: Ints,
    k: int,
    now: int,
    *,
    told: Mapping[str, Described] | None = None,
    report: Callable[[float], None] = lambda _share: None,
) -> dict[str, list[Array]]:
    """The slates of each arm for people (rows), item rows best first: exactly those of its whole pipeline.

    told: for an arm by name, who hears of the candidates as its features describe them.
    """
    groups: dict[bytes, list[str]] = {}
    for name, arm in arms.items():
        groups.setdefault(arm.finding, []).append(name)
    slates: dict[str, list[Array]] = {name: [] for name in arms}
    for number, row in enumerate(people.tolist()):
        if number % 50 == 0:
            report(number / len(people))
        for names in groups.values():
            first = arms[names[0]]
            ctx = Context(request_of(first.snapshot, row, k, now), first.snapshot)
            batch = first.pipeline.describe(ctx, first.pipeline.candidates(ctx))
            for name in names:
                slates[name].append(ranked(arms[name].pipeline, batch, ctx))
                if told and name in told:
                    told[name](row, batch)
    report(1.0)
    return slates


def ranked(pipeline: Pipeline, batch: Candidates, ctx: Context) -> Array:
    """The slate that a pipeline makes of described candidates: its value terms, re-rankers and blenders."""
    rest = replace(
        pipeline,
        sources=(Stage("sources", "found", lambda _ctx: Candidates(batch.rows)),),
        filters=(),
        features=(Stage("features", "described", lambda _batch, _ctx: batch.columns),),
    )
    rows: Array = rest(ctx).rows
    return rows


def fixed_source(rows: Array) -> Stage:
    """A source that brings these rows, so that a pipeline ranks all of them."""
    found = Candidates(rows.astype(np.int32))
    return Stage("sources", "given", lambda _ctx: found)
