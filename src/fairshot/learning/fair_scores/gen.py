"""Gen: a post-processor that lifts under-served items towards a learnt distribution of admirers' scores.

A small generator learns which scores admirers get over all items. The autoencoder must keep every item's
scores and, for items whose admirers score below it, match that distribution. So an item is moved as far as
its own admirers need, not by one formula.
Source: Zhu, Kim, Nguyen, Fenton, Caverlee, SIGIR 2021. Where the paper leaves it open: the generator is
fitted by Adam, and the discrepancy is computed by characteristic functions, which is the same number at a
cost that grows with the samples instead of their square.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike, NDArray

from fairshot.algorithms.arguments import flags, real, whole, within
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
from fairshot.learning.fair_scores.generator import (
    Generator,
    discrepancies,
    generated,
    new_generator,
    under_served_discrepancy,
)

WIDEST = 7.0
"""Range of admirers' scores over which the discrepancy by characteristic functions is exact."""


@dataclass(frozen=True, slots=True)
class GenSchedule:
    """What of Gen is set by hand; the defaults are the paper's.

    ``strength`` weighs the discrepancy; ``warm_up`` epochs learn to reconstruct alone, then the rate halves;
    the generator is fitted for ``first`` epochs once, then for ``again`` epochs ``every`` so many.
    """

    strength: float = 200.0
    samples: int = 1000
    warm_up: int = 20
    first: int = 10
    again: int = 5
    every: int = 5
    generator_rate: float = 1e-3

    def __post_init__(self) -> None:
        """Refuse counts below what makes sense and weights that are negative or not finite (ValueError)."""
        for name, least in (("samples", 1), ("warm_up", 0), ("first", 0), ("again", 0), ("every", 1)):
            whole(name, getattr(self, name), least)
        for name in ("strength", "generator_rate"):
            within(name, getattr(self, name), 0, 1e9)


class Draw(NamedTuple):
    """One epoch's chance: items [batches, batch], their admirers [.., samples], noise [batches, samples]."""

    items: jax.Array
    admirers: jax.Array
    noise: jax.Array


def fit_gen(
    scores: ArrayLike,
    liked: ArrayLike,
    rng: np.random.Generator,
    *,
    epochs: int = 60,
    schedule: GenSchedule | None = None,
    training: Training | None = None,
) -> ScoreModel:
    """Fit Gen and return the model of the last epoch.

    Formula: the autoencoder minimises mean_i |r'_i - r_i|_2 + strength * mean of MMD_i over under-served
    items + penalty * |parameters|^2; the generator minimises the mean of MMD_i over all items. MMD_i is that
    between `samples` scores of the item's admirers and as many generated ones; an item is under-served in a
    batch where its sum of (generated - own) is at least the batch's mean.
    Shapes: scores and liked (bool) [items, users]. Scores that are unlike between users (neighbour models) are to be
    standardised per user first. Admirers' scores may range over 7 at most, divide all otherwise.
    Errors: ValueError for other shapes, scores that are not finite or range wider, an item that nobody likes, and
    epochs < 1.

    >>> scores, liked = np.eye(4) + 0.1, np.eye(4, dtype=bool)
    >>> schedule, training = GenSchedule(samples=8), Training(hidden=2, batch=2)
    >>> model = fit_gen(scores, liked, np.random.default_rng(0), epochs=1, schedule=schedule, training=training)
    >>> corrected = model(scores)
    >>> corrected.shape, bool(np.isfinite(corrected).all())
    ((4, 4), True)
    """
    whole("epochs", epochs, 1)
    models = gen_epochs(scores, liked, rng, schedule=schedule, training=training)
    return next(model for epoch, model in enumerate(models, 1) if epoch == epochs)


def gen_epochs(
    scores: ArrayLike,
    liked: ArrayLike,
    rng: np.random.Generator,
    *,
    schedule: GenSchedule | None = None,
    training: Training | None = None,
) -> Iterator[ScoreModel]:
    """Yield the model after each epoch, without end: the caller judges on items held out when to stop.

    >>> scores, liked = np.eye(4) + 0.1, np.eye(4, dtype=bool)
    >>> schedule, training = GenSchedule(samples=8), Training(hidden=2, batch=2)
    >>> models = gen_epochs(scores, liked, np.random.default_rng(0), schedule=schedule, training=training)
    >>> next(models)(scores).shape, next(models)(scores[:3]).shape
    ((4, 4), (3, 4))
    """
    schedule, training = schedule or GenSchedule(), training or Training(rate_floor=5e-4)
    fit = _Fit(scores, liked, rng, schedule, training)
    mean, epoch = fit.state, 0
    while True:
        since = epoch - schedule.warm_up
        if since == 0:
            fit.generate(schedule.first)
        elif since > 0 and since % schedule.every == 0:
            fit.generate(schedule.again)
        rate = training.rate if since < 0 else training.rate / 2
        fit.reconstruct(learning_rate(training, epoch, rate), schedule.strength if since >= 0 else 0.0)
        epoch += 1
        mean = averaged(mean, fit.state, training.averaging)
        yield folded(mean, 0.0)


class _Fit:
    """A fit under way: the parameters, and the random stream that its batches and samples come from."""

    def __init__(
        self,
        scores: ArrayLike,
        liked: ArrayLike,
        rng: np.random.Generator,
        schedule: GenSchedule,
        training: Training,
    ) -> None:
        values = real("scores", scores, (None, None))
        likes = flags("liked", liked, values.shape)
        self.admirers = _Admirers(likes)
        if np.ptp(values[likes]) > WIDEST:
            raise ValueError(f"scores of shape {values.shape} range over more than {WIDEST:g} among admirers")
        self.inputs = jnp.asarray(values, jnp.float32)
        self.rng, self.schedule, self.training = rng, schedule, training
        self.state = initial(np.asarray(values, np.float32), training, rng)
        self.generator = new_generator(rng, float(values[likes].mean()))
        self.optimiser = optax.adam(schedule.generator_rate)
        self.moments = self.optimiser.init(self.generator)

    def generate(self, epochs: int) -> None:
        """Fit the generator to the scores that the autoencoder now gives to admirers."""
        for _ in range(epochs):
            fitted = (self.generator, self.moments)
            self.generator, self.moments = _generator_epoch(
                fitted, self.state, self.inputs, self._draw(), self.schedule
            )

    def reconstruct(self, rate: float, strength: float) -> None:
        """Fit the autoencoder for one epoch, with the discrepancy weighed by `strength`."""
        aim = (self.generator, rate, strength)
        self.state = _epoch(self.state, aim, self.inputs, self._draw(), self.training)

    def _draw(self) -> Draw:
        items = batches(len(self.inputs), self.training.batch, self.rng)
        users = self.admirers.sample(items, self.schedule.samples, self.rng)
        noise = self.rng.standard_normal((len(items), self.schedule.samples)).astype(np.float32)
        return Draw(jnp.asarray(items), jnp.asarray(users), jnp.asarray(noise))


class _Admirers:
    """The users who like each item, item after item, to be sampled with replacement."""

    def __init__(self, liked: NDArray[np.bool_]) -> None:
        self.count = liked.sum(axis=1)
        if not self.count.all():
            items = np.flatnonzero(self.count == 0)[:5]
            raise ValueError(f"liked of shape {liked.shape} has items that nobody likes: {items}")
        self.users = np.nonzero(liked)[1].astype(np.int32)
        self.start = np.cumsum(self.count) - self.count

    def sample(self, items: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.int32]:
        """Draw `size` users of each item: [...] -> [..., size]."""
        drawn = (rng.random((*items.shape, size)) * self.count[items][..., None]).astype(np.int64)
        return np.asarray(self.users[self.start[items][..., None] + drawn])


@partial(jax.jit, static_argnames="schedule")
def _generator_epoch(
    fitted: tuple[Generator, optax.OptState],
    state: TrainState,
    inputs: jax.Array,
    draw: Draw,
    schedule: GenSchedule,
) -> tuple[Generator, optax.OptState]:
    optimiser = optax.adam(schedule.generator_rate)

    def loss(generator: Generator, own: jax.Array, noise: jax.Array) -> jax.Array:
        return schedule.strength * discrepancies(own, generated(generator, noise)).mean()

    def step(fitted: tuple[Generator, optax.OptState], batch: Draw) -> tuple[tuple[Generator, optax.OptState], None]:
        generator, moments = fitted
        out, _ = reconstruct(state.weights, state.running, inputs[batch.items])
        own = jnp.take_along_axis(out, batch.admirers, 1)
        updates, moments = optimiser.update(jax.grad(loss)(generator, own, batch.noise), moments, generator)
        return (optax.apply_updates(generator, updates), moments), None

    last: tuple[Generator, optax.OptState] = jax.lax.scan(step, fitted, draw)[0]
    return last


@partial(jax.jit, static_argnames="training")
def _epoch(
    state: TrainState,
    aim: tuple[Generator, float, float],
    inputs: jax.Array,
    draw: Draw,
    training: Training,
) -> TrainState:
    generator, rate, strength = aim

    def loss(weights: Weights, running: Running, batch: Draw) -> tuple[jax.Array, Running]:
        out, remembered = reconstruct(weights, running, inputs[batch.items])
        own = jnp.take_along_axis(out, batch.admirers, 1)
        apart = under_served_discrepancy(own, generated(generator, batch.noise))
        kept = distance(out, inputs[batch.items]) + training.penalty * size(weights)
        return kept + strength * apart, remembered

    def step(state: TrainState, batch: Draw) -> tuple[TrainState, None]:
        slope, running = jax.grad(loss, has_aux=True)(state.weights, state.running, batch)
        return descended(state, slope, running, rate, training.momentum), None

    last: TrainState = jax.lax.scan(step, state, draw)[0]
    return last
