"""Training: from the log to a checked snapshot.

The ranking net must not see what its features were made from, so the last part of the log is held out: vectors
are fitted on what came before, and what happened since is described as of then, by replay, with the pipeline's
own features. The last of it, in time, tells how good the net is. Then everything is fitted on the whole log.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from fairshot.comparison import Past
from fairshot.config import Config
from fairshot.core.arrays import Array, Floats, Rows
from fairshot.core.errors import TrainingError
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.core.person import occasions as occasions_of
from fairshot.core.predicted_labels import PredictedLabels
from fairshot.core.request import Request
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import Artifacts, Popularity, Vectors
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
from fairshot.fitting import Fitter, Whole
from fairshot.learning.audience import fit_audience
from fairshot.learning.causal import CausalModel
from fairshot.learning.content import ContentEncoder
from fairshot.learning.distillation import fit_retrieval
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.impressions import attribute
from fairshot.learning.interactions import Feedback, feedback_of, impressions_of, random_share
from fairshot.learning.latent_cluster import LatentCluster
from fairshot.learning.loading import PERSONS
from fairshot.learning.multipliers import Multipliers, fit_multipliers
from fairshot.learning.nearest import VectorSearch, build_index
from fairshot.learning.neighbours import NeighboursModel
from fairshot.learning.retrieval import RetrievalModel
from fairshot.learning.retrieval_recall import spared
from fairshot.pipeline.engine import Pipeline
from fairshot.ranking import Ranking, teach_ranking
from fairshot.replay import Replay
from fairshot.state import Fold

Protocol = Literal["latest", "random"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Models fitted from one log, with their figures; see `Artifacts` for what each is."""

    vectors: Vectors
    encoder: ContentEncoder
    index: Array | None
    ranking: Ranking
    neighbours: NeighboursModel
    popularity: Popularity
    multipliers: Multipliers | None = None
    retrieval: RetrievalModel | None = None
    causal: CausalModel | None = None
    latent_cluster: LatentCluster | None = None
    labels: PredictedLabels | None = None
    audience: Floats | None = None
    past: Past | None = None
    """The ranking net beside the models that it was taught with, and since when both know nothing."""
    spared: Rows = field(default_factory=lambda: np.empty(0, np.int32))
    """People whom retrieval was not taught with."""

    def artifacts(self, version: str | None = None) -> Artifacts:
        """As a request reads them."""
        return Artifacts(
            version,
            self.vectors,
            VectorSearch(self.vectors, self.index),
            self.ranking.model,
            multipliers=self.multipliers,
            retrieval=self.retrieval,
            causal=self.causal,
            neighbours=self.neighbours,
            popularity=self.popularity,
            latent_cluster=self.latent_cluster,
            labels=self.labels,
            audience=self.audience,
        )

    def models(self) -> dict[str, tuple[Mapping[str, Array], Mapping[str, Any]]]:
        """As the artifact store keeps them."""
        vectors = {"items": self.vectors.items, "gram": self.vectors.gram, "trained": self.vectors.trained}
        kept: dict[str, Any] = {
            "engagement": self.ranking.model,
            "neighbours": self.neighbours,
            "multipliers": self.multipliers,
            "retrieval": self.retrieval,
            "causal": self.causal,
            "latent_cluster": self.latent_cluster,
            "labels": self.labels,
        }
        return {
            "vectors": (vectors, {name: getattr(self.vectors, name) for name in PERSONS}),
            "content": self.encoder.dump(),
            "index": ({} if self.index is None else {"index": self.index}, {}),
            "popularity": ({"quantiles": self.popularity.quantiles}, {"rates": dict(self.popularity.rates)}),
            **({} if self.audience is None else {"audience": ({"people": self.audience}, {})}),
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

    @property
    def fitter(self) -> Fitter:
        """What fits the models that need no ranking net."""
        return Fitter(self.config, self.ids, self.progress)

    def fit(
        self, events: EventBatch, slates: Iterable[LoggedSlate] = (), whole: Callable[[], Whole] | None = None
    ) -> Fitted:
        """Fit all models; raises TrainingError where there is too little to learn from.

        slates: of the log, for what people were shown; whole: gives the other half, asked for when it is needed;
        without, it is fitted here, with no causal layer.
        """
        feedback = feedback_of(events)
        if len(feedback) == 0 or not (self.kinds.preferences[feedback.action] > 0).any():
            raise TrainingError("the log holds no approving feedback on any item yet; import or ingest some first")
        examples, models = (
            self._at_random(events, feedback) if self.holdout == "random" else self._in_time(events, feedback, slates)
        )
        ranking = teach_ranking(
            examples,
            self.kinds.names,
            self.config.learning,
            by_time=self.holdout == "latest",
            standing=self.standing,
            progress=partial(self.progress, "engagement"),
        )
        past = replace(models, engagement=ranking.model)
        found = self.fitter.whole(events) if whole is None else whole()
        if found.seq != int(events.seq[-1]):
            raise TrainingError(f"half of it was fitted up to event {found.seq}, not {events.seq[-1]}: train again")
        result = Fitted(
            found.vectors.vectors,
            found.vectors.encoder,
            found.index,
            ranking,
            found.neighbours,
            found.popularity,
            causal=found.causal,
            labels=found.labels,
            past=None if ranking.since is None else Past(past, ranking.since),
        )
        taught = self._taught_by_ranker(result, found.vectors.told, events)
        # Last: retrieval is taught what the ranker would choose, not what a new person is tried with.
        return replace(taught, latent_cluster=found.latent_cluster)

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
        audience = fit_audience(snapshot, people, now)
        return replace(fitted, multipliers=multipliers, retrieval=retrieval, audience=audience, spared=apart)

    def _past(self, events: EventBatch, before: Feedback) -> tuple[Artifacts, Describer]:
        """The models of what came before, and what describes by them what came after."""
        past = self.fitter.vectors(events, before, "vectors of the past")
        nearby = self.fitter.neighbours(before, events.sizes.items)
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
