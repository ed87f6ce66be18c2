"""Every figure that needs no data set holds; so do, in the long run, those of long reproductions."""

import os
from pathlib import Path

import pytest

from fairshot.reproductions import discover, diversity
from fairshot.reproductions.figure import MissingData

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
DATA = Path(os.environ.get("FAIRSHOT_SCIENCE_DATA", BESIDE))
QUICK = (
    "backward_rewarding",
    "beta_bandit",
    "dispatch",
    "experiment_statistics",
    "fairrec",
    "off_policy",
    "off_policy_coverage",
    "position_bias",
    "satiation",
)
LONG = (
    "causal",
    "cold_and_warm",
    "cold_citeulike",
    "diversity",
    "fairco",
    "gen",
    "gen_tempered",
    "happiness",
    "labels",
    "latent_bandit",
    "scale",
    "tuning",
    "upworthy",
)
"""Above eight seconds, or with a figure in milliseconds, which a busy machine spoils."""
ELSEWHERE = {"mean_discounted_gain"}
"""Needs films; see test_fairness_figures."""


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.soak) for name in LONG)])
def test_every_figure_holds(name: str) -> None:
    try:
        figures = discover()[name].figures(DATA)
    except MissingData as reason:
        pytest.skip(str(reason))
    assert [figure for figure in figures if not figure.holds] == []


def test_no_reproduction_is_left_out() -> None:
    assert set(QUICK) | set(LONG) | ELSEWHERE == set(discover())


def test_fast_dpp_is_the_greedy_of_determinants() -> None:
    assert diversity.agreement() == diversity.CASES
