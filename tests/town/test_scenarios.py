"""The towns in which fairshot has less to go by: each is what it says, and the default town in all else."""

import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from tests.town.by_hand import RUN, TRUTH

from fairshot.cli.simulate import simulate as command
from fairshot.core.arrays import Floats
from fairshot.town.figures import figures
from fairshot.town.life import Life
from fairshot.town.scenarios import NATURE, SCENARIOS, Scenario, scenario
from fairshot.town.simulation import simulate
from fairshot.town.truth import Truth
from fairshot.town.world import START, World, make_world

DOCS = Path(__file__).parents[2] / "docs"
HARD = {
    "tiny_audiences": {"topics", "loves"},
    "no_text": {"described"},
    "few_requests": {"visits"},
    "heavy_satiation": {"nature"},
}


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {name: make_world(scenario(name, people=800), 1) for name in ("town", *HARD)}


@pytest.mark.parametrize("name", HARD)
def test_all_else_is_as_in_the_default_town(name: str) -> None:
    one, town = SCENARIOS[name], SCENARIOS["town"]
    differ = {field.name for field in fields(Scenario) if getattr(one, field.name) != getattr(town, field.name)}
    assert differ == {"name"} | HARD[name]
    small = scenario(name, days=2, people=60)
    assert all(getattr(small, field) == getattr(one, field) for field in HARD[name]), "however few people there are"


@pytest.mark.parametrize("name", ["no_text", "few_requests", "heavy_satiation"])
def test_the_items_are_the_very_same(name: str, worlds: dict[str, World]) -> None:
    for field in ("creator", "mix", "told", "quality", "created_at", "effort"):
        assert np.array_equal(getattr(worlds[name].items, field), getattr(worlds["town"].items, field)), field
    assert np.array_equal(worlds[name].people.cares, worlds["town"].people.cares)


def lovers(world: World) -> Floats:
    """The share of people who love each item's main topic at all."""
    share = np.asarray((world.people.cares >= 0.3).mean(axis=0), np.float64)
    found: Floats = share[np.argmax(world.items.mix, axis=1)]
    return found


def test_tiny_audiences_are_one_in_fifty(worlds: dict[str, World]) -> None:
    tiny = worlds["tiny_audiences"]
    assert ((tiny.people.cares >= 0.3).sum(axis=1) == 1).all()
    assert tiny.people.cares.max(axis=1).min() >= 0.8
    assert lovers(tiny).mean() == pytest.approx(0.02, abs=0.005)
    assert lovers(worlds["town"]).mean() == pytest.approx(0.19, abs=0.03)


def test_good_and_bad_items_are_as_many_for_tiny_audiences(worlds: dict[str, World]) -> None:
    tiny, town = Truth.of(worlds["tiny_audiences"]), Truth.of(worlds["town"])
    assert tiny.good.mean() == pytest.approx(town.good.mean(), abs=0.05)
    assert tiny.bad.mean() == pytest.approx(town.bad.mean(), abs=0.05)


def test_records_without_text_name_the_item_and_its_creator_alone(worlds: dict[str, World]) -> None:
    for with_text, without in zip(worlds["town"].items.records, worlds["no_text"].items.records, strict=True):
        assert without == {name: with_text[name] for name in ("id", "creator_id")}
    assert all(record["text"] for record in worlds["town"].items.records)


def test_a_town_without_text_is_lived_through_and_its_items_are_tried(tmp_path: Path) -> None:
    tiny = replace(scenario("no_text", days=2, people=40), train_days=1)
    (found,) = simulate(tiny, 1, ["fairshot"], tmp_path, lambda _phase, _share: None)
    assert len(found.trainings) == 2
    assert found.tried.any()
    assert any(data["step"] == "testing" for _, data in found.decisions)
    assert np.isfinite(figures(found, Truth.of(make_world(tiny, 1)))["utility"])


def test_few_requests_are_a_quarter(worlds: dict[str, World], tmp_path: Path) -> None:
    assert worlds["few_requests"].people.visits == pytest.approx(worlds["town"].people.visits / 4)
    slates = {}
    for name in ("town", "few_requests"):
        tiny = scenario(name, days=2, people=40)
        (found,) = simulate(tiny, 1, ["popularity"], tmp_path, lambda _phase, _share: None)
        slates[name] = len(found.at)
    assert 0.1 * slates["town"] < slates["few_requests"] < 0.5 * slates["town"]


def test_heavy_satiation_is_three_times_as_strong(worlds: dict[str, World]) -> None:
    """What a person who looked at items loses by it is exp(-strength * level): three times as much of the logarithm."""
    lost = {}
    for name in ("town", "heavy_satiation"):
        life = Life.begin(worlds[name], START)
        there = np.flatnonzero(life.published > 0)[:20]
        rested = life.worth(0, there, START)
        life.satiate(0, there)
        lost[name] = np.log(rested / life.worth(0, there, START))
    assert (lost["town"] > 0).all()
    assert lost["heavy_satiation"] == pytest.approx(3 * lost["town"])
    nature = SCENARIOS["heavy_satiation"].nature
    assert replace(nature, satiation_strength=NATURE.satiation_strength) == NATURE


def test_every_scenario_is_explained() -> None:
    page, code = (DOCS / "how-to" / "simulate.md").read_text("utf-8"), command.__annotations__["scenario"]
    (told,) = (one.help for one in code.__metadata__)
    for name in SCENARIOS:
        assert f"\n| `{name}` |" in page, name
        assert re.search(rf"\b{name}\b", told), name


def test_the_page_of_sensitivity_names_towns_and_figures_that_there_are() -> None:
    page = (DOCS / "sensitivity.md").read_text("utf-8")
    head, _, *rows = page[page.index("| figure |") :].partition("\n\n")[0].splitlines()
    assert re.findall(r"`(\w+)`", head) == ["town", *HARD]
    assert {row.split("|")[1].strip() for row in rows} <= set(figures(RUN, TRUTH))
