"""FairCo and IPS on the simulated news feed: readers of two leanings, articles of two groups.

Articles have a polarity in [-1, 1] and belong to the group of its sign. A reader has a leaning and an
openness; an article is relevant with probability exp(-(leaning - polarity)^2 / (2 openness^2)) and, at rank
k, examined with probability 1 / log2(1 + k). Polarities are drawn N(0, 0.45), as the published ones cannot
be had.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fairshot.algorithms.exposure_disparity import MERIT_FLOOR
from fairshot.algorithms.ranked_hits import discounts
from fairshot.reproductions.figure import Figure, at_least, at_most, near

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Policy = Literal["naive", "relevance", "impact", "exposure"]

POLICIES: tuple[Policy, ...] = ("naive", "relevance", "impact", "exposure")
SOURCE = "Morik et al., SIGIR 2020; simulation with synthetic polarities"
REFERENCE: dict[Policy, tuple[float, float, float]] = {
    "naive": (0.6887, 0.1717, 0.0701),
    "exposure": (0.6936, 0.0196, 0.0200),
}
"""NDCG, exposure and impact disparity of an independent simulation of 20 trials."""
REFERENCE_TRIALS = 20
ARTICLES = 30
TRIALS = 400
BATCH = 50
"""Trials that advance together."""
SETTLED = 500
"""Rounds after which the controller must have the disparity in hand."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What simulated feeds came to, one value a trial: quality, unfairness, and how well relevance was estimated.

    `scaled_disparity` [trials, rounds] is the round number times the impact disparity as the policy itself sees it.
    """

    ndcg: Floats
    exposure: Floats
    impact: Floats
    ips_error: Floats
    naive_error: Floats
    scaled_disparity: Floats


class Drawn(NamedTuple):
    """One trial: groups and true mean relevance [items], who finds what relevant and luck [rounds, items]."""

    groups: Ints
    truth: Floats
    relevant: NDArray[np.bool_]
    chance: Floats


def simulate(policy: Policy, seeds: Sequence[int], rounds: int = 3000, strength: float = 0.01) -> Outcome:
    """Run one feed for each seed, all side by side; a policy sees clicks and examination only, the truth judges it.

    naive ranks by click rate, relevance by IPS, impact and exposure add FairCo's boost on that disparity.
    """
    drawn = [_draw(np.random.default_rng(seed), rounds) for seed in seeds]
    groups, truth = np.stack([one.groups for one in drawn]), np.stack([one.truth for one in drawn])
    relevant, chance = np.stack([one.relevant for one in drawn]), np.stack([one.chance for one in drawn])
    rows, shape, weights = np.arange(len(seeds))[:, None], groups.shape, discounts(ARTICLES)
    clicks, weighted, exposure = np.ones(shape), np.ones(shape), np.zeros(shape)
    quality, scaled = np.empty((len(seeds), rounds)), np.empty((len(seeds), rounds))
    for past in range(rounds):
        estimate = weighted / (past + 1)
        impact = per_merit(clicks, estimate, groups)
        scaled[:, past] = gap(impact)
        score = clicks / (past + 1) if policy == "naive" else estimate
        if policy in ("impact", "exposure"):
            received = per_merit(exposure, estimate, groups) if policy == "exposure" else impact
            score = score + strength * behind(received, groups)
        order = np.argsort(-score, axis=1, kind="stable")
        examined = np.empty(shape)
        examined[rows, order] = weights
        clicked = relevant[:, past] & (chance[:, past] < examined)
        clicks += clicked
        weighted += clicked / examined
        exposure += examined
        quality[:, past] = _ndcg(relevant[:, past][rows, order], weights)
    return Outcome(
        ndcg=quality.mean(axis=1),
        exposure=gap(per_merit(exposure, truth * rounds, groups)),
        impact=gap(per_merit(clicks, truth * rounds, groups)),
        ips_error=np.abs(weighted / rounds - truth).mean(axis=1),
        naive_error=np.abs(clicks / rounds - truth).mean(axis=1),
        scaled_disparity=scaled,
    )


def per_merit(received: Floats, merit: Floats, groups: Ints) -> Floats:
    """Give what `received_per_merit` gives for the `group_totals` of two groups, for many trials at once.

    Shapes: received, merit and groups (0 or 1) [trials, items] -> [trials, 2].
    """
    cells = (2 * np.arange(len(groups))[:, None] + groups).ravel()
    totals, merits = (np.bincount(cells, part.ravel(), 2 * len(groups)) for part in (received, merit))
    return np.asarray(totals / np.maximum(merits, MERIT_FLOOR)).reshape(-1, 2)


def gap(ratio: Floats) -> Floats:
    """Give the `overall_disparity` of two groups, for many trials at once: [trials, 2] -> [trials]."""
    return np.asarray(np.abs(ratio[:, 0] - ratio[:, 1]))


def behind(ratio: Floats, groups: Ints) -> Floats:
    """Give each item the `fairco_error` of its group, for many trials at once: [trials, 2] -> [trials, items]."""
    error = ratio.max(axis=1, keepdims=True) - ratio
    return np.take_along_axis(error, groups, axis=1)


def trials_of(policy: Policy, trials: int, rounds: int) -> Outcome:
    """Simulate the seeds 0 .. trials - 1 in batches."""
    batches = [range(first, min(first + BATCH, trials)) for first in range(0, trials, BATCH)]
    done = [simulate(policy, batch, rounds) for batch in batches]
    return Outcome(*(np.concatenate([getattr(one, name) for one in done]) for name in Outcome.__slots__))


def figures(data: Path | None = None, trials: int = TRIALS, rounds: int = 3000) -> list[Figure]:
    """Recompute FairCo's figures and those of IPS, as means over trials; no data set is needed."""
    del data
    runs = {policy: trials_of(policy, trials, rounds) for policy in POLICIES}
    plain, held = runs["relevance"], runs["impact"]
    scaled = held.scaled_disparity[:, SETTLED:]
    highest = scaled.max(axis=1)
    worst = scaled[:, scaled.mean(axis=0).argmax()]
    share, share_error = _ratio(held.impact, plain.impact)
    kept, kept_error = _ratio(held.ndcg, plain.ndcg)
    return [
        at_most("FairCo: impact disparity", held.impact.mean(), 0.01, _source(held.impact)),
        at_least("FairCo: impact disparity without control", plain.impact.mean(), 0.04, _source(plain.impact)),
        at_most("FairCo: share of uncontrolled disparity", share, 0.15, _said(trials, share_error)),
        at_most("FairCo: loss of NDCG", 1 - kept, 0.01, _said(trials, kept_error)),
        at_most(
            "FairCo: rounds times disparity, mean over trials, its maximum after round 500",
            worst.mean(),
            6.0,
            _source(worst),
        ),
        Figure(
            "FairCo: rounds times disparity, maximum of each trial after round 500, mean over trials",
            float(highest.mean()),
            "reported",
            0.0,
            f"{_source(highest)}; how far a single feed strays at its worst moment; {np.mean(highest < 6):.1%} of the "
            f"trials stay below 6",
            holds=True,
        ),
        at_most("IPS: mean absolute error of relevance", plain.ips_error.mean(), 0.02, _source(plain.ips_error)),
        at_least("IPS: the same error of raw click rates", plain.naive_error.mean(), 0.2, _source(plain.naive_error)),
        *_beside_reference("naive ranking", runs["naive"], REFERENCE["naive"]),
        *_beside_reference("FairCo on exposure", runs["exposure"], REFERENCE["exposure"]),
    ]


def _beside_reference(name: str, found: Outcome, reference: tuple[float, float, float]) -> list[Figure]:
    """NDCG and both disparities; the tolerance is two standard errors of the difference of the two means."""
    columns = {"NDCG": found.ndcg, "exposure disparity": found.exposure, "impact disparity": found.impact}
    figures = []
    for (label, values), target in zip(columns.items(), reference, strict=True):
        spread = values.std(ddof=1)
        tolerance = 2 * spread * math.sqrt(1 / REFERENCE_TRIALS + 1 / len(values))
        source = (
            f"{_source(values)}; the target is the mean of {REFERENCE_TRIALS} trials of an independent simulation, the "
            f"tolerance two standard errors of the difference"
        )
        figures.append(near(f"{name}: {label}", values.mean(), target, tolerance, source))
    return figures


def _ratio(part: Floats, whole: Floats) -> tuple[float, float]:
    """Ratio of two means over the same trials, and its standard error by the delta method."""
    ratio = part.mean() / whole.mean()
    return float(ratio), _standard_error(part - ratio * whole) / float(whole.mean())


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def _source(values: Floats) -> str:
    return _said(len(values), _standard_error(values))


def _said(trials: int, error: float) -> str:
    return f"{SOURCE}; {trials} trials, standard error {error:.2g}"


def _draw(rng: np.random.Generator, rounds: int) -> Drawn:
    polarity = np.clip(rng.normal(0, 0.45, ARTICLES), -1, 1)
    truth = _relevance(polarity, *_readers(50_000, rng)).mean(axis=0)
    relevant = rng.random((rounds, ARTICLES)) < _relevance(polarity, *_readers(rounds, rng))
    return Drawn((polarity > 0).astype(np.int64), truth, relevant, rng.random((rounds, ARTICLES)))


def _readers(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    side = rng.choice([-0.5, 0.5], count)
    return np.clip(rng.normal(side, 0.2), -1, 1), rng.uniform(0.05, 0.55, count)


def _relevance(polarity: Floats, leaning: Floats, openness: Floats) -> Floats:
    apart = (leaning[:, None] - polarity) / openness[:, None]
    return np.asarray(np.exp(-(apart**2) / 2))


def _ndcg(relevant: NDArray[np.bool_], weights: Floats) -> Floats:
    """NDCG of whole rankings [trials, items]; a reader to whom nothing is relevant counts as fully served."""
    found = relevant.sum(axis=1)
    best = np.cumsum(weights)[np.maximum(found, 1) - 1]
    return np.where(found > 0, relevant @ weights / best, 1.0)
