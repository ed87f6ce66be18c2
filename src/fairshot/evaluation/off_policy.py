"""Off-policy: what each arm would have earned in place of the slates that were really served, from the log alone."""

import math
from collections.abc import Sequence
from copy import deepcopy

from fairshot.app import App, build_pipeline
from fairshot.core.errors import FairshotError
from fairshot.core.events import EventBatch
from fairshot.decisions.off_policy import place
from fairshot.decisions.off_policy_judgement import Judged, Judgement, judge
from fairshot.evaluation.arms import arms
from fairshot.evaluation.measured import Difference, Measured
from fairshot.evaluation.prepared import Progress
from fairshot.evaluation.protocols import HELD_OUT
from fairshot.evaluation.report import Doubt, Estimated
from fairshot.learning.impressions import attribute
from fairshot.replay import Replay
from fairshot.training import Trainer

SERVED, REWARD = "served", "reward of a slate"


def off_policy(app: App, events: EventBatch, report: Progress) -> Estimated:
    """Train before the last quarter of the logged slates, and judge each arm on them.

    Raises FairshotError where too few slates were served.
    """
    served = sorted(app.log.slates(), key=lambda slate: slate.at)
    late = served[int((1 - HELD_OUT) * len(served)) :]
    if len(late) < 2 or late[0].at <= served[0].at:
        raise FairshotError("off-policy estimates need slates that were served; the log holds too few")
    since = late[0].at
    trainer = Trainer(app.config, app.live.folds, app.pipeline, app.live.ids, "latest", report)
    fitted = trainer.fit(events.where(events.at < since), [slate for slate in served if slate.at < since])
    shown = attribute(events, app.config.kinds, app.config.impressions.mode)
    worth = shown.labels @ app.config.kinds.weights
    found = Estimated(0, [], [])
    for arm, config in arms(app.config).items():
        report(arm, 0.0)
        replay = Replay(events, app.live.folds, app.live.ids, app.config)
        # The replay writes the vectors of what arrives into its models.
        moments = replay.contexts(late, deepcopy(fitted).artifacts("evaluation"))
        placements = place(build_pipeline(config), moments)
        found = _with(found, arm, judge(placements, placements.rewards(shown.seq, shown.position, worth)))
    return found


def _with(found: Estimated, arm: str, judgement: Judgement) -> Estimated:
    if not judgement.judged:
        raise FairshotError(f"nothing can be estimated: {'; '.join(judgement.warnings)}")
    served = Measured(SERVED, REWARD, judgement.logged, *_bounds(judgement.logged_low, judgement.logged_high))
    judged = [one for one in judgement.judged if math.isfinite(one.value)]
    return Estimated(
        people=judgement.people,
        figures=[
            *(found.figures or [served]),
            *(Measured(arm, f"{REWARD} by {one.estimator}", one.value, *_bounds(one.low, one.high)) for one in judged),
        ],
        differences=[*found.differences, *(_difference(arm, one) for one in judged)],
        doubts=[*found.doubts, *(_doubt(arm, one, judgement.warnings) for one in judgement.judged)],
    )


def _difference(arm: str, one: Judged) -> Difference:
    name = f"{REWARD} by {one.estimator}"
    return Difference(arm, SERVED, name, one.difference, *_bounds(one.difference_low, one.difference_high))


def _bounds(low: float, high: float) -> tuple[float, float] | tuple[None, None]:
    """An interval; none where it is without end, as of a single person."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (None, None)


def _doubt(arm: str, one: Judged, common: Sequence[str]) -> Doubt:
    return Doubt(arm, one.estimator, one.effective_samples, one.support, one.clipped, (*common, *one.warnings))
