"""The rule of trials, applied to what a policy without trials tried: on runs made by hand, and against a plain loop."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.town.by_hand import RUN, TRUTH

from fairshot.core.arrays import DAY, HOUR, MICROSECONDS
from fairshot.core.trial import CELLS, Trials, TrialState
from fairshot.core.trial_posterior import Posterior, successes
from fairshot.decisions.trials import fit_priors, judge, looks
from fairshot.town.records import Run
from fairshot.town.slot_trials import impressions, slot_decisions
from fairshot.town.trial_figures import trial_figures

ITEMS = 40


def tried(seed: int = 1, people: int = 80) -> Run:
    """Slates of four, one position tried among the first three: item 0 is always liked, 1 never, the others by lot."""
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(ITEMS), people)
    slates = len(item)
    person = np.tile(np.arange(people), ITEMS)
    position = rng.integers(0, 3, slates)
    chance = np.concatenate([[1.0, 0.0], rng.beta(2, 8, ITEMS - 2)])[item] * Trials().looked_at[position]
    rows = np.arange(slates)
    shown, is_tried, liked = np.full((slates, 4), -1), np.zeros((slates, 4), bool), np.zeros((slates, 4), bool)
    shown[rows, position], is_tried[rows, position] = item, True
    liked[rows, position] = (rng.random(slates) < chance) | (item == 0)
    at = np.sort(rng.integers(0, 6 * DAY, slates))[rng.permutation(slates)]
    blank = np.zeros_like(liked)
    order = np.argsort(at)
    columns = {
        "at": at,
        "person": person,
        "page": np.zeros(slates, np.int64),
        "item": shown,
        "liked": liked,
        "tried": is_tried,
        "explored": blank,
        "looked": blank,
        "worth": blank.astype(float),
        "cost": np.zeros(slates),
    }
    changes: dict[str, Any] = {name: column[order] for name, column in columns.items()}
    return replace(
        RUN,
        **changes,
        published=np.zeros(ITEMS, np.int64),
        end=12 * DAY,
    )


CATEGORY = np.arange(ITEMS) % 2


def by_item(run: Run) -> dict[int, tuple[int, str, int]]:
    ends = [one for one in slot_decisions(run, CATEGORY) if one[1]["step"] != "testing"]
    return {int(data["item"][1:]): (at, data["step"], data["impressions"]) for at, data in ends}


def plainly(run: Run) -> dict[int, tuple[int, str, int]]:
    """The same, hour by hour and item by item."""
    settings = Trials()
    seen: dict[int, list[tuple[int, int, bool]]] = {item: [] for item in range(ITEMS)}
    met = set()
    for row in np.argsort(run.at, kind="stable").tolist():
        for place in range(3):
            key = (int(run.item[row, place]), int(run.person[row]))
            if run.tried[row, place] and key not in met:
                met.add(key)
                seen[key[0]].append((int(run.at[row]), place, bool(run.liked[row, place])))

    def counts(entries: list[tuple[int, int, bool]]) -> tuple[np.ndarray, np.ndarray]:
        shown, liked = np.zeros((2, 1, CELLS), np.int64)
        for _, place, welcome in entries:
            shown[0, place] += 1
            liked[0, place] += welcome
        return shown, liked

    every = [counts(seen[item]) for item in range(ITEMS)]
    priors = fit_priors(np.vstack([s for s, _ in every]), np.vstack([w for _, w in every]), CATEGORY, settings)
    assert priors is not None
    labels = {row: (a, b) for row, a, b in priors.labels}
    found = {}
    for item, entries in seen.items():
        a, b = labels[CATEGORY[item]]
        for hour in range(1, 7 * 24):
            people = sum(at < hour * HOUR for at, _, _ in entries)
            looked = int(looks(np.array([people]), settings)[0])
            won, n = successes(*counts(entries[:looked]), settings, priors.tiers)
            bar = np.array([settings.lift * a / (a + b)])
            state = np.array([TrialState.TESTING])
            step = int(
                judge(Posterior(a + won, b + n - won, bar, n), n * bar / settings.likes, state, settings).step[0]
            )
            if looked and step in (TrialState.GRADUATED, TrialState.STOPPED):
                found[item] = (hour * HOUR, TrialState(step).name.lower(), people)
                break
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_the_rule_of_trials_hour_by_hour(seed: int) -> None:
    found = by_item(tried(seed))
    assert found == plainly(tried(seed))
    assert found[0][1] == "graduated"
    assert found[1][1] == "stopped"
    assert 10 < len(found) <= ITEMS


def test_each_person_counts_once_for_an_item_and_only_where_it_was_tried() -> None:
    run = tried()
    assert len(impressions(run)) == len(run.at)
    twice: dict[str, Any] = {name: np.concatenate([getattr(run, name)] * 2) for name in ("person", "item", "tried")}
    again = replace(run, **twice)
    again = replace(
        again,
        at=np.concatenate([run.at, run.at + DAY]),
        liked=np.concatenate([run.liked, ~run.liked]),
    )
    assert by_item(again) == by_item(run), "what came second is no evidence"
    ranked = replace(again, tried=np.concatenate([run.tried, np.zeros_like(run.tried)]))
    assert by_item(ranked) == by_item(run)
    assert slot_decisions(replace(run, tried=np.zeros_like(run.tried)), CATEGORY) == ()


def test_it_begins_with_the_first_impression_and_ends_at_a_full_hour() -> None:
    run = tried()
    verdicts = slot_decisions(run, CATEGORY)
    begun = {data["item"]: at for at, data in verdicts if data["step"] == "testing"}
    assert len(begun) == ITEMS
    for item in range(ITEMS):
        assert begun[f"i{item}"] == run.at[(run.item == item).any(axis=1)].min()
    assert all(at % HOUR == 0 for at, data in verdicts if data["step"] != "testing")


def test_of_too_few_items_nothing_is_decided() -> None:
    run = tried()
    few = replace(run, tried=run.tried & (run.item < 10))
    assert by_item(few) == {}
    assert len(slot_decisions(few, CATEGORY)) == 10


def test_the_figures_of_a_policy_without_trials_are_those_of_the_rule() -> None:
    run = tried()
    truth = replace(
        TRUTH,
        good=np.arange(ITEMS) == 0,
        bad=np.arange(ITEMS) == 1,
        topic=np.arange(ITEMS) % 2,
        told=CATEGORY,
        creator=np.zeros(ITEMS, np.int64),
    )
    found, ends = trial_figures(run, truth), by_item(run)
    assert found["good items graduated"] == found["bad items stopped"] == 1.0
    assert found["impressions to a decision"] == pytest.approx(np.mean([people for _, _, people in ends.values()]))
    assert found["trial impressions for a decision"] == pytest.approx(len(run.at) / len(ends))
    assert found["decided"] == pytest.approx(len(ends) / ITEMS)
    other = trial_figures(replace(run, decisions=((0, {"decision": "trial", "item": "i1", "step": "testing"}),)), truth)
    assert np.isnan(other["impressions to a decision"]), "a policy with trials is measured by its own verdicts"


def test_a_look_takes_in_whole_hours() -> None:
    """Everybody within one hour: one look, at the number of people that the last step of its growth reached."""
    run = tried()
    soon = replace(run, at=np.arange(len(run.at)) * MICROSECONDS // 2)
    assert by_item(soon) == plainly(soon)
    assert {people for _, _, people in by_item(soon).values()} == {80}
