"""Fame: whether trials treat twins alike, one by a famous and one by an unknown creator (`fairshot.town.twins`).

    from fairshot.town.fame import measured
    measured(range(901, 906))  # about two minutes a town

Within a pair nothing but the creator tells which is which, so where fame plays no part, either is as likely to have
got what the other got: tests swap them by lot. That a test finds nothing proves little, so each figure comes with the
difference that would have been found with 80 % probability, and with whether a difference that matters is ruled out.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
from scipy.special import bdtr, stdtrit

from fairshot.core.arrays import Floats, Ints
from fairshot.core.randomness import stream
from fairshot.town.scenarios import Scenario
from fairshot.town.twins import STEPS, Outcome, live, make_twins

MARGIN, POINTS = 0.15, 0.10
"""What would matter: this share of the mean impressions, and this difference in the share that graduates."""
LEVEL, POWER = 0.05, 0.8
TOWN = Scenario(name="twins", days=10, people=1000, creators=90, present=1000, output=0.1)
PAIRS = 60
DRAWS = 4000
Statistic: TypeAlias = Callable[[Floats], float]


def measured(seeds: Iterable[int], scenario: Scenario = TOWN, pairs: int = PAIRS) -> dict[str, float]:
    """Let a town of twins live for each seed, on the real application with its defaults; see `fame_figures`."""
    outcomes = []
    for seed in seeds:
        with TemporaryDirectory(prefix="fairshot-twins-") as folder:
            outcomes.append(live(make_twins(scenario, seed, pairs), Path(folder)))
    return fame_figures(outcomes)


def fame_figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """How far the famous stand from the unknown, over all pairs of several towns that were not merged.

    Of impressions, hours, graduated and stopped (0 or 1): mean of either; difference, famous less unknown, with its
    90 % interval by Student's t, which holds what two one-sided tests at 5 % cannot refute; equivalent: it lies within
    the margin; equivalence: the probability that it would if there were no difference; p: of the mean difference where
    twins are swapped by lot, of shares McNemar's exact test; p of the distribution: of the Kolmogorov-Smirnov distance
    where twins are swapped; detected: the smallest difference that the test at 5 % finds in 80 % of such samples.
    """
    impressions, hours, elsewhere, steps = (
        np.concatenate([getattr(one, name)[~one.merged] for one in outcomes]).astype(np.float64)
        for name in ("impressions", "hours", "elsewhere", "steps")
    )
    rng = stream("fame", str(len(steps)))
    figures = {
        "pairs": float(len(steps)),
        "decided": float((steps != STEPS.index("none")).mean()),
        "elsewhere: famous": float(elsewhere[:, 0].mean()),
        "elsewhere: unknown": float(elsewhere[:, 1].mean()),
    }
    for name, values in (("impressions", impressions), ("hours", hours)):
        told = compared(values, MARGIN * float(values.mean()), rng) | _amounts(values, rng)
        figures |= {f"{name}: {key}": value for key, value in told.items()}
    for name in ("graduated", "stopped"):
        reached = (steps == STEPS.index(name)).astype(np.float64)
        told = compared(reached, POINTS, rng) | _shares(reached, rng)
        figures |= {f"{name}: {key}": value for key, value in told.items()}
    return figures


def _amounts(values: Floats, rng: np.random.Generator) -> dict[str, float]:
    return {
        "p": swapped(values, _mean_distance, rng),
        "p of the distribution": swapped(values, _distance, rng),
        "detected": detected(values[:, 0] - values[:, 1], rng),
    }


def _shares(values: Floats, rng: np.random.Generator) -> dict[str, float]:
    differences = values[:, 0] - values[:, 1]
    p = mcnemar(np.array((differences > 0).sum()), np.array((differences < 0).sum()))
    return {"p": float(p), "detected": detected_share(values, rng)}


def compared(values: Floats, margin: float, rng: np.random.Generator) -> dict[str, float]:
    """Means, the difference with its 90 % interval, whether that lies within the margin, and how likely it would.

    values: (m, 2). The likelihood: over samples of the differences, centred, drawn with replacement.
    """
    differences = values[:, 0] - values[:, 1]
    mean, reach = differences.mean(), _reach(differences[None])[0]
    drawn = _samples(differences, rng)
    within = np.abs(drawn.mean(axis=1)) + _reach(drawn) < margin
    return {
        "famous": float(values[:, 0].mean()),
        "unknown": float(values[:, 1].mean()),
        "difference": float(mean),
        "low": float(mean - reach),
        "high": float(mean + reach),
        "margin": margin,
        "equivalent": float(abs(mean) + reach < margin),
        "equivalence": float(within.mean()),
    }


def _reach(samples: Floats) -> Floats:
    """Half the 90 % interval of the mean of each row, (draws, m)."""
    m = samples.shape[1]
    return np.asarray(stdtrit(m - 1, 1 - LEVEL) * samples.std(axis=1, ddof=1) / np.sqrt(m))


def _samples(differences: Floats, rng: np.random.Generator) -> Floats:
    """Samples as large as this one, in which there is no difference: float64 (draws, m)."""
    m = len(differences)
    return np.asarray((differences - differences.mean())[rng.integers(0, m, (DRAWS, m))])


def swapped(values: Floats, statistic: Statistic, rng: np.random.Generator) -> float:
    """Probability of a statistic at least as large where twins are swapped by lot; values (m, 2).

    Exact for any sample: (1 + as large) / (1 + draws).
    """
    found, larger = statistic(values), 0
    for _ in range(DRAWS):
        swap = rng.random(len(values)) < 0.5
        larger += statistic(np.where(swap[:, None], values[:, ::-1], values)) >= found - 1e-12
    return (1 + larger) / (1 + DRAWS)


def _mean_distance(values: Floats) -> float:
    return float(abs((values[:, 0] - values[:, 1]).mean()))


def _distance(values: Floats) -> float:
    """Kolmogorov-Smirnov: the largest distance of the two distributions."""
    famous, unknown = np.sort(values, axis=0).T
    at = np.concatenate([famous, unknown])
    found = np.searchsorted(famous, at, side="right") - np.searchsorted(unknown, at, side="right")
    return float(np.abs(found).max() / len(values))


def mcnemar(first: Ints, second: Ints) -> Floats:
    """Exact p, two-sided, that of first + second pairs that differ either has its half."""
    both = first + second
    return np.asarray(np.minimum(2 * bdtr(np.minimum(first, second), both, 0.5), 1.0))


def detected(differences: Floats, rng: np.random.Generator) -> float:
    """The smallest shift of differences (m,) that Student's two-sided test at 5 % finds in 80 % of samples."""
    drawn = _samples(differences, rng)
    m = len(differences)
    reach = stdtrit(m - 1, 1 - LEVEL / 2) * drawn.std(axis=1, ddof=1) / np.sqrt(m)
    # A shift is found in a sample when it lifts its mean above that sample's reach.
    return float(np.quantile(reach - drawn.mean(axis=1), POWER))


def detected_share(values: Floats, rng: np.random.Generator) -> float:
    """The smallest difference of shares that McNemar's exact test at 5 % finds in 80 % of samples; values (m, 2).

    As many pairs differ as here; at most that many can.
    """
    m, differ = len(values), float((values[:, 0] != values[:, 1]).mean())
    for difference in np.arange(0.01, differ, 0.005):
        first, second, _ = rng.multinomial(
            m, [(differ + difference) / 2, (differ - difference) / 2, 1 - differ], DRAWS
        ).T
        if (mcnemar(first, second) < LEVEL).mean() >= POWER:
            return float(difference)
    return float("nan")
