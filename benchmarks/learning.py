"""Training: MovieLens 100K as `fairshot demo` does it, a million made-up interactions; and the ranking net."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks._speed import milliseconds
from threadpoolctl import threadpool_limits

from fairshot.app import App, open_app
from fairshot.core.arrays import MICROSECONDS
from fairshot.core.events import Draft, Kind, concatenate
from fairshot.datasets import prepare
from fairshot.importing.run import import_file, plan
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.factors import fit_factors, scaled_regularization
from fairshot.learning.interactions import feedback_of, strengths

DATA_SET = "ml-100k"
PEOPLE, ITEMS, EACH, TOPICS = 100_000, 20_000, 10, 200
START = 1_700_000_000 * MICROSECONDS
CANDIDATES = 500


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds of ours and of what it is compared with, their ratio, and the goal."""

    name: str
    ours_s: float
    beside: str
    beside_s: float
    ratio: float
    goal_s: float
    holds: bool


def imported(folder: Path) -> App:
    """An application that holds MovieLens 100K, not trained yet."""
    app = open_app(folder)
    if len(app.live.ids.items) == 0:
        for file in prepare(DATA_SET, folder / DATA_SET).files:
            import_file(plan(file, None, {}, {}), app.submit)
    return app


def million(folder: Path) -> App:
    """An application that holds a million likes and views: people with a topic each, and popular items."""
    app = open_app(folder)
    rng = np.random.default_rng(0)
    topic = rng.integers(TOPICS, size=ITEMS)
    members = [np.flatnonzero(topic == t) for t in range(TOPICS)]
    app.ingest(
        items=[
            {"id": f"i{n}", "creator_id": f"c{n % 2000}", "title": f"made-up {n}", "labels": [f"t{topic[n]}"]}
            for n in range(ITEMS)
        ]
    )
    for start in range(0, PEOPLE, 5_000):
        drafts = []
        for person in range(start, start + 5_000):
            own = members[person % TOPICS]
            things = own[(len(own) * rng.random(EACH) ** 2).astype(int)]
            for number, (thing, liked) in enumerate(zip(things.tolist(), rng.random(EACH) < 0.5, strict=True)):
                drafts.append(
                    Draft(
                        kind=Kind.FEEDBACK,
                        at=START + (number * PEOPLE + person) * MICROSECONDS,
                        id=f"{person}/{number}",
                        action="like" if liked else "view",
                        user=f"u{person}",
                        item=f"i{thing}",
                    )
                )
        app.writer.append(drafts).result()
    return app


def measure() -> list[Seconds]:
    """Train with everything: vectors, content, neighbours, examples by replay, net, retrieval, checks."""
    found = [_trained("training on ML-100K", imported, 30.0), _trained("training on 1 M interactions", million, 90.0)]
    return [*found, _ranking()]


def _trained(name: str, opened: Callable[[Path], App], goal: float) -> Seconds:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as app:
        start = time.perf_counter()
        app.train()
        ours = time.perf_counter() - start
        events = concatenate(list(app.log.batches()))
        matrix = strengths(feedback_of(events), app.config.kinds, (events.sizes.users, events.sizes.items))
        settings = app.config.learning
        start = time.perf_counter()
        fit_factors(
            matrix,
            factors=settings.factors,
            iterations=settings.iterations,
            confidence=settings.confidence,
            regularization=scaled_regularization(matrix, settings.regularization),
        )
        bare = time.perf_counter() - start
    return Seconds(name, ours, "its factorisation alone", bare, ours / bare, goal, ours <= goal)


def _ranking(features: int = 80, kinds: int = 12) -> Seconds:
    """The net of the product's size for every candidate of a request, one thread, beside its bare products."""
    rng = np.random.default_rng(0)
    sizes = [features, 64, 32, kinds]
    layers = tuple(
        (rng.normal(0, 0.1, (a, b)).astype(np.float32), np.zeros(b, np.float32))
        for a, b in zip(sizes, sizes[1:], strict=False)
    )
    bounds = np.array([[-3.0] * features, [3.0] * features], np.float32)
    model = EngagementModel(tuple(map(str, range(features))), tuple(map(str, range(kinds))), bounds, layers)
    inputs = rng.normal(size=(CANDIDATES, features)).astype(np.float32)
    with threadpool_limits(1):
        ours = milliseconds(lambda: model.predict(inputs)) / 1e3
        bare = milliseconds(lambda: inputs @ layers[0][0] @ layers[1][0] @ layers[2][0]) / 1e3
    name = f"ranking net: {CANDIDATES} candidates, {features} features, {kinds} heads"
    return Seconds(name, ours, "its three products", bare, ours / bare, 1e-3, ours <= 1e-3)
