"""Engagement: one small network that predicts every kind of feedback at once; fitted with JAX, served by NumPy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Floats


@dataclass(frozen=True, slots=True)
class EngagementModel:
    """Layers with ReLU between them, then one logistic output for each kind.

    features: names of the input columns; kinds: names of the heads; bounds: float32 (2, features), the range
    of each input that the model was taught with, beyond which it does not extrapolate; layers: pairs of
    weights (in, out) and biases (out,), float32, the standardisation folded into the first.
    """

    features: tuple[str, ...]
    kinds: tuple[str, ...]
    bounds: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def predict(self, inputs: Floats) -> Floats:
        """Probabilities, float32 (n, kinds), of inputs float32 (n, features)."""
        hidden = np.clip(inputs, self.bounds[0], self.bounds[1])
        for weights, bias in self.layers[:-1]:
            hidden = hidden @ weights
            hidden += bias
            np.maximum(hidden, 0, out=hidden)
        weights, bias = self.layers[-1]
        logits = hidden @ weights
        logits += bias
        # Beyond +-30 a float32 probability does not change any more, and exp cannot overflow.
        np.clip(logits, -30, 30, out=logits)
        probabilities: Floats = 1 / (1 + np.exp(-logits))
        return probabilities

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        tensors = {"bounds": self.bounds}
        for number, (weights, bias) in enumerate(self.layers):
            tensors[f"weights{number}"], tensors[f"bias{number}"] = weights, bias
        return tensors, {
            "features": list(self.features),
            "kinds": list(self.kinds),
            "layers": len(self.layers),
        }

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> "EngagementModel":
        """The model from what `dump` gave."""
        layers = tuple((tensors[f"weights{n}"], tensors[f"bias{n}"]) for n in range(description["layers"]))
        return cls(tuple(description["features"]), tuple(description["kinds"]), tensors["bounds"], layers)


WITHOUT_HEADS = EngagementModel((), (), np.zeros((2, 0), np.float32), ())
"""The model of a log with too little feedback to learn from: every kind keeps its smoothed rate."""


def fit_engagement(
    features: Sequence[str],
    kinds: Sequence[str],
    inputs: Floats,
    labels: Floats,
    weights: Floats,
    *,
    hidden: Sequence[int],
    epochs: int,
    seed: int = 0,
    progress: Any = None,
) -> EngagementModel:
    """Fit by minibatch Adam on the sum of the heads' log losses.

    inputs: float32 (n, features); labels: float32 (n, kinds), 0 or 1; weights: float32 (n,), of examples.
    """
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0).astype(np.float32)
    data = ((inputs - mean) / scale).astype(np.float32)
    rng = np.random.default_rng(seed)
    rates = np.clip((labels * weights[:, None]).sum(0) / weights.sum(), 1e-4, 1 - 1e-4)
    layers = _first_layers([len(features), *hidden, len(kinds)], rates, rng)
    fitted = _descended(layers, (data, labels, weights), epochs, rng, progress)
    first, bias = fitted[0]
    fitted[0] = (
        (first / scale[:, None]).astype(np.float32),
        (bias - (mean / scale) @ first).astype(np.float32),
    )
    bounds = np.stack([inputs.min(axis=0), inputs.max(axis=0)])
    return EngagementModel(tuple(features), tuple(kinds), bounds, tuple(fitted))


Layers = list[tuple[Floats, Floats]]


def _first_layers(sizes: Sequence[int], rates: Floats, rng: np.random.Generator) -> Layers:
    """He's initial weights; the last layer begins near the base rates."""
    layers = [
        (rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32), np.zeros(b, np.float32))
        for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    layers[-1] = (layers[-1][0] * np.float32(0.1), np.log(rates / (1 - rates)).astype(np.float32))
    return layers


def _loss(layers: Any, x: Any, y: Any, w: Any) -> Any:
    """Weighted mean of the heads' log losses, with a little weight decay."""
    import jax
    import jax.numpy as jnp
    import optax

    for matrix, bias in layers[:-1]:
        x = jax.nn.relu(x @ matrix + bias)
    losses = optax.sigmoid_binary_cross_entropy(x @ layers[-1][0] + layers[-1][1], y)
    decay = sum(jnp.sum(matrix**2) for matrix, _ in layers)
    return jnp.sum(losses * w[:, None]) / jnp.sum(w) + 1e-5 * decay


def _descended(
    layers: Layers, examples: tuple[Floats, ...], epochs: int, rng: np.random.Generator, progress: Any
) -> Layers:
    """The layers after so many passes over the examples (inputs, labels, weights), in drawn order."""
    # JAX takes a second to load and only training needs it.
    import jax
    import optax

    n = len(examples[0])
    # Few examples are taught in smaller batches: else a small log would be a handful of steps, and learn nothing.
    batch = min(2048, max(128, n // 32), n)
    steps = max(1, n // batch)
    optimiser = optax.adam(optax.cosine_decay_schedule(3e-3, epochs * steps))

    def step(carry: Any, part: Any) -> Any:
        parameters, state = carry
        updates, state = optimiser.update(jax.grad(_loss)(parameters, *part), state)
        return (optax.apply_updates(parameters, updates), state), None

    compiled = jax.jit(lambda carry, parts: jax.lax.scan(step, carry, parts)[0])
    carry: Any = (layers, optimiser.init(layers))
    for number in range(epochs):
        order = rng.permutation(n)[: steps * batch].reshape(steps, batch)
        carry = compiled(carry, tuple(part[order] for part in examples))
        if progress is not None:
            progress((number + 1) / epochs)
    return [(np.asarray(matrix), np.asarray(bias)) for matrix, bias in carry[0]]
