"""DropoutNet: one model for warm and cold, by hiding the collaborative vectors of half of the training inputs.

Formula: user tower of U_u, item tower of (V_i, content_i), score u^ . v^; trained so that scores of pairs
come near to U_u . V_i while V_i is replaced by zero for a random half of the items and U_u for an
independent half of the users. A cold item is then an input the model knows: V = 0, content as it is.
Source: Volkovs, Yu, Poutanen, "DropoutNet: addressing cold start in recommender systems", NeurIPS 2017.
Differences: the pairs of a step are all users x items of a block (half of the items drawn by popularity, half
uniformly) instead of listed pairs, which trains the same loss at a fraction of the cost; Adam for momentum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from fairshot.algorithms.arguments import whole, within
from fairshot.learning.cold_start.content import Floats32
from fairshot.learning.cold_start.scaling import Scaling, fit_scaling, matched
from fairshot.learning.cold_start.tower import Tower, Weights, fold, forward, initial, minimise, size

CLIP = 5.0


@dataclass(frozen=True, slots=True)
class Training:
    """How the towers are trained; `users` and `items` are the block of a step, `dropout` the share hidden."""

    hidden: int = 400
    steps: int = 1500
    users: int = 512
    items: int = 512
    rate: float = 3e-3
    dropout: float = 0.5
    penalty: float = 1e-6

    def __post_init__(self) -> None:
        """Refuse counts below one step, user, item or unit, and a share outside [0, 1] (ValueError)."""
        for name, least in (("hidden", 1), ("steps", 1), ("users", 1), ("items", 2)):
            whole(name, getattr(self, name), least)
        within("dropout", self.dropout, 0, 1)
        for name in ("rate", "penalty"):
            within(name, getattr(self, name), 0, 1e9)


@dataclass(frozen=True, slots=True)
class DropoutNet:
    """Trained towers as plain arrays; score = users(...) @ items(...).T."""

    user_tower: Tower
    item_tower: Tower
    user_scaling: Scaling
    item_scaling: Scaling
    content_scaling: Scaling

    def users(self, vectors: NDArray[np.floating]) -> Floats32:
        """Vectors of users, float32 [n, d], from their collaborative vectors [n, d]."""
        return self.user_tower(self.user_scaling(vectors))

    def items(self, content: NDArray[np.floating], vectors: NDArray[np.floating] | None = None) -> Floats32:
        """Vectors of items, float32 [m, d], from content [m, c] and, if they are warm, vectors [m, d]."""
        known = self.content_scaling(content)
        width = len(self.item_scaling.centre)
        own = np.zeros((len(known), width)) if vectors is None else self.item_scaling(vectors)
        return self.item_tower(np.concatenate([own, known], axis=1))


def fit(
    user_vectors: NDArray[np.floating],
    item_vectors: NDArray[np.floating],
    content: NDArray[np.floating],
    popularity: NDArray[np.floating],
    rng: np.random.Generator,
    training: Training | None = None,
) -> DropoutNet:
    """Train on warm users and items.

    Shapes: user_vectors [users, d] and item_vectors [n, d] of one factorisation; content [n, c]; popularity
    [n], at least zero, likes of each item (how often it is drawn). Errors: ValueError for other shapes,
    values that are not finite, popularity that is negative or all zero.

    >>> rng = np.random.default_rng(0)
    >>> users, items, content = (rng.normal(size=(8, d)) for d in (2, 2, 3))
    >>> net = fit(users, items, content, np.ones(8), rng, Training(hidden=4, steps=3, users=4, items=4))
    >>> net.users(users).shape, net.items(content[:5]).shape, net.items(content, items).shape
    ((8, 2), (5, 2), (8, 2))
    """
    training = Training() if training is None else training
    u, v, c = matched(user_vectors, item_vectors, content)
    weight = np.asarray(popularity, np.float64)
    if weight.shape != (len(v),) or not np.isfinite(weight).all() or weight.min() < 0 or not weight.any():
        raise ValueError(f"popularity must be [{len(v)}], at least zero, not all zero, got {weight.shape}")
    scalings = fit_scaling(u, CLIP), fit_scaling(v, CLIP), fit_scaling(c, CLIP, common=True)
    us, vs, cs = (scaling(values) for scaling, values in zip(scalings, (u, v, c), strict=True))
    spread = float(np.std(u @ v[:: max(1, len(v) // 500)].T)) or 1.0
    d = v.shape[1]
    start = initial(d, training.hidden, d, rng), initial(d + c.shape[1], training.hidden, d, rng)

    def loss(weights: tuple[Weights, Weights], block: Any) -> tuple[jax.Array, Any]:
        users, items, target = block
        left, seen_users = forward(weights[0], users)
        right, seen_items = forward(weights[1], items)
        error = jnp.square(left @ right.T - target).mean()
        return error + training.penalty * size(weights), (seen_users, seen_items)

    def blocks() -> Iterator[Any]:
        share = weight / weight.sum()
        for _ in range(training.steps):
            a = rng.integers(0, len(u), training.users)
            b = np.append(
                rng.choice(len(v), training.items // 2, p=share),
                rng.integers(0, len(v), training.items - training.items // 2),
            )
            shown_u = us[a] * (rng.random((len(a), 1)) >= training.dropout)
            shown_v = vs[b] * (rng.random((len(b), 1)) >= training.dropout)
            items = np.concatenate([shown_v, cs[b]], axis=1)
            yield shown_u.astype(np.float32), items.astype(np.float32), u[a] @ v[b].T / spread

    weights, running = minimise(loss, start, blocks(), rate=training.rate, steps=training.steps)
    towers = [fold(w, r) for w, r in zip(weights, running, strict=True)]
    return DropoutNet(towers[0], towers[1], *scalings)
