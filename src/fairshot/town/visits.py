"""A visit: a person looks at slate after slate until patience ends, and reacts."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fairshot.core.answers import Feed
from fairshot.core.arrays import MICROSECONDS, Bools, Floats, Ints
from fairshot.core.events import Draft
from fairshot.town import behaviour
from fairshot.town.life import Change, Life
from fairshot.town.platform import Platform
from fairshot.town.records import Head, Shown

PAGE = 20 * MICROSECONDS
"""The time that a slate takes to look at."""


@dataclass(slots=True)
class Visit:
    """What came of a visit; entries: of its slates, for the log; events: feedback in reply; heads, shown: of `Run`."""

    person: int
    entries: list[Draft] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)


def visit(life: Life, platform: Platform, person: int, at: int, *, may_leave: bool) -> Visit:
    """Serve a person who comes at a moment; only the person's own state changes."""
    world, found = life.world, Visit(person)
    nature = world.scenario.nature
    # One number for each item: what somebody thinks of it at this visit does not depend on what else is shown.
    draws = world.rng("visit", person, at).random((3, len(world.items)), np.float32)
    patience = float(world.people.patience[person])
    met: list[str] = []
    for page in range(world.scenario.pages):
        platform.clock.now = now = at + page * PAGE
        feed, entry = platform.feed(person, world.scenario.slate, met)
        items = np.array([int(position.item_id[1:]) for position in feed.slate], np.int64)
        if len(items) == 0:
            break
        falls, likes, follows = draws[:, items]
        worth = life.worth(person, items, now)
        looked, patience = behaviour.looked_at(falls < behaviour.examination(len(items)), worth, patience, nature)
        liked = looked & (likes < behaviour.like_probability(worth, nature))
        explored, cost = _exploring(life, platform, person, worth)
        found.entries.append(entry)
        found.heads.append((now, person, page, cost))
        found.shown.append((items, looked, liked, explored, platform.tried(), worth))
        found.events += _reactions(feed, person, np.flatnonzero(liked), follows < nature.follow, now)
        life.satiate(person, items[looked])
        met += [position.item_id for position in feed.slate]
        if patience <= 0:
            break
    if found.shown:
        life.visited(person, _mean(found.shown), platform.clock.now, may_leave=may_leave)
    return found


def changed(life: Life, visits: Collection[Visit]) -> Change:
    """What these visits changed."""
    shown = [(items[looked], liked[looked]) for one in visits for items, looked, liked, *_ in one.shown]
    items, liked = zip(*shown, strict=True) if shown else ((), ())
    return life.change(
        np.array([one.person for one in visits], np.int64),
        np.concatenate([np.empty(0, np.int64), *items]),
        np.concatenate([np.empty(0, bool), *liked]),
    )


def _mean(shown: list[Shown]) -> float:
    """The mean utility of what was looked at, 0 of nothing."""
    worth = np.concatenate([worth[looked] for _, looked, _, _, _, worth in shown])
    return float(worth.mean()) if len(worth) else 0.0


def _exploring(life: Life, platform: Platform, person: int, worth: Floats) -> tuple[Bools, float]:
    """Which positions were filled for the item's sake, and the examination-weighted utility that it cost."""
    explored, instead = platform.explored()
    if not explored.any():
        return explored, 0.0
    names = platform.app.live.ids.items.ids(instead.tolist())
    other = life.worth(person, np.array([int(name[1:]) for name in names], np.int64), platform.clock.now)
    eye = behaviour.examination(len(worth))
    return explored, float(eye[: len(other)] @ other - eye @ worth)


def _reactions(feed: Feed, person: int, liked: Ints, follows: Bools, now: int) -> list[dict[str, Any]]:
    """Likes, each with the token of its position, and the follows that they become."""
    found: list[dict[str, Any]] = []
    for place in liked.tolist():
        position = feed.slate[place]
        # A second for each item that stands above.
        said = {"user_id": f"p{person}", "at": (now + (place + 1) * MICROSECONDS) / MICROSECONDS}
        name = f"{person}/{now}/{place}"
        like = {"event_id": f"like/{name}", "kind": "like", "item_id": position.item_id, "exposure": position.exposure}
        found.append(said | like)
        if follows[place]:
            follow = {"event_id": f"follow/{name}", "kind": "follow", "creator_id": position.creator_id}
            found.append(said | follow)
    return found
