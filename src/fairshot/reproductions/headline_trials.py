"""Arms of real tests as single trials: whether an arm reaches its category's baseline, and how soon that is known.

The baseline, the threshold of the trial, is the mean of the prior fitted on other tests. An arm's rate is clicks over
impressions; impressions are Bernoulli draws at it. Arms of at least 1.5 times the baseline are truly good, those of
at most .75 times it truly bad; of those between neither verdict is an error. The trial looks after a number of
impressions that grows by a quarter each time, from one click expected at the baseline to `CLICKS` expected. At each
look `decision_rule.decide` judges; at the last one the likelier verdict is taken. The limits of the chance are either
fixed (.05 and .95) or narrow to .5 as impressions are spent.

The comparison is a trial of one length for every arm, judged once: of all lengths and all numbers of clicks that
graduate, the shortest whose two errors are no larger. Its errors are exact (binomial), not simulated.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

from fairshot.algorithms.arguments import Bools, Floats, Ints
from fairshot.algorithms.best_arm import falling_confidence
from fairshot.algorithms.beta_bandit import posterior
from fairshot.algorithms.decision_rule import EXPAND, GRADUATE, STOP, decide
from fairshot.reproductions.headline_tests import HeadlineTests

GOOD, BAD = 1.5, 0.75
CLICKS = 40
GROWTH = 1.25
CONFIDENCE = 0.95
LENGTHS = 48


@dataclass(frozen=True, slots=True)
class Trials:
    """Verdicts and impressions [arms] of trials; which test each arm is of; whether it is truly good or bad."""

    verdict: Ints
    impressions: Floats
    test: Ints
    good: Bools
    bad: Bools

    def errors(self, weights: Floats) -> tuple[Floats, Floats]:
        """Share of the good that were stopped and of the bad that graduated [resamples]."""
        weight = weights[:, self.test]
        stopped, graduated = self.verdict == STOP, self.verdict == GRADUATE
        return _share(weight, stopped, self.good), _share(weight, graduated, self.bad)

    def length(self, weights: Floats) -> Floats:
        """Mean impressions to a decision [resamples]."""
        weight = weights[:, self.test]
        return np.asarray(weight @ self.impressions / weight.sum(axis=1))


def looks(baseline: float, clicks: float = CLICKS, growth: float = GROWTH) -> Ints:
    """After how many impressions a trial looks: from one click expected at the baseline to `clicks`."""
    steps = int(np.ceil(np.log(clicks) / np.log(growth)))
    return np.asarray(np.ceil(np.minimum(growth ** np.arange(steps + 1), clicks) / baseline), np.int64)


def run_trials(
    tests: HeadlineTests, prior: tuple[float, float], at: Ints, last: float, rng: np.random.Generator
) -> Trials:
    """Try every arm; the confidence falls from .95 to `last` (.95: fixed limits)."""
    there, threshold = tests.present, prior[0] / sum(prior)
    rates, test = tests.rates[there], np.nonzero(there)[0]
    verdict, clicks, shown = np.zeros(len(rates), np.int64), np.zeros(len(rates)), np.zeros(len(rates))
    for more, upto in zip(np.diff(at, prepend=0), at, strict=True):
        going = verdict == EXPAND
        clicks[going] += rng.binomial(int(more), rates[going])
        shown[going] = upto
        limit = 0.5 if upto == at[-1] else float(falling_confidence(upto / at[-1], CONFIDENCE, last))
        judged = decide(*posterior(clicks, shown, prior), threshold, 1 - limit, limit, min_trials=0)
        verdict = np.where(going, judged, verdict)
    verdict[verdict == EXPAND] = GRADUATE
    return Trials(verdict, shown, test, rates >= GOOD * threshold, rates <= BAD * threshold)


def one_length(
    tests: HeadlineTests, threshold: float, longest: int, errors: tuple[Floats, Floats], weights: Floats
) -> Floats:
    """Impressions [resamples] of the shortest trial of one length with errors [resamples] no larger; else inf."""
    there = tests.present
    rates, test = tests.rates[there], np.nonzero(there)[0]
    good, bad = rates >= GOOD * threshold, rates <= BAD * threshold
    shortest = np.full(len(weights), np.inf)
    for length in np.unique(np.geomspace(longest / 10, longest, LENGTHS).astype(np.int64))[::-1]:
        needed = np.arange(max(int(0.6 * length * threshold), 1), int(1.6 * length * threshold) + 2)
        enough = np.ones((len(weights), len(needed)), np.bool_)
        for kind, allowed in ((good, errors[0]), (bad, errors[1])):
            below = bdtr(needed - 1.0, int(length), rates[kind][:, None])
            weight = weights[:, test[kind]]
            wrong = weight @ (1 - below if kind is bad else below)
            enough &= wrong <= (allowed * weight.sum(axis=1))[:, None]
        shortest[enough.any(axis=1)] = length
    return shortest


def _share(weight: Floats, marked: Bools, among: Bools) -> Floats:
    return np.asarray(weight[:, marked & among].sum(axis=1) / np.maximum(weight[:, among].sum(axis=1), 1))
