"""Unexpected audiences: found where they are, not where chance is on their side."""

from math import comb

import numpy as np
import pytest
from scipy.stats import betabinom

from fairshot.core.trial import EVIDENCE, POSITIONS, Trials
from fairshot.decisions.audiences import (
    FEWEST_LIKES,
    FOUND,
    OPEN,
    PROMISING,
    STRENGTH,
    TIMES,
    UNEXPECTED,
    Responses,
    answer,
)

EXAMINED = Trials().examined


def people(segments: list[int], likes: list[bool]) -> np.ndarray:
    """One person each, of one segment, all asked at the first position."""
    entries = np.zeros(len(segments) + sum(likes), EVIDENCE)
    entries["user"][: len(segments)] = np.arange(len(segments))
    entries["segments"] = -1
    entries["segments"][: len(segments), 0] = segments
    entries["user"][len(segments) :] = np.flatnonzero(likes)
    entries["answer"][len(segments) :] = 1
    entries["at"] = np.arange(len(entries))
    return entries


def responses(entries: np.ndarray, mean: float = 0.1) -> Responses:
    return Responses.of(entries, mean, EXAMINED)


def found(entries: np.ndarray, own: int = -1, mean: float = 0.1) -> tuple[int, int, int] | None:
    told = responses(entries, mean)
    segment, chance = told.likeliest(own)
    counted = told.of_segment(segment)
    return counted if chance > FOUND and counted[-1] >= FEWEST_LIKES else None


def test_an_unexpected_audience_is_found_and_chance_is_not() -> None:
    segments = [0] * 40 + [1] * 40 + [2] * 10
    likes = [n < 2 for n in range(40)] + [n < 3 for n in range(40)] + [n < 5 for n in range(10)]
    assert found(people(segments, likes), mean=0.08) == (2, 10, 5)
    rng, wrong, right = np.random.default_rng(1), 0, 0
    for _ in range(400):
        drawn = rng.integers(0, 8, 160)
        wrong += found(people(drawn.tolist(), (rng.random(160) < 0.1).tolist())) is not None
        theirs = rng.random(160) < np.where(drawn == 5, 0.45, 0.08)
        right += (found(people(drawn.tolist(), theirs.tolist())) or (-1,))[0] == 5
    assert wrong / 400 < 0.03
    assert right / 400 > 0.6
    assert found(people([3] * 30, [True] * 30)) is None, "it is all there are: nobody likes it less"
    assert found(people([], [])) is None


def test_chances_are_those_of_exclusive_hypotheses() -> None:
    segments, likes = [0] * 30 + [1] * 12, [n < 3 for n in range(30)] + [n < 6 for n in range(12)]

    def probability(x: int, n: int, mean: float) -> float:
        # Of one order of likes: the beta-binomial counts them all.
        return float(betabinom.pmf(x, n, STRENGTH * mean, STRENGTH * (1 - mean))) / comb(n, x)

    factor = probability(6, 12, TIMES * 0.1) * probability(3, 30, 0.1) / probability(9, 42, 0.1) * UNEXPECTED / 2
    told = responses(people(segments, likes))
    assert told.chance.tolist() == pytest.approx([0.0, factor / (1 - UNEXPECTED + factor)])
    assert told.likeliest(-1) == (1, told.chance_of(1))
    assert told.likeliest(1) == (-1, 0.0)
    assert told.of_segment(1) == (1, 12, 6)
    assert told.chance_of(9) == 0, "nobody of it was asked"


def test_what_may_be_an_audience_is_told_apart_from_what_is() -> None:
    segments = [0] * 40 + [1] * 40 + [2] * 9
    likes = [n < 4 for n in range(40)] + [n < 5 for n in range(40)] + [n < 4 for n in range(9)]
    told = responses(people(segments, likes))
    assert PROMISING < told.chance_of(2) < FOUND
    assert told.chance_of(0) < OPEN


def test_what_the_own_audience_explains_needs_no_other() -> None:
    """Everybody who likes the item has its own label first, and half of them another one second."""
    segments = [0] * 40 + [1] * 20
    entries = people(segments, [n < 8 for n in range(20)] + [n < 8 for n in range(20)] + [False] * 20)
    entries["segments"][:20, 1] = 2
    assert found(entries) is not None
    assert found(entries, own=0) is None


def test_what_very_many_told_is_told_apart_still() -> None:
    rng = np.random.default_rng(2)
    halves = np.repeat([0, 1], 2048)
    told = responses(people(halves.tolist(), (rng.random(4096) < np.where(halves, 0.9, 0.02)).tolist()))
    assert told.chance.tolist() == pytest.approx([0, 1])


@pytest.mark.parametrize(
    ("chances", "own", "asked", "said"),
    [
        ([0.02, 0.01], -1, -1, ("", -1)),
        ([0.02, 0.3], -1, -1, ("asking", 1)),
        ([0.02, 0.9], -1, -1, ("audience", 1)),
        ([0.02, 0.9], 1, -1, ("", -1)),
        ([0.12, 0.01], -1, 0, ("open", 0)),
        ([0.04, 0.01], -1, 0, ("asked", 0)),
        ([0.12, 0.3], -1, 0, ("asking", 1)),
        ([0.5, 0.3], -1, 0, ("open", 0)),
        ([0.5, 0.01], 0, 0, ("asked", 0)),
        ([0.5, 0.3], 0, 0, ("asking", 1)),
        ([0.0, 0.0], -1, 7, ("asked", 7)),
    ],
)
def test_what_is_said_of_an_audience(chances: list[float], own: int, asked: int, said: tuple[str, int]) -> None:
    likes = np.array([FEWEST_LIKES, FEWEST_LIKES])
    assert answer(Responses(np.arange(2), np.array(chances), likes, likes), own, asked) == said


def test_an_audience_is_not_found_by_the_likes_of_two() -> None:
    likes = np.array([FEWEST_LIKES - 1])
    assert answer(Responses(np.arange(1), np.array([0.9]), likes, likes), -1, -1) == ("asking", 0)


def test_whose_second_label_it_is_speaks_for_it_too_and_whose_third_hardly() -> None:
    """Nobody likes label 2 best; who has it at another place responds."""
    for place, counted in ((1, (2, 16, 10)), (2, None)):
        entries = people([0] * 20 + [1] * 20, [n % 20 < 5 for n in range(40)])
        entries["segments"][:40, place] = [2 if n % 20 < 8 else -1 for n in range(40)]
        if place == 2:
            entries["segments"][:40, 1] = 3
        assert found(entries, mean=0.08) == counted


def test_a_position_that_is_looked_at_less_tells_less() -> None:
    entries = people([0] * 40 + [1] * 10, [n < 4 for n in range(40)] + [n < 4 for n in range(10)])
    first = responses(entries).chance_of(1)
    entries["cell"][:40] = POSITIONS - 1
    assert responses(entries).chance_of(1) < first, "others looked at it half as often, and liked it all the same"
