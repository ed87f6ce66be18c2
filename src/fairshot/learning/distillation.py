"""Distillation: the retrieval model learns the ranker's order from what the ranker says of well-chosen rows.

For sampled people the teacher values rows near the top (found by the vectors, then round after round by the student
itself, so that what it wrongly brings is what it learns from) and rows drawn at random, which stand for the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fairshot.core.arrays import Rows
from fairshot.core.snapshot import Snapshot
from fairshot.learning.retrieval import (
    RetrievalModel,
)
from fairshot.pipeline.engine import Pipeline

BEST = 100
"""Rows of each person whose order is taught; those near and those drawn at random must stay below."""
HALF = 50.0
"""The rank at which a row's share of the target is half of the first's."""


@dataclass(frozen=True, slots=True)
class Distillation:
    """How the student is fitted; `[learning.retrieval]` of the configuration.

    width: dimensions of the common space; hidden: units of each tower; people: taught with at most; rounds: of mining;
    steps: of descent in each; near, wide: rows of each person brought by the student and drawn at random, a round.
    """

    width: int = 64
    hidden: int = 64
    people: int = 400
    rounds: int = 3
    steps: int = 100
    near: int = 500
    wide: int = 1000


def fit_retrieval(
    pipeline: Pipeline,
    snapshot: Snapshot,
    people: Rows,
    *,
    now: int,
    settings: Distillation | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> RetrievalModel | None:
    """Fit the student on the value that the pipeline gives with the snapshot's models.

    people: rows of those who may be taught with; now: microseconds, as of when. None where nobody has a vector or
    the catalogue is empty.
    """
    raise NotImplementedError
