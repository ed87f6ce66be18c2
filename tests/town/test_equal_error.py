"""Equal error: works made by hand, of which it is known whom they are for, and a small town."""

import numpy as np
import pytest

from fairshot.town.equal_error import LENGTHS, Curve, Works, curve, works_of
from fairshot.town.scenarios import Scenario

PEOPLE = 400


def works(n: int = 60, matched: bool = True) -> Works:
    """A third good, a third bad; a tenth of all people like a work, and everybody else a quarter as much."""
    rng = np.random.default_rng(0)
    rate = np.tile([0.45, 0.25, 0.1], n // 3)
    ahead = rng.permuted(np.tile((np.arange(PEOPLE) / PEOPLE)[:, None], (1, n)), axis=0)
    lovers = ahead if matched else rng.permuted(ahead, axis=0)
    likes = rate * np.where(lovers < 0.1, 1.0, 0.25)
    return Works(ahead, likes, np.zeros(n, np.int64), rate == 0.45, rate == 0.1)


def test_whom_a_work_is_for_tells_the_same_in_fewer_impressions() -> None:
    chosen, lot = curve(works(), True, 1), curve(works(), False, 1)
    assert (np.diff(chosen.impressions) > 0).all()
    assert chosen.error[0] > chosen.error[-1]
    short = LENGTHS.index(20.0)
    assert chosen.impressions[short] < 0.5 * lot.impressions_at(chosen.error[short])


def test_a_match_that_knows_nothing_saves_nothing() -> None:
    chosen, lot = curve(works(matched=False), True, 1), curve(works(matched=False), False, 1)
    short = LENGTHS.index(20.0)
    assert chosen.impressions[short] > 0.7 * lot.impressions_at(chosen.error[short])


def test_impressions_lie_between_those_of_two_lengths() -> None:
    found = Curve(np.array([10.0, 40.0, 100.0]), np.array([0.3, 0.1, 0.02]), np.array([0.1, 0.1, 0.02]))
    assert found.impressions_at(0.15) == pytest.approx(20.0)
    assert found.impressions_at(0.2) == 10.0
    assert found.impressions_at(0.3) == 10.0
    assert found.impressions_at(0.01) == 100.0, "so many at least"


def test_a_town_tells_of_its_new_works() -> None:
    found = works_of(Scenario(days=1, people=150, creators=40, new_creators=8, present=300), 1)
    people, n = found.ahead.shape
    assert people > 100
    assert n > 15
    assert found.likes.shape == (people, n)
    assert len(found.category) == len(found.good) == len(found.bad) == n
    assert not (found.good & found.bad).any()
    nearest = found.ahead < 0.1
    assert found.likes[nearest].mean() > 1.2 * found.likes[~nearest].mean()
