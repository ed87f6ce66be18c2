"""The causal layer from a served log: units by replay, and a layer that goes from the log into a slate's value."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.causal_log import CausalLog
from fairshot.core.arrays import DAY, HOUR
from fairshot.core.events import EventBatch, concatenate
from fairshot.core.request import Context
from fairshot.core.slate import Slate
from fairshot.learning.causal import CausalModel, CausalUnits
from fairshot.learning.causal_fit import fit_causal
from fairshot.learning.loading import load_artifacts
from fairshot.state import load_folds

SETTINGS = """
[learning]
factors = 8
text_dimensions = 8
epochs = 3
least_examples = 20
[blenders.random_slot]
share = 0.1
[impressions]
mode = "{mode}"
"""
VISITS, LENGTH, ITEMS = 150, 6, 120


@dataclass
class Served:
    """An application with a log of slates, and what was served live."""

    app: App
    clock: list[int]
    slates: dict[str, Slate] = field(default_factory=dict)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))

    def visit(self, number: int, mode: str) -> None:
        """A slate, of which jazz is liked; chess is found by those who want it whether it was shown or not."""
        self.clock[0] += HOUR
        user = f"u{self.rng.integers(40)}"
        profile = "nonprofiling" if number % 10 == 0 else "personal"
        feed = self.app.feed(user, LENGTH, mode=profile)  # type: ignore[arg-type]
        events: list[dict[str, Any]] = []
        for position in feed.slate:
            answer = {"user_id": user, "item_id": position.item_id, "exposure": position.exposure}
            name = f"{number}/{position.position}"
            if mode == "reported" and position.position <= 3:
                events.append({**answer, "kind": "impression", "event_id": f"seen/{name}"})
            if position.item_id.startswith("jazz") and self.rng.random() < 0.5:
                events.append({**answer, "kind": "like", "event_id": name})
        for n in self.rng.integers(0, ITEMS // 2, 2).tolist():
            answer = {"user_id": user, "item_id": f"chess{2 * n + 1}", "kind": "like"}
            events.append({**answer, "event_id": f"{number}/organic/{n}"})
        self.app.ingest(list({event["event_id"]: event for event in events}.values()))

    def log(self) -> tuple[CausalLog, EventBatch]:
        app = self.app

        def models(version: str | None) -> Any:
            return load_artifacts(app.artifacts, version)

        app.catch_up()
        found = CausalLog(app.config, load_folds(app.config.kinds), app.pipeline, app.live.ids, models)
        return found, concatenate(list(app.log.batches()))

    def units(self, most: int = 4000) -> CausalUnits:
        log, events = self.log()
        return log.units(events, self.app.log.slates(), most)


@pytest.fixture(scope="module", params=["served", "reported"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp(request.param) / "data"
    folder.mkdir()
    (folder / "fairshot.toml").write_text(SETTINGS.format(mode=request.param))
    clock = [1_700_000_000 * 1_000_000]
    with open_app(folder, clock=lambda: clock[0]) as app:
        world = Served(app, clock)
        seen: list[Slate] = []
        labels = ("jazz", "chess")
        app.ingest(
            items=[
                {"id": f"{labels[n % 2]}{n}", "creator_id": f"c{n % 30}", "labels": [labels[n % 2]]}
                for n in range(ITEMS)
            ]
        )
        for number in range(VISITS):
            if number == VISITS // 4:
                report = app.train()
                assert report.promoted, report.reasons
                app.on_slate = seen.append
            world.visit(number, request.param)
        names = [slate.request for slate in app.log.slates()][-len(seen) :]
        world.slates = dict(zip(names, seen, strict=True))
        clock[0] += 2 * DAY
        app.ingest([{"kind": "view", "user_id": "late", "item_id": "jazz0", "event_id": "late"}])
        yield world


def test_units_are_as_the_slates_were(served: Served) -> None:
    """As many as the live slates give, both arms; columns are those of serving without values; lots are lots."""
    units = served.units()
    reported = served.app.config.impressions.mode == "reported"
    personal = {s.request for s in served.app.log.slates() if s.mode == "personal" and s.snapshot is not None}
    live = {name: slate for name, slate in served.slates.items() if name in personal}
    looked = min(LENGTH, 3) if reported else LENGTH
    drawn = sum(int((slate.propensity[:looked] < 0.5).sum()) for slate in live.values())
    assert drawn > 5
    lots = units.drawn
    # Each lot makes a unit that it showed, with four others not shown, and one that it displaced.
    of_the_drawn = np.isclose(units.propensity, 1 / 5)
    assert (lots & units.treated & of_the_drawn).sum() == drawn
    assert (lots & ~units.treated & ~of_the_drawn).sum() == drawn
    shown = sum(min(len(slate), looked) for slate in live.values())
    assert units.treated.sum() <= shown
    assert units.treated.sum() >= 0.75 * shown
    assert not any(name.startswith("value") or name == "source" for name in units.features)
    assert {"p_like", "match", "age"} <= set(units.features)
    assert np.isfinite(units.inputs).all()
    assert set(np.unique(units.outcome)) == {0.0, 1.0}


def test_the_shown_and_the_others_have_their_live_columns(served: Served) -> None:
    units = served.units()
    column = units.features.index("p_like")
    known = np.sort(np.concatenate([slate.pool["p_like"] for slate in served.slates.values()]).astype(np.float64))
    asked = units.inputs[:, column].astype(np.float64)
    place = np.clip(np.searchsorted(known, asked), 1, len(known) - 1)
    nearest = np.minimum(np.abs(known[place] - asked), np.abs(known[place - 1] - asked))
    assert nearest.max() < 1e-5
    values = np.concatenate([slate.pool["value"] for slate in served.slates.values()])
    assert values.min() - 1e-5 <= units.score.min()
    assert units.score.max() <= values.max() + 1e-5


def test_what_was_not_shown_has_outcomes_too(served: Served) -> None:
    units = served.units()
    assert units.outcome[~units.treated].sum() > 0


def test_at_most_so_many_slates_are_looked_at_those_with_lots_first(served: Served) -> None:
    few = served.units(most=10)
    assert len(few) < len(served.units()) / 3
    assert few.drawn.mean() > served.units().drawn.mean()
    assert np.array_equal(few.inputs, served.units(most=10).inputs)


def test_slates_whose_models_are_gone_are_left_out(served: Served) -> None:
    log, events = served.log()
    gone = replace(log, models=lambda _version: load_artifacts(served.app.artifacts, "20200101T000000000000"))
    assert len(gone.units(events, served.app.log.slates())) == 0
    assert len(log.units(events, [])) == 0


def test_a_log_too_small_gives_no_effect_and_a_layer_moves_the_slate(served: Served) -> None:
    """Too few units: nothing is served. A layer by hand changes the value by its weight, held within the bound."""
    app = served.app
    units = served.units()
    small = units.where(np.arange(len(units)) < 300)
    model, report = fit_causal(small)
    assert "too few" in report.words
    request = app.request("u1", 10)
    snapshot = app.live.snapshot
    with_none = replace(snapshot, artifacts=replace(snapshot.artifacts, causal=model))
    by_hand = CausalModel(
        features=("age", "p_like"),
        bounds=np.array([[-1e9, 0], [1e9, 1]], np.float32),
        weights=np.array([0, 1], np.float32),
        level=-0.5,
        limits=(-9.0, 9.0),
    )
    with_one = replace(snapshot, artifacts=replace(snapshot.artifacts, causal=by_hand))
    plain, silent, moved = (app.pipeline(Context(request, each)).pool for each in (snapshot, with_none, with_one))
    assert not plain["value.causal"].any()
    np.testing.assert_array_equal(silent["value"], plain["value"])
    effect = moved["p_like"] - 0.5
    np.testing.assert_allclose(moved["value.causal"], effect * app.pipeline.weights["causal"], atol=1e-5)
    assert moved["value.causal"].std() > 0
    for level, bound in ((7.0, 1.0), (-7.0, -1.0)):
        far = replace(snapshot, artifacts=replace(snapshot.artifacts, causal=replace(by_hand, level=level)))
        held = app.pipeline(Context(request, far)).pool["value.causal"]
        np.testing.assert_allclose(held, bound * app.pipeline.weights["causal"])


def test_a_stored_layer_is_loaded_and_an_old_snapshot_misses_nothing(served: Served) -> None:
    store = served.app.artifacts
    version = served.app.live.snapshot.version
    assert version is not None
    before = load_artifacts(store, version)
    assert before.missing == ()
    model = CausalModel(("age",), np.array([[0], [1]], np.float32), np.ones(1, np.float32), 0.0, (0.0, 1.0))
    names = ("vectors", "content", "index", "engagement")
    store.save("29980101T000000000000", {n: store.load(version, n) for n in names}, {})
    assert load_artifacts(store, "29980101T000000000000").causal is None
    store.save("29990101T000000000000", {**{n: store.load(version, n) for n in names}, "causal": model.dump()}, {})
    found = load_artifacts(store, "29990101T000000000000")
    assert found.missing == ()
    assert found.causal.features == ("age",)
    (store.folder / "29990101T000000000000" / "causal.safetensors").write_bytes(b"x")
    assert any("causal" in reason for reason in load_artifacts(store, "29990101T000000000000").missing)
