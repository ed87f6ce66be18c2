"""Recall of retrieval: how much of what the ranker would choose from the whole catalogue is among the candidates."""

from dataclasses import dataclass, replace

import numpy as np

from fairshot.core.arrays import Floats, Rows
from fairshot.core.candidates import Candidates
from fairshot.core.randomness import stream
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.stages import Stage

CANDIDATES, BEST = 500, 50
PEOPLE, SHARE = 50, 0.1
"""So many people are asked for, and at most this share of all."""
LARGEST = 50_000
"""Items of the largest catalogue whose every item is valued,"""
VALUED = 500_000
"""and values that are asked for in all: fewer people where the catalogue is large."""


@dataclass(frozen=True, slots=True)
class _Everything:
    """The whole catalogue as candidates."""

    def __call__(self, ctx: Context) -> Candidates:
        return Candidates(np.arange(len(ctx.snapshot.ids.items), dtype=np.int32))


def spared(people: Rows) -> Rows:
    """The people, of these rows (n,) ascending, whom retrieval is not taught with, so that it can be measured by them.

    Drawn by lot for each row, so that mostly the same are drawn again as others come.
    """
    if len(people) == 0:
        return people
    lot = stream("retrieval", "spared").random(int(people[-1]) + 1)[people]
    return np.sort(people[np.argsort(lot)[: min(PEOPLE, int(SHARE * len(people)))]])


def recall(pipeline: Pipeline, snapshot: Snapshot, people: Rows, now: int) -> Floats:
    """For each of at most PEOPLE people the share of the ranker's top 50 among 500 candidates; float64 (n,), NaN.

    The pipeline values every item that its filters pass; retrieval brings the 500 nearest that the person has not
    met. NaN: nothing is known of the person, or nothing is left to show; empty where there is no retrieval model,
    or the catalogue holds no more than 500 items or more than LARGEST. now: microseconds, as of when.
    """
    items = len(snapshot.ids.items)
    # What new people are tried with is drawn by lot, has a source of its own, and was not taught.
    snapshot = replace(snapshot, artifacts=replace(snapshot.artifacts, latent_cluster=None))
    if snapshot.artifacts.retrieval is None or not CANDIDATES < items <= LARGEST:
        return np.empty(0)
    every = replace(pipeline, sources=(Stage("sources", "everything", _Everything()),))
    return np.array([_share(every, snapshot, row, now) for row in people[: max(1, VALUED // items)].tolist()])


def _share(every: Pipeline, snapshot: Snapshot, row: int, now: int) -> float:
    request = Request(id=f"recall/{row}", user=snapshot.ids.users.id(row), row=row, limit=1, now=now)
    ctx = Context(request, snapshot)
    if ctx.person.vector is None:
        return np.nan
    rows = every.candidates(ctx)
    if len(rows) == 0:
        return np.nan
    best = rows[np.lexsort((rows, -every.value_of(ctx, rows)["value"]))[:BEST]]
    found = snapshot.artifacts.retrieval.search(ctx.person, CANDIDATES + ctx.person.met_count)
    return float(np.isin(best, found[~ctx.person.met[found]][:CANDIDATES]).mean())
