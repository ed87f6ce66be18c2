"""Draw the pictures of the pages on fairness: python docs/ideas/pictures/fairness.py."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from chart import Points, lines

from fairshot.algorithms.cold_and_warm import cold_share, gains_by_kind, joined_scores
from fairshot.algorithms.fair_sync import fair_sync
from fairshot.algorithms.fairrec import fairrec, provider_slates
from fairshot.algorithms.magnitude import temper_magnitudes
from fairshot.algorithms.maximum_mean_discrepancy import maximum_mean_discrepancy
from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain
from fairshot.algorithms.min_regularizer import min_regularizer
from fairshot.algorithms.p_mmf import p_mmf, provider_fill
from fairshot.algorithms.ranked_hits import discounts
from fairshot.algorithms.scale import scale_weights
from fairshot.algorithms.unbiased_relevance import clicks_over_expected, ips_relevance
from fairshot.reproductions.fairco import Policy, simulate


def points(x: object, y: object) -> Points:
    """Pair two arrays into points."""
    return [(float(a), float(b)) for a, b in zip(np.asarray(x), np.asarray(y), strict=True)]


def market() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make users, items whose vectors differ in length, and who likes what: [u, d], [i, d], bool [u, i]."""
    rng = np.random.default_rng(0)
    users, directions = rng.normal(size=(400, 8)), rng.normal(size=(80, 8))
    affinity = users @ directions.T
    liked = affinity > np.sort(affinity, axis=0)[-60]
    return users, directions * np.linspace(0.4, 1.6, 80)[:, None], liked


def draw_fairco() -> str:
    """Rounds times disparity, with and without the controller."""
    policies: dict[str, Policy] = {"no control": "relevance", "on impact": "impact", "on exposure": "exposure"}
    shown = np.arange(0, 3000, 50)
    series = {}
    for label, policy in policies.items():
        scaled = simulate(policy, range(6)).scaled_disparity.mean(axis=0)
        series[label] = points(shown, scaled[shown])
    return lines("Impact disparity, summed over rounds", "round", "rounds x disparity", series)


def draw_unbiased_relevance() -> str:
    """Estimates of one item's relevance when it is moved from the top to rank 10 half-way."""
    rng = np.random.default_rng(0)
    rounds = 2000
    examination = np.where(np.arange(rounds) < rounds // 2, 1.0, discounts(10)[-1])[:, None]
    clicks = (rng.random((rounds, 1)) < 0.5 * examination).astype(float)
    shown = np.arange(50, rounds, 50)
    expected = [clicks_over_expected(clicks[:t], examination[:t])[0] for t in shown]
    series = {
        "truth": points(shown, np.full(len(shown), 0.5)),
        "click rate": points(shown, [clicks[:t].mean() for t in shown]),
        "IPS": points(shown, [ips_relevance(clicks[:t], examination[:t])[0] for t in shown]),
        "clicks / expected": points(shown, expected),
    }
    return lines("An item that falls to rank 10 half-way", "impressions", "estimated relevance", series)


def _sorted_gains(strength: float) -> Points:
    users, items, liked = market()
    gains = mean_discounted_gain(users @ temper_magnitudes(items, strength).T, liked, 10)
    return points(np.arange(80), np.sort(gains))


def draw_mean_discounted_gain() -> str:
    """Gains of items from the worst placed to the best."""
    series = {"a market whose model underrates some": _sorted_gains(0.0)}
    return lines("Who is seen by those who like them", "items, worst placed first", "mean discounted gain", series)


def draw_magnitude() -> str:
    """The same gains when the lengths of vectors are tempered."""
    series = {f"strength {strength:g}": _sorted_gains(strength) for strength in (0.0, 0.5, 1.0)}
    return lines("Gains with tempered magnitudes", "items, worst placed first", "mean discounted gain", series)


def draw_scale() -> str:
    """Weights of Scale by how high an item's admirers are scored."""
    level = np.linspace(0.3, 1.0, 50)
    liked = np.ones((50, 1), bool)
    series = {
        f"strength {strength:g}": points(level, scale_weights(level[:, None], liked, strength))
        for strength in (1.0, 2.0, 3.0)
    }
    return lines("How far the target lifts an item's admirers", "their mean score before", "factor", series)


def draw_gen() -> str:
    """MMD between admirers' scores and the ideal as the item is lifted."""
    rng = np.random.default_rng(0)
    ideal, lift = rng.normal(0.6, 0.2, 300), np.linspace(0, 1, 40)
    series = {}
    for spread in (0.2, 0.6):
        own = rng.normal(0.1, spread, 300)
        gaps = [maximum_mean_discrepancy(own + up, ideal) for up in lift]
        series[f"spread {spread:g}"] = points(lift, gaps)
    return lines("Discrepancy from ideal scores (mean .6, spread .2)", "lift of the item's scores", "MMD", series)


def draw_cold_and_warm() -> str:
    """Gains of new and known items in one list as the new ones are lifted."""
    users, items, liked = market()
    scores, cold = users @ items.T, np.arange(80) % 4 == 0
    noise = np.random.default_rng(1).normal(size=(400, cold.sum())) * scores.std()
    both = np.concatenate((liked[:, ~cold], liked[:, cold]), axis=1)
    new, lifts = np.arange(80) >= (~cold).sum(), np.linspace(-1, 2, 25)
    joined = [joined_scores(scores[:, ~cold], scores[:, cold] + noise, trust=0.7, lift=lift) for lift in lifts]
    gains = [gains_by_kind(table, both, new, 10) for table in joined]
    series = {
        "MDG, new": points(lifts, [pair[0].all for pair in gains]),
        "MDG, known": points(lifts, [pair[1].all for pair in gains]),
        "new in the top 10": points(lifts, [cold_share(table, new, 10) for table in joined]),
    }
    return lines("One list for both kinds", "lift of new items, standard deviations", "gain, share", series)


def draw_fairrec() -> str:
    """Slates of every provider under three guarantees."""
    relevance = np.random.default_rng(0).random((120, 40)) * np.linspace(1, 0.05, 40) ** 2
    series = {}
    for guarantee in (0.0, 0.5, 1.0):
        counts = provider_slates(fairrec(relevance, 8, guarantee), 40)
        series[f"guarantee {guarantee:g}"] = points(np.arange(40), np.sort(counts)[::-1])
    return lines("Slates of each provider, 120 users x 8", "providers, most shown first", "slates", series)


def draw_p_mmf() -> str:
    """Score lost against the worst-off provider's fill, for P-MMF and the minimum regulariser."""
    rng = np.random.default_rng(0)
    owner, capacity = np.repeat(np.arange(4), 5), np.full(4, 4.0)
    scores = rng.random((400, 20)) * 0.6 + np.array([0.4, 0.2, 0.1, 0.0])[owner]
    best = np.sort(scores, axis=1)[:, -4:].sum()

    def price(slates: np.ndarray) -> tuple[float, float]:
        kept = np.take_along_axis(scores, slates, 1).sum() / best
        return float(provider_fill(slates, owner, capacity).min()), float(100 * (1 - kept))

    strengths = (0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0)
    series = {
        "P-MMF": sorted(price(p_mmf(scores, owner, capacity, 4, trade_off=s)) for s in strengths),
        "min-regularizer": sorted(price(min_regularizer(scores, owner, capacity, 4, strength=s)) for s in strengths),
    }
    return lines("The price of max-min fairness", "fill of the worst-off provider", "% of score lost", series)


def draw_fair_sync() -> str:
    """Positions of a weak group over time, with and without a minimum."""
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 20)
    items = rng.normal(size=(40, 6)) * np.array([1.5, 0.6])[groups][:, None]
    queries, series = rng.normal(size=(600, 6)), {}
    for label, minimum in (("no minimum", 0), ("minimum 600", 600), ("minimum 1200", 1200)):
        slates = fair_sync(queries, items, groups, [0, minimum], 5, step=0.02)
        seen = np.cumsum((groups[slates] == 1).sum(axis=1))
        series[label] = points(np.arange(0, 600, 10), seen[::10])
    return lines("A minimum kept inside retrieval", "queries", "positions of the weak group", series)


PICTURES: dict[str, Callable[[], str]] = {
    name.removeprefix("draw_"): draw for name, draw in list(globals().items()) if name.startswith("draw_")
}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        Path(__file__).with_name(f"{name}.svg").write_text(draw(), encoding="utf-8")
