"""Replayed headline tests: which tests count, that the replay keeps its books, and what the figures are made of."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.best_arm import ArmPrior
from fairshot.reproductions import headline_outcomes as outcomes
from fairshot.reproductions import headline_replay as replays
from fairshot.reproductions import headline_trials as trials
from fairshot.reproductions import upworthy
from fairshot.reproductions.figure import MissingData
from fairshot.reproductions.headline_tests import HeadlineTests, load, mismatch, to_choose_by, to_report

PRIOR = ArmPrior(0.02, 150.0, 16.0)
RATE = (2.0, 98.0)


def made(tests: int, seed: int = 0, arms: int = 4, impressions: int = 4000) -> HeadlineTests:
    """Tests whose arms' rates come from the prior."""
    rng = np.random.default_rng(seed)
    levels = np.clip(rng.beta(0.02 * 150, 0.98 * 150, (tests, 1)), 1e-3, None)
    rates = rng.beta(16.0, 16.0 * (1 - levels) / levels, (tests, arms))
    shown = np.full((tests, arms), impressions)
    shown[::2, -1] = 0
    return HeadlineTests(rng.binomial(shown, rates).astype(float), shown.astype(float), rng.integers(0, 4, tests))


@pytest.fixture(scope="module")
def tests() -> HeadlineTests:
    return made(300)


def courses(tests: HeadlineTests, policy: replays.Policy, runs: int = 2) -> list[replays.Course]:
    return [
        replays.replay(tests.rates, tests.present, tests.budget, policy, np.random.default_rng(run))
        for run in range(runs)
    ]


EVEN = replays.Policy(replays.by_beta((1.0, 1.0)), replays.evenly, judges=False)
OURS = replays.Policy(replays.by_level(PRIOR), replays.leader_and_rival)


def archive(folder: Path, rows: list[tuple[str, int, int, int]]) -> Path:
    names = ("clickability_test_id", "test_week", "impressions", "clicks")
    (folder / "upworthy").mkdir()
    table = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    parquet.write_table(pa.table(table), folder / "upworthy" / "upworthy.parquet")
    return folder


def test_only_sound_tests_count(tmp_path: Path) -> None:
    sound = [("a", 201410, 1000, 12), ("b", 201310, 900, 9), ("a", 201410, 1010, 8), ("b", 201310, 950, 0)]
    unsound = [
        *(("broken weeks", 201330, 1000, 10), ("broken weeks", 201330, 1000, 11)),
        *(("one arm", 201410, 1000, 10), ("one arm", 201410, 0, 0)),
        *(("no click", 201410, 1000, 0), ("no click", 201410, 1000, 0)),
        *(("mismatch", 201410, 1000, 10), ("mismatch", 201410, 1400, 11)),
    ]
    found = load(archive(tmp_path, sound + unsound))
    np.testing.assert_array_equal(found.impressions, [[1000, 1010], [900, 950]])
    np.testing.assert_array_equal(found.clicks, [[12, 8], [9, 0]])


def test_missing_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="upworthy"):
        upworthy.figures(tmp_path)


def test_a_fair_split_is_seldom_called_a_mismatch() -> None:
    shown = np.random.default_rng(0).multinomial(12_000, [1 / 3] * 3, 20_000).astype(float)
    assert np.mean(mismatch(shown) < 0.05) == pytest.approx(0.05, abs=0.006)


def test_no_test_is_reported_that_settings_or_priors_come_from(tests: HeadlineTests) -> None:
    chosen, _ = to_choose_by(tests)
    reported, _ = to_report(tests)
    assert set(chosen.lot) == {1}
    assert set(reported.lot) == {2, 3}


def test_batches_are_split_whole_and_by_shares() -> None:
    rng = np.random.default_rng(0)
    shares, size = rng.random((500, 6)) * [1, 1, 1, 1, 1, 0], rng.integers(0, 300, 500)
    given = replays.allot(size, shares, rng)
    np.testing.assert_array_equal(given.sum(axis=1), size)
    assert given[:, 5].max() == 0
    exact = size[:, None] * shares / shares.sum(axis=1, keepdims=True)
    assert np.abs(given - exact).max() < 1 + 1e-6
    assert np.mean(given - exact) == pytest.approx(0, abs=0.02)


def test_even_allocation_loses_the_mean_gap(tests: HeadlineTests) -> None:
    course = courses(tests, EVEN, 1)[0]
    best = tests.rates.max(axis=1)
    mean = tests.rates.sum(axis=1) / tests.present.sum(axis=1)
    np.testing.assert_allclose(course.lost[-1], tests.budget * (best - mean), rtol=0.02, atol=0.5)


def test_ucb1_tries_each_arm_first_and_then_the_highest_bound() -> None:
    nothing = np.zeros((1, 2))
    np.testing.assert_array_equal(replays.ucb1(nothing, nothing, nothing), [[1, 1]])
    np.testing.assert_array_equal(replays.ucb1(nothing, np.array([[1.0, 4]]), np.array([[100.0, 100]])), [[0, 1]])
    np.testing.assert_array_equal(replays.ucb1(nothing, np.array([[1.0, 40]]), np.array([[10.0, 1000]])), [[1, 0]])


def test_ours_needs_fewer_impressions_and_less_regret_than_even_allocation(tests: HeadlineTests) -> None:
    budget, weights = tests.budget.astype(float), np.ones((1, len(tests.lot)))
    even = outcomes.unstopped(courses(tests, EVEN), budget)
    ours = outcomes.with_stop(courses(tests, OURS), budget)
    half = replays.BATCHES // 2
    level = outcomes.right_at(even, half - 1, weights)
    assert outcomes.spent_at(ours, level, weights)[0] < 0.7 * half / replays.BATCHES
    assert ours.lost[upworthy.CHOSEN].sum() < 0.5 * even.whole.sum()


def test_a_test_that_stops_is_right_as_often_as_it_says(tests: HeadlineTests) -> None:
    rates = np.random.default_rng(5).permutation(made(800, seed=3, impressions=10**6).rates)
    present, budget = rates > 0, np.full(len(rates), 20_000)
    course = replays.replay(rates, present, budget, OURS, np.random.default_rng(0))
    at = replays.stopped(course, np.full(replays.BATCHES, 0.8)), np.arange(len(rates))
    early = at[0] < replays.BATCHES - 1
    assert course.right[at][early].mean() == pytest.approx(course.chance[at][early].mean(), abs=0.04)
    assert course.chance[at][early].min() >= 0.8


def test_impressions_are_read_where_the_curve_reaches_the_level() -> None:
    right = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    spent = np.array([[10.0, 10.0], [20.0, 20.0], [40.0, 60.0]])
    curve = outcomes.Outcomes(right, spent, spent, np.array([40.0, 60.0]))
    np.testing.assert_allclose(outcomes.spent_at(curve, np.array([0.25, 0.5]), np.ones((2, 2))), [0.3, 0.4])
    assert outcomes.spent_at(curve, np.array([1.5]), np.ones((1, 2)))[0] == np.inf


def test_resamples_begin_with_what_there_is() -> None:
    weights = outcomes.resampled(7, np.random.default_rng(0))
    np.testing.assert_array_equal(weights[0], 1)
    np.testing.assert_array_equal(weights.sum(axis=1), 7)


def errors_of_one_length(rates: Floats, threshold: float, length: int) -> list[tuple[float, float]]:
    """Both errors at each number of clicks that graduates, by drawing."""
    clicks = np.random.default_rng(0).binomial(length, rates, (4000, len(rates)))
    good, bad = rates >= 1.5 * threshold, rates <= 0.75 * threshold
    return [
        (float((clicks[:, good] < needed).mean()), float((clicks[:, bad] >= needed).mean()))
        for needed in range(int(1.6 * length * threshold) + 2)
    ]


def test_one_length_is_the_shortest_with_errors_no_larger() -> None:
    rates = np.array([[0.04, 0.03, 0.012], [0.035, 0.02, 0.01]])
    few = HeadlineTests(rates * 1000, np.full((2, 3), 1000.0), np.zeros(2, np.int64))
    allowed, weights = (np.array([0.05]), np.array([0.05])), np.ones((1, 2))
    found = int(trials.one_length(few, 0.02, 5000, allowed, weights)[0])
    there = errors_of_one_length(few.rates.ravel(), 0.02, found)
    shorter = errors_of_one_length(few.rates.ravel(), 0.02, int(0.8 * found))
    assert any(missed <= 0.055 and wrong <= 0.055 for missed, wrong in there)
    assert not any(missed <= 0.045 and wrong <= 0.045 for missed, wrong in shorter)


@pytest.mark.parametrize("last", [0.5, trials.CONFIDENCE])
def test_the_trial_rule_keeps_its_promises(last: float) -> None:
    rng = np.random.default_rng(4)
    rates = np.clip(rng.beta(*RATE, (800, 2)), 1e-4, None)
    drawn = HeadlineTests(rates * 1e6, np.full(rates.shape, 1e6), np.zeros(len(rates), np.int64))
    found = trials.run_trials(drawn, RATE, trials.looks(0.02), last, rng)
    stopped, graduated = found.errors(np.ones((1, len(rates))))
    assert stopped[0] <= 0.05
    assert graduated[0] <= 0.02
    assert set(found.verdict) == {-1, 1}
    assert found.impressions.max() == trials.looks(0.02)[-1] == 2000


def test_narrowing_limits_decide_sooner() -> None:
    drawn = made(300, seed=8)
    narrow, fixed = (
        trials.run_trials(drawn, RATE, trials.looks(0.02), last, np.random.default_rng(0)).impressions.mean()
        for last in (0.5, trials.CONFIDENCE)
    )
    assert narrow < 0.7 * fixed


def test_looks_grow_by_a_quarter_up_to_the_last() -> None:
    at = trials.looks(0.02)
    assert (at[0], at[-1]) == (50, 2000)
    assert np.all(np.diff(at) > 0)
    assert np.all(at[1:] / at[:-1] <= 1.26)
