"""Retrieval: the student finds what the ranker would choose, for people and items it was not taught with."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.core.arrays import Rows
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Artifacts, Snapshot, Vectors
from fairshot.learning import distillation, towers
from fairshot.learning.distillation import Distillation, fit_retrieval
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.nearest import VectorSearch
from fairshot.learning.retrieval import RetrievalModel
from fairshot.learning.towers import standardised
from fairshot.pipeline.sources.interest import Interest

NOW = 1_700_000_000_000_000
ITEMS, PEOPLE, WIDTH = 1500, 120, 12
FEATURES = ("closeness", "session_closeness", "label_affinity", "popularity", "approval", "age")
QUICK = Distillation(width=32, hidden=32, people=100, steps=150)


def models(count: int = ITEMS) -> Artifacts:
    """Vectors in eight groups, and a net that weighs closeness against how items were received, not linearly."""
    rng = np.random.default_rng(1)
    items = (rng.normal(size=(8, WIDTH))[np.arange(count) % 8] + rng.normal(size=(count, WIDTH))).astype(np.float32)
    gram = (items.T @ items + np.eye(WIDTH)).astype(np.float32)
    vectors = Vectors(items, np.ones(count, bool), gram, 3.0)
    first = rng.normal(0, 0.4, (len(FEATURES), 16)).astype(np.float32)
    layers = (
        (first, np.zeros(16, np.float32)),
        (rng.normal(0, 0.7, (16, 2)).astype(np.float32), np.zeros(2, np.float32)),
    )
    bounds = np.array([[-20.0] * len(FEATURES), [20.0] * len(FEATURES)], np.float32)
    return Artifacts(
        "test", vectors, VectorSearch(vectors), EngagementModel(FEATURES, ("like", "love"), bounds, layers)
    )


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """People who each like items of one group, popular ones more often."""
    rng = np.random.default_rng(0)
    with open_app(tmp_path_factory.mktemp("retrieval"), clock=lambda: NOW) as app:
        app.ingest(items=[_item(n) for n in range(ITEMS)])
        app.ingest(
            {
                "event_id": f"{person}/{n}",
                "kind": ("view", "like", "love")[int(rng.integers(3))],
                "user_id": f"u{person}",
                "item_id": f"i{8 * int(ITEMS // 8 * rng.random() ** 2) + person % 8}",
                "at": 1_699_900_000 + n,
            }
            for person in range(PEOPLE)
            for n in range(12)
        )
        app.catch_up()
        app.live.swap(models())
        app.live.promoted = "test"
        yield app


def _item(n: int) -> dict[str, object]:
    labels = [f"l{n % 8}"]
    return {
        "id": f"i{n}",
        "creator_id": f"c{n % 200}",
        "title": f"t {n}",
        "labels": labels,
        "created_at": 160_000_000 + n,
    }


@pytest.fixture(scope="module")
def student(app: App) -> RetrievalModel:
    return taught(app)


def taught(app: App, settings: Distillation = QUICK) -> RetrievalModel:
    model = fit_retrieval(app.pipeline, app.live.snapshot, np.arange(100, dtype=np.int32), now=NOW, settings=settings)
    assert model is not None
    return model


def asked(snapshot: Snapshot, row: int) -> Context:
    return Context(Request(id=f"r{row}", user=f"u{row}", row=row, limit=10, now=NOW), snapshot)


def best(app: App, ctx: Context, k: int = 20) -> Rows:
    """What the ranker would choose of everything that the person has not met."""
    rows = np.flatnonzero(~ctx.person.met).astype(np.int32)
    values = app.pipeline.value_of(ctx, rows)["value"]
    return rows[np.argsort(-values, kind="stable")[:k]]


def recall(app: App, model: RetrievalModel | None, among: int = 100) -> float:
    """Of people whom the student does not know."""
    shares = []
    for row in range(100, PEOPLE):
        ctx = asked(app.live.snapshot, row)
        k = among + ctx.person.met_count
        if model is not None:
            rows = model.search(ctx.person, k)
        else:
            assert ctx.person.vector is not None
            (rows,) = ctx.snapshot.artifacts.need("nearest").search(ctx.person.vector[None], k)
        shares.append(np.isin(best(app, ctx), rows[~ctx.person.met[rows]][:among]).mean())
    return float(np.mean(shares))


def test_finds_what_the_ranker_would_choose(app, student):
    assert recall(app, student) > 0.9
    assert recall(app, student) > recall(app, None) + 0.1


def test_the_search_of_a_catalogue_too_large_to_see_whole_is_as_good(app, monkeypatch):
    monkeypatch.setattr(towers, "WHOLE", 10)
    monkeypatch.setattr(distillation, "WHOLE", 10)
    sampled = taught(app, replace(QUICK, near=100, wide=200, rounds=3, steps=100))
    assert recall(app, sampled) > 0.85


def test_the_same_log_gives_the_same_student(app, student):
    again = taught(app)
    assert np.array_equal(again.items, student.items)


def test_storing_changes_nothing(app, student):
    tensors, description = student.dump()
    loaded = RetrievalModel.load(tensors, description, app.pipeline)
    person = asked(app.live.snapshot, 3).person
    assert np.array_equal(loaded.search(person, 50), student.search(person, 50))


def test_interest_asks_the_student(app, student):
    snapshot = app.live.snapshot
    served = replace(snapshot, artifacts=replace(snapshot.artifacts, retrieval=student))
    ctx = asked(served, 101)
    rows = Interest(count=40)(ctx).rows
    expected = student.search(ctx.person, 40 + ctx.person.met_count)
    assert rows.tolist() == expected[~ctx.person.met[expected]][:40].tolist()
    eligible = np.arange(0, ITEMS, 3, dtype=np.int32)
    assert set(student.search(ctx.person, 40, eligible).tolist()) <= set(eligible.tolist())


def test_somebody_unknown_gets_nothing(app, student):
    assert len(student.search(asked(app.live.snapshot, -1).person, 10)) == 0


def test_nobody_to_learn_from_gives_no_student(app):
    nobody = np.empty(0, np.int32)
    assert fit_retrieval(app.pipeline, app.live.snapshot, nobody, now=NOW, settings=QUICK) is None


def test_an_item_that_comes_later_is_found_at_once(tmp_path):
    """Its vector stands where that of an equal item stands that was there when the student was taught."""
    with open_app(tmp_path, clock=lambda: NOW) as app:
        app.ingest(items=[_item(n) for n in range(300)])
        app.ingest(
            {
                "event_id": f"e{n}",
                "kind": "like",
                "user_id": f"u{n % 20}",
                "item_id": f"i{n % 150}",
                "at": 1_699_900_000,
            }
            for n in range(300)
        )
        app.catch_up()
        app.live.swap(models(300))
        people = np.arange(20, dtype=np.int32)
        model = fit_retrieval(app.pipeline, app.live.snapshot, people, now=NOW, settings=replace(QUICK, steps=5))
        app.live.swap(replace(app.live.snapshot.artifacts, retrieval=model))
        app.live.promoted = app.live.snapshot.version
        app.ingest(items=[{**_item(8), "id": "later"}, {**_item(8), "id": "last"}])
        app.catch_up()
        served = app.live.snapshot.artifacts.retrieval
        row = app.live.ids.items.row("later")
        assert len(served.items) == row + 2
        assert served.items[row].any()
        ctx = asked(app.live.snapshot, 1)
        assert row in served.search(ctx.person, len(served.items))


def test_extremes_keep_their_order():
    values = np.linspace(-1000, 1000, 999, dtype=np.float32)[:, None]
    plain = standardised(values, np.zeros(1, np.float32), np.ones(1, np.float32))
    assert (np.diff(plain[:, 0]) > 0).all()
    assert np.abs(plain).max() < 11


def test_items_that_nobody_met_yet_are_found_by_what_they_are(app):
    """A quarter of the catalogue loses its past; a student taught with such twins finds what is good in it."""
    snapshot = app.live.snapshot
    fresh = as_new(snapshot, np.arange(ITEMS, dtype=np.int32))
    mixed = as_new(snapshot, np.arange(0, ITEMS, 4, dtype=np.int32))
    people = np.arange(100, dtype=np.int32)
    shares = {}
    for name, given_fresh in (("taught", fresh), ("not taught", None)):
        model = fit_retrieval(app.pipeline, snapshot, people, now=NOW, fresh=given_fresh, settings=QUICK)
        assert model is not None
        model.place(mixed, np.arange(ITEMS))
        found = []
        for row in range(100, PEOPLE):
            ctx = asked(snapshot, row)
            rows = np.flatnonzero(~ctx.person.met).astype(np.int32)
            values = app.pipeline.value_of(ctx.asked_of(mixed), rows)["value"]
            chosen = rows[np.argsort(-values, kind="stable")[:20]]
            brought = model.search(ctx.person, 100 + ctx.person.met_count)
            found.append(np.isin(chosen, brought[~ctx.person.met[brought]][:100]).mean())
        shares[name] = float(np.mean(found))
    assert shares["taught"] > 0.85, shares
    assert shares["taught"] >= shares["not taught"] - 0.02, shares


def as_new(snapshot: Snapshot, rows: Rows) -> Snapshot:
    """The same moment, but as if these items had never been shown or reacted to."""
    columns = {}
    for name in ("item_counts", "served", "trend"):
        columns[name] = snapshot.items[name].copy()
        columns[name][rows] = 0
    return replace(snapshot, items=snapshot.items.replaced(columns))
