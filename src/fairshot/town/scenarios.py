"""Scenarios: what a town is like. Everything here is the same for every policy that is tried in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from fairshot.core.errors import FairshotError


@dataclass(frozen=True, slots=True)
class Nature:
    """How people behave. Times in days, satiation in impressions of a topic."""

    satiation_half_life: float = 0.5
    satiation_strength: float = 0.10
    ageing_half_life: float = 10.0
    ageing_floor: float = 0.4
    like_slope: float = 2.0
    """How steeply the chance of a like rises with utility; at a utility of 0.1 it is 18 %."""
    patience: float = 9.0
    """Examined items that bring nothing after which a visit ends, on average."""
    relief: float = 2.0
    """How many such items one item of full utility makes up for."""
    memory: float = 0.25
    """The weight of the last visit in what a person thinks of the platform."""
    follow: float = 0.05
    """The chance that a like becomes a follow."""
    seen_days: int = 4
    """A creator looks at the views of so many days."""
    least_views: float = 50.0
    """The median creator leaves when they had fewer than this in those days."""


NATURE = Nature()


@dataclass(frozen=True, slots=True)
class Scenario:
    """The sizes of a town and the rules of its life; docs/ideas/town.md says why each number is what it is.

    days: of the run; past_days: of slates in the log that every policy starts from; own_likes: how many items a person
    liked before that, found by themselves, on average; tick_minutes: people who come within one tick see the state of
    its beginning; train_days: a new snapshot so often; visits: of a person a day, on average; present: items that exist
    at the beginning; output: items a day of a creator, on average.
    """

    name: str = "town"
    days: int = 14
    past_days: int = 2
    tick_minutes: int = 30
    train_days: int = 7
    people: int = 2000
    new_people: int = 0
    """More people, who come for the first time during the run, the wave in its second quarter."""
    creators: int = 300
    new_creators: int = 60
    """So many of the creators join during the run, evenly over its first three quarters."""
    late_creators: int = 0
    """So many of the others publish nothing before the run begins: the past is the old creators' alone."""
    present: int = 3000
    output: float = 0.5
    topics: int = 16
    loves: int = 3
    """So many topics each person cares for clearly, for the others little."""
    first_works: int = 3
    """Items that a creator who joins during the run brings along."""
    crossed_creators: int = 0
    """So many of the new creators make good works of one topic whose text and labels speak of another."""
    prolific_output: float = 0.0
    """Items a day of one new creator who floods the platform; 0: there is none."""
    own_likes: float = 12.0
    visits: float = 0.9
    slate: int = 10
    pages: int = 4
    """Slates of one visit, at most."""
    described: bool = True
    """Whether records bring title, text and labels; without, they name the item and its creator alone."""
    nature: Nature = NATURE

    @property
    def ticks(self) -> int:
        """Ticks of a day."""
        return 24 * 60 // self.tick_minutes

    @property
    def all_people(self) -> int:
        """Everybody who may ever come."""
        return self.people + self.new_people


_TABLE = (
    Scenario(),
    Scenario(name="head_start", late_creators=180),
    Scenario(name="prolific", prolific_output=500.0),
    Scenario(name="niche", crossed_creators=40),
    Scenario(name="newcomers", new_people=800),
    Scenario(name="tiny_audiences", topics=48, loves=1),
    Scenario(name="no_text", described=False),
    Scenario(name="few_requests", visits=Scenario().visits / 4),
    Scenario(name="heavy_satiation", nature=replace(NATURE, satiation_strength=3 * NATURE.satiation_strength)),
)
SCENARIOS: Mapping[str, Scenario] = MappingProxyType({one.name: one for one in _TABLE})


def scenario(name: str, *, days: int | None = None, people: int | None = None) -> Scenario:
    """A scenario by its name; with other days or fewer people everything else shrinks in proportion.

    Raises FairshotError that names the known ones.
    """
    if name not in SCENARIOS:
        raise FairshotError(f"no scenario {name!r}; there are: {', '.join(SCENARIOS)}")
    found = SCENARIOS[name]
    if people is not None:
        found = _scaled(found, people / found.people)
    return found if days is None else replace(found, days=days, past_days=min(found.past_days, max(1, days // 2)))


def _scaled(whole: Scenario, share: float) -> Scenario:
    """The same town with a share of its inhabitants: what lives of attention shrinks with those who give it."""
    sizes: dict[str, Any] = {
        name: round(getattr(whole, name) * share)
        for name in ("people", "new_people", "creators", "new_creators", "late_creators", "crossed_creators", "present")
    }
    least = {"people": 2, "creators": 4, "new_creators": 2, "present": 200}
    kept: dict[str, Any] = {
        name: max(size, least.get(name, 1)) if getattr(whole, name) else 0 for name, size in sizes.items()
    }
    return replace(whole, **kept, prolific_output=whole.prolific_output * share)
