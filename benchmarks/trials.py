"""Trials: what they add to a slate while ten thousand items are on trial.

MovieLens 100K, trained as the product trains, and 10,000 new items beside it with evidence of up to 100 people each.
The same requests are answered with and without the source and the slot of trials, in turn, and never one after the
other: what is known of a person stays known for the next request of theirs.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.learning import imported
from benchmarks.service import Figure

from fairshot.app import App
from fairshot.core.request import Context
from fairshot.core.trial import CELLS
from fairshot.pipeline.engine import Pipeline
from fairshot.trials import Decider

ITEMS, REQUESTS, GOAL = 10_000, 900, 0.5
TOPICS = ("war", "love", "crime", "space", "music", "school", "family", "horror")


def measure() -> list[Figure]:
    """Milliseconds of a slate with trials, without, and the difference of their medians."""
    with tempfile.TemporaryDirectory() as folder, imported(Path(folder)) as app:
        app.train()
        put_on_trial(app)
        with_trials, without = timed(app, app.pipeline, bare(app.pipeline))
    explored = float(np.mean([brought for _, brought in with_trials]))
    one, other = (float(np.median([seconds for seconds, _ in part])) * 1000 for part in (with_trials, without))
    mean = 1000 * float(np.mean([a - b for (a, _), (b, _) in zip(with_trials, without, strict=True)]))
    return [
        Figure("items on trial", ITEMS, ""),
        Figure("requests that showed one", explored, ""),
        Figure("slate with trials, p50", one, "ms"),
        Figure("slate without trials, p50", other, "ms"),
        Figure("trials add", one - other, "ms", f"<= {GOAL}", one - other <= GOAL),
        Figure("trials add on average", mean, "ms", f"<= {GOAL}", mean <= GOAL),
    ]


def put_on_trial(app: App) -> None:
    """New items, all admitted, with evidence drawn by lot."""
    rng = np.random.default_rng(0)
    words = rng.choice(TOPICS, (ITEMS, 6)).tolist()
    app.ingest(items=[{"id": f"new{n}", "creator_id": f"by{n}", "title": " ".join(words[n])} for n in range(ITEMS)])
    decider = Decider(app.live.snapshot, app.clock())
    rows = [app.live.ids.items.row(f"new{n}") for n in range(ITEMS)]
    app.writer.append([decider.admission(row) for row in rows]).result()
    app.catch_up()
    items = app.live.snapshot.items
    shown = rng.multinomial(rng.integers(0, 100, ITEMS), np.full(CELLS, 1 / CELLS))
    items["trial_shown"][rows], items["trial_liked"][rows] = shown, rng.binomial(shown, 0.1)


def bare(pipeline: Pipeline) -> Pipeline:
    """The pipeline without trials."""
    sources = tuple(stage for stage in pipeline.sources if stage.name != "trials")
    return replace(pipeline, sources=sources, rerankers=tuple(s for s in pipeline.rerankers if s.name != "trial_slot"))


def timed(app: App, *pipelines: Pipeline) -> list[list[tuple[float, bool]]]:
    """For each pipeline each slate's seconds, and whether a trial stood in it; all answer every request."""
    people = np.random.default_rng(1).permutation(943)[:REQUESTS] + 1
    found: list[list[tuple[float, bool]]] = [[] for _ in pipelines]
    for turn in range(len(people)):
        for place, (pipeline, times) in enumerate(zip(pipelines, found, strict=True)):
            person = int(people[turn - place])
            ctx = Context(app.request(str(person), 20), app.live.snapshot)
            start = time.perf_counter()
            slate = pipeline(ctx)
            times.append((time.perf_counter() - start, bool(slate.arm.any())))
    return found
