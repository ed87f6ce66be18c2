"""Two ways to the same end, timed side by side: the row that every benchmark of algorithms returns."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


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


def beside(
    name: str, ours: Callable[[], object], numpy: Callable[[], object], limit: float, repeats: tuple[int, int]
) -> Speed:
    """Time ours and the obvious version, each repeated as often as given; `limit` is in milliseconds."""
    a, b = milliseconds(ours, repeats[0]), milliseconds(numpy, repeats[1])
    return Speed(name, a, b, a / b, limit, a <= limit)


def show(speeds: Iterable[Speed]) -> None:
    """Print the rows, for a benchmark that is run as a script."""
    for speed in speeds:
        print(
            f"{speed.name}: {speed.ours_ms:.3f} ms, NumPy {speed.numpy_ms:.3f} ms, ratio {speed.ratio:.2f}, "
            f"limit {speed.limit_ms:g} ms {'holds' if speed.holds else 'FAILS'}"
        )
