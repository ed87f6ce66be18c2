"""Causal layer: it finds a planted effect, says nothing where it must not, and serves what it stored."""

import json
import re
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from fairshot.algorithms.doubly_robust import mean_effect
from fairshot.learning.causal import CausalModel, CausalUnits, corrected, dealt, effect_model, joined, without_effect
from fairshot.learning.causal_fit import CausalReport, fit_causal
from fairshot.learning.causal_trials import agreement, average_of, halves_of, refutations
from fairshot.reproductions.causal import drawn, true_effect, without_confounder


def figure(report: CausalReport, name: str) -> float:
    return {n: value for _, n, value in report.figures}[name]


@pytest.fixture(scope="module")
def units() -> CausalUnits:
    return drawn(np.random.default_rng(3), 12_000).units


@pytest.fixture(scope="module")
def fitted(units: CausalUnits) -> tuple[CausalModel, CausalReport]:
    return fit_causal(units)


def test_a_planted_effect_is_found_where_the_naive_difference_is_not(fitted, units):
    model, report = fitted
    assert report.served, report.words
    assert figure(report, "average effect, low") < true_effect() < figure(report, "average effect, high")
    assert figure(report, "naive difference") > figure(report, "average effect, high")
    assert figure(report, "RATE, low") > 0
    new = drawn(np.random.default_rng(4), 20_000)
    assert np.corrcoef(model.predict(new.units.inputs), new.effect)[0, 1] > 0.85
    assert abs(figure(report, "placebo z")) < 3
    assert abs(figure(report, "permuted outcome z")) < 3


def test_weighting_balances_what_the_ranking_had_set_apart(fitted):
    _, report = fitted
    assert figure(report, "largest standardised difference") > 0.5
    assert figure(report, "largest standardised difference, weighted") < 0.1
    assert 0 <= figure(report, "share without a counterpart") < 0.05


def test_the_curve_ends_at_the_average_effect_and_lies_in_its_band(fitted):
    _, report = fitted
    curve = report.curve
    assert curve is not None
    assert (curve.low <= curve.gain).all()
    assert (curve.gain <= curve.high).all()
    assert curve.low[-1] < figure(report, "average effect") < curve.high[-1]


def test_the_same_units_give_the_same_layer_and_its_figures_are_finite(fitted, units):
    again, report = fit_causal(units)
    assert all(
        np.array_equal(a, b) for a, b in zip(again.dump()[0].values(), fitted[0].dump()[0].values(), strict=True)
    )
    assert report.figures == fitted[1].figures
    assert all(np.isfinite(value) for _, _, value in report.figures)


def test_a_stored_model_predicts_the_same_bit_by_bit(fitted, units):
    model, _ = fitted
    for one in (model, without_effect(["too few"])):
        tensors, description = one.dump()
        back = CausalModel.load(load(save(tensors)), json.loads(json.dumps(description)))
        inputs = units.inputs[:500, : len(one.features)]
        assert back.predict(inputs).tobytes() == one.predict(inputs).tobytes()
        assert (back.features, back.reasons) == (one.features, one.reasons)


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=6, max_size=6), min_size=1, max_size=5))
def test_effects_stay_within_what_was_taught_whatever_is_asked(fitted, rows):
    model, _ = fitted
    effect = model.predict(np.array(rows, dtype=np.float32))
    assert effect.shape == (len(rows),)
    assert ((effect >= model.limits[0]) & (effect <= model.limits[1])).all()


def test_without_an_effect_nothing_is_served():
    """Showing that changes nothing: refused in nearly all logs, for the interval of RATE is one of 95 %."""
    refused = 0
    for seed in range(4):
        units = drawn(np.random.default_rng(seed)).units
        organic = np.random.default_rng([1, seed]).random(len(units)) < 1 / (1 + np.exp(2 - units.inputs[:, 0]))
        model, report = fit_causal(replace(units, outcome=organic.astype(float)), str(seed))
        assert abs(figure(report, "average effect")) < 3 * 0.02
        refused += not report.served
        if not report.served:
            assert not model.predict(units.inputs).any()
            assert model.reasons == report.reasons
            assert "RATE" in report.words
    assert refused >= 3


def test_an_effect_alike_for_all_is_found_and_does_not_reorder():
    units = drawn(np.random.default_rng(5)).units
    rng = np.random.default_rng(6)
    worth = 0.5 * units.inputs[:, 0] + 0.3 * units.treated + rng.normal(size=len(units))
    model, report = fit_causal(replace(units, outcome=worth))
    assert figure(report, "average effect") == pytest.approx(0.3, abs=0.08)
    assert not report.served
    assert model.features == ()


def test_a_hidden_confounder_is_found_by_lots_which_then_teach_alone():
    world = drawn(np.random.default_rng(7), 16_000, share_by_lot=0.2)
    hidden = without_confounder(world.units)
    found = agreement(joined(*halves_of(hidden, "")))
    assert found is not None
    assert found.z < -3
    _, report = fit_causal(hidden)
    assert figure(report, "share by lot") == 1.0
    assert figure(report, "average effect, low") < true_effect() < figure(report, "average effect, high")
    sound = agreement(joined(*halves_of(world.units, "")))
    assert sound is not None
    assert abs(sound.z) < 3


def test_a_hidden_confounder_and_few_lots_are_refused_with_both_reasons():
    """What is found anyway is all that there is, and decides on showing; 700 units tell, but do not teach."""
    worlds = [drawn(np.random.default_rng(8), 8000).units, drawn(np.random.default_rng(9), 700, share_by_lot=1.0).units]
    hidden = [without_confounder(replace(u, outcome=u.inputs[:, 0].astype(float))) for u in worlds]
    columns: dict[str, Any] = {
        f.name: np.concatenate([getattr(u, f.name) for u in hidden])
        for f in fields(CausalUnits)
        if f.name != "features"
    }
    model, report = fit_causal(CausalUnits(features=hidden[0].features, **columns))
    assert figure(report, "lots z") < -3
    assert re.search("lots contradict.*too few", report.words)
    assert model.features == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda u: u.where(np.arange(300)), "too few"),
        (lambda u: u.where(np.empty(0, int)), "too few"),
        (lambda u: replace(u, outcome=np.zeros(len(u))), "with feedback"),
        (lambda u: replace(u, treated=np.ones(len(u), bool)), "not shown"),
        (lambda u: replace(u, person=np.zeros(len(u), int)), "people"),
        (lambda u: replace(u, score=np.where(u.treated, 5.0, -5.0)), "counterpart"),
        (lambda u: replace(u, treated=u.person < 40), "counterpart|some people"),
    ],
)
def test_what_cannot_teach_gives_no_effect_and_says_why(units, change, words):
    changed = change(units)
    model, report = fit_causal(changed)
    assert not report.served
    assert re.search(words, report.words), report.words
    assert not model.predict(changed.inputs).any()
    assert all(np.isfinite(value) for _, _, value in report.figures)


def test_constant_features_and_large_scales_are_stood(units):
    inputs = (units.inputs * [1, 1, 1e6, 1e-6, 0, 1] + [0, 0, 1e7, 0, 7, 0]).astype(np.float32)
    model, report = fit_causal(replace(units, inputs=inputs))
    assert report.served
    assert np.isfinite(model.predict(inputs)).all()
    plain = effect_model(corrected(units, "x")).predict(units.inputs)
    moved = effect_model(corrected(replace(units, inputs=inputs), "x")).predict(inputs)
    assert np.corrcoef(plain, moved)[0, 1] > 0.98


def test_weights_count_units_as_often_as_they_say(units):
    """A unit of weight two is two units; whole weights and copies of the units give nearly the same."""
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 3, len(units)).astype(float)
    copies = units.where(np.repeat(np.arange(len(units)), weights.astype(int)))
    one = average_of(corrected(replace(units, weights=weights), "w"))
    other = average_of(corrected(copies, "w"))
    assert one.value == pytest.approx(other.value, abs=1e-3)
    assert one.standard_error == pytest.approx(other.standard_error, rel=0.02)


def test_all_of_a_person_falls_into_one_part(units):
    fold = dealt(units.person, 5, "x")
    assert all(len(set(fold[units.person == person])) == 1 for person in range(50))
    assert np.bincount(fold).min() > len(units) / 6


def test_pseudo_outcomes_follow_known_propensities(units):
    """By lot alone nothing is estimated: the mean of psi is right though the models of outcomes are of nothing."""
    world = drawn(np.random.default_rng(11), 20_000, share_by_lot=1.0)
    blank = replace(world.units, inputs=np.zeros_like(world.units.inputs), score=np.zeros(20_000))
    found = corrected(blank, "x")
    assert (found.propensity == 0.5).all()
    effect = mean_effect(found.outcomes)
    assert abs(effect.value - true_effect()) < 3 * effect.standard_error


def test_noise_as_confounder_moves_nothing(units):
    average = average_of(joined(*halves_of(units, "")))
    assert refutations(units, average, "").moved < 0.5


def test_where_lots_are_needed_and_none_were_drawn_nothing_is_served(units):
    unknown = replace(units, propensity=np.full(len(units), np.nan))
    model, report = fit_causal(unknown, lots_needed=True)
    assert not report.served
    assert "by lot" in report.words
    assert not model.features
