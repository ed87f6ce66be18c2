"""Exposure: who is shown, how unequal that is, and how well new items are placed before those who want them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fairshot.algorithms.mean_discounted_gain import summarise
from fairshot.algorithms.ranked_hits import discounts
from fairshot.core.arrays import Array, Bools, Floats, Ints
from fairshot.core.events import EventBatch, Kind
from fairshot.evaluation.measured import Measured, interval, jackknifed, left_out, resamples

UNPOPULAR = 0.8
"""The share of items, by reactions in training, whose exposure is reported; likewise of creators."""
LEAST_ITEMS = "exposure of the least popular 80 % of items"
LEAST_CREATORS = "exposure of the 80 % of creators with fewest reactions"
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What could be shown, as training knew it.

    listed: rows of items with a record, ascending; creator: int (items,), -1 for none; reactions: int (items,).
    """

    listed: Ints
    creator: Ints
    reactions: Ints

    @classmethod
    def of(cls, trained: EventBatch) -> "Catalogue":
        """The catalogue of a training log; an item's latest record says whose it is."""
        told = trained.where(trained.of(Kind.FEEDBACK) & (trained.item >= 0))
        records = trained.where(trained.of(Kind.ITEM))
        creator = np.full(trained.sizes.items, -1)
        creator[records.item] = records.creator
        return cls(np.unique(records.item), creator, np.bincount(told.item, minlength=trained.sizes.items))

    @property
    def least(self) -> Bools:
        """Which of the listed items are the least popular, bool (listed,): floor(.8 n) of them, ties by row."""
        return _least(self.reactions[self.listed])

    @property
    def creators(self) -> tuple[Ints, Ints]:
        """The creators of listed items, ascending, and for each listed item its creator's place there, -1 for none."""
        rows = self.creator[self.listed]
        known = np.unique(rows[rows >= 0])
        places: Ints = np.where(rows >= 0, np.searchsorted(known, rows), -1)
        return known, places


def exposure(arm: str, slates: Sequence[Array], catalogue: Catalogue, *, intervals: bool = True) -> list[Measured]:
    """Shares of positions, every position alike, with intervals over people.

    Exposure of the least popular 80 %: the share of all positions that show one of the floor(.8 n) listed items
    with fewest reactions in training (ties by row); the same of creators by the reactions to all their items.
    Gini over all listed items, and over their creators, 0 for equal shares, with intervals by jackknife. Coverage:
    the share of listed items in anybody's slate; creators reached: the share of creators with an item in anybody's
    slate. Coverage and creators reached grow with the number of people and have no interval.
    """
    people = np.repeat(np.arange(len(slates)), [len(slate) for slate in slates])
    rows = np.concatenate([*slates, np.empty(0, np.int32)]).astype(np.int64)
    place = np.searchsorted(catalogue.listed, rows)
    shown = _Shown(catalogue, place)
    units = len(slates) if intervals else 0
    drawn = [shown.shares(weight[people]) for weight in resamples(units, DRAWS)] if units else []
    left = [shown.ginis(weight[people]) for weight in left_out(units)]
    result = []
    for name, value in shown.shares().items():
        result.append(Measured(arm, name, value, *interval(np.array([one[name] for one in drawn]), units)))
    for name, value in shown.ginis().items():
        result.append(Measured(arm, name, value, *jackknifed(value, np.array([one[name] for one in left]), units)))
    return result + _reach(arm, catalogue, place)


class _Shown:
    """The shares and inequalities of one arm under weights of its positions."""

    def __init__(self, catalogue: Catalogue, place: Ints) -> None:
        self.place, self.least, self.items = place, catalogue.least, len(catalogue.listed)
        known, owner = catalogue.creators
        self.owned = owner >= 0
        self.owner, self.creators = owner[self.owned], len(known)
        reactions = np.bincount(self.owner, catalogue.reactions[catalogue.listed][self.owned], minlength=len(known))
        self.least_creators = _least(reactions)

    def shares(self, weights: Floats | None = None) -> dict[str, float]:
        """Of the least popular items and creators."""
        shown, theirs = self._amounts(weights)
        return {LEAST_ITEMS: _share(shown, self.least), LEAST_CREATORS: _share(theirs, self.least_creators)}

    def ginis(self, weights: Floats | None = None) -> dict[str, float]:
        """Over items and over creators."""
        shown, theirs = self._amounts(weights)
        return {"Gini of exposure over items": gini(shown), "Gini of exposure over creators": gini(theirs)}

    def _amounts(self, weights: Floats | None) -> tuple[Array, Array]:
        shown = np.bincount(self.place, weights, minlength=self.items)
        return shown, np.bincount(self.owner, shown[self.owned], minlength=self.creators)


def _reach(arm: str, catalogue: Catalogue, place: Ints) -> list[Measured]:
    known, owner = catalogue.creators
    shown = np.unique(place)
    reached = np.unique(owner[shown][owner[shown] >= 0])
    return [
        Measured(arm, "catalogue coverage", len(shown) / max(len(catalogue.listed), 1)),
        Measured(arm, "creators reached", len(reached) / max(len(known), 1)),
    ]


def new_item_gains(arm: str, slates: Sequence[Array], truth: Sequence[Array], catalogue: Catalogue) -> list[Measured]:
    """Mean discounted gain of listed items without any reaction in training; nothing where nobody wants one.

    Formula: MDG_i = 1/|U_i| sum over u in U_i of 1/log2(1 + rank_ui), 0 where i is not in u's slate; U_i: the
    people with i held out. The mean is over items with anybody in U_i, its interval a bootstrap over items.
    """
    new = np.zeros(len(catalogue.reactions), dtype=bool)
    new[catalogue.listed] = catalogue.reactions[catalogue.listed] == 0
    wanted, gained = np.zeros((2, len(new)))
    for slate, relevant in zip(slates, truth, strict=True):
        wanted[relevant] += 1
        hit = np.isin(slate, relevant)
        gained[slate[hit]] += discounts(len(slate))[hit]
    judged = new & (wanted > 0)
    if not judged.any():
        return []
    gains = gained[judged] / wanted[judged]
    low, high = interval(resamples(len(gains)) @ gains / len(gains), len(gains))
    found = summarise(gains)
    return [
        Measured(arm, "mean discounted gain of new items", found.all, low, high),
        Measured(arm, "share of wanted new items that nobody is shown who wants them", found.unseen),
    ]


def _least(reactions: Array) -> Bools:
    least = np.zeros(len(reactions), dtype=bool)
    least[np.argsort(reactions, kind="stable")[: int(UNPOPULAR * len(reactions))]] = True
    return least


def _share(amounts: Array, of: Bools) -> float:
    total = amounts.sum()
    return float(amounts[of].sum() / total) if total > 0 else 0.0


def gini(amounts: Array) -> float:
    """Gini coefficient of amounts (n,): 0 for equal shares, towards 1 where one has all."""
    ordered = np.sort(amounts)
    n, total = len(ordered), ordered.sum()
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total)) if total > 0 else 0.0
