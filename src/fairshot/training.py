"""Training: from the log to a checked snapshot.

The ranking net must not see what its features were made from, so the last part of the log is held out: vectors
are fitted on what came before, and what happened since is described as of then, by replay, with the pipeline's
own features. The last of it, in time, tells how good the net is. Then everything is fitted on the whole log.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from fairshot.comparison import Past
from fairshot.config import Config
from fairshot.core.arrays import Array, Floats, Ints, Rows
from fairshot.core.errors import TrainingError
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.core.person import occasions as occasions_of
from fairshot.core.randomness import stream
from fairshot.core.request import Request
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import Artifacts, Popularity, Vectors
from fairshot.decisions.drift import Inputs
from fairshot.decisions.promotion import Figure, HeldOut
from fairshot.examples import (
    Describer,
    Examples,
    Occasion,
    drawn,
    in_order_of_time,
    joined,
    organic_occasions,
    personal_occasions,
    shown_occasions,
    without_past,
)
from fairshot.learning.causal import CausalModel
from fairshot.learning.content import ContentEncoder
from fairshot.learning.distillation import fit_retrieval
from fairshot.learning.engagement import WITHOUT_HEADS, EngagementModel, Taught, calibrate, fit_engagement
from fairshot.learning.impressions import attribute
from fairshot.learning.interactions import Feedback, feedback_of, impressions_of, random_share
from fairshot.learning.loading import PERSONS
from fairshot.learning.multipliers import Multipliers, fit_multipliers
from fairshot.learning.nearest import VectorSearch, build_index
from fairshot.learning.neighbours import NeighboursModel, fit_neighbours
from fairshot.learning.popularity import fit_popularity
from fairshot.learning.retrieval import RetrievalModel
from fairshot.learning.retrieval_recall import spared
from fairshot.learning.vectors import FittedVectors, fit_vectors
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.features.engagement import SHOWN
from fairshot.replay import Replay
from fairshot.state import Fold

Protocol = Literal["latest", "random"]
Progress = Callable[[str, float], None]
CALIBRATING, TESTING = 0.05, 0.1
"""Shares of the examples, the last in time, that calibrate the net and that measure it."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models fitted from one log, with their figures; see `Artifacts` for what each is."""

    vectors: Vectors
    encoder: ContentEncoder
    index: Array | None
    engagement: EngagementModel
    neighbours: NeighboursModel
    popularity: Popularity
    multipliers: Multipliers
    retrieval: RetrievalModel | None = None
    causal: CausalModel | None = None
    heads: Mapping[str, HeldOut] = field(default_factory=dict)
    """By kind: what the net says of what happened after all it was taught with."""
    inputs: Mapping[str, Inputs] = field(default_factory=dict)
    """What the net was taught with, of slates ("shown") and of what no slate led to ("organic")."""
    more: tuple[Figure, ...] = ()
    """Figures of other models."""
    past: Past | None = None
    """The ranking net beside the models that it was taught with, and since when both know nothing."""
    spared: Rows = field(default_factory=lambda: np.empty(0, np.int32))
    """People whom retrieval was not taught with."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Of every model that could be measured."""
        heads = (
            (f"engagement.{kind}", name, value) for kind, head in self.heads.items() for name, value in head.figures()
        )
        return (*heads, *self.more)

    def artifacts(self, version: str | None = None) -> Artifacts:
        """As a request reads them."""
        return Artifacts(
            version,
            self.vectors,
            VectorSearch(self.vectors, self.index),
            self.engagement,
            multipliers=self.multipliers,
            retrieval=self.retrieval,
            causal=self.causal,
            neighbours=self.neighbours,
            popularity=self.popularity,
        )

    def models(self) -> dict[str, tuple[Mapping[str, Array], Mapping[str, Any]]]:
        """As the artifact store keeps them."""
        vectors = {"items": self.vectors.items, "gram": self.vectors.gram, "trained": self.vectors.trained}
        kept: dict[str, Any] = {
            "engagement": self.engagement,
            "neighbours": self.neighbours,
            "multipliers": self.multipliers,
            "retrieval": self.retrieval,
            "causal": self.causal,
        }
        return {
            "vectors": (vectors, {name: getattr(self.vectors, name) for name in PERSONS}),
            "content": self.encoder.dump(),
            "index": ({} if self.index is None else {"index": self.index}, {}),
            "popularity": ({"quantiles": self.popularity.quantiles}, {"rates": dict(self.popularity.rates)}),
            **{name: model.dump() for name, model in kept.items() if model is not None},
        }


@dataclass(frozen=True)
class Trainer:
    """What training needs of the application; pure but for the progress it reports."""

    config: Config
    folds: Mapping[str, Fold]
    pipeline: Pipeline
    ids: Ids
    holdout: Protocol = "latest"
    """What the ranking net is taught to predict: what comes next, or what is missing at random."""
    progress: Progress = field(default=lambda _phase, _share: None)
    standing: EngagementModel | None = None
    """The ranking net in service, measured on the same held-out part."""

    @property
    def kinds(self) -> FeedbackKinds:
        """The configured feedback kinds."""
        return self.config.kinds

    def fit(self, events: EventBatch, slates: Iterable[LoggedSlate] = (), causal: CausalModel | None = None) -> Fitted:
        """Fit all models; raises TrainingError where there is too little to learn from.

        slates: of the log, for what people were shown; causal: the layer that the snapshot shall have.
        """
        feedback = feedback_of(events)
        if len(feedback) == 0 or not (self.kinds.preferences[feedback.action] > 0).any():
            raise TrainingError("the log holds no approving feedback on any item yet; import or ingest some first")
        examples, models = (
            self._at_random(events, feedback) if self.holdout == "random" else self._in_time(events, feedback, slates)
        )
        engagement, heads, figures = self._engagement(examples)
        fitted = self._vectors(events, feedback, "vectors")
        neighbours = self._neighbours(feedback, events.sizes.items)
        self.progress("index", 0.0)
        index = build_index(fitted.vectors.items)
        self.progress("index", 1.0)
        result = Fitted(
            fitted.vectors,
            fitted.encoder,
            index,
            engagement,
            neighbours,
            fit_popularity(events, feedback, self.kinds),
            Multipliers((), np.zeros(0), np.zeros(0)),
            causal=causal,
            heads=heads,
            inputs={} if examples is None else _inputs(examples),
            more=tuple(figures),
            past=self._since(examples, replace(models, engagement=engagement)),
        )
        return self._taught_by_ranker(result, fitted.told, events)

    def _taught_by_ranker(self, fitted: Fitted, told: Floats, events: EventBatch) -> Fitted:
        """What is fitted last, on the state that the whole log leaves: how people differ, and retrieval."""
        replay = Replay(events, self.folds, self.ids, self.config)
        replay.at(int(events.seq[-1]))
        snapshot = replay.swap(fitted.artifacts("fitted"))
        users = snapshot.users
        times = occasions_of(users, slice(None), self.config.impressions.mode)
        multipliers = fit_multipliers(users["user_counts"], times, self.kinds.names)
        people = np.flatnonzero(users["user_counts"].sum(axis=1) > 0).astype(np.int32)
        apart = spared(people)
        now = int(events.at[events.of(Kind.FEEDBACK)].max())
        retrieval = fit_retrieval(
            self.pipeline,
            snapshot,
            np.setdiff1d(people, apart),
            now=now,
            fresh=without_past(snapshot, told),
            progress=partial(self.progress, "retrieval"),
        )
        return replace(fitted, multipliers=multipliers, retrieval=retrieval, spared=apart)

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

    def _past(self, events: EventBatch, before: Feedback) -> tuple[Artifacts, Describer]:
        """The models of what came before, and what describes by them what came after."""
        past = self._vectors(events, before, "vectors of the past")
        nearby = self._neighbours(before, events.sizes.items)
        search = VectorSearch(past.vectors, build_index(past.vectors.items))
        describer = Describer(self.pipeline, self.config.learning, past.told)
        return Artifacts("past", past.vectors, search, neighbours=nearby), describer

    def _at_random(self, events: EventBatch, feedback: Feedback) -> tuple[Examples | None, Artifacts]:
        """Examples of what is missing at random: everybody's held-out share beside the state of all the rest."""
        held = random_share(feedback, self.config.learning.holdout)
        past, describer = self._past(events, feedback.where(~held))
        answers = feedback.where(held)
        end = int(feedback.at[-1])
        found = personal_occasions(answers, len(self.kinds.names), int(events.seq[-1]), end)
        gone = np.zeros(len(events), dtype=bool)
        gone[answers.event] = True
        # As if nothing had been shown: what was not shown again would tell what is held out.
        kept = events.where(~(gone | impressions_of(events)))
        asked = drawn(found, self.config.learning.occasions, "people")
        return joined(self._described(kept, asked, past, describer)), past

    def _in_time(
        self, events: EventBatch, feedback: Feedback, slates: Iterable[LoggedSlate]
    ) -> tuple[Examples | None, Artifacts]:
        """Examples of what came next: the last share of what happened, each in the state of its moment."""
        settings = self.config.learning
        rows = attribute(events, self.kinds, self.config.impressions.mode)
        ordered, place = in_order_of_time(events)
        order = place[np.searchsorted(events.seq, rows.seq)]
        cut = np.sort(order)[int((1 - settings.holdout) * len(order))] if len(order) else 0
        past, describer = self._past(events, feedback.where(place[feedback.event] < cut))
        late = set(rows.seq[~rows.organic & (order >= cut)].tolist())
        shown = shown_occasions(rows, (slate for slate in slates if slate.served in late))
        organic = organic_occasions(rows, order, order >= cut)
        parts = self._described(events, drawn(shown, settings.occasions, "shown"), past, describer)
        parts += self._described(ordered, drawn(organic, settings.occasions, "organic"), past, describer)
        return joined(parts), past

    def _described(
        self, events: EventBatch, occasions: Sequence[Occasion], models: Artifacts, describer: Describer
    ) -> list[Examples]:
        """Each occasion in the state that this order of the log had come to."""
        if not occasions:
            return []
        replay = Replay(events, self.folds, self.ids, self.config)
        moments = replay.moments(np.array([occasion.seq for occasion in occasions]), models)
        found: list[Examples | None] = []
        for number, (occasion, snapshot) in enumerate(zip(occasions, moments, strict=True)):
            if occasion.slate is not None:
                found.append(describer.shown(replay.request_of(occasion.slate), snapshot, occasion))
            else:
                found.append(describer.organic(self._request(occasion), snapshot, occasion))
            if number % 50 == 0:
                self.progress("examples", number / len(occasions))
        self.progress("examples", 1.0)
        return [part for part in found if part is not None]

    def _request(self, occasion: Occasion) -> Request:
        """What the person would have asked."""
        user = self.ids.users.id(occasion.user)
        return Request(id=f"training/{user}/{occasion.at}", user=user, row=occasion.user, limit=1, now=occasion.at)

    def _engagement(self, examples: Examples | None) -> tuple[EngagementModel, Mapping[str, HeldOut], list[Figure]]:
        """The ranking net, and what it says of what it was not taught with; without heads where data is scarce."""
        settings = self.config.learning
        nothing: tuple[EngagementModel, Mapping[str, HeldOut], list[Figure]] = (WITHOUT_HEADS, {}, [])
        if examples is None:
            return nothing
        parts = self._parts(examples)
        if parts is None:
            return nothing
        counts = zip(examples.labels.sum(axis=0), examples.labels[parts == 0].sum(axis=0), strict=True)
        kinds = [n for n, (all_, taught) in enumerate(counts) if all_ >= self._least(n) and taught >= all_ / 2]
        if not kinds:
            return nothing
        names = [self.kinds.names[n] for n in kinds]
        timed = np.isfinite(examples.seconds[parts == 0]).sum() >= settings.least_examples
        seconds = examples.seconds if timed else None
        every = Taught(examples.inputs, examples.labels[:, kinds], examples.weights, seconds)
        balanced = replace(every, weights=_balanced(examples))
        model = fit_engagement(
            examples.features,
            names,
            balanced.where(parts == 0),
            hidden=settings.hidden,
            epochs=settings.epochs,
            decay=settings.decay,
            progress=partial(self.progress, "engagement"),
        )
        model = calibrate(model, balanced.where(parts == 1))
        test = parts == 2
        given, people = every.where(test), examples.user[test]
        predicted, dwell = model.outcomes(given.inputs)
        standing = self._standing(examples.features, given.inputs)
        heads = {
            name: HeldOut(truth, predicted[:, head], standing.get(name), given.weights, people, examples.item[test])
            for head, name in enumerate(names)
            if 0 < (truth := given.labels[:, head]).sum() < len(truth)
        }
        return model, heads, _dwell_figures(given, dwell)

    def _least(self, kind: int) -> float:
        """Examples that a head needs; one that serves already stays with half, so that it does not come and go."""
        stands = self.standing is not None and self.kinds.names[kind] in self.standing.kinds
        return self.config.learning.least_examples / (2 if stands else 1)

    def _parts(self, examples: Examples) -> Ints | None:
        """For each example 0: to teach, 1: to calibrate, 2: to test; None where there is no telling them apart.

        By time, or where that is not the question, and where too much happened at once, by people.
        """
        people = np.unique(examples.user)
        by_lot = stream("training", "parts").permutation(len(people))[np.searchsorted(people, examples.user)]
        for by in (by_lot,) if self.holdout == "random" else (examples.at, by_lot):
            ordered = np.sort(by)
            first, second = (ordered[int(share * len(by))] for share in (1 - CALIBRATING - TESTING, 1 - TESTING))
            parts: Ints = (by >= first).astype(np.int64) + (by >= second)
            if len(np.unique(parts)) == 3:
                return parts
        return None

    def _since(self, examples: Examples | None, models: Artifacts) -> Past | None:
        """The models, where there is a time after which they and their net were taught nothing."""
        parts = None if examples is None or self.holdout == "random" else self._parts(examples)
        if examples is None or parts is None:
            return None
        since = int(examples.at[parts == 2].min())
        return Past(models, since) if since > examples.at[parts < 2].max() else None

    def _standing(self, features: tuple[str, ...], inputs: Floats) -> Mapping[str, Floats]:
        """What the net in service says of the same examples, by kind; nothing where it reads what is not there."""
        model = self.standing
        if model is None or not model.kinds or not set(model.features) <= set(features):
            return {}
        predicted = model.predict(inputs[:, [features.index(name) for name in model.features]])
        return {kind: predicted[:, head] for head, kind in enumerate(model.kinds)}


def _balanced(examples: Examples) -> Floats:
    """Weights with which what slates showed and the rest count by their numbers of examples, float32 (n,).

    A candidate drawn by lot stands for hundreds, an impression for itself: each part's probabilities are its own,
    but the many would drown the lesson of what was really shown.
    """
    shown = examples.inputs[:, examples.features.index(SHOWN)] > 0
    weights = examples.weights.copy()
    if shown.any() and not shown.all():
        for part in (shown, ~shown):
            weights[part] /= weights[part].mean()
    return weights


def _dwell_figures(given: Taught, dwell: Floats | None) -> list[Figure]:
    """Expected over real seconds in view, of examples that were not taught."""
    if dwell is None or given.seconds is None:
        return []
    told = np.isfinite(given.seconds)
    if not told.any():
        return []
    real = float(np.average(given.seconds[told], weights=given.weights[told]))
    expected = float(np.average(dwell[told], weights=given.weights[told]))
    return [("engagement.seconds", "expected / real", expected / max(real, 1e-9))]


def _inputs(examples: Examples) -> Mapping[str, Inputs]:
    shown = examples.inputs[:, examples.features.index(SHOWN)] > 0
    parts = {"shown": examples.where(shown), "organic": examples.where(~shown)}
    return {
        name: Inputs(part.features, part.inputs, part.weights, part.user, part.item)
        for name, part in parts.items()
        if len(part)
    }


def _records(events: EventBatch) -> tuple[Rows, list[Mapping[str, Any]]]:
    """The latest record of every item: rows and records."""
    latest: dict[int, Mapping[str, Any]] = {}
    for index in np.flatnonzero(events.of(Kind.ITEM)).tolist():
        latest[int(events.item[index])] = events.data[index] or {}
    return np.fromiter(latest, np.int32, len(latest)), list(latest.values())


def version_name(now: int) -> str:
    """A version's name, from its time in microseconds, so that names sort by age."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now / 1_000_000)) + f"{now % 1_000_000:06d}"
