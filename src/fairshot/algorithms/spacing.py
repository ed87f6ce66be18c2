"""Spacing of a slate: at most n of any m consecutive items alike, each further post of an author lower."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Order = NDArray[np.int64]
Placement = tuple[Order, NDArray[np.int64]]

NO_GROUP = -1
PLACED = 2**40


def n_of_m(
    groups: Integers,
    limits: Sequence[int] | int,
    windows: Sequence[int] | int,
    k: int,
    *,
    recent: Integers | None = None,
) -> Order:
    """Order items so that no rule finds more than n of one group among any m consecutive positions.

    Formula: rule j holds when each group of column j occurs at most limits[j] times in any windows[j]
    consecutive positions, the `recent` ones included. Items come in order of preference; each position takes
    the first admissible one, or, where none is, the first of those that exceed the limits least. Should that
    lead to an excess, the shortest possible tail of the slate is chosen anew with the most numerous groups
    first, which avoids the excess whenever a slate under one rule can (with several rules: often).

    Shapes: groups [n] or [n, r], integers, -1 for "no constraint"; limits and windows one number or [r];
    recent [m] or [m, r], groups of the items shown just before, the latest last; returns int64 [min(k, n)].
    Errors: ValueError for wrong shapes, limits or windows below 1, k < 0.
    Source: the spacing rule of feed rankers in its general form ("n of m"); the repair of the tail is the
    classical schedule for tasks with a cool-down, largest remaining group first.

    >>> n_of_m(np.array([7, 7, 7, 8, 9]), limits=1, windows=2, k=5)
    array([0, 3, 1, 4, 2])
    >>> n_of_m(np.array([[7, 1], [7, 2], [8, 1]]), limits=[1, 1], windows=[2, 2], k=2)
    array([0, 1])
    """
    columns = _columns("groups", groups)
    rules = columns.shape[1]
    limit, window = _per_rule("limits", limits, rules), _per_rule("windows", windows, rules)
    past = columns[:0] if recent is None else _columns("recent", recent)
    if past.shape[1] != rules:
        raise ValueError(f"recent must have {rules} columns as groups, got shape {past.shape}")
    if k < 0:
        raise ValueError(f"k must not be negative, got {k}")
    k = min(k, len(columns))
    greedy = _place(columns, limit, window, past, k, kept=k)
    if not greedy[1].any():
        return greedy[0]
    return _repair(columns, limit, window, past, greedy)


def excess_of_m(groups: Integers, limits: Sequence[int] | int, windows: Sequence[int] | int) -> NDArray[np.int64]:
    """Count, at each position of a slate, by how much the rules of `n_of_m` are exceeded by the item there.

    Formula: sum over rules j of max(0, occurrences of the item's group in the windows[j] positions that end
    here - limits[j]); all zeros when every window holds.
    Shapes: groups [t] or [t, r] in the order shown, -1 for "no constraint"; returns int64 [t].
    Errors: ValueError for wrong shapes, limits or windows below 1.

    >>> excess_of_m(np.array([7, 7, 8, 7]), limits=1, windows=3)
    array([0, 1, 0, 1])
    """
    columns = _columns("groups", groups)
    rules = columns.shape[1]
    excess = np.zeros(len(columns), np.int64)
    for j, (limit, window) in enumerate(
        zip(_per_rule("limits", limits, rules), _per_rule("windows", windows, rules), strict=True)
    ):
        column = columns[:, j]
        seen = np.ones(len(column), np.int64)
        for lag in range(1, min(window, len(column))):
            seen[lag:] += column[lag:] == column[:-lag]
        excess += np.where(column == NO_GROUP, 0, np.maximum(seen - limit, 0))
    return excess


def author_decay(scores: Floats, authors: Integers, decay: float = 0.5, floor: float = 0.25) -> Floats:
    """Lower the score of each further post of the same author, so that one author does not fill a slate.

    Formula: s' = s - |s| (1 - g_k), g_k = (1 - floor) decay^k + floor, for the k-th post (k = 0, 1, ...) of
    its author in order of score. For s >= 0 that is s * g_k. A negative score is lowered by as much
    as a positive one of its size (a plain product would raise it); the order within an author is kept.
    Shapes: scores [n]; authors [n], integers, -1 for "no author" (never lowered); decay and floor in [0, 1];
    returns float64 [n]. Ties are counted in the order given.
    Errors: ValueError for wrong shapes, scores that are not finite, decay or floor outside [0, 1].
    Source: the author diversity factor in the published code of Twitter's home timeline (2023), which is
    defined there for positive scores.

    >>> author_decay(np.array([4.0, 8.0, 2.0, -1.0]), np.array([1, 1, 2, 1]))
    array([ 2.5   ,  8.    ,  2.    , -1.5625])
    """
    scores = np.asarray(scores, np.float64)
    authors = np.asarray(authors)
    if scores.ndim != 1 or not np.isfinite(scores).all():
        raise ValueError(f"scores must be [n] and finite, got shape {scores.shape}")
    if authors.shape != scores.shape or not np.issubdtype(authors.dtype, np.integer):
        raise ValueError(f"authors must be integers [{len(scores)}] as scores, got shape {authors.shape}")
    if not (0 <= decay <= 1 and 0 <= floor <= 1):
        raise ValueError(f"decay and floor must lie in [0, 1], got {decay} and {floor}")
    order = np.lexsort((-scores, authors))
    ranked = authors[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))[: len(ranked)]
    earlier = np.empty(len(scores), np.int64)
    earlier[order] = np.arange(len(scores)) - np.repeat(starts, np.diff(np.append(starts, len(ranked))))
    factor = (1 - floor) * np.power(float(decay), earlier) + floor
    return np.where(authors == NO_GROUP, scores, scores - np.abs(scores) * (1 - factor))


class _Rule:
    """One column of groups with its running count, kept in step with the excess of each candidate."""

    def __init__(self, column: Integers, limit: int, window: int) -> None:
        self.column, self.limit, self.window = column, limit, window
        self.shown: list[int] = []
        self.count: Counter[int] = Counter()

    def show(self, group: int, excess: NDArray[np.int64]) -> None:
        """Append a group to the slate; `excess` is what each candidate would exceed the limits by if next."""
        self.shown.append(group)
        if self.window == 1:
            return
        self.count[group] += 1
        if group != NO_GROUP and self.count[group] >= self.limit:
            excess += self.column == group
        if len(self.shown) >= self.window:
            gone = self.shown[-self.window]
            if gone != NO_GROUP and self.count[gone] >= self.limit:
                excess -= self.column == gone
            self.count[gone] -= 1


def _place(
    columns: Integers, limits: Sequence[int], windows: Sequence[int], past: Integers, k: int, kept: int
) -> Placement:
    """Fill k positions, the first `kept` by preference, the rest largest remaining group first.

    Returns the order and the excess at each position.
    """
    rules = [_Rule(columns[:, j].copy(), limits[j], windows[j]) for j in range(columns.shape[1])]
    excess = np.zeros(len(columns), np.int64)
    for row in past.tolist():
        for rule, group in zip(rules, row, strict=True):
            rule.show(group, excess)
    order, exceeded = np.empty(k, np.int64), np.empty(k, np.int64)
    for position in range(k):
        cost = excess if position < kept else excess - _crowd(rules, excess < PLACED)
        item = int(cost.argmin())
        order[position], exceeded[position] = item, excess[item]
        for rule, group in zip(rules, columns[item].tolist(), strict=True):
            rule.show(group, excess)
        excess[item] = PLACED
    return order, exceeded


def _crowd(rules: Sequence[_Rule], left: NDArray[np.bool_]) -> Floats:
    """Return how much room each candidate's groups still need, in [0, 1): it only breaks ties of excess."""
    need: Floats = np.zeros(len(left))
    for rule in rules:
        _, inverse = np.unique(rule.column, return_inverse=True)
        count = np.bincount(inverse[left], minlength=len(left))[inverse]
        need += np.where(rule.column == NO_GROUP, 0, count) * (rule.window / rule.limit)
    return np.asarray(need / (1.0 + need.max()))


def _repair(
    columns: Integers, limits: Sequence[int], windows: Sequence[int], past: Integers, greedy: Placement
) -> Order:
    """Keep the longest preferred start from which the rest can be filled without excess, by bisection."""
    order, exceeded = greedy
    trial, trial_exceeded = _place(columns, limits, windows, past, len(order), kept=0)
    if trial_exceeded.any():
        return order
    low, high = 0, int(np.flatnonzero(exceeded)[0])
    while low < high:
        kept = (low + high + 1) // 2
        longer, longer_exceeded = _place(columns, limits, windows, past, len(order), kept)
        if longer_exceeded.any():
            high = kept - 1
        else:
            trial, low = longer, kept
    return trial


def _columns(name: str, groups: Integers) -> Integers:
    groups = np.asarray(groups)
    if groups.ndim not in (1, 2) or not np.issubdtype(groups.dtype, np.integer):
        raise ValueError(f"{name} must be integers [n] or [n, r], got {groups.dtype} of shape {groups.shape}")
    return groups[:, None] if groups.ndim == 1 else groups


def _per_rule(name: str, values: Sequence[int] | int, rules: int) -> list[int]:
    each = [operator.index(value) for value in np.ravel(np.asarray(values))]
    each = each * rules if len(each) == 1 else each
    if len(each) != rules or min(each, default=1) < 1:
        raise ValueError(f"{name} must be {rules} whole numbers of at least 1, got {values}")
    return each
