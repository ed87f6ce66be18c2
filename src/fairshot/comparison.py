"""Comparison: what a candidate's slates would have earned, and how much of its ranker's choice its retrieval finds.

What a candidate was fitted on it must not be judged by. Off-policy, its freshly taught net is therefore put beside
the models of the past that the net was taught with, and judged by slates that came after all that it was taught.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from fairshot.config import Config
from fairshot.core.arrays import Floats, Rows
from fairshot.core.errors import StageError
from fairshot.core.events import EventBatch
from fairshot.core.ids import Ids
from fairshot.core.slate import LoggedSlate
from fairshot.core.snapshot import Artifacts, Snapshot
from fairshot.decisions.off_policy import examination_of, place
from fairshot.decisions.off_policy_judgement import FEWEST_EFFECTIVE, FEWEST_PEOPLE, Judged, Judgement, judge
from fairshot.decisions.promotion import Compared, Guarded, Standing
from fairshot.learning.engagement import EngagementModel
from fairshot.learning.impressions import Impressions, attribute
from fairshot.learning.retrieval_recall import BEST, CANDIDATES, LARGEST, recall
from fairshot.pipeline.engine import Pipeline
from fairshot.replay import Replay
from fairshot.state import Fold

ESTIMATORS = ("DR", "PBM")
"""The first of these that is conclusive speaks: the order is fixed, whatever they say."""
WORTH, RETRIEVAL = "off-policy", "retrieval"
RECALL = f"recall@{BEST} of {CANDIDATES}"


@dataclass(frozen=True, slots=True)
class Past:
    """Models that know nothing of what happened from `since` on, microseconds since 1970."""

    models: Artifacts
    since: int


@dataclass(frozen=True)
class OffPolicy:
    """What looking back needs of the application; weights: what each kind of feedback is worth, float64 (kinds,)."""

    config: Config
    folds: Mapping[str, Fold]
    pipeline: Pipeline
    ids: Ids
    weights: Floats

    def compare(
        self,
        events: EventBatch,
        slates: Callable[[int], Iterable[LoggedSlate]],
        past: Past | None,
        standing: EngagementModel | None,
    ) -> Compared:
        """What the past models would have earned in place of the last slates, against what these earned.

        events: the log from its beginning; slates: those that it holds after a number; standing: the net in service.
        Refused is only what fell against the log and against the same past models with the standing net: what the
        past lacks, the log's slates had, and it must not count against the candidate. Errors of the two estimates
        are added as if they were independent, which makes them larger than they are.
        """
        if past is None:
            return _told("too little feedback was held out in time to judge the candidate by slates")
        late = self._late(events, slates, past.since)
        people = len({slate.user for slate in late})
        if not late:
            return _told("no slate was served after what the ranking net was taught with, so none can judge it")
        if len(late) < FEWEST_EFFECTIVE or people < FEWEST_PEOPLE:
            return _told(f"{len(late)} slates of {people} people came after what was taught: too few to conclude from")
        shown = attribute(events.where(events.at >= past.since), self.config.kinds)
        try:
            judgement = self._judged(events, late, past.models, shown)
            one = _conclusive(judgement)
            if one is None:
                return _told(f"not conclusive over {len(late)} slates: {_doubts(judgement)}")
            fell = -one.difference > self.config.learning.tolerance * abs(judgement.logged)
            beside = None
            if fell and standing is not None and _readable(standing, past.models.engagement):
                models = replace(past.models, engagement=standing)
                beside = self._beside(one, self._judged(events, late, models, shown), judgement)
        except StageError as error:  # a lot whose probabilities nobody knows
            return _told(f"the pipeline cannot be judged: {error}")
        return _earned(one, judgement, beside)

    def _late(
        self, events: EventBatch, slates: Callable[[int], Iterable[LoggedSlate]], since: int
    ) -> list[LoggedSlate]:
        after = events.seq[events.at >= since]
        if len(after) == 0:
            return []
        found = [one for one in slates(int(after.min()) - 1) if one.mode == "personal" and one.at >= since]
        last = int(events.seq[-1])
        found = sorted((one for one in found if one.served <= last and len(one.rows)), key=lambda one: one.at)
        return found[-self.config.learning.off_policy_slates :]

    def _judged(
        self, events: EventBatch, slates: list[LoggedSlate], models: Artifacts, shown: Impressions
    ) -> Judgement:
        replay = Replay(events, self.folds, self.ids, self.config)
        examination = examination_of(shown.position, shown.weight)
        placements = place(self.pipeline, replay.contexts(slates, models), examination)
        return judge(placements, placements.rewards(shown.seq, shown.position, shown.labels @ self.weights))

    def _beside(self, one: Judged, standing: Judgement, judgement: Judgement) -> Guarded | None:
        """The candidate against the same past models with the standing net, by the same estimator."""
        other = next(found for found in standing.judged if found.estimator == one.estimator)
        if not other.conclusive:
            return None
        name = f"{_name(one, judgement)} and with the net in service,"
        error = float(np.hypot(one.error, other.error))
        return Guarded(name, one.value, other.value, error, unit=abs(judgement.logged))


def _told(note: str) -> Compared:
    return Compared(notes=(f"{WORTH}: {note}",))


def _conclusive(judgement: Judgement) -> Judged | None:
    by_name = {one.estimator: one for one in judgement.judged}
    found = (by_name[name] for name in ESTIMATORS if name in by_name and not judgement.warnings)
    return next((one for one in found if one.conclusive), None)


def _doubts(judgement: Judgement) -> str:
    by_name = {one.estimator: one.warnings for one in judgement.judged}
    told = [f"{name} {' and '.join(by_name[name])}" for name in ESTIMATORS if by_name.get(name)]
    return "; ".join([*judgement.warnings, *told])


def _readable(standing: EngagementModel, candidate: EngagementModel) -> bool:
    """Whether the pipeline still computes what the standing net reads."""
    return bool(standing.kinds) and set(standing.features) <= set(candidate.features)


def _name(one: Judged, judgement: Judgement) -> str:
    return f"{WORTH}: worth of a slate by {one.estimator}, over {judgement.slates} slates"


def _earned(one: Judged, judgement: Judgement, beside: Guarded | None) -> Compared:
    name = f"{_name(one, judgement)} that its models knew nothing of,"
    logged = one.value - one.difference
    figures = (
        (WORTH, f"worth of a slate by {one.estimator}", one.value),
        (WORTH, "worth of a slate that was served", logged),
        (WORTH, "standard error of the difference", one.error),
        (WORTH, "effective slates", one.effective_samples),
    )
    against = Guarded(name, one.value, logged, one.error, abs(logged), "the slates that were served", beside)
    return Compared(figures, (against,))


def compare_retrieval(
    pipeline: Pipeline, snapshots: tuple[Snapshot, Snapshot], people: Rows, standing: Standing
) -> Compared:
    """The recall of the candidate's retrieval, against that of the snapshot in service when it was trained.

    snapshots: the present state with the candidate's models, and with those in service; people: rows of those that
    the candidate's retrieval was not taught with. Where the recall fell against that old figure, it is compared with
    what the standing models find today, for the same people, as well: a catalogue that grew is harder to search.
    """
    fresh, old = snapshots
    if fresh.artifacts.retrieval is None:
        return Compared()
    now, items = fresh.artifacts.retrieval.at, len(fresh.ids.items)
    if items <= CANDIDATES:
        return Compared(notes=(f"{RETRIEVAL}: {CANDIDATES} candidates hold the whole catalogue; nothing to measure",))
    if items > LARGEST:
        note = f"{RETRIEVAL}: recall is not measured above {LARGEST} items, of which every one would have to be ranked"
        return Compared(notes=(note,))
    found = recall(pipeline, fresh, people, now)
    if not np.isfinite(found).any():
        return Compared(notes=(f"{RETRIEVAL}: too few people to measure recall with",))
    value, error = _mean(found)
    figures = [(RETRIEVAL, RECALL, value), (RETRIEVAL, f"{RECALL} standard error", error)]
    before = standing.kept(RETRIEVAL, RECALL)
    guarded = []
    if before is not None:
        then = standing.kept(RETRIEVAL, f"{RECALL} standard error")
        both = float(np.hypot(error, error if then is None else then))
        today = None if value >= before else _today(value, found, recall(pipeline, old, people, now))
        guarded.append(Guarded(f"{RETRIEVAL}: {RECALL}, measured at each training,", value, before, both, beside=today))
    return Compared(tuple(figure for figure in figures if np.isfinite(figure[2])), tuple(guarded))


def _today(value: float, fresh: Floats, old: Floats) -> Guarded | None:
    """The same against what the standing models find of their own ranker's choice."""
    both = np.isfinite(fresh) & np.isfinite(old) if len(old) == len(fresh) else np.zeros(len(fresh), bool)
    if not both.any():
        return None
    change, error = _mean(fresh[both] - old[both])
    return Guarded(f"{RETRIEVAL}: {RECALL}, for the same people,", value, value - change, error)


def _mean(values: Floats) -> tuple[float, float]:
    """Mean and its standard error of what is finite; the error is infinite for a single one."""
    told = values[np.isfinite(values)]
    error = float(told.std(ddof=1)) / len(told) ** 0.5 if len(told) > 1 else np.inf
    return float(told.mean()), error
