"""Off-policy evaluation of a candidate: what its slates would have earned, judged by a log that others filled.

Each logged slate is looked at as of its moment (see `replay`): with which probability the candidate pipeline would
have put the very items to the very places is known exactly, lots included, and so is what the items earned there.
From both `off_policy_judgement` tells what the candidate would have earned.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from fairshot.core.arrays import Bools, Floats, Ints
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.slate import LoggedSlate
from fairshot.pipeline.engine import Pipeline

BY_LOT = 0.5
"""A placement that was logged with less was drawn by lot, and could as well have come to any other position."""
Worth = Callable[[Candidates, Context], Floats]
"""What a candidate pipeline expects each item of its pool to earn where it is seen: float64 (n,)."""


@dataclass(frozen=True, slots=True)
class Placements:
    """Logged slates as the candidate would have filled them; n slates, L positions, the longest slate's.

    served: int64 (n,), number of the slate's entry in the log; person: (n,) rows; filled: bool (n, L), where the
    slate had a position; logging, target: float64 (n, L), probability of the logged item at its position, of the
    log and of the candidate; seen_logging, seen_target: the same summed over all positions at which the item
    could have stood, each times the share `looks` of people who look there; fills: probability that the
    candidate fills the position at all; predicted, expected: what the candidate expects of the logged item, and
    on average of what it would put there.
    """

    served: Ints
    person: Ints
    filled: Bools
    logging: Floats
    target: Floats
    seen_logging: Floats
    seen_target: Floats
    looks: Floats
    fills: Floats
    predicted: Floats
    expected: Floats

    def __len__(self) -> int:
        return len(self.served)

    def rewards(self, seq: Ints, position: Ints, worth: Floats) -> Floats:
        """What each position earned, float64 (n, L), from attributed impressions; all arguments (m,).

        seq: number of the slate's entry; position: 1-based, 0 for feedback that answers no impression; worth: its
        labels times the value weights, or one chosen label. Impressions of other slates are left out.
        """
        found: Floats = np.zeros(self.filled.shape)
        if len(self) == 0:
            return found
        order = np.argsort(self.served)
        index = order[np.minimum(np.searchsorted(self.served[order], seq), len(order) - 1)]
        ours = (self.served[index] == seq) & (position >= 1) & (position <= found.shape[1])
        np.add.at(found, (index[ours], position[ours] - 1), worth[ours])
        return found


def examination_of(position: Ints, weight: Floats) -> Floats:
    """The share of people who look at each position, float64 (L,), from attributed impressions (m,).

    position: 1-based, 0 for feedback that answers no impression; weight: 1 / p(examined) of the position. One
    that no impression tells of is looked at as often as the one above it; the first, by everybody.
    """
    shares = np.full(int(position.max(initial=0)) + 1, np.nan)
    shares[position] = 1 / weight
    shares[0] = 1.0
    told = np.maximum.accumulate(np.where(np.isnan(shares), 0, np.arange(len(shares))))
    found: Floats = np.minimum(shares[told], 1.0)[1:] if len(shares) > 1 else np.ones(1)
    return found


def expected_worth(batch: Candidates, ctx: Context) -> Floats:
    """Sum over kinds of feedback of weight times the candidate's probability: what `Placements` predicts by default."""
    total = np.zeros(len(batch))
    for name, weight in zip(ctx.snapshot.feedback.names, ctx.weights, strict=True):
        if weight and f"p_{name}" in batch:
            total += weight * batch[f"p_{name}"]
    return total


def place(
    pipeline: Pipeline,
    moments: Iterable[tuple[Context, LoggedSlate]],
    examination: Floats | None = None,
    worth: Worth = expected_worth,
) -> Placements:
    """Ask the candidate pipeline where it would have put the items of each logged slate.

    moments: the context as of each slate, with the candidate's models, and the slate; valid one at a time.
    examination: float64 (L,), share of people who look at each position; all alike where it is not given.
    """
    rows = [_row(pipeline, moment, examination, worth) for moment in moments if len(moment[1].rows)]
    length = max((len(row.logging) for row in rows), default=0)

    def padded(name: str, fill: float) -> Floats:
        found = np.full((len(rows), length), fill)
        for index, row in enumerate(rows):
            values = getattr(row, name)
            found[index, : len(values)] = values
        return found

    # Where a slate had no position both policies leave it empty, with certainty and for nothing.
    return Placements(
        served=np.array([row.served for row in rows], np.int64),
        person=np.array([row.person for row in rows], np.int64),
        filled=padded("logging", 0.0) > 0,
        logging=padded("logging", 1.0),
        target=padded("target", 1.0),
        seen_logging=padded("seen_logging", 1.0),
        seen_target=padded("seen_target", 1.0),
        looks=padded("looks", 0.0),
        fills=padded("fills", 0.0),
        predicted=padded("predicted", 0.0),
        expected=padded("expected", 0.0),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One slate of `Placements`; arrays (k,)."""

    served: int
    person: int
    logging: Floats
    target: Floats
    seen_logging: Floats
    seen_target: Floats
    looks: Floats
    fills: Floats
    predicted: Floats
    expected: Floats


def _row(pipeline: Pipeline, moment: tuple[Context, LoggedSlate], examination: Floats | None, worth: Worth) -> _Row:
    ctx, slate = moment
    pool, chances = pipeline.distribution(ctx)
    k = len(slate.rows)
    look = np.ones(k) if examination is None else _looks(examination, k)
    everywhere = np.zeros((len(pool) + 1, k))  # the last row stands for what is not in the pool
    positions = min(k, chances.shape[1])
    everywhere[:-1, :positions] = chances[:, :positions]
    index = pool.places(slate.rows)
    values = np.append(worth(pool, ctx), 0.0)
    predicted = values[index]
    beside = index == len(pool)
    if beside.any():
        predicted[beside] = worth(pipeline.value_of(ctx, slate.rows[beside]), ctx)
    logged = slate.propensity
    return _Row(
        served=slate.served,
        person=slate.user,
        logging=logged,
        target=everywhere[index, np.arange(k)],
        seen_logging=np.where(logged < BY_LOT, np.minimum(logged * look.sum(), 1), logged * look),
        seen_target=np.minimum(everywhere[index] @ look, 1),
        looks=look,
        fills=everywhere.sum(axis=0),
        predicted=predicted,
        expected=values @ everywhere,
    )


def _looks(examination: Floats, k: int) -> Floats:
    """The share of people who look at each of k positions; the last stands for all that lie deeper."""
    if len(examination) == 0 or not ((examination > 0) & (examination <= 1)).all():
        raise ValueError(f"examination of shape {examination.shape} must hold shares above 0, at most 1")
    return examination[np.minimum(np.arange(k), len(examination) - 1)]
