"""Units of the causal layer: outcomes by the same rule for both arms, and propensities that lots really have."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from fairshot.core.arrays import Array
from fairshot.core.candidates import Candidates
from fairshot.core.slate import LoggedSlate
from fairshot.learning.causal import joined
from fairshot.learning.causal_fit import fit_causal
from fairshot.learning.causal_trials import average_of, halves_of
from fairshot.learning.causal_units import Answers, SlatePool, inputs_of, pool_of, units_of

WORTH = np.array([1.0, -3.0, 0.5])
WINDOWS = np.array([10, 5, 20])


def answers(rows: list[tuple[int, int, int, int]], until: int = 10_000) -> Answers:
    person, item, at, action = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Answers(person.astype(np.int32), item.astype(np.int32), at, action, WORTH, WINDOWS, until)


def slowly(told: Answers, person: int, item: int, at: int) -> float:
    kinds = set()
    for who, what, when, action in zip(told.person, told.item, told.at, told.action, strict=True):
        if (who, what) == (person, item) and 0 <= when - at <= WINDOWS[action]:
            kinds.add(int(action))
    return float(sum(WORTH[kind] for kind in kinds))


few, moment = st.integers(0, 3), st.integers(0, 40)


@given(
    st.lists(st.tuples(few, few, moment, st.integers(0, 2)), max_size=25),
    st.lists(st.tuples(few, few, moment), max_size=12),
)
@settings(max_examples=80, deadline=None)
def test_outcomes_are_those_of_the_obvious_way(feedback, units):
    told = answers(feedback)
    person, item, at = (np.array([unit[n] for unit in units], dtype=np.int64) for n in range(3))
    assert told.outcome(person, item, at) == pytest.approx([slowly(told, *unit) for unit in units])


def pool(m: int = 40, k: int = 5, drawn: dict[int, int] | None = None, **changes: Any) -> SlatePool:
    """Candidates 100, 101, ... of which the first k are placed; drawn: position -> index that a lot put there."""
    placed, shown = np.zeros((2, m), dtype=bool)
    placed[:k] = shown[:k] = True
    for position, index in (drawn or {}).items():
        shown[position], shown[index] = False, True
    values: dict[str, Any] = {
        "request": "r",
        "person": 7,
        "at": 0,
        "rows": np.arange(100, 100 + m, dtype=np.int32),
        "inputs": np.arange(m, dtype=np.float32)[:, None],
        "score": np.linspace(1, 0, m),
        "placed": placed,
        "shown": shown,
        "seen": shown | placed,
    }
    return SlatePool(**{**values, **changes})


def test_without_lots_shown_units_meet_as_many_of_the_next_best():
    units = units_of(["x"], [pool()], answers([(7, 101, 3, 0), (7, 139, 3, 0), (7, 107, 3, 2)]))
    index = units.inputs[:, 0].astype(int)
    assert units.treated.tolist() == [True] * 5 + [False] * 5
    assert index[:5].tolist() == [0, 1, 2, 3, 4]
    assert ((index[5:] >= 5) & (index[5:] < 20)).all()
    assert np.isnan(units.propensity).all()
    assert not units.drawn.any()
    assert units.outcome.tolist() == [0.5 if n == 7 else float(n == 1) for n in index]
    assert set(units.person.tolist()) == {7}


def test_a_lot_makes_two_trials_with_known_propensities():
    units = units_of(["x"], [pool(drawn={2: 30})], answers([]))
    index, e = units.inputs[:, 0].astype(int), units.propensity
    assert e[index == 30] == pytest.approx(1 / 5)
    assert units.treated[index == 30].all()
    assert e[index == 2] == pytest.approx(4 / 5)
    assert not units.treated[index == 2].any()
    by_lot = units.drawn
    assert by_lot.sum() == 10
    assert (index[by_lot & units.treated & (index < 5)] != 2).all()
    assert ((index[by_lot & ~units.treated] >= 5) | (index[by_lot & ~units.treated] == 2)).all()
    assert len(set(index.tolist())) == len(index), "nobody is a unit twice"


def test_propensities_of_lots_are_how_often_units_were_treated():
    """Over many slates with one drawn position in five: of each candidate's units as many are treated as e says."""
    rng = np.random.default_rng(0)
    pools = []
    for number in range(3000):
        lots = {position: 0 for position in range(5) if rng.random() < 0.2}
        taken = rng.choice(np.arange(5, 12), len(lots), replace=False)
        drawn = dict(zip(lots, taken.tolist(), strict=True))
        pools.append(pool(m=12, drawn=drawn, request=f"r{number}"))
    units = units_of(["x"], pools, answers([]))
    units = units.where(units.drawn)
    for candidate in range(12):
        own = units.inputs[:, 0] == candidate
        gap = units.treated[own] - units.propensity[own]
        assert own.sum() > 300
        assert abs(gap.mean()) < 4 * gap.std() / own.sum() ** 0.5


def test_positions_that_nobody_looked_at_are_neither_shown_nor_displaced():
    looked = pool(drawn={1: 20, 3: 25})
    seen = looked.seen.copy()
    seen[[3, 25, 4]] = False
    units = units_of(["x"], [pool(drawn={1: 20, 3: 25}, seen=seen)], answers([]))
    index = set(units.inputs[:, 0].astype(int).tolist())
    assert {20, 1} <= index
    assert not {3, 25, 4} & index


def test_windows_that_are_not_over_are_left_out_and_nothing_gives_nothing():
    told = answers([], until=30)
    assert len(units_of(["x"], [pool(at=11)], told)) == 0
    assert len(units_of(["x"], [pool(at=10)], told)) == 10
    empty = units_of(["x", "y"], [], told)
    assert empty.inputs.shape == (0, 2)
    nothing = pool(m=0, k=0)
    assert len(units_of(["x"], [nothing], told)) == 0


def logged(rows: list[int]) -> LoggedSlate:
    return LoggedSlate(
        request="r",
        served=2,
        seq=1,
        at=5,
        user=3,
        limit=len(rows),
        surface="home",
        mode="personal",
        snapshot="v",
        exclude=(),
        context={},
        rows=np.array(rows, dtype=np.int32),
        propensity=np.ones(len(rows)),
    )


def distribution() -> tuple[Candidates, Array]:
    """Six candidates; 14 and 11 are placed, each displaced with a chance of .2 by one of the others."""
    rows = np.array([14, 11, 19, 3, 8, 5], dtype=np.int32)
    columns = {
        "age": np.arange(6.0),
        "value": -np.arange(6.0),
        "value.engagement": np.ones(6),
        "p_like": np.linspace(0, 1, 6),
        "source": np.zeros(6, np.int16),
    }
    chances = np.zeros((6, 2))
    chances[0, 0] = chances[1, 1] = 0.8
    chances[2:, :] = 0.05
    return Candidates(rows, columns), chances


def test_a_pool_says_what_stood_and_what_would_have_without_lots():
    found = pool_of(logged([14, 8]), distribution())
    assert found is not None
    assert found.shown.tolist() == [True, False, False, False, True, False]
    assert found.placed.tolist() == [True, True, False, False, False, False]
    assert found.seen.tolist() == [True, True, False, False, True, False]
    assert found.inputs.tolist() == [[float(n), np.float32(n / 5)] for n in range(6)]
    assert inputs_of(distribution()[0]) == ("age", "p_like")
    part = pool_of(logged([14, 8]), distribution(), np.array([True, False]))
    assert part is not None
    assert part.seen.tolist() == [True, False, False, False, False, False]


@pytest.mark.parametrize("rows", [[14], [11, 14], [14, 77], [], [14, 11, 3]])
def test_a_slate_that_the_replay_could_not_have_given_is_left_out(rows):
    assert pool_of(logged(rows), distribution()) is None


def persuaded(x: Array) -> Array:
    """What showing changes: those who would not have found it anyway are won with a chance of their own."""
    return (1 - expit(x[:, 1] + 0.5 * x[:, 0] - 2)) * expit(x[:, 2] - 1.5)


def served_pool(rng: np.random.Generator, number: int, feedback: list[tuple[int, int, int, int]]) -> SlatePool:
    """The ten best of a hundred by the probability of engagement are shown, one in twenty by lot instead."""
    person = int(rng.integers(400))
    x = np.column_stack([np.full(100, np.sin(person)), rng.normal(size=(100, 3))])
    score = expit(x[:, 1] + 0.5 * x[:, 0] - 2) + persuaded(x)
    x, score = x[np.argsort(-score)], np.sort(score)[::-1]
    lots = np.flatnonzero(rng.random(10) < 0.05)
    drawn = dict(zip(lots.tolist(), rng.choice(np.arange(10, 100), len(lots), replace=False).tolist(), strict=True))
    rows = (number * 100 + np.arange(100)).astype(np.int32)
    found = pool(
        m=100,
        k=10,
        drawn=drawn,
        request=f"r{number}",
        person=person,
        rows=rows,
        inputs=x.astype(np.float32),
        score=score,
    )
    chance = np.where(found.shown, score, score - persuaded(x))
    feedback += [(person, int(row), 1, 0) for row in rows[rng.random(100) < chance]]
    return found


def test_a_ranking_that_always_shows_its_best_is_seen_through() -> None:
    """Only other candidates of a pool decide whether the same score is shown; that and lots are the experiment."""
    rng = np.random.default_rng(0)
    feedback: list[tuple[int, int, int, int]] = []
    pools = [served_pool(rng, number, feedback) for number in range(1200)]
    units = units_of(["trait", "taste", "novelty", "noise"], pools, answers(feedback))
    kept = joined(*halves_of(units, "served"))
    effect = average_of(kept)
    truth = persuaded(kept.units.inputs).mean()
    assert abs(effect.value - truth) < 3 * effect.standard_error
    assert effect.standard_error < 0.03
    naive = units.outcome[units.treated].mean() - units.outcome[~units.treated].mean()
    assert naive - truth > 5 * effect.standard_error
    model, report = fit_causal(units, "served")
    assert report.served, report.words
    new = np.column_stack([np.sin(np.arange(3000)), rng.normal(size=(3000, 3))]).astype(np.float32)
    assert np.corrcoef(model.predict(new), persuaded(new))[0, 1] > 0.7
    agreed = {name: value for _, name, value in report.figures}["lots z"]
    assert abs(agreed) < 3
