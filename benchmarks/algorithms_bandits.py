"""Speed of bandit draws beside the obvious NumPy version: `measure()` gives milliseconds and their ratio."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.beta_bandit import posterior, thompson_draw, thompson_top


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of ours and of plain NumPy, ours over NumPy's, and the limit ours must keep."""

    name: str
    ours_ms: float
    numpy_ms: float
    ratio: float
    limit_ms: float
    holds: bool


def milliseconds(call: Callable[[], object], repeats: int = 200) -> float:
    """Best of many: what the code costs when nothing else runs."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1e3 * float(best)


def beside(name: str, ours: Callable[[], object], numpy: Callable[[], object], limit: float) -> Speed:
    """Time two ways to the same end."""
    a, b = milliseconds(ours), milliseconds(numpy)
    return Speed(name, a, b, a / b, limit, a <= limit)


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
        ),
        beside(
            f"Thompson top 20 of {items}, from counts",
            lambda: thompson_top(*posterior(won, played, (1.5, 28.5)), 20, rng),
            sorted_draws,
            limit=2.0,
        ),
    ]


if __name__ == "__main__":
    for speed in measure():
        print(
            f"{speed.name}: {speed.ours_ms:.3f} ms, NumPy {speed.numpy_ms:.3f} ms, ratio {speed.ratio:.2f}, "
            f"limit {speed.limit_ms:g} ms {'holds' if speed.holds else 'FAILS'}"
        )
