"""The fold of trials: what is evidence, and what is not."""

from typing import Any

import numpy as np
import pytest

from fairshot.config import load_config
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.core.tables import State
from fairshot.core.trial import HEARD, TrialState, accounts_of, core_of, evidence_of
from fairshot.core.trial import Trials as Settings
from fairshot.state.trials import Trials

KINDS = load_config().kinds
LIKE, HIDE, VIEW = (KINDS.code(name) for name in ("like", "hide", "view"))
SIZES = Sizes(users=5, items=3, creators=2, labels=2)


def log(*events: dict[str, Any]) -> EventBatch:
    """Events of person 0 and item 0 unless they say otherwise, a microsecond apart."""
    plain = {
        "kind": Kind.SLATE, "action": -1, "user": 0, "item": 0, "creator": 0, "value": np.nan, "position": 1,
        "propensity": 1.0, "arm": 0, "segments": (-1, -1, -1), "data": None,
    }  # fmt: skip
    rows = [{"seq": n, "at": n, **plain, **event} for n, event in enumerate(events, start=1)]
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "data"}
    return event_batch(columns, [row["data"] for row in rows], SIZES)


def like(**more: Any) -> dict[str, Any]:
    return {"kind": Kind.FEEDBACK, "action": LIKE, "arm": 1, **more}


def decided(step: str, **more: Any) -> dict[str, Any]:
    data = {"decision": "trial", "step": step, "served": 7, **more}
    return {"kind": Kind.VERDICT, "user": -1, "position": 0, "data": data}


def folded(*events: dict[str, Any]) -> State:
    fold = Trials(KINDS)
    return fold.add(fold.empty(), log(*events))


def counts(state: State, item: int = 0) -> tuple[int, int]:
    return int(state.items["trial_shown"][item].sum()), int(state.items["trial_liked"][item].sum())


def test_an_account_counts_once_however_often_it_is_shown_or_likes() -> None:
    state = folded({"arm": 1}, like(), {"arm": 2}, like(action=KINDS.code("love")), {"arm": 1, "user": 1})
    assert counts(state) == (2, 1)
    assert state.items["trial_shown"][0, 0] == 2, "the first impression says the tier"


def test_only_what_answers_an_impression_of_a_trial_is_evidence() -> None:
    state = folded({"arm": 1}, {}, like(arm=0), like(arm=1, user=4), {"arm": 1, "position": 4, "user": 2})
    assert counts(state) == (1, 0)


def test_the_latest_answer_stands() -> None:
    hide = {"kind": Kind.FEEDBACK, "action": HIDE, "arm": 1}
    assert counts(folded({"arm": 1}, like(), hide)) == (1, 0)
    assert counts(folded({"arm": 1}, hide, like())) == (1, 1)
    assert counts(folded({"arm": 1}, like(), {"kind": Kind.FEEDBACK, "action": VIEW, "arm": 1})) == (1, 1)


def test_a_second_chance_begins_anew() -> None:
    state = folded(
        decided("testing"), {"arm": 1}, like(), decided("stopped"), decided("testing"), {"arm": 2, "user": 3}
    )
    assert counts(state) == (1, 0)
    assert state.items["trial_round"][0] == 2
    assert state.items["trial_state"][0] == TrialState.TESTING
    assert state.creators["trial_failures"][0] == 1


def test_the_latest_decision_stands_and_an_audience_is_kept_beside_it() -> None:
    state = folded(decided("testing"), decided("audience", segment=1), decided("graduated"))
    assert state.items["trial_state"].tolist() == [TrialState.GRADUATED, 0, 0]
    assert state.items["trial_segment"].tolist() == [1, -1, -1]
    assert state.items["trial_served"][0] == 7
    assert state.world.lists["on_trial"][0]["item"].tolist() == [0]


def test_what_trials_told_replaces_what_they_told_before() -> None:
    def prior(*labels: list[float]) -> dict[str, Any]:
        data = {"decision": "trial_prior", "all": [1.0, 9.0], "tiers": [0.1] * 4, "labels": list(labels)}
        return {"kind": Kind.VERDICT, "user": -1, "item": -1, "creator": -1, "position": 0, "data": data}

    state = folded(prior([0, 2.0, 8.0]), prior([1, 3.0, 7.0]))
    assert np.isnan(state.labels["trial_prior"][0]).all()
    assert state.labels["trial_prior"][1].tolist() == [3.0, 7.0]


def test_ordinary_impressions_of_a_graduate_tell_who_responds_and_nothing_else() -> None:
    heard = {"arm": HEARD, "segments": (1, -1, -1)}
    graduated = folded({"arm": 1}, like(), heard | {"user": 1}, like(arm=HEARD, user=1), heard | {"user": 1})
    assert counts(graduated) == (1, 1)
    assert graduated.items["trial_heard"][0] == 1
    assert graduated.users["trial_met"][:2].tolist() == [1, 0]
    assert graduated.users["trial_welcomed"][:2].tolist() == [1, 0]
    first, liked = accounts_of(evidence_of(graduated.items, 0))
    assert first["segments"][:, 0].tolist() == [-1, 1]
    assert liked.all()


def test_an_ordinary_impression_tells_at_any_depth_and_a_trial_in_its_band_alone() -> None:
    deep = {"position": 9, "segments": (1, -1, -1)}
    state = folded(
        {"arm": 1}, {"arm": 1, "user": 1} | deep, {"arm": HEARD, "user": 2} | deep, like(arm=HEARD, user=2, position=9)
    )
    assert counts(state) == (1, 0)
    assert state.items["trial_heard"][0] == 1
    first, liked = accounts_of(evidence_of(state.items, 0))
    assert Settings().examined[first["cell"]].tolist() == pytest.approx([1.0, 1 / np.log2(10)])
    assert liked.tolist() == [False, True]


def test_whose_third_label_it_is_is_not_of_the_core_of_a_segment() -> None:
    segments = np.array([[1, 2, 3], [2, 1, 3], [2, 3, 1], [1, -1, -1], [-1, -1, -1]])
    assert core_of(segments, 1).tolist() == [True, True, False, True, False]
    assert core_of(segments, -1).tolist() == [False] * 5, "what nobody knows is nobody's"
    assert core_of(segments[0], np.array([1, 2, 3, -1])).tolist() == [True, True, False, False]


def test_an_audience_or_a_new_round_ends_the_question_that_was_open() -> None:
    asking = decided("asking", segment=1)
    for end in (decided("asked", segment=1), decided("audience", segment=1), decided("testing")):
        assert folded(asking).items["trial_asked"][0] == 1
        assert folded(asking, end).items["trial_asked"][0] == -1
        fold = Trials(KINDS)
        events = log(asking, end)
        parts = [fold.add(fold.empty(), events.where(np.array([index]))) for index in range(2)]
        assert fold.merge(*parts).items["trial_asked"][0] == -1
