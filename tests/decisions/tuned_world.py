"""Small logs of visits and feedback, times in days."""

from typing import Any

import numpy as np

from fairshot.config import load_config
from fairshot.core.arrays import DAY
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes

KINDS = load_config(None, {}).kinds
Visit = tuple[int, float]
__all__ = ["DAY", "KINDS", "perturbed", "slates", "told"]


def slates(*visits: Visit) -> EventBatch:
    """A slate of one position at each visit."""
    return _events(Kind.SLATE, -1, visits)


def told(kind: str, *visits: Visit) -> EventBatch:
    """Feedback of a kind at each visit."""
    return _events(Kind.FEEDBACK, KINDS.code(kind), visits)


def perturbed(*visits: Visit, factors: Any = None) -> list[tuple[int, int, dict[str, float]]]:
    """What the log says of each visit's perturbation; by default a tenth for every kind."""
    rows = np.full((len(visits), len(KINDS.names)), 0.1) if factors is None else factors
    return [
        (user, int(at * DAY), dict(zip(KINDS.names, row.tolist(), strict=True)))
        for (user, at), row in zip(visits, rows, strict=True)
    ]


def _events(kind: Kind, action: int, visits: tuple[Visit, ...]) -> EventBatch:
    n = len(visits)
    columns: dict[str, Any] = {
        "seq": np.arange(1, n + 1),
        "kind": np.full(n, int(kind)),
        "action": np.full(n, action),
        "at": [int(at * DAY) for _, at in visits],
        "user": [user for user, _ in visits],
        "item": np.zeros(n),
        "creator": np.full(n, -1),
        "value": np.full(n, np.nan),
        "position": np.ones(n),
        "propensity": np.ones(n),
    }
    return event_batch(columns, [None] * n, Sizes())
