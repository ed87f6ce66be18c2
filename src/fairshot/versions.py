"""Versions: a snapshot is trained, compared with the one in service, promoted or refused, and rolled back.

Every decision is an event in the log, with its reasons; what serves follows from the events alone.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fairshot.config import Config
from fairshot.core.errors import RollBackError
from fairshot.core.events import Draft, EventBatch, Kind, concatenate
from fairshot.core.snapshot import Artifacts
from fairshot.decisions.drift import profile
from fairshot.decisions.history import PROMOTE, REFUSE, ROLL_BACK, Decision, in_service
from fairshot.decisions.promotion import Candidate, Compared, Standing, TrainingReport, Verdict, judge
from fairshot.learning.loading import load_artifacts
from fairshot.live import Live
from fairshot.pipeline.engine import Pipeline
from fairshot.stores.artifacts import ArtifactStore

if TYPE_CHECKING:
    from fairshot.fitting import Whole
    from fairshot.training import Fitted, Trainer

Progress: TypeAlias = Callable[[str, float], None]


@dataclass(frozen=True)
class Versions:
    """The versions of the models. append: puts an event into the log and waits; catch_up: applies what is there."""

    config: Config
    pipeline: Pipeline
    live: Live
    artifacts: ArtifactStore
    clock: Callable[[], int]
    append: Callable[[Draft], None]
    catch_up: Callable[[], None]

    def train(self, progress: Progress, whole: "Callable[[], Whole] | None" = None) -> TrainingReport:
        """See `App.train`."""
        started = time.perf_counter()
        self.catch_up()
        promoted, present = self.live.promoted, self.live.snapshot.artifacts
        events = concatenate(list(self.live.log.batches()))
        # Asked for once, when the ranking net is taught.
        other = cache(whole or partial(self._whole, events, progress))
        fitted, seq = self._trainer(progress).fit(events, self.live.log.slates(), other), self.live.seq
        growth = seq / max(1, present.facts.get("seq", seq))
        told = told_lately(events, self.config)
        standing = standing_of(present)
        compared = self._compared(events, fitted, standing)
        candidate = candidate_of(fitted, told, growth, compared)
        verdict = judge(candidate, standing, self.config.learning)
        self.catch_up()
        if self.live.promoted != promoted:
            changed = f"{self.live.promoted} took the place of {promoted} while this one was trained"
            verdict = Verdict(False, [f"{changed}: train again to compare with it"])
        version = version_name(self.clock())
        figures = [*fitted.ranking.figures, *other().figures, *compared.figures]
        facts = {"seq": seq, "config": self.config.hash(), "figures": figures}
        if verdict.promote:
            inputs = {name: profile(part) for name, part in fitted.ranking.inputs.items()}
            self.artifacts.save(version, fitted.models(), {**facts, "inputs": inputs})
        decision = PROMOTE if verdict.promote else REFUSE
        self._decide(version, {"decision": decision, "snapshot": version, "reasons": verdict.reasons, **facts})
        self.artifacts.prune(self.config.worker.keep_snapshots, self._needed())
        seconds = time.perf_counter() - started
        return TrainingReport(version, verdict.promote, verdict.reasons, figures, seconds)

    def _compared(self, events: EventBatch, fitted: "Fitted", standing: Standing) -> Compared:
        from fairshot.comparison import OffPolicy, compare_retrieval

        present = self.live.snapshot
        off_policy = OffPolicy(self.config, self.live.folds, self.pipeline, self.live.ids, present.weights)
        earned = off_policy.compare(events, self.live.log.slates, fitted.past, present.artifacts.engagement)
        fresh = replace(present, artifacts=fitted.artifacts("candidate"))
        return earned + compare_retrieval(self.pipeline, (fresh, present), fitted.spared, standing)

    def whole(self) -> "Whole":
        """See `App.fit_whole`."""
        self.catch_up()
        return self._whole(concatenate(list(self.live.log.batches())), lambda _phase, _share: None)

    def _whole(self, events: EventBatch, progress: Progress) -> "Whole":
        from fairshot.causal_log import CausalLog
        from fairshot.learning.causal_fit import fit_causal

        progress("causal", 0.0)
        log = CausalLog(
            self.config,
            self.live.folds,
            self.pipeline,
            self.live.ids,
            lambda version: load_artifacts(self.artifacts, version, self.pipeline),
        )
        units = log.units(events, self.live.log.slates(), self.config.learning.causal_slates)
        causal, report = fit_causal(units, lots_needed=True)
        progress("causal", 1.0)
        found: Whole = self._trainer(progress).fitter.whole(events)
        return replace(found, causal=causal, figures=report.figures)

    def _trainer(self, progress: Progress) -> "Trainer":
        # What training needs takes seconds to load; a service never does.
        from fairshot.training import Trainer

        standing = self.live.snapshot.artifacts.engagement
        return Trainer(self.config, self.live.folds, self.pipeline, self.live.ids, progress=progress, standing=standing)

    def decisions(self) -> list[Decision]:
        """See `App.decisions`."""
        return [
            Decision(at, data["decision"], data["snapshot"], tuple(data.get("reasons", ())))
            for at, data in self.live.log.verdicts("verdict")
            if data.get("decision") in (PROMOTE, REFUSE, ROLL_BACK) and "snapshot" in data
        ]

    def roll_back(self, version: str | None) -> str:
        """See `App.roll_back`."""
        self.catch_up()
        present, served = self.live.promoted, in_service(self.decisions())
        if present is None:
            raise RollBackError("no snapshot is in service, so there is nothing to roll back; run `fairshot train`")
        if version is None and len(served) < 2:
            raise RollBackError(f"{present} is the first snapshot in service: there is none before it to return to")
        target = served[-2] if version is None else version
        if target == present:
            raise RollBackError(f"{target} is in service already")
        self._check(target, present)
        reason = f"{'the one before' if version is None else 'named'}, in place of {present}"
        data = {"decision": ROLL_BACK, "snapshot": target, "from": present, "reasons": [reason]}
        self._decide(version_name(self.clock()), data)
        return target

    def _check(self, target: str, present: str) -> None:
        """Raise RollBackError where the version cannot serve."""
        whole = [version for version in self.artifacts.versions() if version != present]
        if target not in whole:
            choice = f"kept are {', '.join(whole)}" if whole else "no other one is kept"
            raise RollBackError(f"snapshot {target} is not among those on disk; {choice} (see worker.keep_snapshots)")
        missing = load_artifacts(self.artifacts, target, self.pipeline).missing
        if missing:
            raise RollBackError(f"snapshot {target} is damaged, {present} stays in service: {'; '.join(missing)}")

    def _needed(self) -> list[str]:
        """What serves, and what a roll back would return to."""
        return in_service(self.decisions())[-2:]

    def _decide(self, name: str, data: dict[str, Any]) -> None:
        self.append(Draft(kind=Kind.VERDICT, at=self.clock(), id=f"verdict/{name}", data=data))
        self.catch_up()


def candidate_of(fitted: "Fitted", told: Collection[str], growth: float, compared: Compared) -> Candidate:
    """What promotion looks at, of fitted models; told: see `told_lately`; growth: of the log since the last one."""
    tensors = {
        f"{model}.{name}": tensor for model, (tensors, _) in fitted.models().items() for name, tensor in tensors.items()
    }
    kinds, heads, inputs = fitted.ranking.model.kinds, fitted.ranking.heads, fitted.ranking.inputs
    return Candidate(tensors, kinds, heads, told, inputs, growth, compared.guarded, compared.notes)


def told_lately(events: EventBatch, config: Config) -> list[str]:
    """The kinds of feedback of which the latest share of the log, as much as is held out, holds enough to learn."""
    feedback = np.flatnonzero(events.of(Kind.FEEDBACK) & (events.action >= 0) & (events.item >= 0))
    latest = feedback[np.argsort(events.at[feedback], kind="stable")]
    latest = latest[int((1 - config.learning.holdout) * len(latest)) :]
    counts = np.bincount(events.action[latest], minlength=len(config.kinds.names))
    enough = counts >= config.learning.least_examples
    return [name for name, told in zip(config.kinds.names, enough, strict=True) if told]


def standing_of(artifacts: Artifacts) -> Standing:
    """What promotion looks at, of the snapshot in service."""
    if artifacts.version is None:
        return Standing()
    kinds = () if artifacts.engagement is None else artifacts.engagement.kinds
    facts = artifacts.facts
    figures = [(model, name, value) for model, name, value in facts.get("figures", ())]
    return Standing(artifacts.version, kinds, figures, facts.get("inputs", {}))


def version_name(now: int) -> str:
    """A version's name, from its time in microseconds, so that names sort by age."""
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now / 1_000_000)) + f"{now % 1_000_000:06d}"
