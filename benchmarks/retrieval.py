"""Distilled retrieval: how much of what the ranker would choose from the whole catalogue is among 500 candidates.

On MovieLens 100K, trained as the product trains, and on the made-up catalogue of a million items, whose ranker has
drawn weights: an order that no data suggests, which makes it the harder one to follow. The people asked for are not
among those that the student was taught with; the teacher values every item that they may be shown.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from benchmarks.learning import imported
from benchmarks.million import MADE, build
from benchmarks.service import Figure

from fairshot.app import App, open_app
from fairshot.core.arrays import Floats, Rows
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.datasets.fetch import cache_folder
from fairshot.learning.distillation import fit_retrieval
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.stages import Stage

CANDIDATES = 500
GOAL = 0.9
BLOCK = 50_000
DISTILLED = "distilled retrieval alone"


@dataclass(frozen=True, slots=True)
class Everything:
    """The whole catalogue as candidates."""

    def __call__(self, ctx: Context) -> Candidates:
        """Every item."""
        return Candidates(np.arange(len(ctx.snapshot.ids.items), dtype=np.int32))


def measure() -> list[Figure]:
    """Both catalogues."""
    figures: list[Figure] = []
    for name, opened, people in (("ML-100K", small, 300), ("a million items", million, 40)):
        with opened() as app:
            figures += measured(name, app, people)
    return figures


@contextmanager
def small() -> Iterator[App]:
    """MovieLens 100K, trained."""
    with tempfile.TemporaryDirectory() as folder, imported(Path(folder)) as app:
        app.train()
        yield app


@contextmanager
def million() -> Iterator[App]:
    """A million items with their snapshot."""
    made = cache_folder() / MADE
    build(made)
    with (
        tempfile.TemporaryDirectory(prefix="fairshot-bench-") as root,
        open_app(Path(shutil.copytree(made, Path(root) / "data"))) as app,
    ):
        yield app


def measured(name: str, app: App, count: int) -> list[Figure]:
    """Teach without `count` people, then ask for them."""
    now, served = app.clock(), app.live.snapshot
    plain = replace(served, artifacts=replace(served.artifacts, retrieval=None))
    people = np.random.default_rng(0).permutation(len(plain.ids.users)).astype(np.int32)
    start = time.perf_counter()
    model = fit_retrieval(app.pipeline, plain, people[count:], now=now)
    taught = time.perf_counter() - start
    if model is None:
        raise RuntimeError(f"{name}: nobody has a vector")
    snapshot = replace(plain, artifacts=replace(plain.artifacts, retrieval=model))
    found: dict[str, list[tuple[float, ...]]] = {}
    seconds = []
    for row in people[:count].tolist():
        request = Request(id=f"retrieval/{row}", user=plain.ids.users.id(row), row=row, limit=20, now=now)
        ctx = Context(request, snapshot)
        if ctx.person.vector is None:
            continue
        best = ranked(app.pipeline, ctx)
        for arm, rows in _arms(app.pipeline, ctx, plain).items():
            shares = (float(np.isin(best[:k], rows).mean()) for k in (20, 50))
            found.setdefault(arm, []).append((len(rows), *shares))
        start = time.perf_counter()
        app.pipeline(Context(request, snapshot))
        seconds.append(time.perf_counter() - start)
    return [
        Figure(f"{name}: teaching", taught, "s"),
        Figure(f"{name}: a slate without the service, median", 1e3 * float(np.median(seconds)), "ms"),
        *(figure for arm, rows in found.items() for figure in _figures(f"{name}, {arm}", np.array(rows))),
    ]


def _arms(pipeline: Pipeline, ctx: Context, plain: Snapshot) -> dict[str, Rows]:
    """The candidates that each way brings."""
    most, vector = CANDIDATES + ctx.person.met_count, ctx.person.vector
    nearest = [] if vector is None else plain.artifacts.need("nearest").search(vector[None], most)
    return {
        DISTILLED: unmet(ctx, ctx.snapshot.artifacts.retrieval.search(ctx.person, most)),
        "vectors alone": unmet(ctx, nearest[0]),
        "all sources with distilled retrieval": pipeline.candidates(ctx),
        "all sources with vectors": pipeline.candidates(Context(ctx.request, plain)),
    }


def unmet(ctx: Context, rows: Rows) -> Rows:
    """The first 500 that the person has not met."""
    return rows[~ctx.person.met[rows]][:CANDIDATES]


def ranked(pipeline: Pipeline, ctx: Context, most: int = 50) -> Rows:
    """The best of all items that filters pass, by the engine's value."""
    every = replace(pipeline, sources=(Stage("sources", "everything", Everything()),))
    rows = every.candidates(ctx)
    values: Floats = np.concatenate(
        [pipeline.value_of(ctx, rows[start : start + BLOCK])["value"] for start in range(0, len(rows), BLOCK)]
    )
    best: Rows = rows[np.lexsort((rows, -values))[:most]]
    return best


def _figures(name: str, rows: Floats) -> list[Figure]:
    """rows: for each person the number of candidates, and the shares of the best 20 and 50 among them."""
    candidates, of_20, of_50 = rows.mean(axis=0).tolist()
    goal = f">= {GOAL}" if name.endswith(DISTILLED) else ""
    return [
        Figure(f"{name}: candidates", candidates, "items"),
        Figure(f"{name}: of the best 20", of_20, "share"),
        Figure(f"{name}: of the best 50", of_50, "share", goal, not goal or of_50 >= GOAL),
    ]
