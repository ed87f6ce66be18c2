"""DeepMusic: regress collaborative item vectors on content, so that a new item gets a vector at once.

Formula: min over f of sum_i w_i |y_i - f(content_i)|^2 + penalty, y_i the vector of warm item i from matrix
factorisation. `fit_ridge`: f linear, the minimum in closed form; `fit_net`: f a network with one hidden
layer.
Source: van den Oord, Dieleman, Schrauwen, "Deep content-based music recommendation", NeurIPS 2013 (there a
convolutional network on audio; the regression target and the loss are the same).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from fairshot.algorithms.arguments import whole
from fairshot.learning.cold_start.content import Content, Floats32, checked
from fairshot.learning.cold_start.tower import Tower, Weights, fold, forward, initial, minimise, size


@dataclass(frozen=True, slots=True)
class Ridge:
    """Linear map from content to vectors: vectors = content @ slope + level."""

    slope: Floats32
    level: Floats32

    def __call__(self, content: Content) -> Floats32:
        """Vectors of items, float32 [m, d], from content [m, c]; ValueError for another width."""
        values = checked("content", content)
        if values.shape[1] != len(self.slope):
            raise ValueError(f"content must be [m, {len(self.slope)}], got shape {values.shape}")
        return np.asarray(values @ self.slope + self.level, np.float32)


def fit_ridge(
    content: Content,
    vectors: NDArray[np.floating],
    *,
    penalty: float = 1.0,
    weights: NDArray[np.floating] | None = None,
    iterations: int = 200,
) -> Ridge:
    """Fit the linear map in closed form; no choice of network, step size or seed.

    Formula: the minimum over slope and level of sum_i w_i |y_i - level - x_i slope|^2 + penalty |slope|^2, which is
    slope = (Z' W Z + penalty I)^-1 Z' W (Y - y), level = y - x slope, with x and y the weighted means of X and Y and
    Z = X - x. The same for dense and for sparse content; dense is solved exactly, sparse by conjugate gradients on
    all columns at once, with neither Z nor Z' W Z ever built, until the residual of each column is below 1e-5 of its
    right side.
    Shapes: content [n, c], dense or sparse; vectors [n, d]; weights [n] at least zero, such as log(1 + likes)
    of each item; returns slope [c, d] and level [d].
    Errors: ValueError for other shapes, values that are not finite, penalty <= 0, weights that are all zero.
    RuntimeWarning where conjugate gradients have not come to that residual within `iterations`.

    >>> ridge = fit_ridge(np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [5.0]]), penalty=1e-6)
    >>> ridge(np.array([[3.0]])).round(3)
    array([[7.]], dtype=float32)
    """
    x, y = _matched(content, vectors)
    if not penalty > 0:
        raise ValueError(f"penalty must be positive, got {penalty}")
    w = np.ones(len(y), np.float32) if weights is None else np.asarray(weights, np.float32)
    if w.shape != (len(y),) or not np.isfinite(w).all() or w.min() < 0 or not w.any():
        raise ValueError(f"weights must be [{len(y)}], at least zero and not all zero, got shape {w.shape}")
    level = np.average(y, axis=0, weights=w).astype(np.float32)
    if issparse(x):
        centre = np.asarray(x.T @ (w / w.sum()), np.float32)
        slope = _conjugate_gradients(x, centre, w[:, None], y - level, penalty, iterations)
    else:
        centre = np.average(x, axis=0, weights=w).astype(np.float32)
        scaled = (x - centre) * w[:, None]
        system = scaled.T @ (x - centre) + penalty * np.eye(x.shape[1], dtype=np.float32)
        slope = np.linalg.solve(system, scaled.T @ (y - level)).astype(np.float32)
    return Ridge(slope, np.asarray(level - centre @ slope, np.float32))


def _conjugate_gradients(
    x: Content, centre: Floats32, w: Floats32, y: Floats32, penalty: float, iterations: int
) -> Floats32:
    """Solve (Z' W Z + penalty I) B = Z' W Y with Z = X - centre, every column with its own step."""

    def back(rows: Floats32) -> Floats32:
        return np.asarray(x.T @ rows - np.outer(centre, rows.sum(axis=0)))

    right = back(w * y)
    slope = np.zeros_like(right)
    residual, direction = right.copy(), right.copy()
    squared = np.einsum("ij,ij->j", residual, residual)
    enough = 1e-10 * np.maximum(squared, 1e-30)
    for _ in range(iterations):
        if (squared <= enough).all():
            break
        image = back(w * (x @ direction - centre @ direction)) + penalty * direction
        step = squared / np.maximum(np.einsum("ij,ij->j", direction, image), 1e-30)
        slope += step * direction
        residual -= step * image
        previous, squared = squared, np.einsum("ij,ij->j", residual, residual)
        direction = residual + squared / np.maximum(previous, 1e-30) * direction
    if not (squared <= enough).all():
        left = 1e-5 * float(np.sqrt((squared / enough).max()))
        warnings.warn(
            f"ridge has not converged in {iterations} iterations: residual {left:.1e} of the right side, not 1e-5",
            RuntimeWarning,
            stacklevel=3,
        )
    return slope.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Training:
    """How the network is trained: Adam with a cosine schedule; `penalty` weighs the squared parameters."""

    hidden: int = 400
    steps: int = 1500
    batch: int = 512
    rate: float = 2e-3
    penalty: float = 1e-4


def fit_net(
    content: NDArray[np.floating],
    vectors: NDArray[np.floating],
    rng: np.random.Generator,
    training: Training | None = None,
) -> Tower:
    """Fit a network with one hidden layer (batch-normalised, tanh); returns plain arrays that one calls.

    Formula: min mean |y_i / s - f(x_i)|^2 + penalty |parameters|^2, s the root mean square of Y, put back
    after.
    Shapes: content [n, c] dense, vectors [n, d]; the result maps [m, c] to float32 [m, d].
    Errors: ValueError for other shapes, values that are not finite, training.batch < 1.

    >>> x = np.linspace(-1, 1, 16)[:, None]
    >>> net = fit_net(x, 2 * x, np.random.default_rng(0), Training(hidden=4, steps=50, rate=0.05))
    >>> net(x).shape, bool(net([[0.9]])[0, 0] > net([[-0.9]])[0, 0])
    ((16, 1), True)
    """
    training = Training() if training is None else training
    x, y = _matched(content, vectors)
    whole("training.batch", training.batch, 1)
    scale = float(np.sqrt(np.mean(y**2))) or 1.0
    batch = min(training.batch, len(x))
    start = initial(x.shape[1], training.hidden, y.shape[1], rng)

    def loss(weights: Weights, pair: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, object]:
        predicted, seen = forward(weights, pair[0])
        error = jnp.square(predicted - pair[1]).mean()
        return error + training.penalty * size(weights), seen

    rows = (rng.choice(len(x), batch, replace=False) for _ in range(training.steps))
    batches = ((x[row], y[row] / scale) for row in rows)
    weights, running = minimise(loss, start, batches, rate=training.rate, steps=training.steps)
    return fold(weights, running, scale)


def _matched(content: Content, vectors: NDArray[np.floating]) -> tuple[Content, Floats32]:
    x, y = checked("content", content), np.asarray(vectors, np.float32)
    if y.ndim != 2 or len(y) != x.shape[0] or not len(y) or not np.isfinite(y).all():
        raise ValueError(f"vectors must be finite [{x.shape[0]}, d] as content, got shape {y.shape}")
    return x, y
