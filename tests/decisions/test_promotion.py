"""Promotion: what must not serve is refused with its reason, and chance alone refuses nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from fairshot.config import load_config
from fairshot.core.arrays import Array, Floats
from fairshot.decisions.drift import Inputs, profile
from fairshot.decisions.promotion import Candidate, Guarded, HeldOut, Standing, judge

SETTINGS = load_config().learning
TENSORS: Mapping[str, Array] = {"vectors.items": np.ones((3, 2), np.float32), "index.index": np.zeros(4, np.uint8)}


def world(seed: int, people: int = 400, each: int = 40) -> tuple[Floats, Floats, Array, Array]:
    """True log odds, what came of them, whose and of what; people differ from each other."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), each)
    odds = rng.normal(-1.5, 1.0, people * each) + rng.normal(0, 0.5, people)[person]
    truth = (rng.random(len(odds)) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    return odds, truth, person, rng.integers(0, 500, len(odds))


def probabilities(odds: Floats) -> Floats:
    given: Floats = (1 / (1 + np.exp(-odds))).astype(np.float32)
    return given


def head(seed: int = 0, noise: float = 0.0, shift: float = 0.0, people: int = 400, beside: bool = True) -> HeldOut:
    """A candidate that knows the odds up to noise and a shift, beside one in service that knows them well."""
    odds, truth, person, item = world(seed, people)
    rng = np.random.default_rng(seed + 1000)
    candidate = probabilities(odds + rng.normal(0, noise, len(odds)) + shift)
    standing = probabilities(odds + rng.normal(0, 0.1, len(odds))) if beside else None
    return HeldOut(truth, candidate, standing, np.ones(len(truth), np.float32), person, item)


def candidate(**heads: HeldOut) -> Candidate:
    return Candidate(TENSORS, tuple(heads), heads, tuple(heads))


STANDING = Standing("v1", ("like",))


def reasons(found: Candidate, standing: Standing = STANDING, **settings: Any) -> list[str]:
    verdict = judge(found, standing, msgspec.structs.replace(SETTINGS, **settings))
    assert verdict.reasons
    assert all(verdict.reasons)
    return [] if verdict.promote else verdict.reasons


# What is unsound


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_refused(value):
    tensors = {**TENSORS, "engagement.weights0": np.array([1.0, value, 0.0], np.float32)}
    assert reasons(replace(candidate(), tensors=tensors)) == ["engagement.weights0: 1 of 3 numbers are not finite"]


def test_vectors_that_all_vanished_are_refused():
    tensors = {"vectors.items": np.zeros((7, 2), np.float32)}
    assert reasons(replace(candidate(), tensors=tensors)) == ["every one of the 7 item vectors is zero"]


def test_predictions_that_are_no_numbers_are_not_taken_for_good_ones():
    spoilt = head()
    spoilt.candidate[5] = np.nan
    assert reasons(candidate(like=spoilt)) == ["engagement.like: predictions that are not finite"]


def test_a_head_that_vanished_is_refused_while_its_feedback_goes_on():
    gone = candidate(like=head())
    standing = replace(STANDING, kinds=("like", "share"))
    assert reasons(gone, standing) == []
    assert "engagement.share: the head" in reasons(replace(gone, told=("like", "share")), standing)[0]


# What fell


def test_a_fall_on_the_same_examples_is_refused_with_its_numbers():
    reason = reasons(candidate(like=head(noise=1.5)))[0]
    assert reason.startswith("engagement.like: AUC on the same examples")
    assert "0.02 is tolerated" in reason


def test_an_equal_one_and_a_better_one_are_promoted_and_the_comparison_is_told():
    for found in (head(noise=0.1), head(noise=0.0)):
        verdict = judge(candidate(like=found), STANDING, SETTINGS)
        assert verdict.promote
        assert [reason.split(":")[0] for reason in verdict.reasons] == ["engagement.like"] * 2
        assert "+-" in verdict.reasons[0]


def test_chance_alone_refuses_less_than_one_in_twenty():
    """Two models as good as each other, no tolerance, three heads, few people."""
    refused = 0
    for seed in range(100):
        found = candidate(**{k: head(3 * seed + n, noise=0.1, people=20) for n, k in enumerate("abc")})
        verdict = judge(
            found, Standing("v1"), msgspec.structs.replace(SETTINGS, tolerance=0.0, calibration_tolerance=0.0)
        )
        refused += any("AUC" in reason for reason in verdict.reasons if not verdict.promote)
    assert refused <= 5


def test_a_fall_within_the_tolerance_is_taken():
    fallen = candidate(like=head(noise=1.5))
    assert reasons(fallen, tolerance=0.3, calibration_tolerance=1.0) == []


def test_against_an_old_figure_where_the_examples_cannot_be_shared():
    found = candidate(like=head(noise=0.0, beside=False))
    (value,) = [v for name, v in found.heads["like"].figures() if name == "AUC"]

    def standing(before: float, *error: float) -> Standing:
        figures = [("engagement.like", "AUC", before), *(("engagement.like", "AUC standard error", e) for e in error)]
        return replace(STANDING, figures=figures)

    assert reasons(found, standing(value + 0.019, 0.0)) == []
    assert "AUC, measured at each training" in reasons(found, standing(value + 0.1, 0.01))[0]
    assert reasons(found, standing(value + 0.1, 0.1)) == []
    assert reasons(found, standing(value + 0.1)) != []
    other = replace(STANDING, figures=[("engagement.view", "AUC", 0.99)])
    assert "nothing to compare it with" in judge(found, other, SETTINGS).reasons[0]


def test_what_the_one_in_service_chose_to_show_does_not_count_against_the_candidate():
    """On its own slates the one in service looks better than it is; by the figure of its own training it is not."""
    found = candidate(like=head(noise=1.5))
    (value,) = [v for name, v in found.heads["like"].figures() if name == "AUC"]
    assert (
        reasons(found, replace(STANDING, figures=[("engagement.like", "AUC", value)]), calibration_tolerance=1.0) == []
    )


def test_a_single_person_proves_nothing():
    few = head(people=1, noise=2.0)
    assert reasons(candidate(like=few)) == []
    assert "AUC standard error" not in dict(few.figures())


# Calibration


def test_a_calibration_error_beyond_tolerance_and_chance_is_refused():
    (reason,) = reasons(candidate(like=head(shift=0.6)))
    assert reason.startswith("engagement.like: calibration error")
    assert reasons(candidate(like=head(shift=0.6)), calibration_tolerance=0.2) == []
    assert reasons(candidate(like=head(shift=0.6, beside=False)), Standing()) != []


def test_few_people_look_uncalibrated_by_chance():
    for seed in range(20):
        assert reasons(candidate(like=head(seed, people=6, beside=False)), Standing()) == []


def test_an_error_that_the_one_in_service_makes_too_does_not_keep_it_there():
    both = head(shift=0.6)
    assert both.standing is not None
    assert reasons(candidate(like=replace(both, standing=both.candidate))) == []
    alone = replace(both, standing=None)
    assert (
        reasons(candidate(like=alone), replace(STANDING, figures=[("engagement.like", "calibration error", 0.1)])) == []
    )


# Other measures and features


@pytest.mark.parametrize(
    ("measure", "refused"),
    [
        (Guarded("recall of the retrieval", 0.90, 0.95, 0.01), True),
        (Guarded("recall of the retrieval", 0.94, 0.95, 0.01), False),
        (Guarded("recall of the retrieval", 0.90, 0.95, 0.05), False),
        (Guarded("off-policy value", 90.0, 95.0, 1.0, unit=95.0), True),
        (Guarded("off-policy value", 94.0, 95.0, 1.0, unit=95.0), False),
        (Guarded("off-policy value", np.nan, 95.0, 1.0, unit=95.0), True),
        (Guarded("off-policy value", 90.0, 95.0, np.inf, unit=95.0), False),
    ],
)
def test_other_measures_are_guarded_too(measure, refused):
    found = reasons(replace(candidate(), guarded=(measure,)))
    assert bool(found) == refused
    assert all(reason.startswith(measure.name) for reason in found)


def test_what_is_compared_in_two_ways_is_refused_only_where_it_fell_in_both():
    for beside, refused in ((0.90, False), (0.99, True)):
        second = Guarded("off-policy, beside the net in service,", 0.90, beside, 0.01)
        first = Guarded("off-policy", 0.90, 0.95, 0.01, of="the slates that were served", beside=second)
        verdict = judge(replace(candidate(), guarded=(first,)), STANDING, SETTINGS)
        assert verdict.promote != refused
        (reason,) = verdict.reasons
        assert reason.startswith("off-policy 0.9000 against 0.9500 of the slates that were served") == refused
        assert ("of the snapshot in service" in reason) != refused


def test_what_could_not_be_compared_is_told_and_decides_nothing():
    found = replace(candidate(like=head(noise=0.1)), notes=("off-policy: no slate was served",))
    verdict = judge(found, STANDING, SETTINGS)
    assert verdict.promote
    assert verdict.reasons[-1] == "off-policy: no slate was served"
    spoilt = replace(found, heads={"like": head(noise=1.5)})
    assert not judge(spoilt, STANDING, SETTINGS).promote
    assert "too little feedback" in judge(replace(candidate(), notes=("why",)), STANDING, SETTINGS).reasons[0]


def features(change: Callable[[Floats], Floats] = lambda x: x) -> Inputs:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(8000, 2)).astype(np.float32)
    values[:, 0] = change(values[:, 0])
    return Inputs(("age", "rising"), values, np.ones(8000), np.repeat(np.arange(200), 40), rng.integers(0, 900, 8000))


def test_a_feature_that_drifted_is_named_and_what_to_do():
    standing = replace(STANDING, profile={"organic": profile(features())})
    (reason,) = reasons(replace(candidate(), inputs={"organic": features(np.zeros_like)}), standing)
    assert reason.startswith("feature age drifted: population stability index")
    assert "learning.drift_tolerance" in reason
    assert reasons(replace(candidate(), inputs={"organic": features()}), standing) == []
    spoilt = replace(candidate(), inputs={"organic": features(np.zeros_like)})
    assert reasons(spoilt, standing, drift_exempt=["age"]) == []
    assert reasons(spoilt, standing, drift_tolerance=10.0) == []
    assert reasons(replace(spoilt, growth=2.0**40), standing) == []
    # What slates show is not compared with what they would have chosen from.
    assert reasons(replace(candidate(), inputs={"shown": features(np.zeros_like)}), standing) == []


def test_a_first_training_and_one_without_a_profile_are_not_asked_for_drift():
    spoilt = replace(candidate(), inputs={"organic": features(np.zeros_like)})
    assert reasons(spoilt, Standing()) == []
    assert reasons(spoilt, Standing("v1")) == []
    assert judge(spoilt, Standing(), SETTINGS).reasons == ["no snapshot was in service"]
