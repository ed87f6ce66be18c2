"""Fitting: the models that need nothing of the ranking net, from feedback and records.

They are one half of a training; the other, `training`, teaches the net on what the models of the past say of what
came after them. Neither half asks for the other before the end, so another process may do this one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Array, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.ids import Ids
from fairshot.core.predicted_labels import PredictedLabels
from fairshot.core.snapshot import Popularity, Vectors
from fairshot.decisions.promotion import Figure
from fairshot.learning.causal import CausalModel
from fairshot.learning.content import ContentEncoder
from fairshot.learning.interactions import Feedback, feedback_of
from fairshot.learning.labels import fit_labels, predicted_labels
from fairshot.learning.latent_cluster import LatentCluster
from fairshot.learning.latent_fit import NO_RECORD, fit_latent_cluster, reception_of
from fairshot.learning.nearest import build_index
from fairshot.learning.neighbours import NeighboursModel, fit_neighbours
from fairshot.learning.popularity import fit_popularity
from fairshot.learning.vectors import FittedVectors, fit_vectors

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Whole:
    """What the whole log says without a ranking net; see `Artifacts` for what each is.

    seq: of the last event that it was fitted on; figures: of the causal layer.
    """

    seq: int
    vectors: FittedVectors
    neighbours: NeighboursModel
    index: Array | None
    popularity: Popularity
    labels: PredictedLabels | None = None
    latent_cluster: LatentCluster | None = None
    causal: CausalModel | None = None
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Fitter:
    """What fitting needs of the application; pure but for the progress it reports."""

    config: Config
    ids: Ids
    progress: Progress = field(default=lambda _phase, _share: None)

    def whole(self, events: EventBatch) -> Whole:
        """Fit all of it, but for the causal layer; events: of which some are feedback on items."""
        feedback = feedback_of(events)
        fitted = self.vectors(events, feedback, "vectors")
        neighbours = self.neighbours(feedback, events.sizes.items)
        self.progress("index", 0.0)
        index = build_index(fitted.vectors.items)
        self.progress("index", 1.0)
        return Whole(
            int(events.seq[-1]),
            fitted,
            neighbours,
            index,
            fit_popularity(events, feedback, self.config.kinds),
            self._labels(events, fitted.encoder),
            self._latent_cluster(events, feedback, fitted.vectors),
        )

    def vectors(self, events: EventBatch, feedback: Feedback, phase: str) -> FittedVectors:
        """Vectors of all items from their records and so much of the feedback."""
        shape = (events.sizes.users, events.sizes.items)
        report = partial(self.progress, phase)
        return fit_vectors(feedback, _records(events), shape, self.config.kinds, self.config.learning, report)

    def neighbours(self, feedback: Feedback, items: int) -> NeighboursModel:
        """Neighbours of items from so much of the feedback."""
        settings = self.config.learning
        told = feedback.where(self.config.kinds.preferences[feedback.action] != 0)
        return fit_neighbours(
            told,
            items,
            most=settings.neighbours,
            reach=settings.neighbours_reach,
            ridge=settings.neighbours_ridge,
            activity=settings.activity,
            progress=partial(self.progress, "neighbours"),
        )

    def _labels(self, events: EventBatch, encoder: ContentEncoder) -> PredictedLabels | None:
        """What the labels of some items tell of those without; None where no label is borne by enough."""
        self.progress("labels", 0.0)
        rows, records = _records(events)
        model = fit_labels(records, encoder, self.ids.labels)
        self.progress("labels", 1.0)
        return None if model is None else predicted_labels(model, rows, records, events.sizes.items)

    def _latent_cluster(self, events: EventBatch, feedback: Feedback, vectors: Vectors) -> LatentCluster | None:
        settings, mode = self.config.learning, self.config.impressions.mode
        reception = reception_of(events, feedback, self.config.kinds, mode, settings.type_half_life_days)
        recorded, creator = events.of(Kind.ITEM), np.full(events.sizes.items, NO_RECORD, np.int32)
        creator[events.item[recorded]] = events.creator[recorded]
        return fit_latent_cluster(reception, vectors.items, creator, settings)


def _records(events: EventBatch) -> tuple[Rows, list[Mapping[str, Any]]]:
    """The latest record of every item: rows and records."""
    latest: dict[int, Mapping[str, Any]] = {}
    for index in np.flatnonzero(events.of(Kind.ITEM)).tolist():
        latest[int(events.item[index])] = events.data[index] or {}
    return np.fromiter(latest, np.int32, len(latest)), list(latest.values())
