"""The post-processor shared by Scale and Gen: a linear autoencoder over an item's scores for all users.

An item is a row: its predicted score for every user. A hundred hidden units (batch-normalised, no
non-linearity) must carry it, so that what is learnt on items with known admirers also moves new items.
Source: Zhu, Kim, Nguyen, Fenton, Caverlee, SIGIR 2021, section 3.2 of the method.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairshot.algorithms.arguments import whole, within

Array32 = NDArray[np.float32]

NORM_FLOOR = 1e-3
RUNNING_DECAY = 0.9


class Weights(NamedTuple):
    """Trained parameters: encoder [users, hidden], decoder [hidden, users], and the normalisation's."""

    encode: jax.Array
    encode_bias: jax.Array
    gain: jax.Array
    offset: jax.Array
    decode: jax.Array
    decode_bias: jax.Array


class Running(NamedTuple):
    """Mean and variance of the hidden units as seen during training, used when the model is applied."""

    mean: jax.Array
    variance: jax.Array


class TrainState(NamedTuple):
    """All that training carries from one step to the next; ``velocity`` is momentum's."""

    weights: Weights
    running: Running
    velocity: Weights


@dataclass(frozen=True, slots=True)
class Training:
    """How the post-processor is trained; the defaults are the paper's.

    ``start`` is "random" as published, or "identity": weights with which the scores pass unchanged, so that no accuracy
    is spent on learning to copy them, whatever the number of items to learn from. ``rate`` shrinks by ``rate_decay``
    every second epoch and never falls below ``rate_floor``; ``penalty`` is the weight of the squared parameters;
    ``batch`` counts items; ``averaging`` is the weight of the past in the mean of parameters over epochs that a model
    is made of, 0 for those of the last epoch alone.
    """

    start: Literal["random", "identity"] = "random"
    hidden: int = 100
    batch: int = 50
    rate: float = 0.005
    rate_decay: float = 0.9
    rate_floor: float = 0.0
    momentum: float = 0.9
    penalty: float = 1e-5
    averaging: float = 0.0

    def __post_init__(self) -> None:
        """Refuse an unknown start, counts below one and numbers that are not finite or negative (ValueError)."""
        if self.start not in ("random", "identity"):
            raise ValueError(f"start must be 'random' or 'identity', shape (): {self.start!r}")
        whole("hidden", self.hidden, 1)
        whole("batch", self.batch, 1)
        for name in ("rate", "rate_floor", "penalty"):
            within(name, getattr(self, name), 0, 1e9)
        for name in ("rate_decay", "momentum", "averaging"):
            within(name, getattr(self, name), 0, 1)


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """A trained post-processor as plain arrays; calling it corrects scores.

    Formula: scores' = ((scores + shift) A) B + c: the normalisation is folded into A [users, hidden] and c.
    """

    shift: float
    encode: Array32
    decode: Array32
    bias: Array32

    def __call__(self, scores: ArrayLike) -> Array32:
        """Correct the scores of items: [items, users] -> [items, users]; ValueError for another width."""
        values = np.asarray(scores, np.float32)
        if values.ndim != 2 or values.shape[1] != len(self.encode):
            raise ValueError(f"scores must be [items, {len(self.encode)} users], got shape {values.shape}")
        corrected = (values + np.float32(self.shift)) @ self.encode @ self.decode + self.bias
        return np.asarray(corrected, np.float32)


def initial(inputs: Array32, training: Training, rng: np.random.Generator) -> TrainState:
    """Start training on scores [items, users] as `training.start` says.

    >>> scores = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]], np.float32)
    >>> state = initial(scores, Training(start="identity", hidden=2), np.random.default_rng(0))
    >>> np.allclose(folded(state, 0.0)(scores), scores, atol=1e-3)
    True
    """
    if training.start == "identity":
        weights, running = _identity(np.asarray(inputs, np.float64), training.hidden)
    else:
        weights, running = _random(inputs.shape[1], training.hidden, rng)
    return TrainState(weights, running, jax.tree.map(jnp.zeros_like, weights))


def _random(users: int, hidden: int, rng: np.random.Generator) -> tuple[Weights, Running]:
    """Draw N(0, 0.01^2) for both layers, with an identity normalisation."""
    encode = rng.normal(0, 0.01, (users, hidden)).astype(np.float32)
    decode = rng.normal(0, 0.01, (hidden, users)).astype(np.float32)
    zero, one = jnp.zeros(hidden), jnp.ones(hidden)
    weights = Weights(jnp.asarray(encode), zero, one, zero, jnp.asarray(decode), jnp.zeros(users))
    return weights, Running(zero, one)


def _identity(inputs: NDArray[np.float64], hidden: int) -> tuple[Weights, Running]:
    """Encode onto the leading right singular vectors and back: exact for scores of at most that rank."""
    power, left = np.linalg.eigh(inputs @ inputs.T)
    width = min(hidden, int((power > 1e-9 * power[-1]).sum()))
    axes = np.zeros((inputs.shape[1], hidden))
    axes[:, :width] = inputs.T @ left[:, -width:] / np.sqrt(power[-width:])
    code = inputs @ axes
    mean, variance = jnp.asarray(code.mean(0), jnp.float32), jnp.asarray(code.var(0), jnp.float32)
    encode = jnp.asarray(axes, jnp.float32)
    gain, zero = jnp.sqrt(variance + NORM_FLOOR), jnp.zeros(hidden)
    return Weights(encode, zero, gain, mean, encode.T, jnp.zeros(len(axes))), Running(mean, variance)


def reconstruct(weights: Weights, running: Running, scores: jax.Array) -> tuple[jax.Array, Running]:
    """Pass a batch [items, users] through, normalised by its own statistics; returns what to remember too.

    >>> state = initial(np.eye(3, dtype=np.float32), Training(hidden=2), np.random.default_rng(0))
    >>> out, remembered = reconstruct(state.weights, state.running, jnp.eye(3))
    >>> out.shape, remembered.mean.shape
    ((3, 3), (2,))
    """
    hidden = scores @ weights.encode + weights.encode_bias
    mean, variance = hidden.mean(0), hidden.var(0)
    normal = (hidden - mean) / jnp.sqrt(variance + NORM_FLOOR)
    out = (normal * weights.gain + weights.offset) @ weights.decode + weights.decode_bias
    remembered = Running(
        RUNNING_DECAY * running.mean + (1 - RUNNING_DECAY) * mean,
        RUNNING_DECAY * running.variance + (1 - RUNNING_DECAY) * variance,
    )
    return out, jax.lax.stop_gradient(remembered)


def distance(predicted: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean over items of the Euclidean distance (not its square) between rows.

    >>> round(float(distance(jnp.array([[3.0, 4.0], [0.0, 0.0]]), jnp.zeros((2, 2)))), 3)
    2.5
    """
    return jnp.sqrt(jnp.square(predicted - targets).sum(1) + 1e-12).mean()


def size(weights: Weights) -> jax.Array:
    """Sum of all squared parameters, what the penalty weighs.

    >>> one, two = jnp.ones(1), jnp.array([1.0, 2.0])
    >>> float(size(Weights(one, one, one, one, one, two)))
    10.0
    """
    return sum((jnp.square(array).sum() for array in weights), start=jnp.zeros(()))


def batches(items: int, batch: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Shuffle the items into full batches [count, batch]; what does not fill one waits for the next epoch.

    >>> batches(5, 2, np.random.default_rng(0)).shape
    (2, 2)
    """
    width = min(batch, items)
    count = items // width
    return rng.permutation(items)[: count * width].reshape(count, width)


def descended(state: TrainState, slope: Weights, running: Running, rate: float, momentum: float) -> TrainState:
    """Take one step of momentum descent: v <- momentum v + slope, weights <- weights - rate v.

    >>> state = initial(np.eye(3, dtype=np.float32), Training(hidden=2), np.random.default_rng(0))
    >>> slope = jax.tree.map(jnp.ones_like, state.weights)
    >>> moved = descended(state, slope, state.running, rate=0.5, momentum=0.9)
    >>> moved.weights.gain.tolist()
    [0.5, 0.5]
    """
    velocity = jax.tree.map(lambda v, g: momentum * v + g, state.velocity, slope)
    weights = jax.tree.map(lambda w, v: w - rate * v, state.weights, velocity)
    return TrainState(weights, running, velocity)


def averaged(mean: TrainState, state: TrainState, weight: float) -> TrainState:
    """Move the mean of parameters over epochs on by one: weight of the past, the rest of the present.

    >>> state = initial(np.eye(3, dtype=np.float32), Training(hidden=2), np.random.default_rng(0))
    >>> averaged(state, jax.tree.map(jnp.zeros_like, state), 0.75).weights.gain.tolist()
    [0.75, 0.75]
    """
    moved: TrainState = jax.tree.map(lambda m, s: weight * m + (1 - weight) * s, mean, state)
    return moved


def folded(state: TrainState, shift: float) -> ScoreModel:
    """Turn trained parameters into a model of plain arrays, normalising by the remembered statistics.

    >>> state = initial(np.eye(3, dtype=np.float32), Training(hidden=2), np.random.default_rng(0))
    >>> folded(state, shift=0.5)(np.eye(3)).shape
    (3, 3)
    """
    weights, running = state.weights, state.running
    factor = np.asarray(weights.gain / jnp.sqrt(running.variance + NORM_FLOOR))
    hidden = np.asarray(weights.encode_bias - running.mean) * factor + np.asarray(weights.offset)
    decode = np.asarray(weights.decode)
    bias = hidden @ decode + np.asarray(weights.decode_bias)
    return ScoreModel(shift, np.asarray(weights.encode) * factor, decode, bias)


def learning_rate(training: Training, epoch: int, start: float | None = None) -> float:
    """Rate of an epoch, counted from 0: start * rate_decay^(epoch // 2), at least the floor.

    >>> [round(learning_rate(Training(rate=1.0, rate_floor=0.85), epoch), 2) for epoch in (0, 1, 2, 4)]
    [1.0, 1.0, 0.9, 0.85]
    """
    first = training.rate if start is None else start
    return max(first * training.rate_decay ** (epoch // 2), training.rate_floor)
