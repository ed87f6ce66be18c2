"""FairRec's guarantees on simulated markets of several shapes."""

from pathlib import Path

import numpy as np

from fairshot.algorithms.fairrec import envy_beyond_one, fairrec, guaranteed_slates, provider_slates
from fairshot.reproductions.figure import Figure, at_most, near

SOURCE = "Patro et al., WWW 2020: guarantees, on simulated markets"
USERS, PROVIDERS, K = 120, 60, 10


def figures(data: Path | None = None) -> list[Figure]:
    """Recompute the least exposure and the envy beyond one item; no data set is needed."""
    del data
    rng = np.random.default_rng(0)
    noise, decay = rng.random((USERS, PROVIDERS)), np.linspace(1, 0, PROVIDERS)
    markets = {"long tail": noise * decay**3, "same tastes": decay + 0.01 * noise}
    return [
        figure
        for name, relevance in markets.items()
        for guarantee in (0.5, 1.0)
        for figure in _market(name, relevance, guarantee, rng)
    ]


def _market(name: str, relevance: np.ndarray, guarantee: float, rng: np.random.Generator) -> list[Figure]:
    slates = fairrec(relevance, K, guarantee, order=rng.permutation(USERS))
    least = float(provider_slates(slates, PROVIDERS).min())
    target = guaranteed_slates(USERS, PROVIDERS, K, guarantee)
    title = f"FairRec {guarantee:g}, {name}"
    return [
        near(f"{title}: least exposure", least, target, 0.0, SOURCE),
        at_most(f"{title}: envy beyond one item", envy_beyond_one(relevance, slates), 1e-9, SOURCE),
    ]
