"""A tower: affine, batch normalisation, tanh, affine. Trained in JAX, used as plain arrays in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike

from fairshot.learning.cold_start.content import Floats32

NORM_FLOOR = 1e-5
RUNNING_DECAY = 0.9


class Weights(NamedTuple):
    """Parameters of a tower: encode [inputs, hidden], gain and offset [hidden], decode [hidden, outputs]."""

    encode: jax.Array
    gain: jax.Array
    offset: jax.Array
    decode: jax.Array
    bias: jax.Array


class Running(NamedTuple):
    """Mean and variance [hidden] of a tower's units before normalisation."""

    mean: jax.Array
    variance: jax.Array


@dataclass(frozen=True, slots=True)
class Tower:
    """A trained tower with its normalisation folded in: tanh(x encode + shift) decode + bias."""

    encode: Floats32
    shift: Floats32
    decode: Floats32
    bias: Floats32

    def __call__(self, inputs: ArrayLike) -> Floats32:
        """Map [n, inputs] to float32 [n, outputs]; ValueError for another width."""
        values = np.asarray(inputs, np.float32)
        if values.ndim != 2 or values.shape[1] != len(self.encode):
            raise ValueError(f"inputs must be [n, {len(self.encode)}], got shape {values.shape}")
        return np.asarray(np.tanh(values @ self.encode + self.shift) @ self.decode + self.bias)


def initial(inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> Weights:
    """Draw Glorot-normal weights and an identity normalisation.

    The last layer is drawn smaller, so that the product of two towers' outputs starts near one, not near
    the root of their width.

    >>> weights = initial(3, 4, 2, np.random.default_rng(0))
    >>> weights.encode.shape, weights.gain.shape, weights.decode.shape
    ((3, 4), (4,), (4, 2))
    """
    return Weights(
        glorot(rng, inputs, hidden),
        jnp.ones(hidden),
        jnp.zeros(hidden),
        glorot(rng, hidden, outputs) * outputs**-0.25,
        jnp.zeros(outputs),
    )


def glorot(rng: np.random.Generator, *shape: int) -> jax.Array:
    """Draw N(0, 2 / (inputs + outputs)) for the last two axes.

    >>> glorot(np.random.default_rng(0), 5, 3, 2).shape
    (5, 3, 2)
    """
    spread = np.sqrt(2.0 / (shape[-2] + shape[-1]))
    return jnp.asarray(rng.normal(0.0, spread, shape).astype(np.float32))


def forward(weights: Weights, inputs: jax.Array) -> tuple[jax.Array, Running]:
    """Pass a batch [n, inputs], normalised by its own statistics; these are returned to be remembered.

    >>> out, seen = forward(initial(3, 4, 2, np.random.default_rng(0)), jnp.ones((5, 3)))
    >>> out.shape, seen.mean.shape, bool(jnp.all(seen.variance < 1e-6))
    ((5, 2), (4,), True)
    """
    hidden = inputs @ weights.encode
    mean, variance = hidden.mean(0), hidden.var(0)
    normal = (hidden - mean) / jnp.sqrt(variance + NORM_FLOOR)
    out = jnp.tanh(normal * weights.gain + weights.offset) @ weights.decode + weights.bias
    return out, jax.lax.stop_gradient(Running(mean, variance))


def fold(weights: Weights, running: Running, scale: float = 1.0) -> Tower:
    """Turn trained parameters into plain arrays; outputs are multiplied by `scale`.

    >>> weights, inputs = initial(3, 4, 2, np.random.default_rng(0)), jnp.eye(3)
    >>> out, seen = forward(weights, inputs)
    >>> np.allclose(fold(weights, seen, scale=2.0)(inputs), 2 * out, atol=1e-4)
    True
    """
    factor = np.asarray(weights.gain / jnp.sqrt(running.variance + NORM_FLOOR))
    shift = np.asarray(weights.offset) - np.asarray(running.mean) * factor
    arrays = np.asarray(weights.encode) * factor, shift, weights.decode * scale, weights.bias * scale
    return Tower(*(np.asarray(array, np.float32) for array in arrays))


def size(weights: Any) -> jax.Array:
    """Sum of all squared parameters.

    >>> float(size((jnp.array([1.0, 2.0]), jnp.array([2.0]))))
    9.0
    """
    return sum((jnp.square(leaf).sum() for leaf in jax.tree.leaves(weights)), start=jnp.zeros(()))


def minimise(
    loss: Callable[..., tuple[jax.Array, Any]], weights: Any, batches: Iterable[Any], *, rate: float, steps: int
) -> tuple[Any, Any]:
    """Descend with Adam under a cosine schedule; returns the weights and the remembered statistics.

    `loss(weights, batch)` gives the value and the batch's statistics, which are averaged exponentially.

    >>> def loss(weights, batch):
    ...     return jnp.square(weights - batch).sum(), Running(batch, batch)
    >>> weights, running = minimise(loss, jnp.zeros(1), [jnp.ones(1)] * 50, rate=0.1, steps=50)
    >>> bool(weights[0] > 0.5), float(running.mean[0])
    (True, 1.0)
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))

    def step(weights: Any, state: Any, batch: Any) -> tuple[Any, Any, Any]:
        (_, seen), slope = jax.value_and_grad(loss, has_aux=True)(weights, batch)
        change, state = optimiser.update(slope, state, weights)
        return optax.apply_updates(weights, change), state, seen

    compiled = jax.jit(step)
    state, running = optimiser.init(weights), None
    for batch in batches:
        weights, state, seen = compiled(weights, state, batch)
        running = seen if running is None else jax.tree.map(_remember, running, seen)
    return weights, running


def _remember(old: jax.Array, new: jax.Array) -> jax.Array:
    return RUNNING_DECAY * old + (1 - RUNNING_DECAY) * new
