"""Serving a made-up catalogue of a million items to a hundred thousand people.

Made once (seven minutes) and kept in the user's cache; a copy is measured.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.service import QUIET, Figure, engine_share, restart, slates

from fairshot.app import App, open_app
from fairshot.core.events import Draft, Kind
from fairshot.core.request import Context
from fairshot.core.snapshot import Vectors
from fairshot.datasets.fetch import cache_folder
from fairshot.learning.content import ContentEncoder
from fairshot.learning.distillation import fit_retrieval
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.factors import gram_of
from fairshot.learning.nearest import build_index

START = 1_700_000_000_000_000
"""When the made-up history begins: microseconds since 1970."""
SECOND = 1_000_000
WIDTH, CLUSTERS = 64, 200
MADE = "million-distilled"
"""Its name in the cache; another one when what is made changes."""


def measure() -> list[Figure]:
    """Latency, memory, engine share and restart at this size."""
    made = cache_folder() / MADE
    build(made)
    with tempfile.TemporaryDirectory(prefix="fairshot-bench-") as root:
        folder = Path(shutil.copytree(made, Path(root) / "data"))
        (folder / "fairshot.toml").write_text(QUIET)
        return [
            Figure("load average before", os.getloadavg()[0], "processes"),
            *slates(folder, goals=(8.0, 25.0)),
            *engine_share(folder),
            *restart(folder, limit=30.0),
        ]


def build(folder: Path, items: int = 1_000_000, people: int = 100_000, reactions: int = 10, seed: int = 0) -> None:
    """Make the data directory: a log, a checkpoint, and a snapshot with clustered vectors; reused when there."""
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLUSTERS, WIDTH))
    cluster = rng.integers(CLUSTERS, size=items)
    with open_app(folder) as app:
        _items(app, cluster)
        _feedback(app, cluster, people, reactions, rng)
        vectors = (centres[cluster] + 0.6 * rng.normal(size=(items, WIDTH))).astype(np.float32) / np.sqrt(WIDTH)
        _snapshot(app, vectors.astype(np.float32))
        app.catch_up()
        _distil(app)
        app.checkpoint()
    (folder / "complete").touch()


def _items(app: App, cluster: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    creators = len(cluster) // 20
    for start in range(0, len(cluster), 20_000):
        drafts = []
        for n in range(start, min(start + 20_000, len(cluster))):
            item, creator = f"item{n}", f"creator{n % creators}"
            record = {
                "id": item,
                "creator_id": creator,
                "title": f"Made-up item {n}",
                "labels": [f"topic{cluster[n]}"],
            }
            drafts.append(Draft(kind=Kind.ITEM, at=START + n * SECOND, item=item, creator=creator, data=record))
        app.writer.append(drafts).result()


def _feedback(
    app: App,
    cluster: np.ndarray[tuple[int], np.dtype[np.int64]],
    people: int,
    reactions: int,
    rng: np.random.Generator,
) -> None:
    """Each person reacts to items of one cluster, popular ones more often."""
    members = [np.flatnonzero(cluster == c) for c in range(CLUSTERS)]
    kinds = np.array(["view", "like", "love", "dislike"])
    for start in range(0, people, 5_000):
        drafts = []
        for person in range(start, min(start + 5_000, people)):
            own = members[person % CLUSTERS]
            chosen = own[(len(own) * rng.random(reactions) ** 2).astype(int)]
            said = kinds[rng.choice(4, reactions, p=[0.4, 0.4, 0.1, 0.1])]
            for number, (item, kind) in enumerate(zip(chosen.tolist(), said.tolist(), strict=True)):
                drafts.append(
                    Draft(
                        kind=Kind.FEEDBACK,
                        at=START + (1_000_000 + person * reactions + number) * SECOND,
                        id=f"{person}/{number}",
                        action=kind,
                        user=f"user{person}",
                        item=f"item{item}",
                    )
                )
        app.writer.append(drafts).result()


def _snapshot(app: App, vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    """Promote vectors, their index, and a ranking net over every feature with drawn weights."""
    rng = np.random.default_rng(1)
    app.catch_up()
    sample = np.arange(50, dtype=np.int32)

    described = app.pipeline.describe(Context(app.request("user0"), app.live.snapshot), sample)
    names = tuple(
        sorted(name for name, column in described.columns.items() if column.dtype.kind == "f" and name[:2] != "p_")
    )
    sizes = [len(names), *app.config.learning.hidden, len(app.config.kinds.names)]
    layers = tuple(
        (rng.normal(0, 0.3, (a, b)).astype(np.float32), np.full(b, -1.0, np.float32))
        for a, b in zip(sizes, sizes[1:], strict=False)
    )
    bounds = np.array([[-20.0] * len(names), [20.0] * len(names)], np.float32)
    model = EngagementModel(names, app.config.kinds.names, bounds, layers)
    settings = app.config.learning
    held = Vectors(vectors, np.ones(len(vectors), bool), gram_of(vectors, 3.0), settings.confidence)
    encoder = ContentEncoder(None, np.zeros((0, 0), np.float32), {}, WIDTH)
    index = build_index(vectors)
    app.artifacts.save(
        "synthetic",
        {
            "vectors": (
                {"items": held.items, "gram": held.gram, "trained": held.trained},
                {"confidence": held.confidence},
            ),
            "content": encoder.dump(),
            "index": ({} if index is None else {"index": index}, {}),
            "engagement": model.dump(),
        },
        {"figures": []},
    )
    data = {"decision": "promote", "snapshot": "synthetic", "reasons": []}
    app.writer.append([Draft(kind=Kind.VERDICT, at=app.clock(), id="verdict/synthetic", data=data)]).result()


def _distil(app: App) -> None:
    """Promote the same models with retrieval taught by the net."""
    snapshot = app.live.snapshot
    people = np.arange(len(snapshot.ids.users), dtype=np.int32)
    model = fit_retrieval(app.pipeline, snapshot, people, now=app.clock())
    if model is None:
        raise RuntimeError("nobody has a vector")
    models = {name: app.artifacts.load("synthetic", name) for name in ("vectors", "content", "index", "engagement")}
    app.artifacts.save("synthetic2", {**models, "retrieval": model.dump()}, {"figures": []})
    data = {"decision": "promote", "snapshot": "synthetic2", "reasons": []}
    app.writer.append([Draft(kind=Kind.VERDICT, at=app.clock(), id="verdict/synthetic2", data=data)]).result()
    app.catch_up()
