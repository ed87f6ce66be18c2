"""What an evaluation starts from: the split, the models fitted on its training part, and the state it leaves."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from fairshot.app import App
from fairshot.core.arrays import Array, Ints
from fairshot.core.events import EventBatch
from fairshot.core.feedback import Impressions
from fairshot.core.snapshot import Snapshot
from fairshot.evaluation.exposure import Catalogue
from fairshot.evaluation.protocols import Split, reactions
from fairshot.learning.interactions import grouped
from fairshot.replay import Replay
from fairshot.training import Fitted, Trainer

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Prepared:
    """One split of one log, trained.

    people: rows of those judged, ascending; truth: what each of them is to find, item rows; apart: those with
    anything held out but nothing to train on.
    """

    events: EventBatch
    split: Split
    trained: EventBatch
    fitted: Fitted
    snapshot: Snapshot
    people: Ints
    truth: list[Array]
    apart: Ints
    catalogue: Catalogue

    @property
    def matrix(self) -> csr_matrix:
        """Who reacted to what in training, binary (users, items): what peers learn from."""
        told = reactions(self.trained)
        sizes = self.events.sizes
        pairs = (self.trained.user[told], self.trained.item[told])
        matrix = csr_matrix((np.ones(len(told)), pairs), shape=(sizes.users, sizes.items))
        matrix.data[:] = 1
        return matrix

    def truth_of(self, people: Ints) -> list[Array]:
        """What people (rows) are to find."""
        return wanted(self.events, self.split, people)


def prepare(app: App, events: EventBatch, split: Split, report: Progress) -> Prepared:
    """Train on the training part of a split, and fold it into a state as a service would have."""
    trained = events.where(split.trained)
    trainer = Trainer(app.config, app.live.folds, app.pipeline, app.live.ids, split.holdout, report)
    # Slates teach what people passed over; where impressions do not train, neither do they.
    slates = [] if split.since is None else [slate for slate in app.log.slates() if slate.at < split.since]
    fitted = trainer.fit(trained, slates)
    replay = Replay(trained, app.live.folds, app.live.ids, app.config)
    replay.at(int(trained.seq[-1]))
    judged = np.unique(events.user[split.held])
    known = np.isin(judged, trained.user[reactions(trained)])
    people = judged[known]
    return Prepared(
        events=events,
        split=split,
        trained=trained,
        fitted=fitted,
        snapshot=as_if_unseen(replay.swap(fitted.artifacts("evaluation"))),
        people=people,
        truth=wanted(events, split, people),
        apart=judged[~known],
        catalogue=Catalogue.of(trained),
    )


def as_if_unseen(snapshot: Snapshot) -> Snapshot:
    """The same state, but what was shown does not stay away: what led to a held-out reaction must not hide it."""
    return replace(snapshot, impressions=Impressions(snapshot.impressions.mode, days=0.0))


def wanted(events: EventBatch, split: Split, people: Ints) -> list[Array]:
    """The items that each of these people (rows, ascending) reacted to in the held-out part."""
    held = np.flatnonzero(split.held)
    return [np.unique(events.item[held[index]]) for index in grouped(events.user[held], people)]
