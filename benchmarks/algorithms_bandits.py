"""Speed of bandit draws beside the obvious NumPy version: `measure()` gives milliseconds and their ratio."""

import numpy as np
from benchmarks._speed import Speed, beside, show

from fairshot.algorithms.beta_bandit import posterior, thompson_draw, thompson_top


def measure(items: int = 10_000, seed: int = 0) -> list[Speed]:
    """Thompson draw over all posteriors, and the whole step from counts to the 20 items to show."""
    rng = np.random.default_rng(seed)
    played = rng.integers(0, 1000, items).astype(np.float64)
    won = rng.binomial(played.astype(np.int64), 0.05).astype(np.float64)
    alpha, beta = posterior(won, played, (1.5, 28.5))

    def sorted_draws() -> object:
        return np.argsort(-rng.beta(1.5 + won, 28.5 + played - won))[:20]

    return [
        beside(
            f"Thompson draw of {items} posteriors",
            lambda: thompson_draw(alpha, beta, rng),
            lambda: rng.beta(alpha, beta),
            limit=1.0,
            repeats=(200, 200),
        ),
        beside(
            f"Thompson top 20 of {items}, from counts",
            lambda: thompson_top(*posterior(won, played, (1.5, 28.5)), 20, rng),
            sorted_draws,
            limit=2.0,
            repeats=(200, 200),
        ),
    ]


if __name__ == "__main__":
    show(measure())
