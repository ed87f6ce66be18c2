"""The belief about a person: from what they were shown and how they took it, and from nothing else."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fairshot.algorithms.latent_bandit import uniform_belief, update_belief
from fairshot.config import load_config
from fairshot.core.feedback import Impressions
from fairshot.core.person import HISTORY, Person
from fairshot.core.randomness import stream
from fairshot.core.snapshot import Vectors
from fairshot.learning.latent_cluster import LatentCluster
from fairshot.state.shown import SHOWN

KINDS = load_config().kinds
RATE, HOME, AWAY = 0.2, 3.0, 0.5


def model(trust: float = 1.0, draws: int = 4) -> LatentCluster:
    """Three types, three clusters of ten items; each type likes its own cluster best. Item 30 has no vector."""
    arm = np.append(np.repeat(np.arange(3), 10), -1).astype(np.int32)
    rate = np.full(31, RATE, np.float32)
    rate[:30] -= np.tile(np.arange(10), 3) / 100
    return LatentCluster(
        centres=np.eye(3, dtype=np.float32),
        arm=arm,
        rate=rate,
        lift=np.where(np.eye(3), HOME, AWAY).astype(np.float32),
        prior=np.full(3, 1 / 3, np.float32),
        typical=np.full(3, 0.1, np.float32),
        best=np.arange(30, dtype=np.int32).reshape(3, 10),
        trust=trust,
        draws=draws,
    )


def person(
    shown: list[int] | None = None, told: list[tuple[int, str]] | None = None, mode: Any = "served", **more: Any
) -> Person:
    """Somebody who was shown items and reacted to some."""
    impressions = np.array([(1, item, False) for item in shown or []], SHOWN)
    history = np.array([(1, item, KINDS.code(kind)) for item, kind in told or []], HISTORY)
    lists = {"shown": SimpleNamespace(last=lambda _: impressions), "history": SimpleNamespace(last=lambda _: history)}
    vectors = Vectors(np.zeros((33, 3), np.float32), np.ones(31, bool), np.eye(3, dtype=np.float32), 1.0)
    vectors.items[31], vectors.items[32] = [0, 1, 0], [0, 0, 2]
    snapshot: Any = SimpleNamespace(
        users=SimpleNamespace(lists=lists),
        feedback=KINDS,
        impressions=Impressions(mode),
        artifacts=SimpleNamespace(vectors=vectors),
    )
    return Person(snapshot, 0, 2, **more)


def test_about_somebody_unknown_the_prior_is_believed():
    np.testing.assert_allclose(np.exp(model().belief(person())), 1 / 3, rtol=1e-6)


def test_the_belief_is_that_of_one_update_for_each_item_shown():
    learned, expected = model(), uniform_belief(1, 3)
    for item, reward in ((0, 0.0), (3, 1.0), (12, 0.0), (25, 0.0)):
        chances = (learned.rate[item] * learned.lift[:, learned.arm[item]])[:, None]
        expected = update_belief(expected, chances, [0], [reward])
    found = learned.belief(person([0, 3, 12, 25], [(3, "like")]))
    np.testing.assert_allclose(found, expected[0], rtol=1e-5)


def test_the_belief_finds_the_type_and_leaves_it_when_it_was_wrong():
    learned = model()
    first = learned.belief(person(list(range(4)), [(n, "like") for n in range(3)]))
    assert np.exp(first[0]) > 0.95
    then = learned.belief(person(list(range(30)), [(0, "like"), (1, "like"), *((n, "like") for n in range(20, 27))]))
    assert then.argmax() == 2


def test_being_passed_over_and_being_disliked_speak_against_a_cluster():
    learned = model()
    passed = learned.belief(person(list(range(10))))
    assert passed[0] < passed[1]
    disliked = learned.belief(person(None, [(n, "dislike") for n in range(10)]))
    np.testing.assert_allclose(disliked, passed)


def test_less_trust_moves_the_belief_less():
    shown, told = list(range(6)), [(0, "like"), (1, "like")]
    believed = [np.exp(model(trust).belief(person(shown, told)))[0] for trust in (0.25, 0.5, 1.0)]
    assert 1 / 3 < believed[0] < believed[1] < believed[2]


def test_without_profiling_nothing_is_believed():
    found = model().belief(person([0, 1], [(0, "like")], profile=False))
    np.testing.assert_allclose(np.exp(found), 1 / 3, rtol=1e-6)


def test_an_item_counts_once_and_reported_impressions_where_they_are_what_counts():
    items, reward = person([5, 5, 2], [(2, "view"), (2, "like"), (7, "hide")]).observed
    assert items.tolist() == [2, 5, 7]
    np.testing.assert_allclose(reward, [1, 0, 0])
    assert person([5], mode="reported").observed[0].tolist() == []


def test_the_influence_falls_evenly_with_reactions_to_what_was_shown():
    learned, shown = model(), list(range(30))
    said = [learned.influence(person(shown, [(n, "like") for n in range(count)]), 20) for count in (0, 5, 10, 20, 25)]
    assert said == pytest.approx([1, 0.75, 0.5, 0, 0])
    assert learned.influence(person(shown, profile=False), 20) == 0


def test_reactions_to_what_was_not_shown_end_the_influence_five_times_sooner():
    told = [(n, "like") for n in range(3)]
    assert model().influence(person(None, told), 20) == pytest.approx(1 - 15 / 20)
    assert model().influence(person([5], told), 20) == pytest.approx(1 - 11 / 20)


def test_the_bandit_is_heard_the_more_was_observed_and_at_once_where_nobody_was_ever_shown_anything():
    learned = model()
    assert [learned.told(person(list(range(n)))) for n in (0, 10, 30)] == pytest.approx([0, 0.5, 0.75])
    assert learned.told(person(list(range(10)), profile=False)) == 0
    taught_unasked = replace(learned, unasked=0.6)
    assert [taught_unasked.told(person(list(range(n)))) for n in (0, 10, 30)] == pytest.approx([0.6, 0.6, 0.75])


def test_draws_follow_the_belief():
    learned = model(draws=2000)
    lift = learned.drawn(learned.belief(person()), stream("draws"))
    np.testing.assert_allclose(lift, (HOME + 2 * AWAY) / 3, rtol=0.1)
    sure = person(list(range(10)), [(n, "like") for n in range(10)])
    np.testing.assert_allclose(learned.drawn(learned.belief(sure), stream("draws")), [HOME, AWAY, AWAY])


def test_later_items_count_as_typical_of_the_nearest_cluster():
    rows, lift = np.array([0, 30, 31, 32, 40], np.int32), np.array([1.0, 2.0, 3.0])
    vectors = person().snapshot.artifacts.vectors
    chances = model().approval(rows, lift, vectors)
    np.testing.assert_allclose(chances[[0, 2, 3]], [0.2, 0.2, 0.3], rtol=1e-6)


def test_a_model_is_loaded_as_it_was_stored():
    learned = replace(model(trust=0.7, draws=3), unasked=0.4)
    again = LatentCluster.load(*learned.dump())
    assert (again.trust, again.draws, again.unasked) == (0.7, 3, 0.4)
    np.testing.assert_array_equal(again.lift, learned.lift)
    assert again.belief(person([1])) == pytest.approx(learned.belief(person([1])))
