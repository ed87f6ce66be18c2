"""A tiny town, lived through by every policy on the real application."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fairshot
from fairshot.core.arrays import DAY
from fairshot.core.events import Kind, concatenate
from fairshot.town import behaviour
from fairshot.town.crew import Crew, crew_of
from fairshot.town.figures import figures
from fairshot.town.platform import Platform
from fairshot.town.policies import POLICIES, policy
from fairshot.town.records import Run
from fairshot.town.scenarios import SCENARIOS, scenario
from fairshot.town.simulation import simulate
from fairshot.town.truth import Truth
from fairshot.town.world import START, make_world

TINY = scenario("town", days=2, people=40)


def run(folder: Path, policies: list[str], seed: int = 1) -> list[Run]:
    return simulate(TINY, seed, policies, folder, lambda _phase, _share: None)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    runs = run(tmp_path_factory.mktemp("town"), list(POLICIES))
    return {one.policy: one for one in runs}


def test_a_tiny_niche_is_lived_through(tmp_path: Path) -> None:
    tiny = scenario("niche", days=2, people=40)
    (found,) = simulate(tiny, 1, ["fairshot"], tmp_path, lambda _phase, _share: None)
    truth = Truth.of(make_world(tiny, 1))
    assert (truth.crossed & (found.published > 0)).any()
    assert np.isfinite(figures(found, truth)["utility"])


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_lives_through_a_tiny_town(name: str, lived: dict[str, Run]) -> None:
    found = lived[name]
    assert len(found.at) > 50
    assert found.liked.sum() > 0
    assert not (found.liked & ~found.looked).any()
    assert (found.item[:, 0] >= 0).all()
    assert bool(found.trainings) == policy(name).trains


def test_every_policy_that_trains_can_learn_from_its_own_slates(tmp_path: Path) -> None:
    """Also from those in which its own rule filled a position."""
    names = [name for name in POLICIES if policy(name).trains]
    daily = replace(TINY, train_days=1)
    for found in simulate(daily, 1, names, tmp_path, lambda _phase, _share: None):
        assert len(found.trainings) == 2


def test_the_same_seed_gives_the_same_run_and_another_seed_another(lived: dict[str, Run], tmp_path: Path) -> None:
    """Also where models are trained, lots are drawn, and other policies ran before in the same process."""
    (again,) = run(tmp_path, ["random_slot"])
    for name in ("at", "person", "item", "liked", "worth", "published"):
        assert np.array_equal(getattr(again, name), getattr(lived["random_slot"], name)), name
    (other,) = run(tmp_path, ["popularity"], seed=2)
    assert other.item.shape != lived["popularity"].item.shape or (other.item != lived["popularity"].item).any()


def test_policies_meet_the_same_people_and_items(lived: dict[str, Run]) -> None:
    first, second = lived["popularity"], lived["recency"]
    assert (first.at[0], first.person[0]) == (second.at[0], second.person[0]), "before policies can make a difference"
    both = (first.published > START) & (second.published > START)
    assert both.any()
    before = (first.published > 0) & (first.published < START)
    assert (first.published[before] == second.published[before]).all()


def test_the_worth_of_an_item_to_a_person_at_a_moment_is_that_of_the_town(lived: dict[str, Run]) -> None:
    """The first slate of a run, whose reader is rested: affinity times quality times the factor of age."""
    world, found = make_world(TINY, 1), lived["recency"]
    items, person = found.item[0], int(found.person[0])
    age = behaviour.age_factor(found.at[0] - found.published[items], TINY.nature)
    most = world.items.mix[items] @ world.people.cares[person] * world.items.quality[items] * age
    assert (found.worth[0] <= most + 1e-12).all()
    assert (found.worth[0] > 0).all()


def test_feedback_carries_the_token_of_its_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of a run knows the position and propensity of every like but those that people had before."""
    kept: list[Path] = []
    monkeypatch.setattr(shutil, "rmtree", kept.append)
    (found,) = run(tmp_path, ["popularity"])
    monkeypatch.undo()
    with fairshot.open(str(kept[0])) as app:
        events = concatenate(list(app.log.batches()))
    likes = events.where(events.of(Kind.FEEDBACK) & (events.at >= START))
    assert len(likes) == found.liked.sum()
    assert (likes.position > 0).all()
    assert np.isfinite(likes.propensity).all()
    slates = events.where(events.of(Kind.SLATE) & (events.at >= START))
    assert len(slates) == (found.item >= 0).sum()


def test_the_application_is_told_nothing_of_the_truth() -> None:
    """Of crossed works neither text nor, but by chance, label names the true topic."""
    world = make_world(SCENARIOS["niche"], 1)
    topic, told = np.argmax(world.items.mix, axis=1), world.items.told
    crossed = np.flatnonzero(topic != told)
    named = 0
    for row in crossed.tolist():
        record = world.items.records[row]
        assert set(record) <= {"id", "creator_id", "title", "text", "labels"}
        words = f"{record['title']} {record['text']}"
        assert f"topic{told[row]}word" in words
        assert f"topic{topic[row]}word" not in words
        named += record.get("labels") == [f"topic{topic[row]}"]
    assert 0 < named < 0.05 * len(crossed)


def test_crossed_works_are_good_and_for_few() -> None:
    one = SCENARIOS["niche"]
    world = make_world(one, 1)
    items, cares = world.items, world.people.cares
    topic = np.argmax(items.mix, axis=1)
    crossed = topic != items.told
    makers = np.unique(items.creator[crossed])
    assert len(makers) == one.crossed_creators
    assert world.creators.new[makers].all()
    assert np.isin(items.creator, makers).sum() == crossed.sum(), "all that they make"
    for maker in makers.tolist():
        own = items.creator == maker
        assert len(np.unique(items.told[own])) == len(np.unique(topic[own])) == 1
    assert items.mix[crossed, topic[crossed]].mean() == pytest.approx(0.9, abs=0.03)
    assert world.creators.quality[makers].min() >= 0.75
    truth = Truth.of(world)
    assert truth.good[crossed].mean() > 3 * truth.good[~crossed].mean()
    assert truth.bad[crossed].mean() < 0.1
    love = np.argsort(-cares, axis=1)
    affinity = cares @ items.mix[crossed].T
    of = topic[crossed]
    first, second, rest = (affinity[place[:, None] == of].mean() for place in (love[:, 0], love[:, 1], love[:, 5]))
    assert second < 0.8 * first
    assert rest < 0.2 * first
    assert (love[:, 0][:, None] == of).mean() < 0.1


def test_scenarios_are_what_they_say() -> None:
    worlds = {name: make_world(one, 1) for name, one in SCENARIOS.items()}
    assert (worlds["prolific"].creators.output.max()) == 500
    late = worlds["head_start"].creators.joins == START
    assert late.sum() >= SCENARIOS["head_start"].late_creators
    crossed = {name: (np.argmax(one.items.mix, axis=1) != one.items.told).any() for name, one in worlds.items()}
    assert [name for name in crossed if crossed[name]] == ["niche"]
    joins = worlds["newcomers"].people.joins
    assert ((joins > START) & (joins < START + 14 * DAY)).sum() == 800


def test_the_random_slot_shows_new_items_near_the_top(lived: dict[str, Run]) -> None:
    found = lived["random_slot"]
    new_ones = found.explored & (found.published[found.item] > found.at[:, None] - 7 * DAY)
    assert new_ones[:, :3].sum() > 0.5 * len(found.at)
    assert new_ones[:, 3:].sum() < 0.1 * len(found.at)
    assert np.isfinite(found.cost).all()


def test_what_a_rule_or_a_trial_tried_is_told_from_lots(lived: dict[str, Run]) -> None:
    for found in lived.values():
        assert not (found.tried & ~found.explored).any()
    assert lived["engagement"].explored.any()
    assert not lived["engagement"].tried.any()
    for name in ("random_slot", "fixed_rank"):
        assert not lived[name].tried[:, 3:].any()
    for name in ("random_slot", "fixed_rank", "fairshot"):
        assert lived[name].tried.any()
        assert (lived[name].explored & ~lived[name].tried).any()


def test_the_fixed_rank_goes_to_a_small_creator(lived: dict[str, Run]) -> None:
    found = lived["fixed_rank"]
    assert found.explored[:, 2].mean() > 0.9


def test_exploring_positions_are_told_from_the_rest(tmp_path: Path) -> None:
    with Platform.open(tmp_path, policy("popularity"), 1, START) as platform:
        platform.tell("items", {"id": "i0", "creator_id": "c0"})
        platform.tell("items", {"id": "i1", "creator_id": "c0"})
        platform.commit()
        platform.feed(0, 2, [])
        explored, instead = platform.explored()
    assert not explored.any()
    assert sorted(instead.tolist()) == [0, 1]


def test_a_crew_of_two_lives_through_the_same_town(lived: dict[str, Run], tmp_path: Path) -> None:
    """Who serves whom, and who fits which models, changes nothing: each sees the state of the tick's beginning."""
    names = ["popularity", "fairshot"]
    for found in simulate(TINY, 1, names, tmp_path, lambda _phase, _share: None, processes=2):
        alone = lived[found.policy]
        for name in ("at", "person", "page", "item", "liked", "worth", "cost", "published", "left", "people_left"):
            assert np.array_equal(getattr(found, name), getattr(alone, name)), name
        assert found.decisions == alone.decisions


def _gives_up(_crew: Crew) -> None:
    os._exit(1)


def test_a_crew_whose_helper_died_does_not_wait_for_it() -> None:
    with crew_of(2, _gives_up) as crew, pytest.raises((EOFError, OSError)):
        crew.exchange(None, {0: 1})
