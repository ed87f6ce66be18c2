"""Unexpected audiences: which part of an item's people, by the labels that they like most, it is for."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import betaln

from fairshot.core.arrays import Array, Bools, Floats, Ints
from fairshot.core.trial import CORE, accounts_of

PLACES = np.array([1.0, 0.7, 0.3])
"""What somebody tells of a segment whose label is the one that they like most, second and third."""
UNEXPECTED = 0.5
"""The chance, before anybody told, that some segment is an audience of its own."""
TIMES = 3.0
"""An audience is expected to like the item so many times as people like what is of its category,"""
MOST = 0.6
"""but not more than this share of it;"""
CLEARLY = 1.5
"""it likes the item so many times as everybody else at least."""
STRENGTH = 8.0
"""Impressions that each rate's prior is worth."""
FEWEST_LIKES = 3
"""Likes of its people without which no audience is found."""
FOUND, PROMISING, OPEN = 0.8, 0.15, 0.05
"""The chance from which on a segment is the audience; from which on it is asked on purpose; up to which no more."""


@dataclass(frozen=True, slots=True)
class Responses:
    """How the segments of an item's people responded: a person belongs to those of all the labels they like most.

    names: label rows, ascending (s,); chance: that each is the item's audience, (s,), at most one of them is; people
    and likes: of those whose first or second label it is, int64 (s,).
    """

    names: Ints
    chance: Floats
    people: Ints
    likes: Ints

    @classmethod
    def of(cls, entries: Array, mean: float, examined: Floats) -> Self:
        """Weigh them.

        Formula: each segment is the audience with the same chance at first, UNEXPECTED together, or none is. If it is,
        its people like the item at a rate of prior mean TIMES `mean`, all others at one of `mean`; if none is, all at
        one of `mean`; each prior is Beta, worth STRENGTH impressions. So for m segments

            P(s) ~ UNEXPECTED / m * B(x_s, n_s; TIMES mean) B(x - x_s, n - n_s; mean) / B(x, n; mean),

        B(x, n; r) the beta-binomial probability of x likes of n impressions, those that were looked at half as often
        counting half; x_s and n_s weigh people by PLACES. 0 where the segment's rate is not CLEARLY above all others',
        or hardly anybody else was asked.
        Shapes: entries: EVIDENCE of the item, oldest first; mean: the rate that is expected of its category; examined:
        how likely an impression of each cell is looked at, relative to the first position.
        """
        first, liked = accounts_of(entries)
        known = first["segments"][:, 0] >= 0
        segments, liked, shown = first["segments"][known], liked[known], examined[first["cell"][known]]
        x, n = float(liked.sum()), max(float(shown.sum()), float(liked.sum()))
        names, index = np.unique(segments[segments >= 0], return_inverse=True)
        person, place = np.nonzero(segments >= 0)
        own_x: Floats = np.bincount(index, PLACES[place] * liked[person], len(names)).astype(np.float64)
        own_n = np.maximum(np.bincount(index, PLACES[place] * shown[person], len(names)), own_x)
        others_x, others_n = x - own_x, np.maximum(n - own_n, x - own_x)
        audience = _log_probability(own_x, own_n, min(TIMES * mean, MOST)) + _log_probability(others_x, others_n, mean)
        others_rate = (others_x + STRENGTH * mean) / (others_n + STRENGTH)
        better = (own_x > CLEARLY * others_rate * own_n) & (others_n >= STRENGTH)
        odds = np.log(UNEXPECTED / max(len(names), 1)) + audience - _log_probability(x, n, mean)
        odds = np.append(np.where(better, odds, -np.inf), np.log(1 - UNEXPECTED))
        # Relative to the largest: what many told is beyond what floats hold.
        odds = np.exp(odds - odds.max())
        core = place < CORE
        people = np.bincount(index[core], minlength=len(names))
        likes = np.bincount(index[core & liked[person]], minlength=len(names))
        return cls(names, odds[:-1] / odds.sum(), people, likes)

    def chance_of(self, segment: int) -> float:
        """The chance that a segment is the audience; 0 where nobody of it was asked."""
        return float(self.chance[self.names == segment].sum())

    def of_segment(self, segment: int) -> tuple[int, int, int]:
        """A segment, its people and their likes."""
        own: Bools = self.names == segment
        return segment, int(self.people[own].sum()), int(self.likes[own].sum())

    def likeliest(self, but: int) -> tuple[int, float]:
        """The segment that is most likely the audience, another than `but`, and its chance; -1 and 0 of none."""
        chance = np.append(np.where(self.names == but, 0.0, self.chance), 0.0)
        best = int(np.argmax(chance))
        return (int(self.names[best]), float(chance[best])) if chance[best] > 0 else (-1, 0.0)


def answer(told: Responses, own: int, asked: int) -> tuple[str, int]:
    """What is to be said of an item's audience, and of which segment.

    "audience": this one is it; "asking": this one may be, and is asked from now on; "open": the one that is asked
    already still may be; "asked": it is not clearly so after all; "" and -1: nothing.
    own: the item's own label; asked: the segment that is asked on purpose; -1 for none.
    """
    segment, chance = told.likeliest(own)
    if chance > FOUND and told.of_segment(segment)[-1] >= FEWEST_LIKES:
        return "audience", segment
    if chance > PROMISING and segment != asked:
        return "asking", segment
    if asked < 0:
        return "", -1
    return ("open" if asked != own and told.chance_of(asked) > OPEN else "asked"), asked


def _log_probability(x: Floats | float, n: Floats | float, rate: float) -> Floats:
    """Of x likes in n impressions in their order, where the rate is Beta with this mean, worth STRENGTH impressions."""
    a, b = STRENGTH * rate, STRENGTH * (1 - rate)
    return np.asarray(betaln(a + x, b + n - x) - betaln(a, b))
