"""The test card: how an item's trial stands, why, and what happens next, in words that its creator can read."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fairshot.core.answers import Trial, TrialDecision, TrialTier
from fairshot.core.arrays import DAY
from fairshot.core.records import iso
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import TIERS, TrialState
from fairshot.core.trial_posterior import posteriors_of
from fairshot.core.turns import held_back, soon_tried, waits_for_strangers
from fairshot.decisions.trials import FEWEST_COUNTED, rates_of, segment_sentence
from fairshot.trials import judged

QUESTIONS = ("asking", "asked")


def card(snapshot: Snapshot, item: str, row: int, told: list[tuple[int, dict[str, Any]]], now: int) -> Trial:
    """How an item's trial stands; told: time and data of the verdicts on it."""
    items, settings = snapshot.items, snapshot.trials
    one = np.array([row], np.int32)
    state = TrialState(int(items["trial_state"][row]))
    found = judged(snapshot, one, (items["trial_shown"][one], items["trial_liked"][one]), np.zeros(1, bool))
    tiers = rates_of(items["trial_shown"][row], items["trial_liked"][row], settings)
    return Trial(
        item_id=item,
        state=state.name.lower(),
        tiers=[TrialTier(name, *told) for name, told in zip(TIERS, tiers, strict=True)],
        impressions=int(items["trial_shown"][row].sum()),
        likes=int(items["trial_liked"][row].sum()),
        rate=float(found.rate[0]),
        low=float(found.low[0]),
        high=float(found.high[0]),
        expected=float(posteriors_of(snapshot, one).threshold[0]),
        chance=float(found.chance[0]),
        decisions=[TrialDecision(iso(at), data["step"], *_told(data)) for at, data in told if not _private(data)],
        next=_next(state, snapshot, row, now),
    )


def _next(state: TrialState, snapshot: Snapshot, row: int, now: int) -> str:
    settings, items = snapshot.trials, snapshot.items
    match state:
        case TrialState.TESTING | TrialState.EXPANDING:
            seen = int(items["trial_shown"][row].sum())
            left = max(settings.least - seen, 0)
            most = int(settings.likes / posteriors_of(snapshot, np.array([row], np.int32)).threshold[0])
            first = f"At least {left} more people are shown it first; then it" if left else "It"
            latest = f"after about {most} people or {settings.days:.0f} days at the latest"
            told = f"{first} is decided as soon as the evidence is clear, and {latest}."
            if waits_for_strangers(snapshot, np.array([row], np.int32))[0]:
                return f"{told} Before it could be stopped, people whom it does not seem to be for are asked too."
            return told
        case TrialState.GRADUATED:
            return "It takes part in everybody's ranking, and is helped at first to earn its place there."
        case TrialState.STOPPED:
            again = int(items["trial_state_at"][row] + settings.rest_days * DAY)
            if items["trial_round"][row] > 1:
                return "It had its second chance; everybody's ranking may still find it."
            return f"It may be tried once more from {iso(max(again, now))[:10]} on."
    if items["original"][row] != row:
        return "It is a near copy of another item, and shares its trial."
    held = held_back(snapshot, np.array([row], np.int32))[0]
    if items["created_at"][row] < now - settings.days * DAY:
        wanted = "is shown once enough people like it" if held else "takes part in everybody's ranking"
        return f"It is not new any more, and {wanted}."
    if held:
        return "It waits for its turn, and is not shown before: its creator brought out many works this week."
    if not soon_tried(snapshot, np.array([row], np.int32), now)[0] and items["served"][row] >= settings.least:
        return "Others came first while it was new. People were shown it since: everybody's ranking decides."
    return "It waits for its turn: creators with the fewest trials lately come first, and then what is newest."


def _private(data: Mapping[str, Any]) -> bool:
    """Whether a question rests on so few people that who they are, and what they like, might be known."""
    return data["step"] in QUESTIONS and data["impressions"] < FEWEST_COUNTED


def _told(data: Mapping[str, Any]) -> tuple[str, dict[str, float]]:
    """The reason of a verdict and its numbers; of questions, and of audiences of few people, without counts."""
    counts = {name: value for name, value in data.items() if isinstance(value, int | float) and name != "segment"}
    if "label" not in data:
        return data["reason"], counts
    told = data["step"] not in QUESTIONS and data["impressions"] >= FEWEST_COUNTED
    reason = segment_sentence(data["step"], data["label"], data["impressions"], data["likes"])
    return reason, counts if told else {}
