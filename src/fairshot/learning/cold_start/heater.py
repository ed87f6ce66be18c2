"""Heater: content is first warmed up to a collaborative vector by a mixture of experts, then both are trained on.

Formula: c~ = tanh(sum_k g_k tanh(content E_k + e_k)), gates g = tanh(content G + g0) (not a softmax). Item
tower of c~ for a random half of the items of a step, of the pre-trained vector P_i for the other half; user
tower of P_u; score u^ . v^ against 1 for a like and 0 for sampled others, plus `similarity` * mean |c~ -
P_i|^2. A cold item uses c~ always.
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

from fairshot.algorithms.arguments import whole, within
from fairshot.learning.cold_start.content import Floats32, Sparse, sparse
from fairshot.learning.cold_start.scaling import Scaling, fit_scaling, matched
from fairshot.learning.cold_start.tower import Tower, Weights, fold, forward, glorot, initial, minimise, size

USER_CLIP, ITEM_CLIP, CONTENT_CLIP = 5.0, 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Training:
    """How it is trained; `likes` and `others` are the pairs and the shared negatives of a step."""

    experts: int = 5
    hidden: int = 200
    steps: int = 1000
    likes: int = 512
    others: int = 512
    negatives: float = 20.0
    similarity: float = 1e-3
    rate: float = 5e-3
    penalty: float = 1e-5

    def __post_init__(self) -> None:
        """Refuse counts below one step, pair, expert or unit (ValueError)."""
        for name, least in (("experts", 1), ("hidden", 1), ("steps", 1), ("likes", 2), ("others", 2)):
            whole(name, getattr(self, name), least)
        for name in ("negatives", "similarity", "rate", "penalty"):
            within(name, getattr(self, name), 0, 1e9)


class Mixture(NamedTuple):
    """Parameters of the transform: experts [K, c, d] and their level [K, d], gate [c, K] and its level [K]."""

    experts: jax.Array
    expert_level: jax.Array
    gate: jax.Array
    gate_level: jax.Array


@dataclass(frozen=True, slots=True)
class Heater:
    """Trained transform and towers as plain arrays; score = users(...) @ items(...).T."""

    mixture: Mixture
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
        experts, expert_level, gate, gate_level = self.mixture
        each = np.tanh(known @ experts + expert_level[:, None])
        return self.item_tower(np.tanh(np.einsum("nk,knd->nd", np.tanh(known @ gate + gate_level), each)))


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

    >>> rng = np.random.default_rng(0)
    >>> users, items, content = (rng.normal(size=(8, d)) for d in (2, 2, 3))
    >>> short = Training(experts=2, hidden=4, steps=3, likes=4, others=4)
    >>> heater = fit(users, items, content, sparse(np.eye(8)), rng, short)
    >>> heater.users(users).shape, heater.items(content[:5]).shape
    ((8, 2), (5, 2))
    """
    training = Training() if training is None else training
    u, v, c = matched(user_vectors, item_vectors, content)
    known_likes = liked.shape == (len(u), len(v)) and bool(np.isfinite(sparse(liked).data).all())
    if not known_likes or not sparse(liked).count_nonzero():
        raise ValueError(f"liked must be finite [{len(u)}, {len(v)}] with likes, got shape {liked.shape}")
    scalings = fit_scaling(u, USER_CLIP), fit_scaling(v, ITEM_CLIP), fit_scaling(c, CONTENT_CLIP, common=True)
    us, vs, cs = (scaling(values) for scaling, values in zip(scalings, (u, v, c), strict=True))
    d = v.shape[1]
    start = (
        _initial_mixture(c.shape[1], d, training.experts, rng),
        initial(d, training.hidden, d, rng),
        initial(d, training.hidden, d, rng),
    )

    half_likes, half_others = training.likes // 2, training.others // 2

    def loss(weights: tuple[Mixture, Weights, Weights], step: Any) -> tuple[jax.Array, Any]:
        users, known, replaced, vectors, free = step
        warmed = warm_up(weights[0], known)
        parts = warmed[:half_likes], vectors[:half_likes], warmed[half_likes:], vectors[half_likes:]
        left, seen_users = forward(weights[1], users)
        right, seen_items = forward(weights[2], jnp.concatenate(parts))
        liking = jnp.square((left * right[: len(left)]).sum(1) - 1).mean()
        passing = (jnp.square(left @ right[len(left) :].T) * free).mean()
        near = jnp.square(warmed - replaced).sum(1).mean()
        total = liking + training.negatives * passing + training.similarity * near
        return total + training.penalty * size(weights), (seen_users, seen_items)

    def steps() -> Iterator[Any]:
        pairs = sparse(liked).tocoo()
        by_user = sparse(liked)
        for _ in range(training.steps):
            drawn = rng.integers(0, len(pairs.row), 2 * half_likes)
            others = rng.integers(0, len(v), 2 * half_others)
            a, b = pairs.row[drawn], pairs.col[drawn]
            by_content = np.append(b[:half_likes], others[:half_others])
            by_vector = np.append(b[half_likes:], others[half_others:])
            free = by_user[a][:, others].toarray() == 0
            yield us[a], cs[by_content], vs[by_content], vs[by_vector], free.astype(np.float32)

    weights, running = minimise(loss, start, steps(), rate=training.rate, steps=training.steps)
    towers = fold(weights[1], running[0]), fold(weights[2], running[1])
    return Heater(Mixture(*(np.asarray(array) for array in weights[0])), *towers, *scalings)


def warm_up(mixture: Mixture, content: jax.Array) -> jax.Array:
    """Transform content [n, c] to the space of collaborative vectors [n, d].

    >>> open_gates = Mixture(jnp.ones((2, 3, 4)), jnp.zeros((2, 4)), jnp.zeros((3, 2)), jnp.ones(2))
    >>> warm_up(open_gates, jnp.zeros((5, 3))).shape
    (5, 4)
    """
    each = jnp.tanh(content @ mixture.experts + mixture.expert_level[:, None])
    gates = jnp.tanh(content @ mixture.gate + mixture.gate_level)
    return jnp.tanh(jnp.einsum("nk,knd->nd", gates, each))


def _initial_mixture(inputs: int, outputs: int, experts: int, rng: np.random.Generator) -> Mixture:
    """Draw weights; gates start open, for without a level the product of two odd functions would be even.

    A transform that cannot tell x from -x learns its training items and fails on others.
    """
    return Mixture(
        glorot(rng, experts, inputs, outputs),
        jnp.zeros((experts, outputs)),
        glorot(rng, inputs, experts),
        jnp.ones(experts),
    )
