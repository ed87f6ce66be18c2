"""Scale and Gen on a small market where one kind of item is scored too low for those who like it."""

import itertools

import numpy as np
import pytest

from fairshot.algorithms.maximum_mean_discrepancy import maximum_mean_discrepancy
from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain, worst_share
from fairshot.learning.fair_scores.autoencoder import ScoreModel, Training, batches, folded, initial, learning_rate
from fairshot.learning.fair_scores.gen import GenSchedule, fit_gen, gen_epochs
from fairshot.learning.fair_scores.generator import discrepancies
from fairshot.learning.fair_scores.scale import fit_scale, scale_epochs

USERS, DIMENSIONS = 150, 6
SHORT = Training(start="identity", hidden=12, batch=20)
QUICK = GenSchedule(samples=100, warm_up=1, first=3, again=1)


def market(seed: int, items: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and likes of items; every third item's vector is short, so its admirers score it low."""
    users = np.random.default_rng(99).normal(size=(USERS, DIMENSIONS))
    directions = np.random.default_rng(seed).normal(size=(items, DIMENSIONS))
    affinity = directions @ users.T
    liked = affinity >= np.sort(affinity, axis=1)[:, -20][:, None]
    length = np.where(np.arange(items) % 3 == 0, 0.1, 0.4)[:, None]
    return affinity * length + 1.0 * (length > 0.2), liked


def worst(scores: np.ndarray, liked: np.ndarray) -> float:
    return worst_share(mean_discounted_gain(scores.T, liked.T, 10), 0.3)


@pytest.fixture(scope="module")
def trained() -> tuple[np.ndarray, np.ndarray]:
    return market(0, 60)


@pytest.fixture(scope="module")
def new() -> tuple[np.ndarray, np.ndarray]:
    return market(1, 30)


def test_the_identity_start_passes_scores_of_low_rank_unchanged(
    trained: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
) -> None:
    inputs = trained[0].astype(np.float32)
    start = initial(inputs, Training(start="identity", hidden=12), np.random.default_rng(0))
    np.testing.assert_allclose(folded(start, 0.0)(new[0]), new[0], atol=1e-4)


def test_scale_lifts_new_items_that_sink(
    trained: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
) -> None:
    model = fit_scale(*trained, np.random.default_rng(0), strength=4.0, epochs=40, training=SHORT)
    assert worst(model(new[0]), new[1]) > worst(new[0], new[1]) + 0.01


def test_gen_lifts_new_items_that_sink(
    trained: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray]
) -> None:
    model = fit_gen(*trained, np.random.default_rng(0), epochs=20, schedule=QUICK, training=SHORT)
    assert worst(model(new[0]), new[1]) > worst(new[0], new[1]) + 0.01


def test_the_same_seed_gives_the_same_model(trained: tuple[np.ndarray, np.ndarray]) -> None:
    for fit in (scale_epochs, gen_epochs):
        one, other = (
            next(iter(fit(*trained, np.random.default_rng(5), training=Training(hidden=4)))) for _ in range(2)
        )
        np.testing.assert_array_equal(one.encode, other.encode)


def test_the_models_of_all_epochs_are_offered_in_order(trained: tuple[np.ndarray, np.ndarray]) -> None:
    epochs = scale_epochs(*trained, np.random.default_rng(5), training=SHORT)
    third = list(itertools.islice(epochs, 3))[-1]
    again = fit_scale(*trained, np.random.default_rng(5), epochs=3, training=SHORT)
    np.testing.assert_array_equal(third.bias, again.bias)


def test_discrepancies_equal_the_definition() -> None:
    rng = np.random.default_rng(0)
    own, ideal = rng.normal(size=(3, 40)), rng.normal(size=50)
    expected = [maximum_mean_discrepancy(row, ideal) for row in own]
    np.testing.assert_allclose(np.asarray(discrepancies(own, ideal)), expected, atol=1e-5)


def test_batches_hold_every_item_at_most_once_and_rates_fall_to_the_floor() -> None:
    drawn = batches(47, 10, np.random.default_rng(0)).ravel()
    assert len(drawn) == len(set(drawn.tolist())) == 40
    floor = Training(rate_floor=5e-4)
    assert learning_rate(floor, 0) == learning_rate(floor, 1) == 0.005
    assert learning_rate(floor, 2) == pytest.approx(0.0045)
    assert learning_rate(floor, 500) == 5e-4


def test_bad_arguments_are_refused(trained: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    nobody = np.zeros_like(trained[1])
    with pytest.raises(ValueError, match="items that nobody likes"):
        fit_gen(trained[0], nobody, rng)
    with pytest.raises(ValueError, match="items that nobody likes"):
        fit_scale(trained[0], nobody, rng)
    with pytest.raises(ValueError, match=r"scores of shape \(60, 150\) range over more than 7"):
        fit_gen(trained[0] * 10, trained[1], rng)
    with pytest.raises(ValueError, match="epochs"):
        fit_gen(*trained, rng, epochs=0)
    with pytest.raises(ValueError, match="epochs"):
        fit_scale(*trained, rng, epochs=0)
    model = ScoreModel(0.0, np.zeros((2, 1), "f"), np.zeros((1, 2), "f"), np.zeros(2, "f"))
    with pytest.raises(ValueError, match=r"got shape \(1, 3\)"):
        model([[1.0, 2.0, 3.0]])
