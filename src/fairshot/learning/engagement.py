"""Engagement: one small network for every kind of feedback and for time in view; fitted by JAX, served by NumPy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from fairshot.core.arrays import Array, Floats

LONGEST_LOG = 10.0
"""Logarithm of the longest time in view that is ever expected, in seconds: six hours."""


@dataclass(frozen=True, slots=True)
class EngagementModel:
    """Layers with ReLU between them, then one logistic output for each kind, and one for seconds in view if taught.

    features: names of the input columns; kinds: names of the heads; bounds: float32 (2, features), the range
    of each input that the model was taught with, beyond which it does not extrapolate; layers: pairs of
    weights (in, out) and biases (out,), float32, the standardisation folded into the first; dwells: whether the
    last output is the logarithm of the expected seconds in view.
    """

    features: tuple[str, ...]
    kinds: tuple[str, ...]
    bounds: Floats
    layers: tuple[tuple[Floats, Floats], ...]
    dwells: bool = False

    def predict(self, inputs: Floats) -> Floats:
        """Probabilities, float32 (n, kinds), of inputs float32 (n, features)."""
        return self.outcomes(inputs)[0]

    def outcomes(self, inputs: Floats) -> tuple[Floats, Floats | None]:
        """Probabilities, float32 (n, kinds), and expected seconds in view (n,), None where they were not taught."""
        outputs = self.outputs(inputs)
        # Beyond +-30 a float32 probability does not change any more, and exp cannot overflow.
        np.clip(outputs, -30, 30, out=outputs)
        seconds = np.exp(np.minimum(outputs[:, -1], LONGEST_LOG)) if self.dwells else None
        logits = outputs[:, : len(self.kinds)]
        probabilities: Floats = 1 / (1 + np.exp(-logits))
        return probabilities, seconds

    def outputs(self, inputs: Floats) -> Floats:
        """Log odds of each kind, float32 (n, kinds), and where taught in one more column the log of seconds."""
        hidden = np.clip(inputs, self.bounds[0], self.bounds[1])
        for weights, bias in self.layers[:-1]:
            hidden = hidden @ weights
            hidden += bias
            np.maximum(hidden, 0, out=hidden)
        weights, bias = self.layers[-1]
        outputs: Floats = hidden @ weights
        outputs += bias
        return outputs

    def recalibrated(self, slope: Floats, shift: Floats) -> "EngagementModel":
        """The same order of items, with log odds slope * log odds + shift, both float (outputs,)."""
        weights, bias = self.layers[-1]
        last = (weights * slope).astype(np.float32), (bias * slope + shift).astype(np.float32)
        return replace(self, layers=(*self.layers[:-1], last))

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        tensors = {"bounds": self.bounds}
        for number, (weights, bias) in enumerate(self.layers):
            tensors[f"weights{number}"], tensors[f"bias{number}"] = weights, bias
        return tensors, {
            "features": list(self.features),
            "kinds": list(self.kinds),
            "layers": len(self.layers),
            "dwells": self.dwells,
        }

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> "EngagementModel":
        """The model from what `dump` gave."""
        layers = tuple((tensors[f"weights{n}"], tensors[f"bias{n}"]) for n in range(description["layers"]))
        names, kinds = tuple(description["features"]), tuple(description["kinds"])
        return cls(names, kinds, tensors["bounds"], layers, description.get("dwells", False))


WITHOUT_HEADS = EngagementModel((), (), np.zeros((2, 0), np.float32), ())
"""The model of a log with too little feedback to learn from: every kind keeps its smoothed rate."""


@dataclass(frozen=True, slots=True)
class Taught:
    """What the network learns from.

    inputs: float32 (n, features); labels: float32 (n, kinds), 0 or 1; weights: float32 (n,), of examples; seconds:
    float32 (n,), in view, NaN where not told, None where never.
    """

    inputs: Floats
    labels: Floats
    weights: Floats
    seconds: Floats | None = None

    def where(self, keep: Array) -> "Taught":
        """A part of the examples, by mask or by indices."""
        seconds = None if self.seconds is None else self.seconds[keep]
        return Taught(self.inputs[keep], self.labels[keep], self.weights[keep], seconds)


def fit_engagement(
    features: Sequence[str],
    kinds: Sequence[str],
    taught: Taught,
    *,
    hidden: Sequence[int],
    epochs: int,
    decay: float = 5e-4,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _share: None,
) -> EngagementModel:
    """Fit by minibatch Adam on the sum of the heads' log losses, and a Poisson loss of seconds where they are told.

    The Poisson loss exp(z) - y z is least where exp(z) is the mean of y, whatever its distribution.
    """
    inputs, labels, weights = taught.inputs, taught.labels, taught.weights
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0).astype(np.float32)
    data = ((inputs - mean) / scale).astype(np.float32)
    rng = np.random.default_rng(seed)
    rates = np.clip((labels * weights[:, None]).sum(0) / weights.sum(), 1e-4, 1 - 1e-4)
    starts = np.log(rates / (1 - rates))
    timed = np.zeros((len(data), 0), np.float32)
    if taught.seconds is not None:
        timed = taught.seconds[:, None]
        starts = np.append(starts, np.log(max(float(np.nanmean(timed)), 1e-3)))
    layers = _first_layers([len(features), *hidden], starts, rng)
    fitted = _descended(layers, (data, labels, weights, timed), (epochs, decay), rng, progress)
    first, bias = fitted[0]
    fitted[0] = (
        (first / scale[:, None]).astype(np.float32),
        (bias - (mean / scale) @ first).astype(np.float32),
    )
    bounds = np.stack([inputs.min(axis=0), inputs.max(axis=0)])
    return EngagementModel(tuple(features), tuple(kinds), bounds, tuple(fitted), taught.seconds is not None)


def calibrate(model: EngagementModel, given: Taught) -> EngagementModel:
    """Shift and stretch each head's log odds until they fit examples that it was not taught with.

    Each head's slope and shift minimise the log loss plus (slope - 1)^2 + shift^2 times STIFFNESS, as if so many
    examples said that nothing is wrong. Source: Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    outputs = model.outputs(given.inputs).astype(np.float64)
    slope, shift = np.ones(outputs.shape[1]), np.zeros(outputs.shape[1])
    for head in range(len(model.kinds)):
        slope[head], shift[head] = _platt(outputs[:, head], given.labels[:, head], given.weights)
    return model.recalibrated(slope, shift)


STIFFNESS = 5.0
LEAST_SLOPE = 0.2


def _platt(logits: Floats, labels: Floats, weights: Floats, steps: int = 20) -> tuple[float, float]:
    """Slope and shift by Newton's method; (1, 0) where they would turn the order round."""
    x = np.stack([logits, np.ones_like(logits)], axis=1)
    at = np.array([1.0, 0.0])
    for _ in range(steps):
        p = expit(x @ at)
        slope = x.T @ (weights * (p - labels)) + STIFFNESS * (at - (1.0, 0.0))
        curvature = (x * (weights * p * (1 - p))[:, None]).T @ x + STIFFNESS * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        at = at - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return (float(at[0]), float(at[1])) if at[0] > LEAST_SLOPE else (1.0, 0.0)


Layers = list[tuple[Floats, Floats]]


def _first_layers(sizes: Sequence[int], starts: Floats, rng: np.random.Generator) -> Layers:
    """He's initial weights; the last layer begins near the base rates, whose log odds are `starts`."""
    sizes = [*sizes, len(starts)]
    layers = [
        (rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32), np.zeros(b, np.float32))
        for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    layers[-1] = (layers[-1][0] * np.float32(0.1), starts.astype(np.float32))
    return layers


def _loss(layers: Any, x: Any, y: Any, w: Any, timed: Any, decay: float) -> Any:
    """Weighted mean of the heads' losses, plus decay times squared weights; timed: seconds (n, 1), else (n, 0)."""
    import jax
    import jax.numpy as jnp
    import optax

    for matrix, bias in layers[:-1]:
        x = jax.nn.relu(x @ matrix + bias)
    outputs = x @ layers[-1][0] + layers[-1][1]
    kinds = y.shape[1]
    losses = jnp.sum(optax.sigmoid_binary_cross_entropy(outputs[:, :kinds], y), axis=1)
    if timed.shape[1]:
        told, logs = jnp.isfinite(timed[:, 0]), jnp.clip(outputs[:, kinds], -LONGEST_LOG, LONGEST_LOG)
        seconds = jnp.where(told, timed[:, 0], 0.0)
        # In units of a minute, so that long stays do not drown the reactions.
        losses += jnp.where(told, jnp.exp(logs) - seconds * logs, 0.0) / 60
    size = sum(jnp.sum(matrix**2) for matrix, _ in layers)
    return jnp.sum(losses * w) / jnp.sum(w) + decay * size


def _descended(
    layers: Layers,
    examples: tuple[Floats, ...],
    passes: tuple[int, float],
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> Layers:
    """The layers after passes (epochs, weight decay) over the examples (inputs, labels, weights, seconds)."""
    # JAX takes a second to load and only training needs it.
    import jax
    import optax

    n, (epochs, decay) = len(examples[0]), passes
    # Few examples are taught in smaller batches: else a small log would be a handful of steps, and learn nothing.
    batch = min(2048, max(128, n // 32), n)
    steps = max(1, n // batch)
    optimiser = optax.adam(optax.cosine_decay_schedule(3e-3, epochs * steps))

    def step(carry: Any, part: Any) -> Any:
        parameters, state = carry
        updates, state = optimiser.update(jax.grad(_loss)(parameters, *part, decay), state)
        return (optax.apply_updates(parameters, updates), state), None

    compiled = jax.jit(lambda carry, parts: jax.lax.scan(step, carry, parts)[0])
    # Compiled as one: each array of zeros by itself takes as long.
    carry: Any = (layers, jax.jit(optimiser.init)(layers))
    for number in range(epochs):
        order = rng.permutation(n)[: steps * batch].reshape(steps, batch)
        carry = compiled(carry, tuple(part[order] for part in examples))
        progress((number + 1) / epochs)
    return [(np.asarray(matrix), np.asarray(bias)) for matrix, bias in carry[0]]
