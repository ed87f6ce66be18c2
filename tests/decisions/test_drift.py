"""Drift: what breaks is noticed, what grows or varies by chance is not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fairshot.core.arrays import Floats
from fairshot.decisions.drift import Inputs, drift, limit, profile

NAMES = ("popularity", "share", "followed", "constant")


def inputs(seed: int, people: int = 300, growth: float = 1.0, items: int = 1000) -> Inputs:
    """Each person is offered 40 items; popularity is log(1 + count), share lies in [0, 1], few are followed."""
    rng = np.random.default_rng(seed)
    popular = np.random.default_rng(0).gamma(1.0, 20.0, items)
    item = rng.integers(0, items, people * 40)
    values = np.stack(
        [
            np.log1p(growth * popular[item]),
            rng.beta(2, 5, len(item)),
            rng.random(len(item)) < 0.05,
            np.ones(len(item)),
        ],
        axis=1,
    ).astype(np.float32)
    return Inputs(NAMES, values, np.ones(len(item), np.float32), np.repeat(np.arange(people), 40), item)


def drifted(now: Inputs, then: Inputs, most: float = 0.25) -> list[str]:
    return [found.feature for found in drift(profile(then), now) if found.beyond(most)]


def changed(name: str, change: Callable[[Floats], Floats]) -> Inputs:
    now = inputs(1)
    values = now.values.copy()
    column = NAMES.index(name)
    values[:, column] = change(values[:, column])
    return replace(now, values=values)


def test_another_draw_of_the_same_has_not_drifted():
    for seed in range(5):
        assert drifted(inputs(seed + 1), inputs(0)) == []


@pytest.mark.parametrize("people", [2, 6, 20])
def test_few_people_differ_by_chance(people):
    for seed in range(20):
        assert drifted(inputs(seed + 100, people, items=30), inputs(seed, people, items=30)) == []


def test_growth_moves_the_values_and_not_the_shape():
    assert drifted(inputs(1, growth=1.3), inputs(0)) == []
    assert drifted(inputs(1, growth=10.0), inputs(0)) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("popularity", np.zeros_like),
        ("popularity", np.ones_like),
        ("popularity", lambda x: np.where(np.arange(len(x)) % 2 == 0, x, 0)),
        ("share", np.zeros_like),
        ("share", lambda x: (x > 0.3).astype(np.float32)),
        ("followed", lambda x: 1 - x),
    ],
)
def test_a_feature_that_broke_is_named(name, change):
    assert drifted(changed(name, change), inputs(0)) == [name]


def test_where_most_moved_is_told():
    (found,) = [one for one in drift(profile(inputs(0)), changed("share", np.zeros_like)) if one.beyond(0.25)]
    low, high, then, now = found.most
    assert low <= 0 <= high
    assert (then < 0.3, now == 1.0) == (True, True)


def test_the_index_by_hand():
    values = np.array([[0.0], [0.0], [0.0], [1.0]] * 50, np.float32)
    then = Inputs(("x",), values, np.ones(200, np.float32), np.repeat(np.arange(50), 4), np.arange(200))
    now = replace(then, weights=np.tile(np.array([1, 1, 1, 3], np.float32), 50))
    (found,) = drift(profile(then), now)
    # Shares of 3/4 and 1/4 became 1/2 and 1/2, both ways alike.
    assert found.index == pytest.approx(-0.25 * np.log(2 / 3) + 0.25 * np.log(2))


def test_what_told_nothing_apart_has_nothing_to_drift_from():
    assert "constant" not in profile(inputs(0))
    assert drifted(changed("constant", lambda x: np.arange(len(x), dtype=np.float32)), inputs(0)) == []


def test_features_that_come_or_go_are_not_compared():
    then = profile(inputs(0))
    now = inputs(1)
    fewer = Inputs(("share", "new"), now.values[:, [1, 2]], now.weights, now.people, now.items)
    assert [found.feature for found in drift(then, fewer)] == ["share"]


def test_no_examples_have_no_profile_and_no_drift():
    nothing = Inputs(NAMES, np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, int), np.empty(0, int))
    assert profile(nothing) == {}
    assert drift(profile(inputs(0)), nothing) == []
    weightless = replace(inputs(0), weights=np.zeros(300 * 40, np.float32))
    assert profile(weightless) == {}
    assert drift(profile(inputs(0)), weightless) == []


def test_a_log_that_doubled_may_move_twice_as_far():
    assert [limit(0.25, growth) for growth in (0.5, 1.0, 2.0, 8.0)] == [0.25, 0.25, 0.5, 1.0]
