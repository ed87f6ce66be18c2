"""Heads: calibration and AUC over all candidates of everybody judged."""

import numpy as np
import pytest
from tests.evaluation.worlds import batch_of

from fairshot.core.candidates import Candidates
from fairshot.core.events import Kind
from fairshot.evaluation.heads import Heads, _auc_draws
from fairshot.evaluation.measured import resamples
from fairshot.learning.metrics import auc


def described(rows: list[int], probabilities: list[float]) -> Candidates:
    return Candidates(np.array(rows, np.int32), {"p_like": np.array(probabilities, np.float32)})


def test_figures_by_hand():
    events = batch_of([(int(Kind.FEEDBACK), 0, 1, 5), (int(Kind.FEEDBACK), 1, 4, 5), (int(Kind.FEEDBACK), 1, 8, 5)])
    heads = Heads(events, np.arange(3), {0: "like"})
    heads(0, described([0, 1, 2], [0.1, 0.9, 0.2]))
    # Item 8 was no candidate: it is neither hit nor miss.
    heads(1, described([3, 4], [0.8, 0.3]))
    area, error = heads.figures("a")
    # Positives .9 and .3 against negatives .1, .2, .8: five of six pairs in order.
    assert area.value == pytest.approx(5 / 6)
    assert error.value == pytest.approx((0.1 + 0.1 + 0.2 + 0.8 + 0.7) / 5)
    assert (area.name, error.name) == ("AUC of like", "calibration error of like")


def test_a_head_without_positives_has_no_figures():
    events = batch_of([(int(Kind.FEEDBACK), 0, 1, 5)])
    heads = Heads(events, np.arange(1), {0: "like"})
    heads(0, described([0], [0.1]))
    assert heads.figures("a") == []


def test_bootstrapped_areas_are_those_of_weighted_people():
    rng = np.random.default_rng(1)
    truth = (rng.random(200) < 0.3).astype(float)
    predicted, person = np.round(rng.random(200), 1), rng.integers(0, 20, 200)
    drawn = _auc_draws(truth, predicted, person)
    for weight, value in list(zip(resamples(20, len(drawn)), drawn, strict=True))[:10]:
        assert value == pytest.approx(auc(truth, predicted, weight[person]))
