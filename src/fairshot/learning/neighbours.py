"""Neighbours: what people react to near each other, as weights between items; for catalogues that fit a dense matrix.

Each item is predicted from all others by ridge regression with a zero diagonal, in closed form; two reactions
of a person count by how near they stand in the order of what the person did, for what is met in one sitting
belongs together more than what lies years apart.
Source: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019, for the closed form; the nearness
and the discount of very active people are ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.core.arrays import Array, Floats, Ints, Rows, distinct
from fairshot.core.randomness import stream
from fairshot.learning.interactions import Feedback
from fairshot.learning.inverse import inverse_of

LONGEST = 1000
"""Reactions of one person that are related to each other, the latest; a table of all would grow with the square."""
PEOPLE = 20_000
"""People whose reactions are related, at most; more hardly change a matrix of this size."""


@dataclass(frozen=True, slots=True)
class NeighboursModel:
    """How much a reaction to one item speaks for one to another.

    place: int32 (items,), where an item stands in `weights`, -1 for those left out; weights: float32 (m, m), from
    row to column.
    """

    place: Rows
    weights: Floats

    def told_by(self, met: Rows) -> Floats:
        """What reactions to `met` say of every item in the model, the sum of their weights; float32 (m + 1,).

        The last is 0, for items that are not in the model.
        """
        told = self._places(distinct(met))
        # Whole rows lie together in memory: adding them costs less than picking from each.
        return np.append(self.weights[told[told >= 0]].sum(axis=0), np.float32(0))

    def scores(self, told: Floats, candidates: Rows) -> Floats:
        """The same of each candidate, float32 (n,); told: what `told_by` gave."""
        return told[self._places(candidates)]

    def _places(self, rows: Rows) -> Rows:
        """Where items stand, -1 also for those that came later."""
        found: Rows = np.where(rows < len(self.place), self.place[np.minimum(rows, len(self.place) - 1)], -1)
        return found

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        return {"place": self.place, "weights": self.weights}, {}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], _description: Mapping[str, Any]) -> "NeighboursModel":
        """The model from what `dump` gave."""
        return cls(tensors["place"], tensors["weights"])


def fit_neighbours(
    feedback: Feedback,
    items: int,
    *,
    most: int,
    reach: float,
    ridge: float,
    activity: float,
    progress: Callable[[float], None] = lambda _share: None,
) -> NeighboursModel:
    """Learn from feedback in the order of time.

    W = I - P / diag(P), P = (G + ridge I)^-1, G_ij = sum over people of w_u / (1 + |rank_i - rank_j| / reach),
    rank: of the reaction among the person's, ties sharing their middle; w_u = (n_u / mean n)^-activity, n_u
    reactions. Of each person the first reaction to each item counts, and who reacted to one alone tells nothing of
    two. items: how many there are; most: so many of the most reacted to take part.
    """
    place = _chosen(feedback.item, items, most)
    m = int(place.max(initial=-1)) + 1
    gram = np.zeros((m, m), dtype=np.float32)
    people = _sequences(feedback, place)
    mean = np.mean([len(rows) for rows, _ in people]) if people else 1.0
    for number, (rows, ranks) in enumerate(people):
        nearness = 1 / (1 + np.abs(ranks[:, None] - ranks) / reach)
        gram[rows[:, None], rows] += np.float32((len(rows) / mean) ** -activity) * nearness
        if number % 200 == 0:
            progress(0.7 * number / len(people))
    gram[np.arange(m), np.arange(m)] += ridge
    inverse = inverse_of(gram)
    weights = (inverse / -np.diag(inverse)).astype(np.float32)
    weights[np.arange(m), np.arange(m)] = 0
    progress(1.0)
    return NeighboursModel(place, weights)


def _chosen(item: Rows, items: int, most: int) -> Rows:
    """Places for the items that were reacted to most, in the order of their rows."""
    counts = np.bincount(item, minlength=items)
    chosen = np.sort(np.argsort(-counts, kind="stable")[: min(most, int((counts > 0).sum()))])
    place = np.full(items, -1, dtype=np.int32)
    place[chosen] = np.arange(len(chosen), dtype=np.int32)
    return place


def _sequences(feedback: Feedback, place: Rows) -> list[tuple[Ints, Floats]]:
    """For each person the places of the items they reacted to, each once, and the ranks of their first times."""
    known = place[feedback.item] >= 0
    user, item, at = feedback.user[known], place[feedback.item[known]], feedback.at[known]
    first = np.sort(np.unique(user.astype(np.int64) << 32 | item, return_index=True)[1])
    first = first[np.lexsort((at[first], user[first]))]
    _, starts = np.unique(user[first], return_index=True)
    parts = [part[-LONGEST:] for part in np.split(first, starts[1:]) if len(part) > 1]
    if len(parts) > PEOPLE:
        drawn = stream("neighbours", "people").choice(len(parts), PEOPLE, replace=False)
        parts = [parts[n] for n in drawn.tolist()]
    return [(item[part], _middle_ranks(at[part])) for part in parts]


def _middle_ranks(at: Array) -> Floats:
    """Ranks of ascending times; equal times share the middle of theirs."""
    _, inverse, counts = np.unique(at, return_inverse=True, return_counts=True)
    middle: Floats = (np.cumsum(counts) - counts / 2)[inverse]
    return middle
