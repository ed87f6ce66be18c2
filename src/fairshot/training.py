"""Training: from the log to a checked snapshot.

The ranking net must not see what its features were made from, so each person's latest feedback is held
out: vectors and state are fitted on the past, the pipeline's own sources and filters say what a person
would have been compared with, the pipeline's own feature stages describe it, and the held-out feedback
says what they really did. Then the vectors are fitted once more on everything.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Array, Bools, Floats, Rows
from fairshot.core.errors import TrainingError
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.core.randomness import stream
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Artifacts, Snapshot, Vectors
from fairshot.core.tables import views
from fairshot.decisions.drift import Inputs
from fairshot.decisions.promotion import Figure, HeldOut
from fairshot.learning.content import ContentEncoder
from fairshot.learning.engagement import WITHOUT_HEADS, EngagementModel, fit_engagement
from fairshot.learning.impressions import attribute
from fairshot.learning.interactions import (
    Feedback,
    feedback_of,
    grouped,
    impressions_of,
    later_of,
    latest_share,
    random_share,
)
from fairshot.learning.loading import PERSONS
from fairshot.learning.nearest import VectorSearch, build_index
from fairshot.learning.neighbours import NeighboursModel, fit_neighbours
from fairshot.learning.vectors import FittedVectors, fit_vectors
from fairshot.pipeline.engine import Pipeline
from fairshot.state import Fold

Protocol = Literal["latest", "random"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models fitted from one log, with their figures."""

    vectors: Vectors
    encoder: ContentEncoder
    index: Array | None
    engagement: EngagementModel
    neighbours: NeighboursModel
    popularity: Floats
    """Quantiles of the items' reactions, float32 (101,)."""
    heads: Mapping[str, HeldOut] = field(default_factory=dict)
    """By kind: what the net says of people it was not taught with."""
    inputs: Inputs | None = None
    """What the net was taught with."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Of every head that could be measured."""
        return tuple(
            (f"engagement.{kind}", name, value) for kind, head in self.heads.items() for name, value in head.figures()
        )

    def artifacts(self, version: str | None = None) -> Artifacts:
        """As a request reads them."""
        search = VectorSearch(self.vectors, self.index)
        return Artifacts(
            version,
            self.vectors,
            search,
            self.engagement,
            neighbours=self.neighbours,
            popularity=self.popularity,
        )

    def models(self) -> dict[str, tuple[Mapping[str, Array], Mapping[str, Any]]]:
        """As the artifact store keeps them."""
        vectors = {"items": self.vectors.items, "gram": self.vectors.gram, "trained": self.vectors.trained}
        return {
            "vectors": (vectors, {name: getattr(self.vectors, name) for name in PERSONS}),
            "content": self.encoder.dump(),
            "index": ({} if self.index is None else {"index": self.index}, {}),
            "engagement": self.engagement.dump(),
            "neighbours": self.neighbours.dump(),
            "popularity": ({"quantiles": self.popularity}, {}),
        }


@dataclass(frozen=True)
class Trainer:
    """What training needs of the application; pure but for the progress it reports."""

    config: Config
    folds: Mapping[str, Fold]
    pipeline: Pipeline
    ids: Ids
    holdout: Protocol = "latest"
    """How the ranking net's own held-out feedback is chosen: for a service by time, else as the protocol's."""
    progress: Progress = field(default=lambda _phase, _share: None)
    standing: EngagementModel | None = None
    """The ranking net in service, measured on the same held-out people."""

    @property
    def kinds(self) -> FeedbackKinds:
        """The configured feedback kinds."""
        return self.config.kinds

    def fit(self, events: EventBatch) -> Fitted:
        """Fit all models; raises TrainingError where there is too little to learn from."""
        feedback = feedback_of(events)
        if len(feedback) == 0 or not (self.kinds.preferences[feedback.action] > 0).any():
            raise TrainingError("the log holds no approving feedback on any item yet; import or ingest some first")
        hold_out = latest_share if self.holdout == "latest" else random_share
        held = hold_out(feedback, self.config.learning.holdout)
        self.progress("vectors of the past", 0.0)
        before = feedback.where(~held)
        past = self._vectors(events, before, "vectors of the past").vectors
        nearby = self._neighbours(before, events.sizes.items)
        artifacts = Artifacts("past", past, VectorSearch(past, build_index(past.items)), neighbours=nearby)
        engagement, heads, inputs = self._engagement(events, feedback, held, artifacts)
        fitted = self._vectors(events, feedback, "vectors")
        neighbours = self._neighbours(feedback, events.sizes.items)
        self.progress("index", 0.0)
        index = build_index(fitted.vectors.items)
        self.progress("index", 1.0)
        reactions = np.bincount(feedback.item, minlength=events.sizes.items)[_records(events)[0]]
        popularity = np.quantile(reactions, np.linspace(0, 1, 101)).astype(np.float32)
        return Fitted(
            fitted.vectors, fitted.encoder, index, engagement, neighbours, popularity, heads=heads, inputs=inputs
        )

    def _vectors(self, events: EventBatch, feedback: Feedback, phase: str) -> FittedVectors:
        shape = (events.sizes.users, events.sizes.items)
        records = _records(events)
        report = partial(self.progress, phase)
        return fit_vectors(feedback, records, shape, self.kinds, self.config.learning, report)

    def _neighbours(self, feedback: Feedback, items: int) -> NeighboursModel:
        settings = self.config.learning
        told = feedback.where(self.kinds.preferences[feedback.action] != 0)
        return fit_neighbours(
            told,
            items,
            most=settings.neighbours,
            reach=settings.neighbours_reach,
            ridge=settings.neighbours_ridge,
            activity=settings.activity,
            progress=partial(self.progress, "neighbours"),
        )

    def _engagement(
        self, events: EventBatch, feedback: Feedback, held: Bools, past: Artifacts
    ) -> tuple[EngagementModel, Mapping[str, HeldOut], Inputs | None]:
        """The ranking net, and what it says of people it was not taught with; without heads where data is scarce."""
        settings = self.config.learning
        examples = self._examples(events, feedback, held, past)
        if examples is None:
            return WITHOUT_HEADS, {}, None
        inputs = Inputs(examples.features, examples.inputs, examples.weights, examples.user, examples.item)
        # A head in service stays with half as many examples: few more or less must not make it come and go.
        serving = () if self.standing is None else self.standing.kinds
        kinds = [
            n
            for n, name in enumerate(self.kinds.names)
            if examples.labels[:, n].sum() * (2 if name in serving else 1) >= settings.least_examples
        ]
        if not kinds:
            return WITHOUT_HEADS, {}, inputs
        test = np.isin(examples.user, _drawn(examples.user, 0.15))
        if test.all():  # a single person cannot be both taught with and tested on
            return WITHOUT_HEADS, {}, inputs
        labels = examples.labels[:, kinds]
        names = [self.kinds.names[n] for n in kinds]
        model = fit_engagement(
            examples.features,
            names,
            examples.inputs[~test],
            labels[~test],
            examples.weights[~test],
            hidden=settings.hidden,
            epochs=settings.epochs,
            progress=lambda share: self.progress("engagement", share),
        )
        predicted = model.predict(examples.inputs[test])
        standing = self._standing(examples.features, examples.inputs[test])
        heads = {
            name: HeldOut(
                truth,
                predicted[:, head],
                standing.get(name),
                examples.weights[test],
                examples.user[test],
                examples.item[test],
            )
            for head, name in enumerate(names)
            if 0 < (truth := labels[test, head]).sum() < len(truth)
        }
        return model, heads, inputs

    def _standing(self, features: tuple[str, ...], inputs: Floats) -> Mapping[str, Floats]:
        """What the net in service says of the same examples, by kind; nothing where it reads what is not there."""
        model = self.standing
        if model is None or not model.kinds or not set(model.features) <= set(features):
            return {}
        predicted = model.predict(inputs[:, [features.index(name) for name in model.features]])
        return {kind: predicted[:, head] for head, kind in enumerate(model.kinds)}

    def _examples(self, events: EventBatch, feedback: Feedback, held: Bools, past: Artifacts) -> "Examples | None":
        """What held-out people were compared with, described by the pipeline's own features."""
        settings = self.config.learning
        snapshot = self._past_snapshot(events, feedback, held, past)
        answers = feedback.where(held)
        people = _drawn_people(answers.user, settings.people)
        shown = attribute(events, self.kinds, self.config.impressions.mode)
        ignored = ~shown.labels.any(axis=1)
        answered_by = grouped(answers.user, people)
        ignored_by = grouped(shown.user[ignored], people)
        gathered: list[Examples] = []
        for number, row in enumerate(people.tolist()):
            one = answers.where(answered_by[number])
            gathered.append(self._examples_of(snapshot, row, one, shown.item[ignored][ignored_by[number]]))
            if number % 50 == 0:
                self.progress("examples", number / len(people))
        self.progress("examples", 1.0)
        return joined(gathered)

    def _examples_of(self, snapshot: Snapshot, row: int, answers: Feedback, ignored: Rows) -> "Examples":
        settings = self.config.learning
        user = self.ids.users.id(row)
        now = int(answers.at.min() if self.holdout == "latest" else answers.at.max())
        ctx = Context(Request(id=f"training/{user}", user=user, row=row, limit=1, now=now), snapshot)
        candidates = self.pipeline.candidates(ctx)
        # Answers that no source brought would teach that what sources leave out is good.
        answers = answers.where(np.isin(answers.item, candidates))
        pool = np.setdiff1d(candidates, answers.item)
        rng = stream("training", user)
        drawn = rng.choice(pool, min(settings.negatives, len(pool)), replace=False)
        # Impressions without an answer are negatives for certain: each stands for itself.
        seen = np.setdiff1d(np.intersect1d(ignored, pool), drawn)
        wanted = np.unique(answers.item)
        rows = np.concatenate([wanted, drawn, seen]).astype(np.int32)
        labels = np.zeros((len(rows), len(self.kinds.names)), dtype=np.float32)
        labels[np.searchsorted(wanted, answers.item), answers.action] = 1
        weights = np.ones(len(rows), dtype=np.float32)
        # A drawn candidate stands for its share of the pool, so that probabilities are those of serving.
        weights[len(wanted) : len(wanted) + len(drawn)] = (len(pool) - len(seen)) / max(len(drawn), 1)
        batch = self.pipeline.describe(ctx, rows)
        names = sorted(name for name, column in batch.columns.items() if _is_input(name, column))
        inputs = np.stack([batch[name] for name in names], axis=1).astype(np.float32)
        return Examples(tuple(names), inputs, labels, weights, np.full(len(rows), row), rows)

    def _past_snapshot(self, events: EventBatch, feedback: Feedback, held: Bools, artifacts: Artifacts) -> Snapshot:
        """State and vectors without each person's held-out feedback and what led to it.

        The person's own past ends where their held-out part begins; others are as they are in the log.
        """
        answers = np.zeros(len(events), dtype=bool)
        answers[feedback.event[held]] = True
        late = answers | impressions_of(events)
        if self.holdout == "latest":
            late |= later_of(events, answers)
        kept = events.where(~late)
        states = {name: fold.add(fold.empty(), kept) for name, fold in self.folds.items()}
        seen = views(states)
        return Snapshot(
            seq=int(kept.seq[-1]) if len(kept) else 0,
            ids=self.ids,
            users=seen["users"],
            items=seen["items"],
            creators=seen["creators"],
            labels=seen["labels"],
            world=seen["world"],
            feedback=self.kinds,
            impressions=self.config.impressions,
            artifacts=artifacts,
        )


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of one training set.

    features: names (f,); inputs: float32 (n, f); labels: float32 (n, kinds); weights: float32 (n,);
    user, item: rows (n,).
    """

    features: tuple[str, ...]
    inputs: Floats
    labels: Floats
    weights: Floats
    user: Array
    item: Rows


def joined(parts: list[Examples]) -> Examples | None:
    """Training sets of many people together; None of none."""
    if not parts:
        return None
    stack = [
        np.concatenate([getattr(p, name) for p in parts]) for name in ("inputs", "labels", "weights", "user", "item")
    ]
    return Examples(parts[0].features, *stack)


def _is_input(name: str, column: Array) -> bool:
    """Which columns the net reads: every number that features gave, but not the rates that it replaces."""
    return column.dtype.kind == "f" and not name.startswith("p_")


def _records(events: EventBatch) -> tuple[Rows, list[Mapping[str, Any]]]:
    """The latest record of every item: rows and records."""
    latest: dict[int, Mapping[str, Any]] = {}
    for index in np.flatnonzero(events.of(Kind.ITEM)).tolist():
        latest[int(events.item[index])] = events.data[index] or {}
    return np.fromiter(latest, np.int32, len(latest)), list(latest.values())


def _drawn(user: Array, share: float) -> Array:
    """A share of the people, drawn once for all."""
    people = np.unique(user)
    return stream("training", "test").choice(people, max(1, int(share * len(people))), replace=False)


def _drawn_people(user: Array, most: int) -> Array:
    people = np.unique(user)
    if len(people) <= most:
        return people
    return np.sort(stream("training", "people").choice(people, most, replace=False))


def version_name(now: int) -> str:
    """A version's name, from its time in microseconds, so that names sort by age."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now / 1_000_000)) + f"{now % 1_000_000:06d}"
