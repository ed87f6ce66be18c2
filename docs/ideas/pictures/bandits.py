"""Draw the pictures of bandits, creator value, dispatch and experiments: python docs/ideas/pictures/bandits.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from chart import Points, bars, lines
from numpy.typing import ArrayLike
from scipy.stats import beta as beta_distribution

from fairshot.algorithms import backward_rewarding, beta_bandit, decay, diag_linucb, happiness, satiation
from fairshot.algorithms import experiment_statistics as statistics
from fairshot.algorithms.decision_rule import probability_above
from fairshot.algorithms.ranked_hits import discounts
from fairshot.algorithms.repeat_purchase import repurchase_weight
from fairshot.reproductions import dispatch, latent_bandit

HERE = Path(__file__).parent


def save_lines(name: str, title: str, axes: tuple[str, str], curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> None:
    """Write a line chart beside this file; each curve is its x and y values."""
    paired: dict[str, Points] = {
        label: list(zip(np.asarray(x, float).tolist(), np.asarray(y, float).tolist(), strict=True))
        for label, (x, y) in curves.items()
    }
    (HERE / f"{name}.svg").write_text(lines(title, *axes, paired), encoding="utf-8")


def save_bars(name: str, title: str, groups: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    """Write a bar chart beside this file."""
    (HERE / f"{name}.svg").write_text(bars(title, "", groups, names), encoding="utf-8")


def draw_happiness() -> None:
    """Worth of one more like by family."""
    likes = np.arange(101.0)
    families = {
        "log, half 20": (likes, happiness.marginal_happiness(likes, 20.0)),
        "power .5": (likes, happiness.marginal_power_happiness(likes, 0.5)),
        "capped at 50": (likes, happiness.marginal_capped_happiness(likes, 50.0)),
    }
    axes = ("likes already received in the window", "worth of the next like")
    save_lines("happiness", "What one more like is worth to a creator", axes, families)


def draw_decay() -> None:
    """Five likes on each of three days, then silence: decayed sum and window."""
    day, events = decay.MICROSECONDS_PER_DAY, np.repeat([2, 3, 4], 5)
    hours = np.arange(0, 16 * 24 + 1, 3) * day // 24
    kept, counted = [], []
    for now in hours:
        seen = events[events * day <= now]
        total = decay.add_decayed(np.zeros(1), np.zeros(1, np.int64), 0 * seen, 1.0, seen * day, 3.0 * day)
        window = decay.add_to_window(np.zeros((1, 7), np.int64), [0], 0 * seen, 1, seen)
        kept.append(decay.decayed(*total, now, 3.0 * day)[0])
        counted.append(decay.window_sum(*window, today=now // day)[0])
    sums = {"half-life 3 days": (hours / day, kept), "window of 7 days": (hours / day, counted)}
    save_lines("decay", "Five likes on each of days 2, 3 and 4", ("day", "sum"), sums)


def draw_latent_bandit() -> None:
    """Regret of the four bandits of the reproduction."""
    regret = {name: [float(latent_bandit.regrets(name, 5, 50, runs=200).mean())] for name in latent_bandit.METHODS}
    save_bars("latent_bandit", "Regret over 200 rounds, 5 states, 50 arms", regret, ["regret"])


def draw_diag_linucb() -> None:
    """How mean and bound of one edge close in on its rate of .3."""
    rng, graph, first = np.random.default_rng(3), np.array([[0]]), np.array([0])
    evidence, reward = np.zeros((2, 1, 1))
    shown, scores = np.arange(201), np.zeros((2, 201))
    for step in shown:
        for row, alpha in enumerate((0.0, 1.0)):
            scores[row, step] = diag_linucb.upper_bounds(first, [1.0], graph, evidence, reward, alpha)[1][0]
        liked = [float(rng.random() < 0.3)]
        evidence, reward = diag_linucb.update_edges(first[None], [[1.0]], first, liked, graph, evidence, reward)
    curves = {"upper, alpha 1": (shown, scores[1]), "mean": (shown, scores[0]), "true rate": (shown, 0.3 + 0 * shown)}
    save_lines("diag_linucb", "One edge: a cluster and an item", ("impressions", "score"), curves)


def draw_beta_bandit() -> None:
    """Density of a rate as impressions come in."""
    rate, curves = np.linspace(0.0, 0.2, 201), {}
    for name, (won, played) in {"prior": (0, 0), "3 of 50": (3, 50), "30 of 500": (30, 500)}.items():
        (alpha,), (beta,) = beta_bandit.posterior([won], [played], (1.5, 28.5))
        curves[name] = (rate, beta_distribution.pdf(rate, alpha, beta))
    save_lines("beta_bandit", "What is known of an item's rate", ("rate", "density"), curves)


def draw_decision_rule() -> None:
    """Three trials on their way to a verdict."""
    rng, shown = np.random.default_rng(4), np.arange(0, 1001, 10)
    curves: dict[str, tuple[ArrayLike, ArrayLike]] = {}
    for rate in (0.09, 0.055, 0.02):
        won = np.concatenate([[0], np.cumsum(rng.binomial(10, rate, len(shown) - 1))])
        curves[f"true rate {rate}"] = (shown, probability_above(1.5 + won, 28.5 + shown - won, threshold=0.05))
    curves["graduate above .95"] = (shown, 0.95 + 0 * shown)
    curves["stop below .05"] = (shown, 0.05 + 0 * shown)
    save_lines("decision_rule", "Is the rate at least .05?", ("impressions", "probability"), curves)


def draw_dispatch() -> None:
    """Visits and deliveries under the stores of the reproduction."""
    world, everybody = dispatch.world(0), np.ones(dispatch.USERS, np.bool_)
    runs = {
        "no store": dispatch.run(world, False, everybody),
        "capacity": dispatch.run(world, True, everybody),
        "capacity, + activity": dispatch.run(world, True, world.active),
        "capacity, + activity, + rule": dispatch.run(world, True, world.active, ruled=True),
    }
    groups = {name: (100 * hit, deliveries, 100 * none) for name, (hit, deliveries, none) in runs.items()}
    names = ["% who visit", "deliveries an item", "% without any"]
    save_bars("dispatch", "1,200 items, each dispatched to up to 40 of 4,000 users", groups, names)


def draw_backward_rewarding() -> None:
    """Credit of four creators, one of them a near copy of the best."""
    scores = [0.9, 0.89, 0.6, 0.3]
    rewards = [backward_rewarding.backward_rewards(scores, discounts(depth)) for depth in (1, 4)]
    groups = {name: (score, *pair) for name, score, pair in zip("ABCD", scores, np.transpose(rewards), strict=True)}
    names = ["score", "reward, 1 position", "reward, 4 positions"]
    save_bars("backward_rewarding", "B is nearly a copy of A", groups, names)


def draw_satiation() -> None:
    """Interest in a topic shown ten times in a row, then rested."""
    level, utility = np.zeros(1), np.zeros(40)
    for step in range(40):
        utility[step] = satiation.satiated(1.0, level, 0.5)[0]
        level = satiation.next_level(level, [step < 10], 0.85)
    curve = {"utility": (np.arange(40), utility)}
    save_lines("satiation", "Ten showings in a row, then none", ("step", "utility"), curve)


def draw_repeat_purchase() -> None:
    """Weight of what was bought: an oven, and coffee."""
    days = np.linspace(0, 90, 181)
    goods = {"coffee": (0.8, np.log(25.0), 0.4), "oven": (0.02, np.log(2000.0), 0.6)}
    curves = {name: (days, repurchase_weight(repeat, days, mu, sd)) for name, (repeat, mu, sd) in goods.items()}
    axes = ("days since the purchase", "factor on its score")
    save_lines("repeat_purchase", "Weight of what was just bought", axes, curves)


def draw_experiment_statistics() -> None:
    """Width of the interval for one look and of that for all looks, as users come in."""
    users, widths = np.arange(200, 10_001, 200), np.zeros((2, 50))
    for step, count in enumerate(users):
        arm = statistics.Moments(int(count), np.zeros(1), np.array([[float(count - 1)]]))
        effect = statistics.mean_difference(arm, arm)
        widths[:, step] = effect.high, statistics.always_valid_interval(effect, expected=0.1)[1]
    axes, curves = ("users in each arm", "half-width"), {"one look": (users, widths[0]), "any look": (users, widths[1])}
    save_lines("experiment_statistics", "95 % intervals of a difference, sd 1", axes, curves)


if __name__ == "__main__":
    for name, draw in list(globals().items()):
        if name.startswith("draw_"):
            draw()
