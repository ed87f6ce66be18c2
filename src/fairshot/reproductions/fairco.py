"""FairCo and IPS on the simulated news feed: readers of two leanings, articles of two groups.

Articles have a polarity in [-1, 1] and belong to the group of its sign. A reader has a leaning and an
openness; an article is relevant with probability exp(-(leaning - polarity)^2 / (2 openness^2)) and, at rank
k, examined with probability 1 / log2(1 + k). Polarities are drawn N(0, 0.45), as the published ones cannot
be had.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairshot.algorithms.exposure_disparity import group_totals, overall_disparity
from fairshot.algorithms.fairco import fairco_error, fairco_order
from fairshot.algorithms.ranked_hits import discounts
from fairshot.reproductions.figure import Figure, at_least, at_most

Floats = NDArray[np.float64]
Policy = Literal["naive", "relevance", "impact", "exposure"]

SOURCE = "Morik et al., SIGIR 2020; simulation with synthetic polarities"
ARTICLES = 30
SETTLED = 500
"""Rounds after which the controller must have the disparity in hand."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one simulated feed came to: ranking quality, unfairness, and how well relevance was estimated."""

    ndcg: float
    exposure: float
    impact: float
    ips_error: float
    naive_error: float
    scaled_disparity: Floats


def simulate(policy: Policy, seed: int, rounds: int = 3000, strength: float = 0.01) -> Outcome:
    """Run one feed: the ranking policy sees only clicks and examination; the outcome is judged on the truth.

    naive ranks by click rate, relevance by IPS, impact and exposure add FairCo's boost on that disparity.
    `scaled_disparity` [rounds] is the round number times the impact disparity as the policy itself sees it.
    """
    rng = np.random.default_rng(seed)
    polarity = np.clip(rng.normal(0, 0.45, ARTICLES), -1, 1)
    groups = (polarity > 0).astype(np.int64)
    truth = _relevance(polarity, *_readers(50_000, rng)).mean(axis=0)
    relevant = rng.random((rounds, ARTICLES)) < _relevance(polarity, *_readers(rounds, rng))
    chance = rng.random((rounds, ARTICLES))
    weights = discounts(ARTICLES)
    clicks, weighted, exposure = np.ones(ARTICLES), np.ones(ARTICLES), np.zeros(ARTICLES)
    quality, scaled = np.empty(rounds), np.empty(rounds)
    for past in range(rounds):
        estimate = weighted / (past + 1)
        merit, impact = group_totals(estimate, groups, 2), group_totals(clicks, groups, 2)
        scaled[past] = overall_disparity(impact, merit)
        score = clicks / (past + 1) if policy == "naive" else estimate
        received = group_totals(exposure, groups, 2) if policy == "exposure" else impact
        boost = strength if policy in ("impact", "exposure") else 0.0
        order = fairco_order(score, groups, fairco_error(received, merit), boost)
        examined = np.empty(ARTICLES)
        examined[order] = weights
        clicked = relevant[past] & (chance[past] < examined)
        clicks += clicked
        weighted += clicked / examined
        exposure += examined
        quality[past] = _ndcg(relevant[past][order], weights)
    merit = group_totals(truth, groups, 2) * rounds
    return Outcome(
        ndcg=float(quality.mean()),
        exposure=overall_disparity(group_totals(exposure, groups, 2), merit),
        impact=overall_disparity(group_totals(clicks, groups, 2), merit),
        ips_error=float(np.abs(weighted / rounds - truth).mean()),
        naive_error=float(np.abs(clicks / rounds - truth).mean()),
        scaled_disparity=scaled,
    )


def figures(data: Path | None = None, trials: int = 100, rounds: int = 3000) -> list[Figure]:
    """Recompute FairCo's figures and those of IPS, as means over trials; no data set is needed."""
    del data
    runs = {policy: [simulate(policy, seed, rounds) for seed in range(trials)] for policy in _POLICIES}
    impact = {policy: float(np.mean([run.impact for run in done])) for policy, done in runs.items()}
    ndcg = {policy: float(np.mean([run.ndcg for run in done])) for policy, done in runs.items()}
    scaled = np.mean([run.scaled_disparity for run in runs["impact"]], axis=0)[SETTLED:].max()
    loss = 1 - ndcg["impact"] / ndcg["relevance"]
    ips = float(np.mean([run.ips_error for run in runs["relevance"]]))
    naive = float(np.mean([run.naive_error for run in runs["relevance"]]))
    return [
        at_most("FairCo: impact disparity", impact["impact"], 0.01, SOURCE),
        at_least("FairCo: impact disparity without control", impact["relevance"], 0.04, SOURCE),
        at_most("FairCo: share of uncontrolled disparity", impact["impact"] / impact["relevance"], 0.15, SOURCE),
        at_most("FairCo: loss of NDCG", loss, 0.01, SOURCE),
        at_most("FairCo: rounds times disparity, after round 500", float(scaled), 6.0, SOURCE),
        at_most("IPS: mean absolute error of relevance", ips, 0.02, SOURCE),
        at_least("IPS: the same error of raw click rates", naive, 0.2, SOURCE),
    ]


_POLICIES: tuple[Policy, ...] = ("relevance", "impact")


def _readers(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    side = rng.choice([-0.5, 0.5], count)
    return np.clip(rng.normal(side, 0.2), -1, 1), rng.uniform(0.05, 0.55, count)


def _relevance(polarity: Floats, leaning: Floats, openness: Floats) -> Floats:
    apart = (leaning[:, None] - polarity) / openness[:, None]
    return np.asarray(np.exp(-(apart**2) / 2))


def _ndcg(relevant: NDArray[np.bool_], weights: Floats) -> float:
    """NDCG of a whole ranking; a reader to whom nothing is relevant counts as fully served."""
    found = int(relevant.sum())
    return float(relevant @ weights / weights[:found].sum()) if found else 1.0
