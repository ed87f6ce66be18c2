"""Trials of the application: gathers what the state knows, and lets the decider decide."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fairshot.algorithms.decay import decayed
from fairshot.core.arrays import DAY, HOUR, Array, Bools, Ints, Rows
from fairshot.core.events import Draft, Kind
from fairshot.core.predicted_labels import category_of
from fairshot.core.randomness import stream
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import CELLS, TrialState, accounts_of, counts_of, evidence_of
from fairshot.core.trial_posterior import posteriors_of, priors_of
from fairshot.core.turns import held_back, likes_of, soon_tried, waits_for_strangers
from fairshot.decisions.audiences import FEWEST_LIKES, Responses, answer
from fairshot.decisions.trials import (
    Judged,
    Priors,
    admitted,
    fit_priors,
    judge,
    looks,
    segment_sentence,
    sentence,
)
from fairshot.pipeline.sources.trials import on_trial, searched

FAMILY = "trial"
"""Ids of verdicts on trials begin so."""
FEWEST_AT_ONCE = 20
"""Items that are on trial at once before anything is known of how many impressions there are."""
CHANGED = 0.05
"""A prior whose mean or tiers moved by so much of themselves is written anew."""


class Asked(NamedTuple):
    """What the segments of an item's people told: verdicts, whether its audience was found, or may be one of them."""

    drafts: Sequence[Draft] = ()
    found: bool = False
    open: bool = False


@dataclass(frozen=True)
class Decider:
    """Decides on all trials as of one moment; pure: returns the events that say what was decided."""

    snapshot: Snapshot
    now: int
    admits: bool = True
    """Whether anything would show what is admitted; trials on their way end either way."""

    def drafts(self) -> list[Draft]:
        """New priors, steps of trials on the way, and admissions."""
        return [*self.priors(), *self.steps(), *self.searches(), *self.admissions()]

    def priors(self) -> list[Draft]:
        """What trials have told of categories and tiers, where that is news."""
        items = self.snapshot.items
        rows = np.flatnonzero(items["trial_round"] > 0).astype(np.int32)
        shown, liked = items["trial_shown"][rows], items["trial_liked"][rows]
        found = fit_priors(shown, liked, category_of(self.snapshot, rows), self.snapshot.trials)
        if found is None or not self._news(found):
            return []
        data = {
            "decision": "trial_prior",
            "all": list(found.everywhere),
            "tiers": found.tiers.tolist(),
            "labels": [list(entry) for entry in found.labels],
            "items": len(rows),
        }
        return [Draft(kind=Kind.VERDICT, at=self.now, id=f"{FAMILY}_prior/{self.now // HOUR}", data=data)]

    def _news(self, found: Priors) -> bool:
        world, labels = self.snapshot.world, self.snapshot.labels["trial_prior"]
        before = np.r_[_mean(world["trial_world_prior"][0]), world["trial_tiers"][0]]
        after = np.r_[_mean(np.array(found.everywhere)), found.tiers]
        for row, a, b in found.labels:
            before, after = np.append(before, _mean(labels[row])), np.append(after, a / (a + b))
        return bool(np.isnan(before).any() or (np.abs(after / before - 1) > CHANGED).any())

    def steps(self) -> list[Draft]:
        """Trials that end, expand, or have found an audience."""
        snapshot = self.snapshot
        rows = np.unique(on_trial(snapshot))
        if len(rows) == 0:
            return []
        state = snapshot.items["trial_state"][rows]
        over = self.over(rows)
        looked_at = self.looked_at(rows, over)
        found = judged(snapshot, rows, looked_at, over)
        people, likes = (counts.sum(axis=1).tolist() for counts in looked_at)
        drafts = []
        heard, untold = self._heard(rows), waits_for_strangers(snapshot, rows)
        for index, row in enumerate(rows.tolist()):
            told = people[index], likes[index]
            if over[index] and people[index] < snapshot.trials.least:
                drafts.append(self._draft(row, "waiting", told, self._numbers(found, index, row)))
                continue
            asked = self._segments(row) if heard[index] else Asked()
            # What others found of it does not stop an item whose audience was found just now, nor while those are asked
            # who may be its audience, or too few strangers were.
            stays = asked.found or ((asked.open or untold[index]) and found.spent[index] < 1)
            drafts += asked.drafts
            if found.step[index] != state[index] and not (stays and found.step[index] == TrialState.STOPPED):
                step = TrialState(int(found.step[index])).name.lower()
                drafts.append(self._draft(row, step, told, self._numbers(found, index, row)))
        return drafts

    def searches(self) -> list[Draft]:
        """Audiences of graduates, found or asked for, of whom anybody told within the last hour."""
        rows = np.unique(searched(self.snapshot))
        rows = rows[self.snapshot.items["trial_segment"][rows] < 0]
        told = [row for row in rows.tolist() if self._last_told(row) > self.now - HOUR]
        return [draft for row in told for draft in self._segments(row).drafts]

    def _last_told(self, row: int) -> int:
        return int(evidence_of(self.snapshot.items, row)["at"].max(initial=0))

    def _heard(self, rows: Rows) -> Bools:
        """Items without an audience of their own, with likes enough that one may show: bool (n,)."""
        items = self.snapshot.items
        unfound = items["trial_segment"][rows] < 0
        return np.asarray(unfound & (items["trial_liked"][rows].sum(axis=1) >= FEWEST_LIKES))

    def over(self, rows: Rows) -> Bools:
        """Which trials have had their `days`, from when the item was admitted, or its audience found: bool (n,)."""
        items = self.snapshot.items
        since = np.maximum(items["trial_admitted_at"][rows], items["trial_segment_at"][rows])
        return np.asarray(since + self.snapshot.trials.days * DAY <= self.now)

    def looked_at(self, rows: Rows, over: Bools) -> tuple[Array, Array]:
        """What the latest look at each item took in: people and likes, int64 (n, CELLS) each.

        Where an audience was found, what came after that: the evidence that it was found by would speak for itself.
        When a trial is over, everybody; and if they are too few, those before as well.
        """
        shown, liked = np.zeros((2, len(rows), CELLS), np.int64)
        since = self.snapshot.items["trial_segment_at"]
        told = self.snapshot.items["trial_shown"][rows].sum(axis=1) >= self.snapshot.trials.least
        for index in np.flatnonzero(told | over).tolist():
            row = int(rows[index])
            first, welcome = accounts_of(evidence_of(self.snapshot.items, row))
            fresh = first["at"] > since[row]
            people = int(looks(np.array([fresh.sum()]), self.snapshot.trials)[0])
            if over[index]:
                fresh = fresh if people else np.ones(len(first), dtype=bool)
                people = len(first)
            shown[index], liked[index] = counts_of(first[fresh][:people], welcome[fresh][:people])
        return shown, liked

    def _segments(self, row: int) -> "Asked":
        """Whether part of an item's people is its audience, or may be, and what is to be said of it."""
        snapshot, one = self.snapshot, np.array([row], np.int32)
        a, b, _ = priors_of(snapshot, one)
        told = Responses.of(evidence_of(snapshot.items, row), float(a[0] / (a[0] + b[0])), snapshot.trials.examined)
        asked, own = int(snapshot.items["trial_asked"][row]), int(category_of(snapshot, one)[0])
        step, segment = answer(told, own, asked)
        drafts = [self._segment(step, row, told.of_segment(segment))] if step in ("audience", "asking", "asked") else []
        return Asked(drafts, found=step == "audience", open=step in ("asking", "open"))

    def _segment(self, step: str, row: int, counted: tuple[int, int, int]) -> Draft:
        segment, shown, likes = counted
        name = self.snapshot.ids.labels.id(segment)
        reason = segment_sentence(step, name, shown, likes)
        data = {"step": step, "segment": segment, "label": name, "impressions": shown, "likes": likes}
        return self._verdict(row, {**data, "reason": reason})

    def _question(self, row: int, data: Mapping[str, Any]) -> list[str]:
        """What tells several questions of one trial apart: the label, and after which verdict it is said."""
        return [data["label"], str(int(self.snapshot.items["trial_asked_seq"][row]))] if "label" in data else []

    def admissions(self) -> list[Draft]:
        """Waiting items whose turn has come, and stopped ones that rested."""
        snapshot, settings = self.snapshot, self.snapshot.trials
        if not self.admits or settings.share == 0:
            return []
        waiting = self._waiting()
        if len(waiting) == 0:
            return []
        going = np.unique(on_trial(snapshot))
        served = snapshot.world["flow_served"], snapshot.world["flow_served_at"]
        # A sum that halves every day holds 1 / ln 2 days' worth of a steady flow.
        flow = settings.share * decayed(*served, self.now, float(DAY))[0] * np.log(2)
        room = max(FEWEST_AT_ONCE, int(flow / settings.daily)) - len(going)
        account = self._accounts(waiting)
        admitted_at = snapshot.items["trial_admitted_at"]
        lately = np.flatnonzero(admitted_at > self.now - settings.days * DAY).astype(np.int32)
        held = self._held(account, going), self._held(account, lately)
        failures = self._failures(snapshot.items["creator"][waiting])
        # The same lot for an item whoever decides, and whenever.
        lots = stream("trial", "lots").random(len(snapshot.items["came_at"]))
        arrived = snapshot.items["came_at"][waiting], lots[waiting]
        chosen = admitted(account, arrived, held, failures, room, settings.at_once)
        return [self.admission(row) for row in waiting[chosen].tolist()]

    def admission(self, row: int) -> Draft:
        """The event that puts an item on trial."""
        return self._draft(row, "testing", (0, 0), {"impressions": 0, "likes": 0})

    def _waiting(self) -> Rows:
        snapshot, settings = self.snapshot, self.snapshot.trials
        items = snapshot.items
        state, since = items["trial_state"], items["trial_state_at"]
        there = (items["record"] > 0) & ~items["removed"] & (items["original"] == np.arange(len(state)))
        new = there & (state == TrialState.WAITING) & (items["created_at"] > self.now - settings.days * DAY)
        rows = np.flatnonzero(new).astype(np.int32)
        # Whatever many reacted to before it came here is known already.
        rows = rows[likes_of(snapshot, rows) < settings.least]
        # Once ordinary slots showed an item to whom it suits, fame has told who is left to ask.
        met = items["served"][rows] >= settings.least
        rows = rows[~met | soon_tried(snapshot, rows, self.now) | held_back(snapshot, rows)]
        rested = there & (state == TrialState.STOPPED) & (since < self.now - settings.rest_days * DAY)
        return np.union1d(rows, np.flatnonzero(rested & (items["trial_round"] < 2))).astype(np.int32)

    def _accounts(self, rows: Rows) -> Ints:
        """Who stands behind each item: the creator's account; an item without a creator stands for itself."""
        creator = self.snapshot.items["creator"][rows].astype(np.int64)
        creators = self.snapshot.creators
        # The last row stands for no creator.
        account = np.append(creators["account"], 0)[creator]
        return np.where(creator >= 0, account, -1 - rows.astype(np.int64))

    def _held(self, account: Ints, rows: Rows) -> Ints:
        """How many of these items are of each account, (n,)."""
        counts = Counter(self._accounts(rows).tolist())
        return np.array([counts[one] for one in account.tolist()], np.int64)

    def _failures(self, creator: Rows) -> Array:
        creators = self.snapshot.creators
        held = decayed(creators["trial_failures"], creators["trial_failures_at"], self.now, 28.0 * DAY)
        return np.append(held, 0.0)[creator]

    def _numbers(self, found: Judged, index: int, row: int) -> dict[str, Any]:
        """What a verdict rests on, and all that the trial has cost until then, which its last look need not hold."""
        items = self.snapshot.items
        spent = {"impressions": int(items["trial_shown"][row].sum()), "likes": int(items["trial_liked"][row].sum())}
        return {**spent, **{name: float(getattr(found, name)[index]) for name in ("chance", "rate", "low", "high")}}

    def _draft(self, row: int, step: str, looked_at: tuple[int, int], numbers: Mapping[str, Any]) -> Draft:
        """looked_at: people and likes that the decision rests on."""
        a, b, _ = priors_of(self.snapshot, np.array([row], np.int32))
        expected = float(self.snapshot.trials.lift * a[0] / (a[0] + b[0]))
        reason = sentence(step, *looked_at, numbers.get("chance", 0.0), expected)
        served = int(self.snapshot.items["served"][row])
        return self._verdict(row, {"step": step, "served": served, "expected": expected, **numbers, "reason": reason})

    def _verdict(self, row: int, data: Mapping[str, Any]) -> Draft:
        # The id is the same for whoever decides, so that two who decide at once decide one thing.
        item, creator = self.snapshot.ids.items.id(row), int(self.snapshot.items["creator"][row])
        number = int(self.snapshot.items["trial_round"][row]) + (data["step"] == "testing")
        return Draft(
            kind=Kind.VERDICT,
            at=self.now,
            id="/".join([FAMILY, item, str(number), data["step"], *self._question(row, data)]),
            item=item,
            creator=self.snapshot.ids.creators.id(creator) if creator >= 0 else None,
            data={"decision": "trial", "item": item, **data},
        )


def judged(snapshot: Snapshot, rows: Rows, counts: tuple[Array, Array], over: Bools) -> Judged:
    """What people and likes, (n, CELLS) each, allow to decide on items; over: (n,), whose trial ends anyway."""
    posterior = posteriors_of(snapshot, rows, counts)
    spent = np.where(over, 1.0, posterior.tried * posterior.threshold / snapshot.trials.likes)
    return judge(posterior, spent, snapshot.items["trial_state"][rows], snapshot.trials)


def _mean(prior: Array) -> float:
    return float(prior[0] / prior.sum())
