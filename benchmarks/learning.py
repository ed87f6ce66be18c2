"""Training on MovieLens 100K, as `fairshot demo` does it, beside the bare factorisation of its ratings."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fairshot.app import App, open_app
from fairshot.core.events import concatenate
from fairshot.datasets import prepare
from fairshot.importing.run import import_file, plan
from fairshot.learning.factors import fit_factors, scaled_regularization
from fairshot.learning.interactions import feedback_of, strengths

DATA_SET = "ml-100k"


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


def measure() -> list[Seconds]:
    """Train once, with everything: both fits of the vectors, content, candidates, features, net, checks."""
    with tempfile.TemporaryDirectory() as folder, imported(Path(folder)) as app:
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
    return [Seconds("training on ML-100K", ours, "its factorisation alone", bare, ours / bare, 30.0, ours <= 30.0)]
