"""Unbiasedness is shown exactly: every slate that the logging policy can draw is enumerated."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fairshot.algorithms import off_policy as op

Floats = NDArray[np.float64]
L, A = 3, 3
seeds = st.integers(0, 10_000)
SLATE = (op.slate_ips, op.cascade_ips, op.independent_ips)


class World:
    """Logging and target policies over L positions of A actions, drawn position by position."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.logging = self.rng.dirichlet(np.ones(A), L) * 0.7 + 0.1
        self.target = self.rng.dirichlet(np.ones(A) * 0.5, L)
        self.appeal = self.rng.random((L, A))
        self.slates = np.array(list(itertools.product(range(A), repeat=L)))
        at = np.arange(L), self.slates
        self.p, self.q, self.click = self.logging[at], self.target[at], self.appeal[at]

    def rewards(self, cascade: bool) -> Floats:
        """Expected reward at each position of each slate; in a cascade a click ends the session."""
        if not cascade:
            return np.asarray(self.click)
        above = np.cumprod(np.c_[np.ones(len(self.slates)), 1 - self.click[:, :-1]], axis=1)
        return np.asarray(self.click * above)

    def truth(self, rewards: Floats) -> float:
        return float((self.q.prod(1) * rewards.sum(1)).sum())

    def expectation(self, estimate: Callable[..., op.Estimate], *columns: Floats) -> float:
        """Mean of the estimator under the logging policy, one slate at a time."""
        values = [estimate(*(c[i : i + 1] for c in columns)).value for i in range(len(self.slates))]
        return float(self.p.prod(1) @ values)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_slate_estimators_are_unbiased_under_their_assumption(seed: int) -> None:
    world = World(seed)
    for cascade, estimators in ((False, SLATE), (True, (op.slate_ips, op.cascade_ips))):
        rewards = world.rewards(cascade)
        for estimate in estimators:
            mean = world.expectation(estimate, rewards, world.q, world.p)
            assert mean == pytest.approx(world.truth(rewards))


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_dr_by_position_is_unbiased_with_any_model(seed: int) -> None:
    world = World(seed)
    rewards, model = world.rewards(cascade=False), world.rng.normal(size=(L, A))
    at = np.arange(L), world.slates
    expected = np.broadcast_to((world.target * model).sum(axis=1), world.p.shape)
    columns = rewards, world.q, world.p, model[at], expected
    assert world.expectation(op.independent_doubly_robust, *columns) == pytest.approx(world.truth(rewards))


def test_snips_by_position_nears_the_truth_and_stays_within_rewards() -> None:
    world = World(3)
    drawn = world.rng.choice(len(world.slates), 20_000, p=world.p.prod(1))
    clicks = (world.rng.random((20_000, L)) < world.click[drawn]).astype(float)
    found = op.independent_snips(clicks, world.q[drawn], world.p[drawn])
    assert found.value == pytest.approx(world.truth(world.click), abs=4 * found.standard_error)
    assert op.independent_snips(np.ones((50, L)), world.q[drawn[:50]], world.p[drawn[:50]]).value == pytest.approx(L)


def test_independent_ips_is_biased_when_clicks_cascade() -> None:
    gaps = []
    for seed in range(20):
        world = World(seed)
        rewards = world.rewards(cascade=True)
        gaps.append(abs(world.expectation(op.independent_ips, rewards, world.q, world.p) - world.truth(rewards)))
    assert np.median(gaps) > 0.02


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_pseudo_inverse_is_unbiased_for_additive_slate_rewards(seed: int) -> None:
    world = World(seed)
    rewards = world.rewards(cascade=False)
    mean = world.expectation(op.pseudo_inverse, rewards.sum(1), world.q, world.p)
    assert mean == pytest.approx(world.truth(rewards))


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_single_decisions_ips_and_dr_with_any_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    logging, target = rng.dirichlet(np.ones(5)) * 0.5 + 0.1, rng.dirichlet(np.ones(5))
    mean, model = rng.random(5), rng.random(5)
    expected = float(target @ model)

    def expectation(estimate: Callable[[int], op.Estimate]) -> float:
        return float(logging @ [estimate(a).value for a in range(5)])

    truth = float(target @ mean)
    one = [(mean[[a]], target[[a]], logging[[a]]) for a in range(5)]
    assert expectation(lambda a: op.ips(*one[a])) == pytest.approx(truth)
    assert expectation(lambda a: op.doubly_robust(*one[a], model[[a]], [expected])) == pytest.approx(truth)
    direct = expectation(lambda a: op.doubly_robust(*one[a], model[[a]], [expected], switch=0.0))
    assert direct == pytest.approx(expected)
    # With the right model, wrong propensities do no harm.
    right = expectation(lambda a: op.doubly_robust(one[a][0], one[a][1], [0.5], mean[[a]], [truth]))
    assert right == pytest.approx(truth)


def value_to_go(world: World, rewards: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """A model of the rewards still to come, right up to `noise`, and its mean under the target."""
    predicted, expected = np.zeros((2, len(world.slates), L))
    for at, i in itertools.product(range(L), range(len(world.slates))):
        same = (world.slates[:, : at + 1] == world.slates[i, : at + 1]).all(1)
        rest = world.q[same, at + 1 :].prod(1)
        code = int(world.slates[i, : at + 1] @ A ** np.arange(at + 1))
        predicted[i, at] = rest @ rewards[same, at:].sum(1) / rest.sum() + noise[at, code]
    for at, i in itertools.product(range(L), range(len(world.slates))):
        siblings = [(world.slates[i].tolist()[:at] + [a] + [0] * (L - at - 1)) for a in range(A)]
        rows = [int(np.flatnonzero((world.slates == s).all(1))[0]) for s in siblings]
        expected[i, at] = world.target[at] @ predicted[rows, at]
    return predicted, expected


@given(seeds)
@settings(max_examples=8, deadline=None)
def test_cascade_dr_is_unbiased_and_with_a_right_model_nearly_certain(seed: int) -> None:
    world = World(seed)
    rewards = world.rewards(cascade=True)
    noise = np.random.default_rng(seed).normal(size=(L, A**L))
    columns = rewards, world.q, world.p
    wrong = value_to_go(world, rewards, noise)
    mean = world.expectation(op.cascade_doubly_robust, *columns, *wrong)
    assert mean == pytest.approx(world.truth(rewards))
    right = *columns, *value_to_go(world, rewards, noise * 0)
    values = [op.cascade_doubly_robust(*(c[[i]] for c in right)).value for i in range(len(world.p))]
    assert np.ptp(values) < 1e-9
    zeros = np.zeros_like(rewards)
    bare = op.cascade_doubly_robust(*columns, zeros, zeros)
    assert bare.value == pytest.approx(op.cascade_ips(*columns).value)


def test_snips_stays_within_rewards_and_beats_ips_on_a_shifted_reward() -> None:
    rng = np.random.default_rng(0)
    plain, normalised = [], []
    for _ in range(300):
        logging = rng.random(200) * 0.9 + 0.05
        rewards, target = 5 + rng.random(200), np.full(200, 0.3)
        weighted = op.snips(rewards, target, logging)
        assert rewards.min() <= weighted.value <= rewards.max()
        plain.append(op.ips(rewards, target, logging).value)
        normalised.append(weighted.value)
    assert np.std(normalised) < 0.1 * np.std(plain)


def test_intervals_cover() -> None:
    rng = np.random.default_rng(1)
    covered = {"ips": 0, "snips": 0}
    for _ in range(400):
        action = rng.random(1000) < 0.3
        rewards = (rng.random(1000) < np.where(action, 0.6, 0.2)).astype(float)
        columns = rewards, np.where(action, 0.8, 0.2), np.where(action, 0.3, 0.7)
        for name, estimate in (("ips", op.ips(*columns)), ("snips", op.snips(*columns))):
            low, high = estimate.interval(0.95)
            covered[name] += low <= 0.8 * 0.6 + 0.2 * 0.2 <= high
    assert all(0.92 <= count / 400 <= 0.98 for count in covered.values())


def test_intervals_heed_skewness() -> None:
    """Means of log-normal samples: a symmetric interval lies below the truth ten times as often as above it."""
    rng = np.random.default_rng(2)
    missed = {"skewed": np.zeros(2), "symmetric": np.zeros(2)}
    truth, runs = math.exp(0.5), 4000
    for _ in range(runs):
        found = op.ips(rng.lognormal(size=100), np.ones(100), np.ones(100))
        for name, (low, high) in (
            ("skewed", found.interval()),
            ("symmetric", op.Estimate(found.value, found.standard_error, 100).interval()),
        ):
            missed[name] += (truth > high, truth < low)
    assert missed["symmetric"][0] > 10 * missed["symmetric"][1]
    assert missed["skewed"][0] < 4 * missed["skewed"][1]
    assert missed["skewed"].sum() < 0.75 * missed["symmetric"].sum()
    assert missed["skewed"].sum() / runs == pytest.approx(0.05, abs=0.02)


def test_a_difference_is_known_better_than_its_parts() -> None:
    rng = np.random.default_rng(4)
    rewards, logging = rng.random(500) + 5, np.full(500, 0.5)
    found = op.ips(rewards, np.where(rng.random(500) < 0.5, 0.55, 0.45), logging)
    less = found.less(rewards)
    assert less.value == pytest.approx(found.value - rewards.mean())
    assert less.standard_error < found.standard_error
    same = op.ips(rewards, logging, logging).less(rewards)
    assert (same.value, same.standard_error) == (0.0, 0.0)
    with pytest.raises(ValueError, match=r"rewards .*\(499"):
        found.less(rewards[1:])


def test_people_are_the_units_where_their_decisions_depend_on_each_other() -> None:
    """Ten decisions of a person that are all alike are worth one."""
    rng = np.random.default_rng(5)
    one = rng.random(300)
    people = np.repeat(np.arange(300), 10)
    many = op.ips(np.repeat(one, 10), np.full(3000, 0.5), np.full(3000, 0.5))
    single = op.ips(one, np.full(300, 0.5), np.full(300, 0.5))
    assert many.by_group(people).standard_error == pytest.approx(single.standard_error)
    assert many.by_group(people).skewness == pytest.approx(single.skewness)
    assert single.by_group(np.arange(300)).standard_error == pytest.approx(single.standard_error)
    assert math.isinf(many.by_group(np.zeros(3000)).standard_error)
    with pytest.raises(ValueError, match="groups"):
        many.by_group(people[1:])


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_effective_sample_size_is_at_most_n(weights: list[float]) -> None:
    assert 0 <= op.effective_sample_size(weights) <= len(weights) * (1 + 1e-9)


def test_same_policy_gives_the_mean_and_all_samples() -> None:
    rewards, p = np.array([1.0, 2.0, 6.0]), np.array([0.2, 0.5, 0.9])
    for estimate in (op.ips, op.snips):
        found = estimate(rewards, p, p)
        assert found.value == pytest.approx(3.0)
        assert found.effective_samples == pytest.approx(3.0)


def test_clipping_is_reported_and_lowers() -> None:
    found = op.ips([1.0, 1.0], [0.9, 0.1], [0.1, 0.9], clip=2.0)
    assert found.clipped == 0.5
    assert found.value == pytest.approx((2 + 1 / 9) / 2)


@pytest.mark.parametrize("estimate", [op.ips, op.snips, op.slate_ips, op.independent_ips, op.cascade_ips])
def test_bad_input_names_the_argument(estimate: Callable[..., op.Estimate]) -> None:
    shape = (2,) if estimate in (op.ips, op.snips) else (2, 2)
    ones, half = np.ones(shape), np.full(shape, 0.5)
    with pytest.raises(ValueError, match=r"logging.*\(0, 1\]"):
        estimate(ones, half, half * 0)
    with pytest.raises(ValueError, match=r"target.*\[0, 1\]"):
        estimate(ones, half * 3, half)
    with pytest.raises(ValueError, match=r"target.*\(1"):
        estimate(ones, half[:1], half)
    with pytest.raises(ValueError, match="rewards"):
        estimate(ones[:1], half, half)
    with pytest.raises(ValueError, match="logging"):
        estimate(ones[:0], half[:0], half[:0])
    with pytest.raises(ValueError, match="clip"):
        estimate(ones, half, half, clip=0)


def test_other_bad_settings() -> None:
    with pytest.raises(ValueError, match="switch"):
        op.doubly_robust([1.0], [0.5], [0.5], [0.5], [0.5], switch=-1)
    with pytest.raises(ValueError, match="target"):
        op.snips([1.0], [0.0], [0.5])
    with pytest.raises(ValueError, match="of a position"):
        op.independent_snips([[1.0, 1.0]], [[0.0, 0.5]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="confidence"):
        op.Estimate(0, 1, 1).interval(1.0)
    assert math.isinf(op.ips([1.0], [0.5], [0.5]).standard_error)
