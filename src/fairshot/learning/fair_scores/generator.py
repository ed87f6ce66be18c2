"""Gen's generator: a small network that turns noise into the scores an item's admirers should get."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fairshot.algorithms.maximum_mean_discrepancy import kernel_frequencies
from fairshot.learning.fair_scores.autoencoder import NORM_FLOOR

WIDTH = 50


class Layer(NamedTuple):
    """One batch-normalised layer with a rectifier."""

    weight: jax.Array
    gain: jax.Array
    offset: jax.Array


class Generator(NamedTuple):
    """Two hidden layers of 50 and one output."""

    first: Layer
    second: Layer
    weight: jax.Array
    bias: jax.Array


def new_generator(rng: np.random.Generator, level: float) -> Generator:
    """Draw a generator whose scores start close to `level`.

    >>> float(new_generator(np.random.default_rng(0), level=2.0).bias)
    2.0
    """

    def layer(inputs: int) -> Layer:
        weight = rng.normal(0, 1 / np.sqrt(inputs), (inputs, WIDTH)).astype(np.float32)
        return Layer(jnp.asarray(weight), jnp.ones(WIDTH), jnp.zeros(WIDTH))

    first, second = layer(1), layer(WIDTH)
    out = rng.normal(0, 0.01, WIDTH).astype(np.float32)
    return Generator(first, second, jnp.asarray(out), jnp.asarray(level, jnp.float32))


def generated(generator: Generator, noise: jax.Array) -> jax.Array:
    """Turn noise [samples] into scores [samples].

    >>> rng = np.random.default_rng(0)
    >>> scores = generated(new_generator(rng, level=2.0), jnp.asarray(rng.standard_normal(50)))
    >>> scores.shape, bool(abs(scores.mean() - 2) < 1)
    ((50,), True)
    """
    hidden = noise[:, None]
    for layer in (generator.first, generator.second):
        signal = hidden @ layer.weight
        normal = (signal - signal.mean(0)) / jnp.sqrt(signal.var(0) + NORM_FLOOR)
        hidden = jax.nn.relu(normal * layer.gain + layer.offset)
    return hidden @ generator.weight + generator.bias


def discrepancies(own: jax.Array, ideal: jax.Array) -> jax.Array:
    """Squared MMD of each item's scores [items, samples] from the ideal ones [samples] -> [items].

    Formula: `characteristic_mmd` of `fairshot.algorithms.maximum_mean_discrepancy`, one item at a time so
    that the table of samples x frequencies stays within the cache.

    >>> near, far = discrepancies(jnp.array([[0.0, 1.0], [3.0, 4.0]]), jnp.array([0.0, 1.0]))
    >>> bool(near < 1e-6), bool(far > 0.1)
    (True, True)
    """
    roots, shares = kernel_frequencies()
    frequencies, weights = jnp.asarray(roots, jnp.float32), jnp.asarray(shares, jnp.float32)
    target = _characteristic(ideal, frequencies)

    def one(scores: jax.Array) -> jax.Array:
        return weights @ jnp.square(_characteristic(scores, frequencies) - target).sum(0)

    return jax.lax.map(one, own)


def under_served_discrepancy(own: jax.Array, ideal: jax.Array) -> jax.Array:
    """Mean discrepancy of the items whose admirers fall short of the ideal by at least the batch's mean.

    >>> own, ideal = jnp.array([[0.0, 1.0], [3.0, 4.0]]), jnp.array([3.0, 4.0])
    >>> bool(jnp.isclose(under_served_discrepancy(own, ideal), discrepancies(own, ideal)[0]))
    True
    """
    shortfall = ideal.mean() - own.mean(1)
    under_served = jax.lax.stop_gradient(shortfall >= shortfall.mean()).astype(jnp.float32)
    return (under_served * discrepancies(own, ideal)).sum() / under_served.sum()


def _characteristic(scores: jax.Array, frequencies: jax.Array) -> jax.Array:
    phase = scores[:, None] * frequencies
    return jnp.stack([jnp.cos(phase).mean(0), jnp.sin(phase).mean(0)])
