"""DropoutNet and Heater on a small world: tastes in 3 dimensions, content that shows them, half of items cold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from fairshot.learning.cold_start import dropout_net, heater
from fairshot.learning.cold_start.dropout_net import DropoutNet
from fairshot.learning.cold_start.heater import Heater
from fairshot.learning.cold_start.scaling import fit_scaling

Floats = NDArray[np.floating]
Fit = Callable[..., DropoutNet | Heater]


@dataclass(frozen=True)
class World:
    users: Floats
    warm: Floats
    content: Floats
    cold_content: Floats
    liked: csr_array
    cold_liked: Floats


@pytest.fixture(scope="module")
def world() -> World:
    rng = np.random.default_rng(0)
    users, items = rng.normal(size=(300, 3)), rng.normal(size=(200, 3))
    content = items @ rng.normal(size=(3, 8)) + rng.normal(size=(200, 8)) * 0.2
    liked = (users @ items.T > 1.5).astype(float)
    left, size, right = np.linalg.svd(liked[:, :150], full_matrices=False)
    root = np.sqrt(size[:6])
    return World(
        left[:, :6] * root, right[:6].T * root, content[:150], content[150:], csr_array(liked[:, :150]), liked[:, 150:]
    )


def precision(scores: Floats, liked: Floats) -> float:
    """Share of likes among the ten best for each user."""
    best = np.argsort(-scores, axis=1)[:, :10]
    return float(np.take_along_axis(liked, best, 1).mean())


def dropout(world: World, seed: int = 0, steps: int = 200) -> DropoutNet:
    training = dropout_net.Training(hidden=32, steps=steps, users=64, items=64, rate=1e-2)
    popularity = world.liked.toarray().sum(axis=0)
    rng = np.random.default_rng(seed)
    return dropout_net.fit(world.users, world.warm, world.content, popularity, rng, training)


def heated(world: World, seed: int = 0, steps: int = 200) -> Heater:
    training = heater.Training(hidden=32, steps=steps, likes=256, others=128, negatives=5.0, rate=1e-2)
    rng = np.random.default_rng(seed)
    return heater.fit(world.users, world.warm, world.content, world.liked, rng, training)


@pytest.mark.parametrize("fit", [dropout, heated])
def test_cold_items_find_their_users(world: World, fit: Fit) -> None:
    model = fit(world)
    scores = model.users(world.users) @ model.items(world.cold_content).T
    chance, perfect = world.cold_liked.mean(), precision(world.cold_liked, world.cold_liked)
    assert precision(scores, world.cold_liked) > (chance + perfect) / 2


@pytest.mark.parametrize("fit", [dropout, heated])
def test_same_generator_same_model_and_other_widths_are_refused(world: World, fit: Fit) -> None:
    one, two = fit(world, 1, 10), fit(world, 1, 10)
    assert (one.items(world.cold_content) == two.items(world.cold_content)).all()
    with pytest.raises(ValueError, match=r"\(50, 7\)"):
        one.items(world.cold_content[:, 1:])
    with pytest.raises(ValueError, match=r"\(300, 5\)"):
        one.users(world.users[:, 1:])


def test_warm_items_use_their_vectors(world: World) -> None:
    for model in (dropout(world), heated(world)):
        warm = model.items(world.content, world.warm)
        assert not np.allclose(warm, model.items(world.content))
        scores = model.users(world.users) @ warm.T
        assert precision(scores, world.liked.toarray()) > 2 * world.liked.mean()


def test_heater_reads_no_content_of_warm_items_and_no_vector_of_cold_ones(world: World) -> None:
    model = heated(world, steps=10)
    warm = model.items(world.content, world.warm)
    assert (warm == model.items(world.content * 0, world.warm)).all()


def test_bad_input_names_the_argument(world: World) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"content.*\(50, 8\)"):
        heater.fit(world.users, world.warm, world.cold_content, world.liked, rng)
    with pytest.raises(ValueError, match="liked"):
        heater.fit(world.users, world.warm, world.content, world.liked * 0, rng)
    with pytest.raises(ValueError, match="item_vectors"):
        dropout_net.fit(world.users, world.warm[:, 1:], world.content, np.ones(150), rng)
    with pytest.raises(ValueError, match="popularity"):
        dropout_net.fit(world.users, world.warm, world.content, np.zeros(150), rng)
    with pytest.raises(ValueError, match="user_vectors"):
        dropout_net.fit(world.users * np.nan, world.warm, world.content, np.ones(150), rng)


def test_scaling_clips_and_keeps_zero_when_common() -> None:
    values = np.random.default_rng(0).normal(size=(50, 3)) * [1, 2, 30]
    own, common = fit_scaling(values, 1.0), fit_scaling(values, 9.0, common=True)
    assert np.abs(own(values)).max() == 1.0
    assert (common(np.zeros((1, 3))) == 0).all()
    assert np.sqrt(np.mean(common(values) ** 2)) == pytest.approx(1.0, rel=0.05)
