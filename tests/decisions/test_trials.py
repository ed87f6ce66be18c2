"""Decisions on trials: what evidence allows, who comes next, and an audience that nobody expected."""

import numpy as np
import pytest

from fairshot.core.trial import CELLS, Trials, TrialState
from fairshot.core.trial_posterior import Posterior, successes
from fairshot.decisions.trials import (
    admitted,
    fit_priors,
    judge,
    looks,
    rates_of,
    sentence,
    tier_rates,
)

AT_ONCE = 3
RULES = Trials()
PRIOR = (2.0, 18.0)


def judged(likes: list[int], shown: list[int], state: int = TrialState.TESTING) -> list[int]:
    won, tried = np.array(likes, float), np.array(shown, float)
    posterior = Posterior(PRIOR[0] + won, PRIOR[1] + tried - won, np.full(len(likes), 0.1), tried)
    steps: list[int] = judge(posterior, tried * 0.1 / RULES.likes, np.full(len(likes), state), RULES).step.tolist()
    return steps


def test_evidence_decides_and_too_little_does_not() -> None:
    assert judged([10, 0, 2, 6, 0], [30, 60, 30, 45, 0]) == [
        TrialState.GRADUATED,
        TrialState.STOPPED,
        TrialState.TESTING,
        TrialState.EXPANDING,
        TrialState.TESTING,
    ]


def test_no_trial_is_endless() -> None:
    """When the impressions of a trial are spent, the likelier side is taken."""
    assert judged([61, 59], [600, 600], TrialState.EXPANDING) == [TrialState.GRADUATED, TrialState.STOPPED]


def test_looks_are_a_quarter_apart() -> None:
    seen = looks(np.arange(40), RULES)
    assert seen[:10].tolist() == [0] * 10
    assert sorted(set(seen.tolist())) == [0, 10, 13, 16, 20, 25, 31, 39]
    assert (seen <= np.arange(40)).all()
    assert (np.diff(seen) >= 0).all()


def test_impressions_count_by_position_and_by_tier() -> None:
    """One looked at half as often, or by people who like half as much, tells half as much."""
    shown, liked = np.zeros((2, CELLS), int), np.zeros((2, CELLS), int)
    shown[0, 2], shown[1, 3] = 40, 40
    tiers = np.array([0.2, 0.1, 0.05, 0.2])
    won, tried = successes(shown, liked, RULES, tiers)
    assert won.tolist() == [0, 0]
    assert tried.tolist() == pytest.approx([40 * RULES.examination[2], 40 * 0.5])


def test_priors_tell_categories_and_tiers_apart() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(400) % 2
    rate = np.where(label == 0, 0.05, 0.2)[:, None] * np.array([1.0, 0.5])
    shown, liked = np.zeros((400, CELLS), int), np.zeros((400, CELLS), int)
    shown[:, 0], shown[:, 3] = 60, 40
    liked[:, 0], liked[:, 3] = rng.binomial(60, rate[:, 0]), rng.binomial(40, rate[:, 1])
    found = fit_priors(shown, liked, label, RULES)
    assert found is not None
    assert found.tiers[1] / found.tiers[0] == pytest.approx(0.5, abs=0.1)
    means = {row: a / (a + b) for row, a, b in found.labels}
    assert means == pytest.approx({0: 0.05, 1: 0.2}, abs=0.01)
    assert fit_priors(shown[:10], liked[:10], label[:10], RULES) is None


def test_tiers_are_compared_item_by_item() -> None:
    """Strangers who are asked of the worst items alone are not held to like less than they do."""
    rng = np.random.default_rng(0)
    rate, asked = np.repeat([0.3, 0.06], 300), np.repeat([5, 60], 300)
    shown, liked = np.zeros((600, CELLS), int), np.zeros((600, CELLS), int)
    shown[:, 0], shown[:, 6] = 60, asked
    liked[:, 0], liked[:, 6] = rng.binomial(60, rate), rng.binomial(asked, 0.5 * rate)
    tiers = tier_rates(shown, liked, RULES)
    assert tiers[2] / tiers[0] == pytest.approx(0.5, abs=0.06)
    assert tiers[0] == pytest.approx(0.18, abs=0.01)
    assert liked[:, 6].sum() / shown[:, 6].sum() < 0.3 * tiers[0]
    assert tiers[1] == tiers[3] == tiers[0], "nothing is known of tiers that nobody was asked from"
    shown[:, 3], liked[:, 3] = shown[:, 0], liked[:, 0]
    shown[:, 0] = liked[:, 0] = 0
    tiers = tier_rates(shown, liked, RULES)
    assert tiers[2] < 0.5 * tiers[1], "nobody was asked from the first"


def test_what_came_together_is_admitted_by_lot() -> None:
    none, came, lot = np.zeros(3, int), np.zeros(3, int), np.array([0.7, 0.2, 0.9])
    assert admitted(np.array([1, 2, 3]), (came, lot), (none, none), none, 2, AT_ONCE).tolist() == [1, 0]


def test_admission_takes_turns_among_accounts_whatever_their_number_of_items() -> None:
    account = np.array([7] * 50 + [1, 2, 3])
    came = np.r_[np.arange(50), [100, 101, 102]]
    arrived = came, np.zeros(53)
    none, full = np.zeros(53, int), np.full(50, AT_ONCE)
    chosen = admitted(account, arrived, (none, none), none, 5, AT_ONCE)
    assert account[chosen].tolist() == [3, 2, 1, 7, 7]
    assert came[chosen].tolist() == [102, 101, 100, 49, 48], "the newest first"
    assert len(admitted(account, arrived, (none, none), none, 50, AT_ONCE)) == 3 + AT_ONCE
    assert len(admitted(account[:50], (came[:50], np.zeros(50)), (full, full), none[:50], 50, AT_ONCE)) == 0
    assert len(admitted(account, arrived, (none, none), none, 0, AT_ONCE)) == 0


def test_who_had_trials_lately_waits_for_who_had_none() -> None:
    account, none = np.array([1, 2]), np.zeros(2, int)
    assert admitted(account, (np.array([9, 0]), none), (none, np.array([4, 0])), none, 2, AT_ONCE).tolist() == [1, 0]


def test_past_failures_cost_a_little_and_are_not_for_ever() -> None:
    """Two places at most: whoever failed a hundred times still gets a turn before the third item of anybody."""
    account, arrived = np.array([1, 2, 2, 2]), (np.array([3, 2, 1, 0]), np.zeros(4))
    none = np.zeros(4, int)

    def order(failures: float) -> list[int]:
        return [*map(int, admitted(account, arrived, (none, none), np.array([failures, 0, 0, 0]), 4, AT_ONCE))]

    assert order(100.0) == [1, 2, 0, 3]
    assert order(0.4) == [1, 0, 2, 3]
    assert order(0.0) == [0, 1, 2, 3]


def test_rates_are_corrected_for_position() -> None:
    shown, liked = np.zeros(CELLS, int), np.zeros(CELLS, int)
    shown[2], liked[2] = 100, 10
    surely = rates_of(shown, liked, RULES)[0]
    assert surely[:2] == (100, 10)
    assert surely[2] == pytest.approx(10 / (100 * RULES.examination[2]))
    assert surely[3] < surely[2] < surely[4]


@pytest.mark.parametrize("step", ["testing", "expanding", "graduated", "stopped"])
def test_every_step_has_a_sentence(step: str) -> None:
    said = sentence(step, 40, 3, 0.97, 0.08)
    assert said.endswith(".")
    assert step == "testing" or "3 of the 40 people" in said
