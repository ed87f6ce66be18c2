"""Towers: two small networks whose inner product gives each person's best rows most of a softmax; fitted with JAX."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows

BEST = 100
"""Rows of each person whose order is taught; those near and those drawn must stay below."""
HALF = 50.0
"""The rank at which a row's share of the target is half of the first's."""
NEAR, DRAWN, PEOPLE = 128, 128, 32
"""Rows near and drawn of each person, and people, in one step of descent."""
RATE, DECAY = 5e-3, 1e-4
STRAIGHT = 3.0
ALIKE = 0.2
"""How strongly towers begin with the inner product of vectors."""
WHOLE = 6_000
"""Up to so many items the towers see the whole catalogue at each step, each item also as if just arrived."""


@dataclass(frozen=True, slots=True)
class Tower:
    """y = x S + relu(x A + a) B + b, x the standardised inputs.

    mean, scale: float32 (f,); skip: S (f, r); layers: A (f, h), a (h,), B (h, r), b (r,).
    """

    mean: Floats
    scale: Floats
    skip: Floats
    layers: tuple[Floats, ...]

    def __call__(self, inputs: Floats) -> Floats:
        """Vectors, float32 (n, r), of inputs float32 (n, f)."""
        plain = standardised(inputs, self.mean, self.scale)
        first, bias, second, constant = self.layers
        hidden = plain @ first
        hidden += bias
        np.maximum(hidden, 0, out=hidden)
        vectors: Floats = plain @ self.skip
        vectors += hidden @ second
        vectors += constant
        return vectors

    def dump(self, name: str) -> dict[str, Array]:
        """Tensors for storage."""
        arrays = (self.mean, self.scale, self.skip, *self.layers)
        return {f"{name}.{number}": array for number, array in enumerate(arrays)}

    @classmethod
    def load(cls, name: str, tensors: Mapping[str, Array]) -> Self:
        """The tower from what `dump` gave."""
        mean, scale, skip, *layers = (tensors[f"{name}.{number}"] for number in range(7))
        return cls(mean, scale, skip, tuple(layers))


def aligned(person: Tower, item: Tower, people: Floats, mean: Floats) -> tuple[Tower, Tower]:
    """The same order of items, in axes that suit an index: q' = q C^-1/2, t' = (t - mean) C^1/2, C the mean of q q^T.

    Then the distance of two items is how much their scores differ over people, which is what cells and 8-bit codes keep
    small. people: float32 (p, g), inputs of the person tower; mean: float32 (r,), of the items' vectors.
    """
    queries = person(people).astype(np.float64)
    power, axes = np.linalg.eigh(queries.T @ queries / len(queries))
    root = np.sqrt(np.maximum(power, 1e-4 * power[-1] + 1e-12))
    there, back = (axes * root) @ axes.T, (axes / root) @ axes.T
    return _turned(person, back, np.zeros_like(mean)), _turned(item, there, mean)


def _turned(tower: Tower, matrix: Floats, origin: Floats) -> Tower:
    first, bias, second, constant = tower.layers
    turned = (tower.skip @ matrix, second @ matrix, (constant - origin) @ matrix)
    skip, second, constant = (array.astype(np.float32) for array in turned)
    return Tower(tower.mean, tower.scale, skip, (first, bias, second, constant))


def standardised(inputs: Floats, mean: Floats, scale: Floats) -> Floats:
    """(inputs - mean) / scale; beyond three only the logarithm grows, so that extremes keep their order."""
    plain: Floats = (inputs - mean) / scale
    excess = np.abs(plain) - STRAIGHT
    far = excess > 0
    plain[far] = np.sign(plain[far]) * (STRAIGHT + np.log1p(excess[far]))
    return plain


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one person teaches: best rows in order; rows near them; rows drawn, which stand for `rest` rows."""

    person: Floats
    best: Rows
    near: Rows
    drawn: Rows
    rest: int


def first_towers(
    people: Floats, items: Floats, sizes: tuple[int, int], alike: tuple[Ints, Ints], rng: np.random.Generator
) -> tuple[Tower, Tower]:
    """Towers that standardise their inputs and begin near the inner product of what is alike on both sides.

    sizes: hidden units, common dimensions; alike: int (b, d), the columns of people and of items that hold vectors of
    the same space, b of them each.
    """
    person, item = _first(people, sizes, rng), _first(items, sizes, rng)
    common = rng.normal(0, ALIKE / np.sqrt(sizes[1]), (alike[0].shape[1], sizes[1])).astype(np.float32)
    for tower, blocks in ((person, alike[0]), (item, alike[1])):
        for columns in blocks:
            tower.skip[columns] = common
    return person, item


def _first(inputs: Floats, sizes: tuple[int, int], rng: np.random.Generator) -> Tower:
    hidden, width = sizes
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale = np.where(scale > 1e-6, scale, 1.0).astype(np.float32)
    count = inputs.shape[1]

    def drawn(rows: int, columns: int, size: float) -> Floats:
        return rng.normal(0, size / np.sqrt(rows), (rows, columns)).astype(np.float32)

    layers = (
        drawn(count, hidden, 1.4),
        np.zeros(hidden, np.float32),
        drawn(hidden, width, 0.3),
        np.zeros(width, np.float32),
    )
    return Tower(mean.astype(np.float32), scale, drawn(count, width, 0.3), layers)


def taught(
    towers: tuple[Tower, Tower],
    lessons: Sequence[Lesson],
    described: Callable[[Rows], Floats],
    steps: int,
    rng: np.random.Generator,
) -> tuple[Tower, Tower]:
    """The towers after so many steps of descent from where they are.

    Formula: minimise over people mean - sum_i p_i log softmax(s)_i, s_i = q . t_i + log(rows that i stands for),
    p_i ~ 1 / (1 + (rank_i / 50)^2) over the best rows.
    """
    rows = _distinct_rows(lessons)
    items = standardised(described(rows), towers[1].mean, towers[1].scale)
    people = standardised(np.stack([lesson.person for lesson in lessons]), towers[0].mean, towers[0].scale)
    placed = [_placed(lesson, rows) for lesson in lessons]
    begin, step = _descent(steps)
    parameters: Any = tuple((tower.skip, *tower.layers) for tower in towers)
    state = begin(parameters)
    for _ in range(steps):
        chosen = rng.integers(len(lessons), size=PEOPLE)
        index, offset, target = _sampled([placed[n] for n in chosen.tolist()], rng)
        part = items
        if len(items) > 2 * WHOLE:
            part, index = items[index.ravel()], np.arange(index.size).reshape(index.shape)
        parameters, state = step(parameters, state, (people[chosen], part, index, offset, target))
    return _fitted(towers[0], parameters[0]), _fitted(towers[1], parameters[1])


def _fitted(tower: Tower, parameters: Any) -> Tower:
    skip, *layers = (np.asarray(array) for array in parameters)
    return Tower(tower.mean, tower.scale, skip, tuple(layers))


def _distinct_rows(lessons: Sequence[Lesson]) -> Rows:
    """Every row that a lesson names, ascending."""
    return np.unique(np.concatenate([part for one in lessons for part in (one.best, one.near, one.drawn)]))


def _placed(lesson: Lesson, rows: Rows) -> Lesson:
    best, near, drawn = (
        np.searchsorted(rows, part).astype(np.int32) for part in (lesson.best, lesson.near, lesson.drawn)
    )
    return Lesson(lesson.person, best, near, drawn, lesson.rest)


def _sampled(lessons: Sequence[Lesson], rng: np.random.Generator) -> tuple[Ints, Floats, Floats]:
    """For each lesson: places of rows, the logarithm of how many rows each stands for, and the target."""
    shape = (len(lessons), BEST + NEAR + DRAWN)
    index = np.zeros(shape, np.int32)
    offset = np.full(shape, -1e9, np.float32)
    target = np.zeros(shape, np.float32)
    for n, lesson in enumerate(lessons):
        at = 0
        wanted = 1 / (1 + (np.arange(len(lesson.best)) / HALF) ** 2)
        target[n, : len(lesson.best)] = wanted / wanted.sum()
        parts = (
            (lesson.best, BEST, len(lesson.best)),
            (lesson.near, NEAR, len(lesson.near)),
            (lesson.drawn, DRAWN, lesson.rest),
        )
        for part, most, standing in parts:
            taken = part if len(part) <= most else part[rng.integers(len(part), size=most)]
            index[n, at : at + len(taken)] = taken
            offset[n, at : at + len(taken)] = np.log(max(standing, 1) / max(len(taken), 1))
            at += len(taken)
    return index, offset, target


@cache
def _descent(steps: int) -> tuple[Any, Any]:
    """How a descent of so many steps begins, and one step of it, compiled once for all rounds."""
    # JAX takes a second to load and only training needs it.
    import jax
    import optax

    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, steps))

    def step(parameters: Any, state: Any, part: Any) -> Any:
        updates, state = optimiser.update(jax.grad(_loss)(parameters, *part), state)
        return optax.apply_updates(parameters, updates), state

    return jax.jit(optimiser.init), jax.jit(step)


def _loss(parameters: Any, people: Any, items: Any, index: Any, offset: Any, target: Any) -> Any:
    import jax
    import jax.numpy as jnp

    def vectors(tower: Any, inputs: Any) -> Any:
        skip, first, bias, second, constant = tower
        return inputs @ skip + jax.nn.relu(inputs @ first + bias) @ second + constant

    queries, told = vectors(parameters[0], people), vectors(parameters[1], items)
    scores = jnp.einsum("pr,pkr->pk", queries, told[index]) + offset
    loss = -(target * jax.nn.log_softmax(scores)).sum(axis=1).mean()
    decay = sum(jnp.sum(array**2) for tower in parameters for array in (tower[0], tower[1], tower[3]))
    return loss + DECAY * decay
