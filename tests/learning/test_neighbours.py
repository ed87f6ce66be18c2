"""Neighbours: the weights are the formula's, whatever order, number and time the reactions have."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from fairshot.core.arrays import Array, Floats, Rows
from fairshot.learning import neighbours
from fairshot.learning.interactions import Feedback
from fairshot.learning.neighbours import NeighboursModel, fit_neighbours

USERS, ITEMS = 12, 9
told = st.lists(
    st.tuples(st.integers(0, USERS - 1), st.integers(0, ITEMS - 1), st.integers(0, 6)), min_size=1, max_size=80
)


def feedback(rows: list[tuple[int, int, int]]) -> Feedback:
    """Rows of person, item, time, as `feedback_of` gives them: in the order of time."""
    rows = sorted(rows, key=lambda row: row[2])
    user, item, at = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Feedback(
        user.astype(np.int32), item.astype(np.int32), np.zeros(len(rows), np.int8), at, np.arange(len(rows))
    )


def fit(
    given_feedback: Feedback,
    items: int = ITEMS,
    *,
    most: int = ITEMS,
    reach: float = 3.0,
    ridge: float = 2.0,
    activity: float = 0.5,
) -> NeighboursModel:
    return fit_neighbours(given_feedback, items, most=most, reach=reach, ridge=ridge, activity=activity)


def oracle(
    rows: list[tuple[int, int, int]], reach: float, ridge: float, activity: float, longest: int = 1000
) -> Floats:
    """The docstring's formula, entry by entry, over all items; a zero row and column where nobody reacted."""
    firsts: dict[int, dict[int, int]] = {}
    for user, item, at in sorted(rows, key=lambda row: row[2]):
        firsts.setdefault(user, {}).setdefault(item, at)
    people = [sorted(found.items(), key=lambda pair: pair[1])[-longest:] for found in firsts.values() if len(found) > 1]
    mean = np.mean([len(person) for person in people]) if people else 1.0
    gram = np.zeros((ITEMS, ITEMS))
    for person in people:
        times = [at for _, at in person]
        rank = {item: sum(t < at for t in times) + sum(t == at for t in times) / 2 for item, at in person}
        for one in rank:
            for other in rank:
                gram[one, other] += (len(person) / mean) ** -activity / (1 + abs(rank[one] - rank[other]) / reach)
    known = sorted({item for _, item, _ in rows})
    precision = np.linalg.inv(gram[np.ix_(known, known)] + ridge * np.eye(len(known)))
    weights = np.zeros((ITEMS, ITEMS))
    weights[np.ix_(known, known)] = np.eye(len(known)) - precision / np.diag(precision)
    return weights


def scores(model: NeighboursModel, met: Any, asked: Rows) -> Floats:
    """What reactions to `met` say of each asked item."""
    return model.scores(model.told_by(np.asarray(met, np.int32)), asked)


def dense(model: NeighboursModel, items: int = ITEMS) -> Floats:
    """Its weights between all items, asked one by one."""
    every = np.arange(items, dtype=np.int32)
    return np.stack([scores(model, [one], every) for one in every])


@given(told, st.sampled_from([1.0, 10.0]), st.sampled_from([0.5, 50.0]), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=60)
def test_the_weights_are_those_of_the_formula(rows, reach, ridge, activity):
    model = fit(feedback(rows), reach=reach, ridge=ridge, activity=activity)
    np.testing.assert_allclose(dense(model), oracle(rows, reach, ridge, activity), atol=2e-5)


def test_what_is_met_together_speaks_for_one_another_more_than_what_lies_apart():
    rows = [(user, item, item) for user in range(12) for item in range(8)]
    weights = dense(fit(feedback(rows), ridge=1.0))
    assert (np.diag(weights) == 0).all()
    assert weights[3, 4] > weights[1, 4] > weights[0, 4]
    # The same reactions, all at one time: nobody is nearer than another.
    alike = dense(fit(feedback([(user, item, 0) for user, item, _ in rows]), ridge=1.0))[:8, :8]
    np.testing.assert_allclose(alike[~np.eye(8, dtype=bool)], alike[0, 1], rtol=1e-4)


def test_the_order_of_simultaneous_reactions_does_not_matter():
    rng = np.random.default_rng(0)
    rows = [(user, int(item), int(at)) for user in range(9) for item, at in rng.integers(0, (ITEMS, 3), (8, 2))]
    mixed = [rows[n] for n in rng.permutation(len(rows))]
    np.testing.assert_allclose(dense(fit(feedback(mixed))), dense(fit(feedback(rows))), atol=1e-6)


def test_scores_are_sums_of_weights_and_nothing_is_known_of_what_came_later():
    rng = np.random.default_rng(1)
    rows = [(int(u), int(i), int(at)) for u, i, at in rng.integers(0, (USERS, ITEMS - 1, 50), (70, 3))]
    model = fit(feedback(rows))
    weights = dense(model)
    asked = np.array([0, ITEMS - 1, 3, ITEMS, 500], np.int32)  # the last of the catalogue was never met, two are later
    met = np.array([2, 5, 2, 700, ITEMS - 1], np.int32)
    found = scores(model, met, asked)
    assert found.dtype == np.float32
    # What was done twice speaks once.
    assert found[[0, 2]] == pytest.approx(weights[[2, 5]][:, [0, 3]].sum(axis=0), abs=1e-6)
    assert found[[1, 3, 4]].tolist() == [0, 0, 0]
    nobody = np.empty(0, np.int32)
    assert scores(model, nobody, asked).tolist() == [0] * 5
    assert scores(model, [700], asked).tolist() == [0] * 5
    assert scores(model, met, nobody).tolist() == []


def test_only_so_many_items_take_part_those_reacted_to_most():
    rows = [(user, item, user + item) for item in range(6) for user in range(USERS - item)]
    model = fit(feedback(rows), most=3)
    assert model.place.tolist() == [0, 1, 2, *[-1] * (ITEMS - 3)]
    assert model.weights.shape == (3, 3)
    alone = [row for row in rows if row[1] < 3]
    np.testing.assert_allclose(dense(model), oracle(alone, 3.0, 2.0, 0.5), atol=2e-5)
    assert scores(fit(feedback(rows), most=0), [0], np.array([1], np.int32)).tolist() == [0]


def test_the_latest_reactions_of_a_very_long_history_are_related(monkeypatch):
    monkeypatch.setattr(neighbours, "LONGEST", 4)
    rows = [(user, item, item) for user in range(3) for item in range(8)] + [(5, 0, 0), (5, 1, 1)]
    weights = dense(fit(feedback(rows)))
    np.testing.assert_allclose(weights, oracle(rows, 3.0, 2.0, 0.5, longest=4), atol=2e-5)
    assert not weights[2:4, 4:].any()
    assert weights[6, 7] > 0


def test_of_very_many_people_some_are_drawn_always_the_same(monkeypatch):
    monkeypatch.setattr(neighbours, "PEOPLE", 5)
    rng = np.random.default_rng(2)
    rows = [(user, int(item), at) for user in range(USERS) for at, item in enumerate(rng.permutation(ITEMS)[:5])]
    drawn, again = (dense(fit(feedback(rows))) for _ in range(2))
    assert drawn.tobytes() == again.tobytes()
    monkeypatch.setattr(neighbours, "PEOPLE", USERS)
    assert np.abs(drawn - dense(fit(feedback(rows)))).max() > 1e-3


def of(*rows: tuple[int, int, int]) -> Feedback:
    return feedback(list(rows))


@pytest.mark.parametrize(
    "rows", [of(), of((0, 0, 0)), of((0, 0, 0), (0, 0, 9), (3, 0, 1)), of((0, 0, 0), (1, 1, 0), (2, 2, 0))]
)
@pytest.mark.parametrize("items", [3, 50])
def test_where_nobody_met_two_items_nothing_speaks_for_anything(rows, items):
    shares: list[float] = []
    model = fit_neighbours(rows, items, most=100, reach=10, ridge=50, activity=0.5, progress=shares.append)
    assert not dense(model, items).any()
    assert np.isfinite(model.weights).all()
    assert shares[-1] == 1.0


def test_one_item_is_all_there_is():
    model = fit(of((0, 0, 0), (1, 0, 0)), items=1)
    assert (model.place.tolist(), model.weights.tolist()) == ([0], [[0.0]])


def test_a_stored_model_says_the_same_bit_by_bit():
    rng = np.random.default_rng(4)
    model = fit(feedback([(int(u), int(i), int(at)) for u, i, at in rng.integers(0, (USERS, ITEMS, 50), (60, 3))]))
    tensors, description = model.dump()
    stored: dict[str, Array] = load(save({name: np.ascontiguousarray(value) for name, value in tensors.items()}))
    back = NeighboursModel.load(stored, json.loads(json.dumps(description)))
    met, every = np.array([1, 4, 6], np.int32), np.arange(ITEMS, dtype=np.int32)
    assert scores(back, met, every).tobytes() == scores(model, met, every).tobytes()


def test_a_million_reactions_are_not_gone_through_one_by_one():
    """Progress is told, ends at one, and never runs back."""
    rng = np.random.default_rng(5)
    rows = [(user, int(item), at) for user in range(900) for at, item in enumerate(rng.permutation(ITEMS)[:3])]
    shares: list[float] = []
    fit_neighbours(feedback(rows), ITEMS, most=9, reach=10, ridge=50, activity=0.5, progress=shares.append)
    assert len(shares) >= 5
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
