"""Real headline tests: impressions and clicks of the arms of randomised experiments, 2013-2015.

Source: the Upworthy Research Archive, exploratory split (Matias et al., Scientific Data 2021). A test counts when it
- ran outside the weeks 201325 to 201402, when randomisation was broken,
- has two arms or more with impressions, and a click,
- and its arms' impressions are as equal as chance makes them (chi-squared test, p >= .001), as they were meant to be.
Settings are chosen on one half of the tests, on which a quarter of all tests serves to fit priors and another to
choose; what is reported comes from the other half, with priors fitted on all of the first. Halves and quarters
follow from a hash of the test's id.
"""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from scipy.stats import chi2

from fairshot.algorithms.arguments import Bools, Floats, Ints
from fairshot.algorithms.best_arm import ArmPrior, fit_arm_prior
from fairshot.algorithms.beta_bandit import fit_beta_prior
from fairshot.reproductions.figure import data_set

FOLDER, FILE = "upworthy", "upworthy.parquet"
COLUMNS = ("clickability_test_id", "test_week", "impressions", "clicks")
BROKEN_WEEKS = (201325, 201402)
MISMATCH = 1e-3


@dataclass(frozen=True, slots=True)
class HeadlineTests:
    """Counts of arms [tests, arms], zero where a test has fewer arms, and a lot of each test within [0, 4)."""

    clicks: Floats
    impressions: Floats
    lot: Ints

    @property
    def present(self) -> Bools:
        """Which arms there are [tests, arms]."""
        return self.impressions > 0

    @property
    def rates(self) -> Floats:
        """Clicks over impressions [tests, arms], zero where there is no arm."""
        return np.divide(self.clicks, self.impressions, out=np.zeros_like(self.clicks), where=self.present)

    @property
    def budget(self) -> Ints:
        """Impressions of each test [tests]."""
        return np.asarray(self.impressions.sum(axis=1), np.int64)

    def take(self, rows: Bools) -> "HeadlineTests":
        """Some of the tests."""
        return HeadlineTests(self.clicks[rows], self.impressions[rows], self.lot[rows])


@dataclass(frozen=True, slots=True)
class Priors:
    """What other tests tell of an arm: a Beta prior of all rates alike, and one that knows of tests' levels."""

    rate: tuple[float, float]
    arm: ArmPrior


def load(data: Path | None) -> HeadlineTests:
    """Read the tests that count; ``MissingData`` where they are not there."""
    table = parquet.read_table(data_set(data, FOLDER, FILE) / FILE, columns=list(COLUMNS))
    ids = np.array(table["clickability_test_id"].to_pylist())
    week, shown, clicked = (table[name].to_numpy() for name in COLUMNS[1:])
    sound = ((week < BROKEN_WEEKS[0]) | (week > BROKEN_WEEKS[1])) & (shown > 0)
    names, test = np.unique(ids[sound], return_inverse=True)
    size = np.bincount(test)
    order = np.argsort(test, kind="stable")
    place = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
    impressions, clicks = np.zeros((2, len(names), size.max()))
    impressions[test[order], place] = shown[sound][order]
    clicks[test[order], place] = clicked[sound][order]
    lot = np.array([blake2b(name.encode(), digest_size=1).digest()[0] % 4 for name in names])
    counts = (size >= 2) & (clicks.sum(axis=1) > 0) & (mismatch(impressions) >= MISMATCH)
    return HeadlineTests(clicks, impressions, lot).take(counts)


def mismatch(impressions: Floats) -> Floats:
    """Chance [tests] of arms as unequal in impressions as these, had they been shown equally often."""
    present = impressions > 0
    arms = present.sum(axis=1)
    even = impressions.sum(axis=1) / arms
    gap = np.where(present, impressions - even[:, None], 0)
    return np.asarray(chi2.sf((gap**2).sum(axis=1) / even, np.maximum(arms - 1, 1)))


def fit_priors(tests: HeadlineTests) -> Priors:
    """Fit both priors on tests that are not replayed."""
    there = tests.present
    rate = fit_beta_prior(tests.clicks[there], tests.impressions[there])
    return Priors(rate, fit_arm_prior(tests.clicks, tests.impressions))


def to_choose_by(tests: HeadlineTests) -> tuple[HeadlineTests, Priors]:
    """The quarter that settings are chosen by, and priors from the other quarter of the same half."""
    return tests.take(tests.lot == 1), fit_priors(tests.take(tests.lot == 0))


def to_report(tests: HeadlineTests) -> tuple[HeadlineTests, Priors]:
    """The half that is reported, and priors from the half that settings were chosen on."""
    return tests.take(tests.lot >= 2), fit_priors(tests.take(tests.lot < 2))
