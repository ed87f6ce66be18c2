"""New people: in worlds with planted types, the first ten slates bring more likes than what is popular would."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.learning.planted import NOW, Planted, like

from fairshot.app import App, open_app
from fairshot.config import FILE
from fairshot.core.arrays import HOUR, MICROSECONDS, Floats
from fairshot.core.request import Context, Request
from fairshot.core.slate import Slate
from fairshot.slates import entry_of

KNOWN, NEW, SLATES, POSITIONS = 300, 40, 10, 10
SEEDS = (11, 12)
SETTINGS = """
[learning]
factors = 16
iterations = 5
hidden = [16]
negatives = 20
occasions = 300
least_examples = 10
"""


@dataclass(frozen=True)
class Visits:
    """What came of the new people's slates; likes and popular: float (people, slates); latent: share of (slates,).

    popular: likes that the most approved items would have got; latent: positions that the source brought.
    """

    likes: Floats
    popular: Floats
    latent: Floats


def visited(seed: int, folder: Path) -> Visits:
    """Train on the known people's log, then let new people come ten times, all at once."""
    planted, now = Planted.of(seed, KNOWN + NEW), NOW * MICROSECONDS
    folder.mkdir()
    (folder / FILE).write_text(SETTINGS)
    likes, latent = np.zeros((NEW, SLATES)), np.zeros(SLATES)
    with open_app(folder, clock=lambda: now) as app:
        app.ingest(planted.log(KNOWN, 120, seed), items=planted.records())
        app.train()
        order = [int(name[1:]) for name in app.live.ids.items.ids(most_approved(app))]
        for visit in range(SLATES):
            slates = served(app, visit, now)
            answers = list[dict[str, Any]]()
            for person, slate in enumerate(slates):
                things = [int(name[1:]) for name in app.live.ids.items.ids(slate.rows.tolist())]
                liked = [item for item in things if planted.likes[KNOWN + person, item]]
                likes[person, visit] = len(liked)
                answers += [like(KNOWN + person, item, now / MICROSECONDS + 60) for item in liked]
                latent[visit] += (slate.source == slate.sources.index("latent_cluster")).mean() / NEW
            now += HOUR
            app.ingest(answers)
    met = planted.likes[KNOWN:, order[: SLATES * POSITIONS]]
    return Visits(likes, met.reshape(NEW, SLATES, POSITIONS).sum(axis=2).astype(float), latent)


def most_approved(app: App) -> list[int]:
    app.catch_up()
    counts = app.live.snapshot.items["item_counts"].sum(axis=1)
    rows: list[int] = np.argsort(-counts, kind="stable").tolist()
    return rows


def served(app: App, visit: int, now: int) -> list[Slate]:
    """A slate for every new person, logged as if it had been asked for through the service."""
    app.catch_up()
    snapshot, entries, slates = app.live.snapshot, [], []
    for person in range(KNOWN, KNOWN + NEW):
        row = snapshot.ids.users.row(f"u{person}")
        request = Request(id=f"visit/{person}/{visit}", user=f"u{person}", row=row, limit=POSITIONS, now=now)
        ctx = Context(request, snapshot)
        slate = app.pipeline(ctx)
        assert slate.trace is not None
        assert slate.trace.errors == []
        slates.append(slate)
        entries.append(entry_of(ctx, slate))
    app.writer.append(entries).result()
    return slates


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> list[Visits]:
    root = tmp_path_factory.mktemp("new_people")
    return [visited(seed, root / str(seed)) for seed in SEEDS]


def test_ten_slates_bring_a_third_more_likes_than_popularity(visits):
    ours = np.concatenate([world.likes.sum(axis=1) for world in visits])
    theirs = np.concatenate([world.popular.sum(axis=1) for world in visits])
    rng = np.random.default_rng(0)
    again = rng.integers(len(ours), size=(2000, len(ours)))
    ratios = ours[again].mean(axis=1) / theirs[again].mean(axis=1)
    assert ours.mean() / theirs.mean() >= 1.3
    assert np.quantile(ratios, 0.025) >= 1.2, "the lower end of the 95 % interval over people"


def test_the_bandit_decides_at_first_and_hands_over(visits):
    latent = np.mean([world.latent for world in visits], axis=0)
    assert latent[0] > 0.8
    assert latent[-1] < latent[0] / 2
