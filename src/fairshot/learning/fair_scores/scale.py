"""Scale: a post-processor that lifts items whose admirers the model scores low.

It learns, on items with known admirers, to map an item's scores to those of `algorithms.scale`, and then maps
the scores of new items the same way. One number, the strength, moves between the model's own order (0) and
the most even gains across items; 2 to 4 is the useful range.
Source: Zhu, Kim, Nguyen, Fenton, Caverlee, SIGIR 2021.
"""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from fairshot.algorithms.arguments import real, whole
from fairshot.algorithms.scale import scale_targets
from fairshot.learning.fair_scores.autoencoder import (
    Running,
    ScoreModel,
    Training,
    TrainState,
    Weights,
    averaged,
    batches,
    descended,
    distance,
    folded,
    initial,
    learning_rate,
    reconstruct,
    size,
)


def fit_scale(
    scores: ArrayLike,
    liked: ArrayLike,
    rng: np.random.Generator,
    *,
    strength: float = 4.0,
    epochs: int = 60,
    training: Training | None = None,
) -> ScoreModel:
    """Fit Scale and return the model of the last epoch.

    Formula: minimise mean_i |r'_i - target_i|_2 + penalty * |parameters|^2 by momentum descent, with the
    targets of `scale_targets` on scores shifted to a minimum of zero.
    Shapes: scores and liked (bool) [items, users]. Errors: as `scale_targets`; ValueError for epochs < 1.

    >>> scores, liked = np.eye(4) + 0.1, np.eye(4, dtype=bool)
    >>> training = Training(start="identity", hidden=4, batch=2)
    >>> model = fit_scale(scores, liked, np.random.default_rng(0), epochs=2, training=training)
    >>> corrected = model(scores)
    >>> corrected.shape, bool(corrected[liked].mean() > corrected[~liked].mean())
    ((4, 4), True)
    """
    whole("epochs", epochs, 1)
    models = scale_epochs(scores, liked, rng, strength=strength, training=training)
    return next(model for epoch, model in enumerate(models, 1) if epoch == epochs)


def scale_epochs(
    scores: ArrayLike,
    liked: ArrayLike,
    rng: np.random.Generator,
    *,
    strength: float = 4.0,
    training: Training | None = None,
) -> Iterator[ScoreModel]:
    """Yield the model after each epoch, without end: the caller judges on items held out when to stop.

    >>> scores, liked = np.eye(4) + 0.1, np.eye(4, dtype=bool)
    >>> models = scale_epochs(scores, liked, np.random.default_rng(0), training=Training(hidden=2, batch=2))
    >>> next(models)(scores).shape, next(models)(scores[:3]).shape
    ((4, 4), (3, 4))
    """
    training = training or Training()
    values = real("scores", scores, (None, None))
    shift = -float(values.min(initial=0.0))
    targets = jnp.asarray(scale_targets(values + shift, liked, strength), jnp.float32)
    shifted = np.asarray(values + shift, np.float32)
    inputs, state = jnp.asarray(shifted), initial(shifted, training, rng)
    mean, epoch = state, 0
    while True:
        order = jnp.asarray(batches(len(inputs), training.batch, rng))
        state = _epoch(state, inputs, targets, order, learning_rate(training, epoch), training)
        epoch += 1
        mean = averaged(mean, state, training.averaging)
        yield folded(mean, shift)


@partial(jax.jit, static_argnames="training")
def _epoch(
    state: TrainState,
    inputs: jax.Array,
    targets: jax.Array,
    order: jax.Array,
    rate: float,
    training: Training,
) -> TrainState:
    def loss(weights: Weights, running: Running, rows: jax.Array) -> tuple[jax.Array, Running]:
        out, remembered = reconstruct(weights, running, inputs[rows])
        return distance(out, targets[rows]) + training.penalty * size(weights), remembered

    def step(state: TrainState, rows: jax.Array) -> tuple[TrainState, None]:
        slope, running = jax.grad(loss, has_aux=True)(state.weights, state.running, rows)
        return descended(state, slope, running, rate, training.momentum), None

    last: TrainState = jax.lax.scan(step, state, order)[0]
    return last
