"""Tuning from the log: what a day came to, what is proposed, and that decisions serve."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.decisions.tuned_world import DAY, KINDS, perturbed, slates, told

import fairshot
from fairshot.app import App
from fairshot.core.errors import FairshotError
from fairshot.core.events import Draft, Kind, concatenate
from fairshot.core.perturbation import Tuning, perturbation
from fairshot.core.request import Context
from fairshot.decisions.tuning import PersonDays, decide, last_decided, person_days, reset, verdict
from fairshot.slates import entry_of

WEIGHTS = dict(zip(KINDS.names, KINDS.weights.tolist(), strict=True))


def test_return_is_a_slate_on_a_later_day_within_the_window():
    events = slates((0, 0), (0, 2), (1, 0), (1, 4), (2, 0), (3, 5.2), (3, 5.9), (4, 20))
    shown = perturbed((0, 0), (1, 0), (2, 0), (3, 5.2), (3, 5.9))
    found = person_days(events, shown, "return", 3, KINDS)
    assert found.person.tolist() == [0, 1, 2, 3], "the same day once"
    assert found.outcome.tolist() == [1, 0, 0, 0], "later on the same day is no return"


def test_days_whose_window_is_not_over_are_left_out():
    events = slates((0, 0), (0, 5), (0, 9))
    found = person_days(events, perturbed((0, 0), (0, 5), (0, 9)), "return", 3, KINDS)
    assert found.day.tolist() == [0, 5]
    assert person_days(events, perturbed((0, 0), (0, 5), (0, 9)), "return", 4, KINDS).day.tolist() == [0]


def test_sessions_are_slates_half_an_hour_apart():
    minute = 1 / 1440
    events = slates((0, 0), (0, 1), (0, 1 + 20 * minute), (0, 1 + 40 * minute), (0, 1.5), (0, 2), (0, 9))
    assert person_days(events, perturbed((0, 0)), "sessions", 3, KINDS).outcome.tolist() == [3]


def test_feedback_is_counted_on_the_day_itself():
    events = concatenate([slates((0, 0), (1, 0)), told("like", (0, 0.1), (0, 0.2), (0, 1.1)), slates((0, 3))])
    found = person_days(events, perturbed((0, 0), (1, 0)), "like", 7, KINDS)
    assert found.outcome.tolist() == [2, 0]


def test_nobody_is_somebody_elses_return():
    """Keys of person and day must not run into one another."""
    events = slates((0, 5), (1, 0), (1, 1), (2, 9))
    assert person_days(events, perturbed((0, 5)), "return", 3, KINDS).outcome.tolist() == [0]


def returns(people: int = 2_000, effect: float = 0.15) -> PersonDays:
    """Person-days whose return follows the weight of likes."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(0, 0.3, (people, len(KINDS.names)))
    back = rng.random(people) < 0.4 + effect * drawn[:, KINDS.code("like")]
    visits = [(n, 0.0) for n in range(people)] + [(n, 1.0) for n in np.flatnonzero(back).tolist()] + [(0, 30.0)]
    shown = perturbed(*((n, 0.0) for n in range(people)), factors=drawn)
    return person_days(slates(*visits), shown, "return", 7, KINDS)


def test_a_weight_that_brings_people_back_is_raised_with_its_reason():
    found = decide(returns(effect=0.3), WEIGHTS, "return", 7)
    assert list(found.changed) == ["like"]
    assert 1 < found.changed["like"] <= 1.25
    assert found.reasons == (found.reasons[0],)
    assert found.reasons[0].startswith(f"like 1 -> {found.changed['like']:g}: ten per cent more weight went with +")
    assert found.effects["like"][1] > 0
    assert found.people == 2_000


def test_too_few_people_is_a_clear_message():
    with pytest.raises(FairshotError, match=r"99 people .* at least 100 .* \[tuning\] sd"):
        decide(returns(people=99), WEIGHTS, "return", 7)
    with pytest.raises(FairshotError, match="0 people"):
        decide(person_days(slates(), [], "return", 7, KINDS), WEIGHTS, "return", 7)


def test_a_weight_of_zero_cannot_be_moved():
    found = decide(returns(), {**WEIGHTS, "like": 0.0}, "return", 7)
    assert "like" not in found.before


def factors_of(user: str, at: int) -> list[float]:
    drawn = perturbation(user, at, 3, Tuning(sd=0.2))
    assert drawn is not None
    return list(drawn)


def test_factors_are_those_of_person_and_day():
    one = factors_of("u", 5 * DAY)
    assert one == factors_of("u", 6 * DAY - 1)
    assert one != factors_of("u", 6 * DAY)
    assert one != factors_of("v", 5 * DAY)
    assert perturbation("u", 0, 3, Tuning()) is None
    drawn = [perturbation(f"u{n}", 0, 2, Tuning(sd=0.2, share=0.3)) for n in range(2_000)]
    told_apart = np.array([x for x in drawn if x is not None])
    assert len(told_apart) / 2_000 == pytest.approx(0.3, abs=0.04)
    assert told_apart.std() == pytest.approx(0.2, rel=0.1)


@pytest.fixture
def app(tmp_path):
    (tmp_path / "fairshot.toml").write_text("[tuning]\nsd = 0.3\n")
    with fairshot.open(tmp_path, clock=lambda: 10 * DAY) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}", "title": f"t{n}"} for n in range(5)])
        yield app


def test_a_slate_logs_its_perturbation_and_its_value_follows_it(app):
    asked = app.feed("u")
    logged = app.log.event(f"slate/{asked.request_id}")
    expected = perturbation("u", 10 * DAY, len(KINDS.names), Tuning(sd=0.3))
    assert expected is not None
    assert list(logged["perturbation"]) == list(KINDS.names)
    np.testing.assert_array_equal(list(logged["perturbation"].values()), expected)
    app.catch_up()
    assert app.log.perturbations() == [(app.live.ids.users.row("u"), 10 * DAY, logged["perturbation"])]
    value = np.frombuffer(logged["parts"]["engagement"])
    np.testing.assert_allclose(value, 0.05 * (KINDS.weights * np.exp(expected)).sum(), rtol=1e-5)


def test_without_profiling_nothing_is_perturbed(app):
    asked = app.feed("u", mode="nonprofiling")
    assert "perturbation" not in app.log.event(f"slate/{asked.request_id}")


def decided(app: App, weights: dict[str, float]) -> None:
    data = {"decision": "weights", "weights": weights, "reasons": []}
    app.writer.append([Draft(kind=Kind.VERDICT, at=app.clock(), id=f"tuning/{app.log.head()}", data=data)]).result()
    app.catch_up()


def test_a_decision_serves_until_the_next_and_survives_a_checkpoint(app, tmp_path):
    request = app.request("u")
    request = replace(request, profile=False)
    decided(app, {"like": 4.0, "no such kind": 1.0})
    assert app.live.snapshot.tuned == {"like": 4.0}
    ctx = Context(request, app.live.snapshot)
    slate = app.pipeline(ctx)
    np.testing.assert_allclose(slate.parts["engagement"], 0.05 * (KINDS.weights.sum() + 3), rtol=1e-5)
    assert entry_of(ctx, slate).data is not None
    app.checkpoint()
    with fairshot.open(tmp_path) as again:
        assert again.live.snapshot.tuned == {"like": 4.0}
    decided(app, {"share": 1.0})
    assert app.live.snapshot.tuned == {"share": 1.0}, "a decision names all that it overrides"
    app.writer.append([reset({"share": 1.0}, app.clock())]).result()
    app.catch_up()
    assert app.live.snapshot.tuned == {}
    np.testing.assert_array_equal(app.live.snapshot.weights, KINDS.weights)


def test_a_proposal_alone_changes_nothing(app):
    found = decide(returns(effect=0.3), WEIGHTS, "return", 7)
    app.writer.append([verdict(found, {"share": 2.5}, 1, applied=False)]).result()
    app.catch_up()
    assert app.live.snapshot.tuned == {}
    app.writer.append([verdict(found, {"share": 2.5}, 2, applied=True)]).result()
    app.catch_up()
    assert app.live.snapshot.tuned == {"share": 2.5, "like": found.changed["like"]}
    history = app.log.verdicts("tuning")
    assert [data["decision"] for _, data in history] == ["propose weights", "weights"]
    assert last_decided(history) == 2
    assert json.dumps(history)
