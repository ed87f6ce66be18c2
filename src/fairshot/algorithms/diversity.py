"""Re-ranking for diversity: MMR, fast greedy DPP and SSD, each one pass of k picks over n candidates.

All three read the vectors as directions (their length says nothing about quality), compare by cosine, and
treat an all-zero vector as "like nothing else". A pick costs one product of the n x d matrix with one vector;
nothing of size n x n is built for more than FEW of them. Where `recent` is given, its rows are vectors of the items
that were shown just before this slate, the latest one last: the new slate is then diverse with respect to those too.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpstrf

from fairshot.algorithms.arguments import real, whole, within

Floats = NDArray[np.floating]
Order = NDArray[np.int64]

SAFE_SQUARE = 1e-20, 1e20
"""Squared lengths between these are computed as they are; a row outside is first divided by its largest entry."""

MIN_RESIDUAL = 1e-5
"""Share of its squared length that a vector must have outside the window's span to count as a new direction.

Residuals are differences of single-precision products, so less than this is rounding noise.
"""

TIE = 1e-12
"""By so much of itself each quality counts less than the one before, where equals are to keep their order."""

FEW = 128
"""Candidates of which a whole kernel is factored at once, rather than grown with each pick."""


def dpp(quality: Floats, vectors: Floats, k: int, *, window: int | None = None, recent: Floats | None = None) -> Order:
    """Pick k items by greedy maximisation of the determinant of a determinantal point process.

    Formula: kernel L_ij = q_i cos(v_i, v_j) q_j; each pick maximises log det L over the last `window` picks,
    itself included, which is argmax of q_i^2 r_i with r_i the squared length of v_i/|v_i| outside the span of
    the earlier ones. r is kept up to date by one Gram-Schmidt direction for each pick, and by one Householder
    reflection for each item that leaves the window: O(k n d), where determinants would cost O(k^4 n).
    Where no candidate has a new direction left (duplicates, more picks than dimensions), the remaining item
    of highest quality is taken, so min(k, n) distinct items always return.

    Shapes: quality [n], at least zero, any scale (see `dpp_quality`); vectors [n, d]; recent [m, d]; returns
    int64 [min(k, n)], indices in the order shown. window: None for the whole slate.
    Errors: ValueError for wrong shapes, negative or non-finite quality, non-finite vectors, k < 0 or
    window < 1.
    Source: Chen, Zhang, Zhou, "Fast greedy MAP inference for determinantal point process", NeurIPS 2018.

    >>> vectors = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    >>> dpp(np.array([1.0, 0.9, 0.5]), vectors, k=3)
    array([0, 2, 1])
    """
    quality, vectors, scale = _checked("quality", quality, vectors)
    if quality.min(initial=0.0) < 0:
        raise ValueError(f"quality of shape {quality.shape} must not be negative")
    order = _picks(k, len(quality))
    left = quality / max(quality.max(initial=0.0), np.finfo(np.float64).tiny)
    if window is None and recent is None and 0 < len(left) <= FEW:
        pivots = _pivots(left, vectors * scale[:, None], len(order))
        if pivots is not None:
            return pivots
    span = _Span(vectors, scale, _memory(window, len(order), recent), recent=recent)
    weight = left * left
    for position in range(len(order)):
        gain = weight * span.residual
        gain *= span.residual > MIN_RESIDUAL
        item = int(gain.argmax())
        if gain[item] <= 0.0:
            item = int(left.argmax())
        order[position] = item
        weight[item], left[item] = 0.0, -1.0
        if position + 1 < len(order):
            span.add(vectors[item] * scale[item])
    return order


def _pivots(quality: Floats, units: Floats, k: int) -> Order | None:
    """The first k pivots of the kernel's Cholesky decomposition: the greedy picks, while there are new directions.

    For the largest diagonal entry of what is left of the kernel, which pivoting takes, is the largest q_i^2 r_i.
    None where the picks run out of directions.
    """
    # Pivoting moves rows about; of equals the first is to be taken all the same.
    quality = quality * (1 - TIE * np.arange(len(quality)))
    kernel = (units @ units.T).astype(np.float64)
    np.fill_diagonal(kernel, 1.0)
    kernel *= quality[:, None]
    kernel *= quality
    factor, pivots, rank, _ = dpstrf(kernel, tol=0.0, lower=True)
    picked: Order = pivots[:k].astype(np.int64) - 1
    if rank < k or not (np.diagonal(factor)[:k] ** 2 > MIN_RESIDUAL * quality[picked] ** 2).all():
        return None
    return picked


def dpp_quality(scores: Floats, relevance: float = 0.7) -> Floats:
    """Turn ranking scores into DPP qualities, with one knob between relevance and diversity.

    Formula: q = exp(a (s - max s)), a = relevance / (2 (1 - relevance)): then log det L is, up to the factor
    1 - relevance, relevance * sum of s + (1 - relevance) * log det of the similarities.
    Shapes and units: scores [n], any real numbers, best on a scale of about one; relevance in [0, 1), 0 for
    diversity alone; returns float64 [n] in (0, 1].
    Errors: ValueError for scores that are not one-dimensional and finite, or relevance outside [0, 1).
    Source: Chen, Zhang, Zhou, NeurIPS 2018, section 5.

    >>> dpp_quality(np.array([2.0, 1.0]), relevance=0.5).round(4)
    array([1.    , 0.6065])
    """
    scores = _finite("scores", scores, 1)
    if not 0 <= relevance < 1:
        raise ValueError(f"relevance must lie in [0, 1), got {relevance}")
    with np.errstate(over="ignore"):
        behind = np.maximum(scores - scores.max(initial=-np.inf), -np.finfo(np.float64).max)
        return np.asarray(np.exp(relevance / (2 * (1 - relevance)) * behind))


def ssd(
    scores: Floats,
    vectors: Floats,
    k: int,
    *,
    gamma: float = 0.5,
    window: int = 10,
    bias: float = 1.0,
    recent: Floats | None = None,
) -> Order:
    """Pick k items by sliding spectrum decomposition: relevance plus what is new against the last few picks.

    Formula: each pick maximises z_i + gamma |x_i - sum_b (x_i . b) b|, z the standardised scores, x_i the
    vector v_i/|v_i| with one more coordinate `bias`, b the orthonormal directions of the last window - 1
    picks. A direction that leaves the window is given back to every item as it was taken: the others were
    made orthogonal to it and stay as they are, which makes SSD cheaper than a windowed DPP. gamma = 0 sorts.

    Shapes: scores [n], any real numbers; vectors [n, d]; recent [m, d]; returns int64 [min(k, n)].
    Errors: ValueError for wrong shapes, non-finite input, k < 0, window < 1, gamma outside [0, 1e6] or bias
    outside [-1e3, 1e3], beyond which rounding would drown the vectors.
    Source: Huang et al., "Sliding spectrum decomposition for diversified recommendation", KDD 2021; the
    additive form with standardised scores and a constant coordinate.

    >>> vectors = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    >>> ssd(np.array([1.0, 0.9, 0.5]), vectors, k=3, gamma=2.0)
    array([0, 2, 1])
    >>> ssd(np.array([1.0, 0.9, 0.5]), vectors, k=3, gamma=0.0)
    array([0, 1, 2])
    """
    scores, vectors, scale = _checked("scores", scores, vectors)
    within("gamma", gamma, 0, 1e6)
    within("bias", bias, -1e3, 1e3)
    order = _picks(k, len(scores))
    memory = _memory(window, len(order), recent)
    span = _Span(vectors, scale, memory, recent=recent, bias=bias, exact=False)
    scores = scores / _unit(scores)
    deviation = scores.std() if len(scores) else 0.0
    left = (scores - scores.mean()) / deviation if deviation > 0 else np.zeros(len(scores))
    for position in range(len(order)):
        item = int((left + gamma * np.sqrt(np.maximum(span.residual, 0.0))).argmax())
        order[position] = item
        left[item] = -np.inf
        if position + 1 < len(order):
            span.add(vectors[item] * scale[item])
    return order


def mmr(scores: Floats, vectors: Floats, k: int, *, relevance: float = 0.7, recent: Floats | None = None) -> Order:
    """Pick k items by maximal marginal relevance: score less the likeness to the nearest item picked.

    Formula: each pick maximises relevance * s_i - (1 - relevance) * max_j cos(v_i, v_j) over the picked and
    recent j; the first term alone while there are none.
    Shapes and units: scores [n], best on a scale of about one; vectors [n, d]; recent [m, d]; relevance in
    [0, 1]; returns int64 [min(k, n)].
    Errors: ValueError for wrong shapes, non-finite input, k < 0, relevance outside [0, 1].
    Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking", SIGIR 1998.

    >>> vectors = np.array([[1, 0], [1, 0.01], [0, 1]], np.float32)
    >>> mmr(np.array([1.0, 0.9, 0.5]), vectors, k=3)
    array([0, 2, 1])
    """
    scores, vectors, scale = _checked("scores", scores, vectors)
    if not 0 <= relevance <= 1:
        raise ValueError(f"relevance must lie in [0, 1], got {relevance}")
    order = _picks(k, len(scores))
    nearest = np.full(len(scores), -1.0)
    for row in _units(recent, vectors):
        np.maximum(nearest, (vectors @ row) * scale, out=nearest)
    left = relevance * scores
    for position in range(len(order)):
        item = int((left - (1 - relevance) * nearest).argmax())
        order[position] = item
        left[item] = -np.inf
        np.maximum(nearest, (vectors @ (vectors[item] * scale[item])) * scale, out=nearest)
    return order


class _Span:
    """The directions of the last window - 1 picks, and how much of each candidate lies outside of them.

    `rows` holds one line for each direction b, orthonormal: b itself, then x_i . b for each candidate i, then
    x . b for each pick x in the window (so that column j is pick j in this basis). One array, because a
    reflection of the basis acts on all three alike.
    """

    def __init__(
        self,
        vectors: Floats,
        scale: Floats,
        memory: int,
        *,
        recent: Floats | None,
        bias: float = 0.0,
        exact: bool = True,
    ) -> None:
        n, d = vectors.shape
        self.vectors, self.scale, self.bias, self.memory, self.exact = vectors, scale, bias, memory, exact
        self.added: deque[bool] = deque()
        self.rank, self.width = 0, d + 1
        self.rows = np.zeros((memory, d + 1 + n + memory))
        self.residual = np.full(n, 1.0 + bias * bias)
        for row in _units(recent, vectors)[-memory:] if memory else ():
            self.add(row)

    def add(self, row: Floats) -> None:
        """Take the direction of one more pick, a unit vector [d], after the oldest has left."""
        if not self.memory:
            return
        if len(self.added) == self.memory and self.added.popleft():
            self._drop_oldest()
        rank, d = self.rank, self.width - 1
        basis = self.rows[:rank, : self.width]
        vector = np.empty(self.width)
        vector[:d], vector[d] = row, self.bias
        along = basis @ vector
        vector -= along @ basis
        squared = float(vector @ vector)
        new = squared > MIN_RESIDUAL
        self.added.append(new)
        if not new:
            return
        vector /= squared**0.5
        inside = (self.vectors @ vector[:d].astype(self.vectors.dtype)) * self.scale
        if self.bias:
            inside += self.bias * vector[d]
        members = self.rows[:, -self.memory :]
        line = self.rows[rank]
        line[: self.width], line[self.width : -self.memory] = vector, inside
        members[rank], members[:rank, rank], members[rank, rank] = 0.0, along, squared**0.5
        self.residual -= inside * inside
        self.rank += 1

    def _drop_oldest(self) -> None:
        """Remove the part of the span that the oldest pick alone is responsible for.

        It lies along u, the basis coordinates orthogonal to every other pick. The reflection that maps u to
        the first axis leaves an orthonormal basis: its first row is that part, the others span the rest.
        """
        live = self.rows[: self.rank]
        members = live[:, -self.memory :]
        if self.exact and self.rank > 1:
            first = np.zeros(self.rank)
            first[0] = 1.0
            u = np.linalg.solve(members[:, : self.rank].T, first)
            u /= -math.copysign(math.sqrt(u @ u), u[0])
            mirror = u - first
            live -= np.outer(mirror * (2.0 / (mirror @ mirror)), mirror @ live)
        given = live[0, self.width : -self.memory]
        self.residual += given * given
        self.rank -= 1
        live[:-1] = live[1:].copy()
        members[:-1, :-1] = members[:-1, 1:].copy()


def _checked(name: str, values: Floats, vectors: Floats) -> tuple[Floats, Floats, Floats]:
    """Return values as float64, vectors as contiguous floats and 1/|v| of each (0 for a zero vector)."""
    values = _finite(name, values, 1)
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or len(vectors) != len(values):
        raise ValueError(f"vectors must be [{len(values)}, d] as {name}, got shape {vectors.shape}")
    if vectors.dtype not in (np.float32, np.float64):
        vectors = vectors.astype(np.float32)
    vectors = np.ascontiguousarray(vectors)
    vectors, squared = _moderate("vectors", vectors)
    return values, vectors, _inverse_length(squared).astype(vectors.dtype)


def _moderate(name: str, vectors: Floats) -> tuple[Floats, Floats]:
    """Return vectors, rows of extreme length divided by their largest entry, and the squared lengths.

    Directions are all that is read, so the division changes nothing but what squares would overflow or vanish.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squared = np.einsum("ij,ij->i", vectors, vectors).astype(np.float64)
    odd = np.flatnonzero(~((squared > SAFE_SQUARE[0]) & (squared < SAFE_SQUARE[1])))
    if not len(odd):
        return vectors, squared
    rows = vectors[odd]
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} of shape {vectors.shape} hold values that are not finite")
    peak = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    vectors = vectors.copy()
    vectors[odd] = rows = rows / np.where(peak > 0, peak, 1)
    squared[odd] = np.einsum("ij,ij->i", rows, rows)
    return vectors, squared


def _unit(scores: Floats) -> float:
    """Return what to divide scores by before they are squared: 1 unless they are extreme."""
    peak = float(np.abs(scores).max(initial=0.0))
    return 1.0 if peak == 0 or 1e-100 < peak < 1e100 else peak


def _units(recent: Floats | None, vectors: Floats) -> Floats:
    """Return the recent vectors scaled to unit length, [m, d]; none of them for None."""
    if recent is None:
        return vectors[:0]
    recent = _finite("recent", recent, 2)
    if recent.shape[1] != vectors.shape[1]:
        raise ValueError(f"recent must be [m, {vectors.shape[1]}] as vectors, got shape {recent.shape}")
    recent, squared = _moderate("recent", recent)
    unit = recent * _inverse_length(squared)[:, None]
    return unit.astype(vectors.dtype)


def _inverse_length(squared: Floats) -> Floats:
    positive = squared > 0
    return np.where(positive, 1.0 / np.sqrt(np.where(positive, squared, 1.0)), 0.0)


def _finite(name: str, values: Floats, ndim: int) -> Floats:
    if np.ndim(values) != ndim:
        raise ValueError(f"{name} must be {ndim}-dimensional and finite, got shape {np.shape(values)}")
    return real(name, values, None)


def _memory(window: int | None, k: int, recent: Floats | None) -> int:
    """Return how many earlier picks the next one is compared with."""
    most = k + (0 if recent is None else len(recent))
    if window is None:
        return most
    return min(whole("window", window, 1) - 1, most)


def _picks(k: int, n: int) -> Order:
    return np.empty(min(whole("k", k, 0), n), np.int64)
