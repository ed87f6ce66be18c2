"""Small logs for tests of the evaluation."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fairshot.core.arrays import HOUR, MICROSECONDS
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.core.records import iso

SMALL = """
[learning]
factors = 8
iterations = 3
hidden = [8, 8]
epochs = 40
least_examples = 10
negatives = 20
"""
NOW = 1_750_000_000 * MICROSECONDS


def batch_of(
    rows: list[tuple[int, int, int, int]], creators: dict[int, int] | None = None, stated: dict[int, str] | None = None
) -> EventBatch:
    """Rows of kind, person, item, time; creators: of items, whose records come first; stated: their creation."""
    records = [(int(Kind.ITEM), -1, item, 0) for item in creators or {}]
    rows, n = [*records, *rows], len(records) + len(rows)
    kind, user, item, at = zip(*rows, strict=True) if rows else ((),) * 4
    made = list((creators or {}).values())
    columns = {
        "seq": range(n),
        "kind": kind,
        "action": [0] * n,
        "at": at,
        "user": user,
        "item": item,
        "creator": made + [-1] * (n - len(made)),
        "value": [np.nan] * n,
        "position": [0] * n,
        "propensity": [np.nan] * n,
    }
    data = [{"created_at": stated[i]} if stated and k == Kind.ITEM and i in stated else None for k, _, i, _ in rows]
    return event_batch(columns, data, Sizes(users=4, items=9, creators=4))


def rows_of(*slates: ArrayLike) -> list[Any]:
    return [np.array(slate, dtype=np.int32) for slate in slates]


def tastes(people: int = 30, each: int = 12, items: int = 60) -> list[dict[str, Any]]:
    """Even people like even items, odd ones odd ones, some more than others; everybody in turn."""
    rng, events = np.random.default_rng(0), list[dict[str, Any]]()
    popular = 1 / (np.arange(items // 2) + 2)
    things = [rng.choice(items // 2, each, replace=False, p=popular / popular.sum()) for _ in range(people)]
    for place in range(each):
        for user in range(people):
            at = (NOW - 500 * HOUR) // MICROSECONDS + len(events) * 60
            name = f"i{2 * int(things[user][place]) + user % 2}"
            event = {"event_id": f"e{len(events)}", "kind": "like", "user_id": f"u{user}", "item_id": name, "at": at}
            events.append(event)
    return events


def catalogue(items: int = 60) -> list[dict[str, Any]]:
    return [{"id": f"i{n}", "creator_id": f"c{n % 30}", "title": f"theme{n % 2}"} for n in range(items)]


def arriving(people: int = 30, items: int = 80, each: int = 25) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Records and reactions of a catalogue to which items keep coming; taste is even and odd; the newest draw most."""
    rng, start, hour = np.random.default_rng(7), (NOW - 4000 * HOUR) // MICROSECONDS, 3600
    created = {f"i{n}": start + n * 40 * hour for n in range(items)}
    events = list[dict[str, Any]]()
    for visit in range(each):
        for user in range(people):
            at = start + (visit * people + user) * (items * 40 * hour) // (each * people) + hour
            there = [n for n in range(items) if created[f"i{n}"] < at and n % 2 == user % 2]
            if not there:
                continue
            item = there[-1 - min(int(rng.geometric(0.4)) - 1, len(there) - 1)]
            event = {
                "event_id": f"e{len(events)}",
                "kind": "like",
                "user_id": f"u{user}",
                "item_id": f"i{item}",
                "at": at,
            }
            events.append(event)
    records = [
        {
            "id": name,
            "creator_id": f"c{name}",
            "title": f"theme{int(name[1:]) % 2}",
            "created_at": iso(at * MICROSECONDS),
        }
        for name, at in created.items()
    ]
    return records, events
