"""Tuning of weights: which way to move them so that one overriding measure rises.

Each unit (a person on a day) had its weights multiplied by exp(z), z ~ N(0, sd^2) drawn by lot, and a measure y was
taken of it. Regression of y on z is then causal, and for Gaussian z its slope is the expected gradient of the measure
in the logarithms of the weights whatever the measure's form (Stein's lemma); products of z give the curvature.
Where the measure can be called, as in a simulation, `search_step` finds the same kind of proposal by trying.
Source: Gaussian perturbation of value-model weights by user bucket as practised for feeds; Stein, "Estimation of the
mean of a multivariate normal distribution", Annals of Statistics 1981; clusters: Liang & Zeger, Biometrika 1986; the
search: de Boer et al., "A tutorial on the cross-entropy method", Annals of Operations Research 2005.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from fairshot.algorithms.arguments import Floats, Ints, labels, real, whole, within

LARGEST_STEP = math.log(1.25)
"""A weight changes by at most a quarter at once, upwards or downwards on the logarithmic scale."""
ROWS_OF_A_TERM = 20
"""Curvature is estimated where there are so many people for each term of the regression."""
RIDGE = 1e-3
"""Of each term's own variation: lets collinear terms share what they explain, and shrinks by a thousandth."""


@dataclass(frozen=True, slots=True)
class Response:
    """How the measure answers to log weights, around those in force.

    slope [k]; curvature [k, k], symmetric; covariance [p, p] of slope and the curvature's terms in the order of
    `_terms` (p = k where no curvature was estimated); people: clusters; mean: of the measure.
    """

    slope: Floats
    curvature: Floats
    covariance: Floats
    people: int
    mean: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step in log weights, and why.

    step [k]: 0 where a weight stays; effect, low, high [k]: change of the measure for each unit of log weight with
    simultaneous intervals; gain, gain_low, gain_high: what the whole step is expected to add to the measure.
    """

    step: Floats
    effect: Floats
    low: Floats
    high: Floats
    gain: float
    gain_low: float
    gain_high: float


def estimate_response(factors: ArrayLike, outcome: ArrayLike, person: ArrayLike, day: ArrayLike) -> Response:
    """Regress the measure on perturbations, compared within days, errors clustered by person.

    Formula: y = day + z g + sum_{i <= j} c_ij z_i z_j + e by ridge regression, all columns centred within days;
    covariance = B^-1 (sum_p s_p s_p^T) B^-1 G / (G - 1) (n - 1) / (n - days - p), s_p the sum of x e over a person's
    units. Curvature H_ii = 2 c_ii, H_ij = c_ij; it is 0 with fewer than 20 people a term.
    Shapes: factors [n, k], outcome [n], person [n] and day [n] labels in [0, n). Errors: ValueError for other
    shapes, numbers that are not finite, or fewer units or people than what is to be estimated.

    >>> z = np.array([[-1.0], [1.0], [-1.0], [1.0], [-1.0], [1.0]])
    >>> found = estimate_response(z, 0.5 + 0.1 * z[:, 0], np.arange(6), np.zeros(6, int))
    >>> round(float(found.slope[0]), 3), found.people
    (0.1, 6)
    """
    z = real("factors", factors, (None, None))
    n, k = z.shape
    y = real("outcome", outcome, (n,))
    _, who = np.unique(labels("person", person, n, n), return_inverse=True)
    _, when = np.unique(labels("day", day, n, n), return_inverse=True)
    people, days = int(who.max()) + 1, int(when.max()) + 1
    if min(people, n - days) < k + 2:
        raise ValueError(f"factors of shape {z.shape} are of too few people ({people}) or units to estimate from")
    first, second = _terms(k)
    curved = people >= ROWS_OF_A_TERM * (k + len(first)) and n - days > k + len(first)
    design = np.concatenate([z, z[:, first] * z[:, second]], axis=1) if curved else z
    design, target = _within(design, when, days), _within(y[:, None], when, days)[:, 0]
    coefficients, covariance = _clustered(design, target, who, days)
    curvature = np.zeros((k, k))
    if curved:
        curvature[first, second] += coefficients[k:]
        curvature[second, first] += coefficients[k:]
    return Response(coefficients[:k], curvature, covariance, people, float(y.mean()))


def propose_step(response: Response, confidence: float = 0.95, largest: float = LARGEST_STEP) -> Proposal:
    """The step within a trust region that the estimate supports.

    Only weights move whose simultaneous interval (Bonferroni over k, Student's t by people) excludes zero, so that
    with probability `confidence` nothing moves where nothing matters. Their slopes are shrunk, g (1 - se^2 / g^2);
    the step maximises s g + s H s / 2 over |s_i| <= largest, H without its rising directions.
    Errors: ValueError where confidence is not within [0.5, 1) or largest not within [0, 1].

    >>> sure = Response(np.array([0.2, 0.0]), np.zeros((2, 2)), np.eye(2) * 1e-4, 1000, 0.5)
    >>> propose_step(sure).step.round(3).tolist()
    [0.223, 0.0]
    """
    within("confidence", confidence, 0.5, 1 - 1e-12)
    within("largest", largest, 0, 1)
    k = len(response.slope)
    error = np.sqrt(np.diag(response.covariance)[:k])
    reach = _quantile(1 - (1 - confidence) / k, response.people) * error
    low, high = response.slope - reach, response.slope + reach
    sure = (low > 0) | (high < 0)
    slope = np.where(sure, response.slope - error**2 / np.where(sure, response.slope, 1.0), 0.0)
    step = np.zeros(k)
    if sure.any():
        curvature = _falling(response.curvature[np.ix_(sure, sure)])
        step[sure] = _climb(slope[sure], curvature, largest)
    direction = _direction(step, len(response.covariance))
    gain = float(slope @ step + step @ response.curvature @ step / 2)
    spread = _quantile(confidence, response.people) * math.sqrt(direction @ response.covariance @ direction)
    return Proposal(step, response.slope, low, high, gain, gain - spread, gain + spread)


@dataclass(frozen=True, slots=True)
class Search:
    """How `search_step` spends its trials.

    generations of `population` steps each, the best `elite` of which give the next mean and spread, starting from
    spread `sd` on the logarithmic scale; then `repeats` paired runs to judge what was found.
    """

    sd: float = 0.5
    generations: int = 12
    population: int = 32
    elite: int = 8
    repeats: int = 20


def search_step(
    measure: Callable[[Floats, int], float], kinds: int, rng: np.random.Generator, plan: Search | None = None
) -> Proposal:
    """Find a step by the cross-entropy method on a measure that can be called: `measure(step, run)`.

    All steps of a generation are compared in the same run (a seed), so that luck is common to them. What was found is
    judged in runs that the search has not seen: the gain of the whole step, and for each weight what is lost if it
    alone stays; a weight for which that interval holds zero stays. Effects are for each unit of log weight.
    Errors: ValueError for a plan without trials or a measure that is not finite.

    >>> target = np.array([1.0, 0.0])
    >>> found = search_step(lambda step, run: -float(((step - target) ** 2).sum()), 2, np.random.default_rng(0))
    >>> abs(float(found.step[0]) - 1) < 0.1
    True
    """
    plan = plan or Search()
    whole("kinds", kinds, 1)
    whole("generations", plan.generations, 1)
    whole("elite", plan.elite, 2)
    whole("population", plan.population, plan.elite)
    whole("repeats", plan.repeats, 2)
    mean, spread = np.zeros(kinds), np.full(kinds, plan.sd)
    for run in range(plan.generations):
        tried = mean + spread * rng.normal(size=(plan.population, kinds))
        worth = real("measure", [measure(step, run) for step in tried], (plan.population,))
        best = tried[np.argsort(-worth, kind="stable")[: plan.elite]]
        # A few good steps that happen to be alike must not end the search.
        mean, spread = best.mean(axis=0), 0.8 * best.std(axis=0) + 0.2 * spread
    runs = range(plan.generations, plan.generations + plan.repeats)
    return _judged(measure, mean, runs)


def _judged(measure: Callable[[Floats, int], float], step: Floats, runs: range) -> Proposal:
    """The step without the parts that do not pay, each judged in the same runs."""
    k = len(step)
    taken = _measured(measure, step, runs)
    lost = np.stack([taken - _measured(measure, np.where(np.arange(k) == i, 0.0, step), runs) for i in range(k)])
    each, reach = _interval(lost, 1 - 0.05 / k)
    kept = np.where(each - reach > 0, step, 0.0)
    if not np.array_equal(kept, step):
        taken = _measured(measure, kept, runs)
    gain, spread = (float(x[0]) for x in _interval((taken - _measured(measure, np.zeros(k), runs))[None], 0.95))
    unit = np.where(step == 0, 1.0, step)
    bounds = np.sort(np.stack([(each - reach) / unit, (each + reach) / unit]), axis=0)
    kept = kept if gain - spread > 0 else np.zeros(k)
    return Proposal(kept, each / unit, bounds[0], bounds[1], gain, gain - spread, gain + spread)


def _measured(measure: Callable[[Floats, int], float], step: Floats, runs: range) -> Floats:
    return real("measure", [measure(step, run) for run in runs], (len(runs),))


def _interval(paired: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Means over runs and half the widths of their intervals: rows [k, runs] -> [k], [k]."""
    runs = paired.shape[1]
    return paired.mean(axis=1), _quantile(confidence, runs) * paired.std(axis=1, ddof=1) / math.sqrt(runs)


def _terms(k: int) -> tuple[Ints, Ints]:
    """The pairs i <= j of the curvature's terms."""
    first, second = np.triu_indices(k)
    return first, second


def _within(columns: Floats, group: Ints, groups: int) -> Floats:
    """Columns less their means in each group."""
    sums = np.stack([np.bincount(group, column, groups) for column in columns.T], axis=1)
    centred: Floats = columns - (sums / np.bincount(group, minlength=groups)[:, None])[group]
    return centred


def _clustered(design: Floats, target: Floats, cluster: Ints, absorbed: int) -> tuple[Floats, Floats]:
    """Ridge coefficients [p] and their cluster-robust covariance [p, p]."""
    n, p = design.shape
    gram = design.T @ design
    scale = np.diag(gram)
    bread = np.linalg.inv(gram + np.diag(RIDGE * scale + np.finfo(float).tiny + (scale == 0)))
    coefficients = bread @ (design.T @ target)
    scores = _summed(design * (target - design @ coefficients)[:, None], cluster)
    clusters = len(scores)
    correction = clusters / (clusters - 1) * (n - 1) / max(n - absorbed - p, 1)
    return coefficients, correction * bread @ (scores.T @ scores) @ bread


def _summed(rows: Floats, group: Ints) -> Floats:
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0])
    return np.add.reduceat(rows[order], starts, axis=0)


def _quantile(confidence: float, clusters: int) -> float:
    """Two-sided quantile of Student's t."""
    return float(student.ppf((1 + confidence) / 2, clusters - 1))


def _falling(curvature: Floats) -> Floats:
    """The nearest curvature that rises nowhere: its positive eigenvalues, which are noise near a maximum, are 0."""
    values, vectors = np.linalg.eigh(curvature)
    falling: Floats = (vectors * np.minimum(values, 0)) @ vectors.T
    return falling


def _climb(slope: Floats, curvature: Floats, largest: float) -> Floats:
    """Maximise s g + s H s / 2 over a box, H concave, one coordinate after another."""
    step = np.zeros(len(slope))
    for _ in range(500):
        before = step.copy()
        for i in range(len(step)):
            pull = slope[i] + curvature[i] @ step - curvature[i, i] * step[i]
            free = -pull / curvature[i, i] if curvature[i, i] < -1e-12 else np.sign(pull)
            step[i] = np.clip(free, -largest, largest)
        if np.abs(step - before).max() < 1e-9:
            break
    return step


def _direction(step: Floats, p: int) -> Floats:
    """What the coefficients are multiplied with to give the gain of a step: [p]."""
    first, second = _terms(len(step))
    return np.concatenate([step, step[first] * step[second]])[:p]
