"""Policies: each is a configuration of the real pipeline; the stages that only they need stand here.

popularity, recency and past use no models. engagement is the ordinary pipeline whose only value is what people's likely
reactions are worth; proven is engagement without the source that gives new items their turn; random_slot and fixed_rank
add one rule each to engagement. fairshot is the defaults.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np

from fairshot.config import Config, configured
from fairshot.core.arrays import DAY, Bools, Floats, Rows
from fairshot.core.candidates import Candidates
from fairshot.core.request import Context
from fairshot.core.slate import Slate, take_positions

HERE = "fairshot.town.policies"
EXPLORED = "explored"
"""How the note of a position begins that a rule of this module filled for the sake of the item."""

TOWN_SIZED: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "sources": {
            "followed": {"count": 20},
            "interest": {"count": 90},
            "session": {"count": 20},
            "trending": {"count": 10},
            "popular": {"count": 25},
            "runway": {"count": 20},
            "latent_cluster": {"count": 25},
            "fresh": {"count": 30, "among": 400},
        },
        "rerankers": {"diversity": {"among": 40}},
    }
)
"""Fewer candidates for a small catalogue, for every policy alike."""
_FOR_CREATORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sources": ("trials", "runway", "latent_cluster"),
        "filters": ("flood", "on_trial"),
        "rerankers": ("trial_slot",),
    }
)
"""What a platform that only predicts reactions does not have."""
LEARNING: Mapping[str, Any] = MappingProxyType(
    {
        "factors": 32,
        "text_dimensions": 32,
        "epochs": 12,
        "off_policy_slates": 100,
        "causal_slates": 50,
        "drift_tolerance": 10.0,
        "tolerance": 0.2,
    }
)
"""Models of the size that the log of a small town can teach, for every policy alike.

Nobody is there to say that a change is meant: from slates by popularity to those of a policy all features drift, and
what a ranker learned from the one is told of the other, and repeated by its retrieval, less well.
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """A configuration, and whether its stages read models; one that does is trained as the scenario says."""

    name: str
    config: Config
    trains: bool


def policy(name: str) -> Policy:
    """A policy by its name; raises KeyError for one that is not in `POLICIES`."""
    settings = _settings()
    trains = _CHANGES[name](settings)
    return Policy(name, configured(settings), trains)


def _settings() -> dict[str, Any]:
    """The defaults, sized for a town."""
    settings = tomllib.loads(files("fairshot").joinpath("defaults.toml").read_text("utf-8"))
    for kind, stages in TOWN_SIZED.items():
        for stage, options in stages.items():
            settings[kind][stage] |= options
    settings["learning"] |= LEARNING
    return settings


def _fairshot(_settings: dict[str, Any]) -> bool:
    return True


def _engagement(settings: dict[str, Any]) -> bool:
    plan = settings["pipeline"]
    plan["value"] = {"engagement": 1.0, "integrity": 1.0}
    for kind, extra in _FOR_CREATORS.items():
        plan[kind] = [name for name in plan[kind] if name not in extra]
    return True


def _proven(settings: dict[str, Any]) -> bool:
    _engagement(settings)
    settings["pipeline"]["sources"].remove("fresh")
    return True


def _random_slot(settings: dict[str, Any]) -> bool:
    _engagement(settings)
    settings["pipeline"]["sources"].insert(0, f"{HERE}:NewItems")
    settings["pipeline"]["blenders"].insert(0, f"{HERE}:RandomNewItem")
    return True


def _fixed_rank(settings: dict[str, Any]) -> bool:
    _engagement(settings)
    settings["pipeline"]["sources"].insert(0, f"{HERE}:SmallCreators")
    settings["pipeline"]["blenders"].insert(0, f"{HERE}:FixedRank")
    return True


def _plain(settings: dict[str, Any], source: str, term: str) -> None:
    plan = settings["pipeline"]
    plan |= {"sources": [f"{HERE}:{source}"], "features": [], "value": {f"{HERE}:{term}": 1.0}, "rerankers": []}
    plan["blenders"] = []


def _popularity(settings: dict[str, Any]) -> bool:
    _plain(settings, "Everything", "Popularity")
    return False


def _recency(settings: dict[str, Any]) -> bool:
    _plain(settings, "Everything", "Recency")
    return False


def _past(settings: dict[str, Any]) -> bool:
    _popularity(settings)
    settings["pipeline"]["blenders"] = ["random_slot"]
    settings["blenders"]["random_slot"]["share"] = 0.3
    return False


_CHANGES: Mapping[str, Callable[[dict[str, Any]], bool]] = MappingProxyType(
    {
        "popularity": _popularity,
        "recency": _recency,
        "engagement": _engagement,
        "proven": _proven,
        "random_slot": _random_slot,
        "fixed_rank": _fixed_rank,
        "fairshot": _fairshot,
        "past": _past,
    }
)
POLICIES = tuple(name for name in _CHANGES if name != "past")
"""The policies that can be compared, in the order of reports."""


@dataclass(frozen=True, slots=True)
class Everything:
    """All items with a record that the person has not met: what a plain order of the whole catalogue sorts."""

    def __call__(self, ctx: Context) -> Candidates:
        """The whole catalogue."""
        known: Bools = (ctx.snapshot.items["record"] > 0) & ~ctx.person.met
        return Candidates(np.flatnonzero(known).astype(np.int32))


@dataclass(frozen=True, slots=True)
class Popularity:
    """The number of reactions that speak for an item: the most liked first."""

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The approval of each candidate."""
        counts = ctx.snapshot.items["item_counts"][batch.rows]
        return np.asarray(counts @ (ctx.snapshot.feedback.preferences > 0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Recency:
    """Minus the age in days: the newest first."""

    def __call__(self, batch: Candidates, ctx: Context) -> Floats:
        """The recency of each candidate."""
        return np.asarray((ctx.snapshot.items["created_at"][batch.rows] - ctx.now) / DAY, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class NewItems:
    """`count` items drawn by lot among those that came within `days` and were shown less than `shown` times."""

    count: int = 30
    days: float = 7.0
    shown: int = 100

    def __call__(self, ctx: Context) -> Candidates:
        """New items."""
        rows = np.flatnonzero(_new(ctx, self.days, self.shown))
        drawn = ctx.rng("new_items").permutation(rows)[: self.count]
        return Candidates(drawn.astype(np.int32))


@dataclass(frozen=True, slots=True)
class RandomNewItem:
    """One position of the first `band` goes to a new item drawn by lot, whoever it may be for."""

    band: int = 3
    days: float = 7.0
    shown: int = 100

    def __call__(self, slate: Slate, ctx: Context) -> Slate:
        """The slate with the new item; what stood there and below moves down by one."""
        rng = ctx.rng("random_new_item")
        new = np.flatnonzero(_new(ctx, self.days, self.shown)[slate.pool.rows])
        if len(new) == 0 or len(slate) < self.band:
            return slate
        chosen, position = int(rng.choice(new)), int(rng.integers(self.band))
        return _lifted(slate, chosen, position, f"{EXPLORED}: a new item")


@dataclass(frozen=True, slots=True)
class SmallCreators:
    """`count` items, the newest first, of creators whose items were shown least."""

    count: int = 30

    def __call__(self, ctx: Context) -> Candidates:
        """Items of small creators."""
        rows = np.flatnonzero((ctx.snapshot.items["record"] > 0) & ~ctx.person.met)
        order = np.lexsort((rows, -ctx.snapshot.items["created_at"][rows], _shown_of_creator(ctx)[rows]))
        return Candidates(rows[order[: self.count]].astype(np.int32))


@dataclass(frozen=True, slots=True)
class FixedRank:
    """Of the candidates of the smallest creators the one of greatest value stands at a fixed rank, in every request.

    The smallest are those whose items were shown least: a tenth of the candidates.
    """

    rank: int = 3

    def __call__(self, slate: Slate, ctx: Context) -> Slate:
        """The slate with the small creator's item."""
        if len(slate) < self.rank:
            return slate
        shown = _shown_of_creator(ctx)[slate.pool.rows]
        small = np.flatnonzero(shown <= np.quantile(shown, 0.1))
        # The pool comes best value first.
        return _lifted(slate, int(small[0]), self.rank - 1, f"{EXPLORED}: a small creator")


def _new(ctx: Context, days: float, shown: int) -> Bools:
    items = ctx.snapshot.items
    came: Bools = (items["record"] > 0) & (items["created_at"] > ctx.now - days * DAY) & (items["served"] < shown)
    return came


def _shown_of_creator(ctx: Context) -> Rows:
    """How often the items of each item's creator were shown together, int (items,)."""
    items = ctx.snapshot.items
    creator = items["creator"]
    known = creator >= 0
    sums = np.bincount(creator[known], items["served"][known], minlength=1)
    return np.where(known, sums[np.maximum(creator, 0)], 0).astype(np.int64)


def _lifted(slate: Slate, chosen: int, position: int, note: str) -> Slate:
    """The slate with one candidate of the pool at a position; the others keep their order.

    Propensities stay as they are, as where the slot of a trial draws: only the lots that follow are reckoned with.
    """
    index, notes = slate.pool.places(slate.rows).tolist(), list(slate.notes)
    if chosen in index:
        place = index.index(chosen)
        del index[place], notes[place]
    index.insert(position, chosen)
    notes.insert(position, (note,))
    k = len(slate)
    return take_positions(slate, np.array(index[:k]), tuple(notes[:k]))
