"""Draw the pictures of diversity, clicks, off-policy evaluation, uplift: python docs/ideas/pictures/evidence.py."""

from pathlib import Path

import numpy as np
from chart import Points, bars, lines
from scipy.special import expit

from fairshot.algorithms import click_models, off_policy, uplift
from fairshot.algorithms.diversity import dpp, dpp_quality, mmr, ssd
from fairshot.algorithms.doubly_robust import cross_fitted_outcomes
from fairshot.algorithms.position_bias import click_table, harvest_examination
from fairshot.algorithms.regression import ridge
from fairshot.algorithms.spacing import author_decay, n_of_m
from fairshot.learning.causal import corrected
from fairshot.learning.causal_trials import average_of
from fairshot.learning.cold_start.deep_music import fit_ridge
from fairshot.learning.cold_start.knn import knn_vectors
from fairshot.reproductions import causal, position_bias

HERE = Path(__file__).parent


def points(x: object, y: object) -> Points:
    """Pair two arrays into points."""
    return [(float(a), float(b)) for a, b in zip(np.asarray(x), np.asarray(y), strict=True)]


def draw_diversity() -> str:
    """Mean score against mean distance of a slate of ten, as the knob of each method is turned."""
    rng = np.random.default_rng(0)
    topics = rng.normal(size=(12, 16))
    topic = rng.integers(0, 12, 300)
    vectors = topics[topic] + rng.normal(size=(300, 16)) * 0.5
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = (unit @ unit[0] + rng.normal(size=300) * 0.2) / 2

    def outcome(order: np.ndarray) -> tuple[float, float]:
        likeness = unit[order] @ unit[order].T
        return float(1 - likeness[np.triu_indices(10, 1)].mean()), float(scores[order].mean())

    knobs = np.linspace(0.05, 0.98, 25)
    series = {
        "DPP": [outcome(dpp(dpp_quality(scores * 6, r), vectors, 10)) for r in knobs],
        "SSD": [outcome(ssd(scores, vectors, 10, gamma=float(g))) for g in np.geomspace(0.05, 20, 25)],
        "MMR": [outcome(mmr(scores, vectors, 10, relevance=float(r))) for r in knobs],
    }
    return lines("What diversity costs: slates of 10 out of 300", "mean distance", "mean score", series)


def draw_spacing() -> str:
    """How crowded a slate of 20 is when the posts of an author come together, before and after spacing."""
    rng = np.random.default_rng(1)
    authors = np.sort(rng.integers(0, 6, 60))
    plain = authors[:20]
    spaced = authors[n_of_m(authors, limits=2, windows=5, k=20)]
    decayed = author_decay(np.linspace(1, 0.8, 60), authors)
    by_decay = authors[np.argsort(-decayed, kind="stable")][:20]

    def most(slate: np.ndarray) -> float:
        windows = np.lib.stride_tricks.sliding_window_view(slate, 5)
        return float(max(np.bincount(window).max() for window in windows))

    groups = {
        "most of one author, in any 5": (most(plain), most(by_decay), most(spaced)),
        "authors in 20": tuple(float(len(np.unique(slate))) for slate in (plain, by_decay, spaced)),
    }
    return bars("A feed in which posts of an author come together", "", groups, ["as ranked", "decay", "2 of 5"])


def draw_position_bias() -> str:
    """The true examination curve, the naive one of a ranker that works, and the harvested one."""
    rng = np.random.default_rng(3)
    attraction = rng.beta(1, 4, 200)
    items = rng.integers(0, 200, 60_000)
    by_merit = np.argsort(np.argsort(-attraction)) // 20
    ranks = np.where(rng.random(60_000) < 0.4, by_merit[items], rng.integers(0, 10, 60_000))
    clicks = rng.random(60_000) < position_bias.TRUTH[ranks] * attraction[items]
    won, shown = click_table(items, ranks, clicks, 200, 10)
    naive, rank = won.sum(0) / shown.sum(0), np.arange(1, 11)
    series = {
        "truth": points(rank, position_bias.TRUTH),
        "click rate": points(rank, naive / naive[0]),
        "harvested": points(rank, harvest_examination(won, shown)),
    }
    return lines("Examination by rank from 60,000 impressions", "rank", "relative to rank 1", series)


def draw_click_models() -> str:
    """How far down a list people look under three models, ten items of attraction .25."""
    attraction, rank = np.full((1, 10), 0.25), np.arange(1, 11)
    series = {
        "position, 1/log2": points(rank, 1 / np.log2(rank + 1)),
        "cascade": points(rank, click_models.cascade_examination(attraction)[0]),
        "DCM, goes on .6": points(rank, click_models.dcm_examination(attraction, np.full(10, 0.6))[0]),
    }
    return lines("Chance that a rank is looked at", "rank", "probability", series)


def draw_off_policy() -> str:
    """Standard error of slate estimators as the slate grows."""
    rng = np.random.default_rng(4)
    series: dict[str, list[tuple[float, float]]] = {"SIPS": [], "RIPS": [], "IIPS": []}
    logging, target = np.array([0.4, 0.3, 0.1, 0.1, 0.1]), np.array([0.1, 0.2, 0.2, 0.3, 0.2])
    for length in range(1, 7):
        at = rng.choice(5, (20_000, length), p=logging)
        clicks = (rng.random(at.shape) < 0.3).astype(np.float64)
        estimators = off_policy.slate_ips, off_policy.cascade_ips, off_policy.independent_ips
        for name, estimate in zip(series, estimators, strict=True):
            found = estimate(clicks, target[at], logging[at])
            series[name].append((float(length), 100 * found.standard_error / found.value))
    return lines("Noise of an estimate from 20,000 slates", "positions", "standard error, %", series)


def draw_uplift() -> str:
    """Uplift curves of the base score, of the estimated effect, and of chance."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(20_000, 2))
    shown = rng.random(20_000) < expit(1.5 * x[:, 0])
    effect = 0.1 + 0.3 * x[:, 1]
    y = x[:, 0] + effect * shown + rng.normal(size=20_000) * 0.5
    model = ridge(x, cross_fitted_outcomes(x, y, shown, rng))
    new = rng.normal(size=(20_000, 2))
    treated = rng.random(20_000) < 0.5
    gain = new[:, 0] + (0.1 + 0.3 * new[:, 1]) * treated + rng.normal(size=20_000) * 0.5
    rankings = {"estimated effect": model(new), "base score": new[:, 0], "chance": rng.random(20_000)}
    share = np.linspace(0, 1, 200)
    series = {}
    for name, scores in rankings.items():
        curve = np.append(0.0, uplift.uplift_curve(scores, gain, treated))
        series[name] = points(share, curve[(share * 20_000).astype(int)])
    return lines("Gain from showing to the top share of a ranking", "share shown", "gain for each unit", series)


def draw_causal() -> str:
    """Average effect of showing by the naive difference, doubly robust, and in truth, on twenty confounded logs."""
    logs = [causal.drawn(np.random.default_rng([6, seed])).units for seed in range(20)]
    pairs = [(u.outcome[u.treated].mean() - u.outcome[~u.treated].mean(), average_of(corrected(u, ""))) for u in logs]
    at = np.arange(1, 21)
    series = {
        "naive difference": points(at, [naive for naive, _ in pairs]),
        "doubly robust": points(at, [effect.value for _, effect in pairs]),
        "- 2 standard errors": points(at, [effect.value - 2 * effect.standard_error for _, effect in pairs]),
        "+ 2 standard errors": points(at, [effect.value + 2 * effect.standard_error for _, effect in pairs]),
        "truth": points(at, np.full(20, causal.true_effect())),
    }
    return lines("What showing changes, estimated on twenty confounded logs", "log", "average effect", series)


def draw_cold_start() -> str:
    """Error of the predicted vector of a new item, by the number of warm items learned from."""
    rng = np.random.default_rng(6)
    mixing = rng.normal(size=(20, 8)) / 4
    content = rng.normal(size=(4200, 20))
    vectors = np.tanh(content @ mixing) + rng.normal(size=(4200, 8)) * 0.3
    truth = np.tanh(content[4000:] @ mixing)
    sizes = (50, 100, 250, 500, 1000, 2000, 4000)
    ridge = [fit_ridge(content[:n], vectors[:n], penalty=5.0)(content[4000:]) for n in sizes]
    near = [knn_vectors(content[4000:], content[:n], vectors[:n], k=10) for n in sizes]
    size = np.log10(sizes)
    errors = {
        name: points(size, [float(np.sqrt(np.mean((p - truth) ** 2))) for p in found])
        for name, found in {"KNN, k = 10": near, "DeepMusic ridge": ridge}.items()
    }
    return lines("Vector of an item nobody has seen", "warm items, log10", "root mean square error", errors)


if __name__ == "__main__":
    for name, draw in list(globals().items()):
        if name.startswith("draw_"):
            (HERE / f"{name.removeprefix('draw_')}.svg").write_text(draw(), encoding="utf-8")
