"""Unusual input is either computed rightly or refused by a ValueError that names the argument and its shape."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from fairshot.algorithms import arguments as ar
from fairshot.algorithms import beta_bandit as bb
from fairshot.algorithms import decay, diversity, doubly_robust, magnitude, regression, scale
from fairshot.algorithms import diag_linucb as dl
from fairshot.algorithms import experiment_statistics as es
from fairshot.algorithms import latent_bandit as lb
from fairshot.algorithms import off_policy as op
from fairshot.algorithms import satiation as sa
from fairshot.algorithms.fairco import fairco_order
from fairshot.algorithms.p_mmf import project_prices
from fairshot.learning.cold_start import deep_music, dropout_net, heater, knn
from fairshot.learning.fair_scores.autoencoder import Training
from fairshot.learning.fair_scores.gen import GenSchedule, fit_gen
from fairshot.learning.fair_scores.scale import fit_scale

NAN, INF, HUGE = np.nan, np.inf, 1e308
RNG = np.random.default_rng(0)
GRAPH, ONES = np.array([[4, -1]]), np.ones((1, 2))
MODEL, TYPES, BELIEF = [[0.2, 0.5], [0.8, 0.5]], np.full((1, 3), -np.log(3)), lb.uniform_belief(1, 2)
ARMS = np.ones((1, 2, 2))
CONTROL, TREATMENT = es.moments(np.arange(10.0)), es.moments(np.arange(10.0) + 1)
PLAYS = np.zeros((1, 2), np.int64)
VECTORS = np.array([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0]])
SCORES, LIKED = np.eye(4) + 0.1, np.eye(4, dtype=bool)


def bounds(evidence: object, reward: object) -> object:
    return dl.upper_bounds(np.array([0]), [1.0], GRAPH, np.array(evidence), np.array(reward), 1.0)


def update(item: object) -> object:
    return dl.update_edges(np.array([[0]]), [[1.0]], np.array(item), [1.0], GRAPH, ONES, ONES)


def gap(gaps: object, plays: Any, error: float = 0.0) -> object:
    return lb.update_gap(np.array(gaps), plays, MODEL, [0], [0], [0.0], error)


REFUSED: list[tuple[Callable[[], object], str]] = [
    (lambda: ar.real("x", [[1.0], [1.0, 2.0]], (None,)), r"x .*shape \(2, ragged"),
    (lambda: ar.real("x", ["1"], (None,)), r"x of shape \(1,\) must be real"),
    (lambda: ar.real("x", np.array([1j]), (None,)), r"x of shape \(1,\) must be real"),
    (lambda: ar.real("x", [None], (None,)), r"x of shape \(1,\) must be real"),  # type: ignore[arg-type]
    (lambda: ar.broadcast(a=np.ones(2), b=np.ones(3)), r"a \(2,\), b \(3,\)"),
    *((lambda v=v: ar.whole("k", v, 1), r"k .*shape \(\)") for v in (1.0, 0, True, "1")),
    (lambda: update([-1]), r"item .*\(1,\)"),
    (lambda: update([4.0]), r"item .*\(1,\)"),
    (lambda: bounds([[-1.0, 0.0]], [[0.0, 0.0]]), "evidence"),
    (lambda: bounds([[NAN, 0.0]], [[0.0, 0.0]]), "evidence"),
    (lambda: bounds([[1.0, 0.0]], [[NAN, 0.0]]), "reward"),
    (lambda: dl.nearest_items(VECTORS, VECTORS, 1.5), "width"),  # type: ignore[arg-type]
    (lambda: lb.update_belief(TYPES, MODEL, [0], [1.0]), r"model .*\(2, 2\)"),
    (lambda: lb.belief_from_counts(TYPES, MODEL, [[0, 0]], [[1, 1]]), r"model .*\(2, 2\)"),
    (lambda: gap([[NAN, 0.0]], PLAYS), "gap"),
    (lambda: gap([[0.0, 0.0]], np.zeros((1, 2))), "plays"),
    (lambda: gap([[0.0, 0.0, 0.0]], np.zeros((1, 3), int)), "model"),
    (lambda: gap([[0.0, 0.0]], PLAYS, NAN), "error"),
    (lambda: lb.update_uncertain(BELIEF, ARMS, ARMS, [0.7], [1.0]), r"arm .*\(1,\)"),
    (lambda: lb.update_uncertain(BELIEF, ARMS, ARMS, [-1], [1.0]), r"arm .*\(1,\)"),
    *((lambda v=v: bb.thompson_draw([v], [1.0], RNG), r"alpha .*\(1,\)") for v in (INF, HUGE, NAN)),
    (lambda: bb.thompson_top(np.ones((2, 2)), np.ones((2, 2)), 1, RNG), r"alpha .*\(2, 2\)"),
    (lambda: bb.thompson_top([1.0], [1.0], 1.5, RNG), "top"),  # type: ignore[arg-type]
    *((lambda v=v: diversity.ssd(np.ones(3), VECTORS, 2, gamma=v), "gamma") for v in (NAN, INF)),
    *((lambda v=v: diversity.ssd(np.ones(3), VECTORS, 2, bias=v), "bias") for v in (NAN, INF)),
    (lambda: diversity.dpp(np.ones(3), VECTORS, 2.5), "k must"),  # type: ignore[arg-type]
    (lambda: diversity.dpp(np.ones(3), VECTORS + NAN, 2), r"vectors .*\(3, 2\)"),
    (lambda: diversity.mmr(np.ones(3), VECTORS, 2, recent=VECTORS + INF), "recent"),
    (lambda: fairco_order([1.0], [0], [1.0], INF), "strength"),
    (lambda: fairco_order([1.0], [0], [90.0], HUGE), "strength"),
    (lambda: sa.greedy_schedule([1.0, 1.0], NAN, 0.5, 2), "strength"),
    (lambda: sa.greedy_schedule([1.0, 1.0], [1.0, 1.0, 1.0], 0.5, 2), r"strength .*\(3,\)"),
    (lambda: sa.greedy_schedule([1.0], 1.0, 0.5, 2.5), "horizon"),  # type: ignore[arg-type]
    (lambda: sa.schedule_reward([0.7], [1.0], 1.0, 0.5), r"schedule .*\(1,\)"),
    (lambda: sa.best_schedule(np.ones(3), 1.0, 0.5, 20), r"horizon 20 .*\(3,\)"),
    (lambda: sa.graded_feedback([0.0], 1.0, [1.0]), r"grade .*\(1,\)"),
    (lambda: sa.graded_feedback([0.0], 1.0, [True]), r"grade .*\(1,\)"),
    (lambda: sa.recovering_score([1.0], [1.0], half_life=INF), "half_life"),
    (lambda: sa.recovering_score([1.0], [1.0], penalty=INF), "penalty"),
    (lambda: sa.recovering_score([INF], [1.0]), "score"),
    (lambda: sa.satiated([1.0, 1.0], [1.0, 1.0, 1.0], 1.0), r"utility \(2,\), level \(3,\)"),
    *((lambda v=v: decay.decayed([v], 0, 1, 1.0), "value") for v in (NAN, INF)),
    *((lambda v=v: decay.add_decayed(np.zeros(1), PLAYS[0, :1], [0], v, 0, 1.0), "amounts") for v in (NAN, INF)),
    (lambda: decay.add_decayed(np.zeros(1), PLAYS[0, :1], [0], [1.0, 1.0], 0, 1.0), r"amounts \(2,\)"),
    (lambda: op.ips([1.0, 1.0], [1.0, 1.0], [5e-324, 1.0]), r"target / logging of shape \(2,\)"),
    (lambda: op.slate_ips(np.ones((2, 2)), np.ones((2, 2)), np.full((2, 2), 1e-200)), "target / logging"),
    (lambda: es.always_valid_interval(es.mean_difference(CONTROL, TREATMENT), 1.0), "20 units"),
    (lambda: es.always_valid_interval(es.Effect(1.0, 1.0, 0.0, 2.0, 0.5), INF), "expected"),
    (lambda: es.sample_size(HUGE, 1e-3), "effect"),
    (lambda: es.sample_size(1e200, 1.0), "effect"),
    (lambda: es.sample_ratio_power(NAN, [0.5, 0.5], [0.5, 0.5]), "total"),  # type: ignore[arg-type]
    (lambda: doubly_robust.Effect(0.5, 0.1).interval(2.0), "confidence"),
    (lambda: regression.ridge(VECTORS * NAN, np.ones(3)), "features"),
    (lambda: regression.ridge(VECTORS, np.ones(2)), r"outcome .*\(2,\)"),
    (lambda: regression.logistic(VECTORS, np.array([0.0, 1.0, 2.0])), r"outcome .*\(3,\)"),
    (lambda: regression.logistic(VECTORS, np.array([0.0, 1.0, NAN])), r"outcome .*\(3,\)"),
    (lambda: scale.scale_weights([[HUGE], [1e-300]], [[True], [True]]), "scores"),
    (lambda: scale.scale_targets([[HUGE], [HUGE / 100]], [[True], [True]], 20.0), "scores"),
    (lambda: knn.knn_scores(VECTORS, VECTORS, csr_array(np.full((2, 3), NAN))), r"liked .*\(2, 3\)"),
    (lambda: knn.knn_vectors(VECTORS, VECTORS, VECTORS, k=1.5), "k must"),  # type: ignore[arg-type]
    (lambda: heater.fit(VECTORS, VECTORS, VECTORS, csr_array(np.full((3, 3), NAN)), RNG), r"liked .*\(3, 3\)"),
    (lambda: dropout_net.fit(VECTORS, VECTORS, VECTORS, np.array([1.0, NAN, 1.0]), RNG), r"popularity .*\(3,\)"),
    (lambda: heater.Training(likes=0), "likes"),
    (lambda: dropout_net.Training(steps=0), "steps"),
    (lambda: deep_music.fit_net(VECTORS, VECTORS, RNG, deep_music.Training(batch=0)), "batch"),
    (lambda: project_prices([1.0, 1.0], [1.0, 0.0], 1.0), r"capacity .*\(2,\)"),
    (lambda: GenSchedule(every=0), "every"),
    (lambda: GenSchedule(samples=0), "samples"),
    (lambda: Training(start="identty"), "start"),  # type: ignore[arg-type]
    (lambda: Training(batch=0), "batch"),
    (lambda: fit_scale(SCORES, LIKED, RNG, epochs=1.5), "epochs"),  # type: ignore[arg-type]
    (lambda: fit_gen(SCORES, LIKED, RNG, epochs=1.5), "epochs"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_has_no_answer_is_refused_by_name(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_integer_counters_keep_fractions() -> None:
    whole: Any = np.zeros((1, 2), np.int64)
    evidence, reward = dl.update_edges(np.array([[0]]), [[0.5]], [4], [1.0], GRAPH, whole, whole)
    assert (evidence[0, 0], reward[0, 0]) == (0.25, 0.5)


@pytest.mark.parametrize("factor", [1e-30, 1e25])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_directions_do_not_depend_on_length(factor: float, kind: Any) -> None:
    scores, vectors = np.array([1.0, 0.9, 0.5]), (VECTORS * factor).astype(kind)
    for pick in (diversity.dpp, diversity.ssd, diversity.mmr):
        wanted = pick(scores, VECTORS.astype(kind), 3, recent=VECTORS[:1])
        np.testing.assert_array_equal(pick(scores, vectors, 3, recent=VECTORS[:1] * factor), wanted)
    near = knn.knn_vectors(VECTORS, VECTORS, VECTORS, k=2)
    for content in (vectors, csr_array(vectors)):
        np.testing.assert_allclose(knn.knn_vectors(content, content, VECTORS, k=2), near, rtol=1e-5)


def test_the_largest_scores_are_ranked() -> None:
    scores = np.array([-HUGE, HUGE, 0.0])
    for order in (diversity.ssd(scores, VECTORS, 3), diversity.mmr(scores, VECTORS, 3)):
        assert order.tolist() == [1, 2, 0]
    assert diversity.dpp_quality(scores, 0.0).tolist() == [1.0, 1.0, 1.0]
    assert diversity.dpp_quality(scores, 0.5).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("factor", [1e-300, 1e300])
def test_magnitudes_of_any_size_are_tempered(factor: float) -> None:
    table = np.array([[3.0, 0.0], [0.0, 1.0]])
    for temper in (magnitude.temper_magnitudes, magnitude.temper_spreads):
        np.testing.assert_allclose(temper(table * factor, 0.5), temper(table, 0.5) * factor, rtol=1e-12)


def test_clipped_weights_of_tiny_propensities_are_finite() -> None:
    assert op.ips([1.0, 0.0], [1.0, 1.0], [5e-324, 1.0], clip=10.0).value == 5.0
    assert op.effective_sample_size([1e200, 1e200]) == 2.0
