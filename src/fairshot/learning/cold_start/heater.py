"""Heater: content is first warmed up to a collaborative vector by a mixture of experts, then both are trained on.

Formula: c~ = tanh(sum_k g_k tanh(content E_k)), gates g = tanh(content G) (not a softmax). Item tower of c~
with chance 1/2, else of the pre-trained vector P_i; user tower of P_u; score u^ . v^ against 1 for a like
and 0 for sampled others, plus `similarity` * mean |c~ - P_i|^2. A cold item uses c~ always.
Source: Zhu, Sefati, Saadatpanah, Caverlee, "Recommendation for new users and new items via randomized
training and mixture-of-experts transformation", SIGIR 2020.
Differences: negatives of a step are shared by its users and weighted to count `negatives` for each like (the
same loss in expectation); the similarity term is a mean, so that its weight does not depend on the batch;
Adam instead of momentum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from fairshot.learning.cold_start.content import Floats32, Sparse, sparse
from fairshot.learning.cold_start.scaling import Scaling, fit_scaling, matched
from fairshot.learning.cold_start.tower import Tower, Weights, fold, forward, glorot, initial, minimise, size

USER_CLIP, ITEM_CLIP, CONTENT_CLIP = 5.0, 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Training:
    """How it is trained; `likes` and `others` are the pairs and the shared negatives of a step."""

    experts: int = 5
    hidden: int = 200
    steps: int = 1500
    likes: int = 1024
    others: int = 512
    negatives: float = 5.0
    similarity: float = 0.1
    rate: float = 1e-3
    penalty: float = 1e-5


class Mixture(NamedTuple):
    """Parameters of the transform: experts [K, c, d], gate [c, K]."""

    experts: jax.Array
    gate: jax.Array


@dataclass(frozen=True, slots=True)
class Heater:
    """Trained transform and towers as plain arrays; score = users(...) @ items(...).T."""

    experts: Floats32
    gate: Floats32
    user_tower: Tower
    item_tower: Tower
    user_scaling: Scaling
    item_scaling: Scaling
    content_scaling: Scaling

    def users(self, vectors: NDArray[np.floating]) -> Floats32:
        """Vectors of users, float32 [n, d], from their collaborative vectors [n, d]."""
        return self.user_tower(self.user_scaling(vectors))

    def items(self, content: NDArray[np.floating], vectors: NDArray[np.floating] | None = None) -> Floats32:
        """Vectors of items, float32 [m, d]: of warm ones from `vectors` [m, d], of cold ones from content."""
        if vectors is not None:
            return self.item_tower(self.item_scaling(vectors))
        known = self.content_scaling(content)
        each = np.tanh(np.einsum("nc,kcd->knd", known, self.experts, optimize=True))
        return self.item_tower(np.tanh(np.einsum("nk,knd->nd", np.tanh(known @ self.gate), each)))


def fit(
    user_vectors: NDArray[np.floating],
    item_vectors: NDArray[np.floating],
    content: NDArray[np.floating],
    liked: Sparse,
    rng: np.random.Generator,
    training: Training | None = None,
) -> Heater:
    """Train on warm users and items.

    Shapes: user_vectors [users, d], item_vectors [n, d], content [n, c], liked sparse [users, n]. Errors:
    ValueError for other shapes, values that are not finite, or no likes at all.
    """
    training = Training() if training is None else training
    u, v, c = matched(user_vectors, item_vectors, content)
    if liked.shape != (len(u), len(v)) or not sparse(liked).count_nonzero():
        raise ValueError(f"liked must be [{len(u)}, {len(v)}] with likes, got shape {liked.shape}")
    scalings = fit_scaling(u, USER_CLIP), fit_scaling(v, ITEM_CLIP), fit_scaling(c, CONTENT_CLIP, common=True)
    us, vs, cs = (scaling(values) for scaling, values in zip(scalings, (u, v, c), strict=True))
    d = v.shape[1]
    mixture = Mixture(glorot(rng, training.experts, c.shape[1], d), glorot(rng, c.shape[1], training.experts))
    start = mixture, initial(d, training.hidden, d, rng), initial(d, training.hidden, d, rng)

    def loss(weights: tuple[Mixture, Weights, Weights], step: Any) -> tuple[jax.Array, Any]:
        users, vectors, known, use_content, free = step
        warmed = warm_up(weights[0], known)
        left, seen_users = forward(weights[1], users)
        right, seen_items = forward(weights[2], jnp.where(use_content, warmed, vectors))
        liking = jnp.square((left * right[: len(left)]).sum(1) - 1).mean()
        passing = (jnp.square(left @ right[len(left) :].T) * free).mean()
        near = jnp.square(warmed - vectors).sum(1).mean()
        total = liking + training.negatives * passing + training.similarity * near
        return total + training.penalty * size(weights), (seen_users, seen_items)

    steps = ((us[a], vs[b], cs[b], coin, free) for a, b, coin, free in _draws(sparse(liked), rng, training))
    weights, running = minimise(loss, start, steps, rate=training.rate, steps=training.steps)
    towers = fold(weights[1], running[0]), fold(weights[2], running[1])
    return Heater(np.asarray(weights[0].experts), np.asarray(weights[0].gate), *towers, *scalings)


def warm_up(mixture: Mixture, content: jax.Array) -> jax.Array:
    """Transform content [n, c] to the space of collaborative vectors [n, d]."""
    each = jnp.tanh(jnp.einsum("nc,kcd->knd", content, mixture.experts))
    return jnp.tanh(jnp.einsum("nk,knd->nd", jnp.tanh(content @ mixture.gate), each))


def _draws(liked: Sparse, rng: np.random.Generator, training: Training) -> Iterator[tuple[Any, ...]]:
    """Yield users [L], items [L + M], who uses content [L + M, 1], and which negatives are free of a like."""
    pairs = liked.tocoo()
    for _ in range(training.steps):
        drawn = rng.integers(0, len(pairs.row), training.likes)
        users, others = pairs.row[drawn], rng.integers(0, liked.shape[1], training.others)
        items = np.append(pairs.col[drawn], others)
        coin = rng.random((len(items), 1)) < 0.5
        free = liked[users][:, others].toarray() == 0
        yield users, items, coin, free.astype(np.float32)
