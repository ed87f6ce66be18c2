"""Replay: 5,000 moments of a log of a million events, beside folding the same log at once."""

import time

import numpy as np
from benchmarks.learning import Seconds

from fairshot.config import Config, load_config
from fairshot.core.arrays import Array
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Ids, Sizes
from fairshot.core.snapshot import Artifacts
from fairshot.replay import Replay
from fairshot.state import load_folds

EVENTS, MOMENTS = 1_000_000, 5000
SIZES = Sizes(users=20_000, items=50_000, creators=2000, labels=20)
VISIT = (*[Kind.SLATE] * 10, *[Kind.FEEDBACK] * 3, Kind.FOLLOW)
"""A slate of ten, three reactions and a follow."""


def log(config: Config) -> EventBatch:
    """A catalogue, then visits: people and items as unequal as they are."""
    rng = np.random.default_rng(0)
    visits = (EVENTS - SIZES.items) // len(VISIT)
    kind = np.tile(VISIT, visits)
    place = np.tile(np.arange(1, len(VISIT) + 1), visits)
    seq = SIZES.items + np.cumsum((kind != Kind.SLATE) | (place == 1))
    user = np.repeat(rng.zipf(1.3, visits) % SIZES.users, len(VISIT))
    item = np.where(kind == Kind.FOLLOW, -1, rng.zipf(1.2, len(kind)) % SIZES.items)
    creator = np.where(item >= 0, item % SIZES.creators, rng.integers(0, SIZES.creators, len(kind)))
    action = np.where(kind == Kind.FEEDBACK, rng.integers(0, len(config.kinds.names), len(kind)), -1)

    def after(first: Array | int, rest: Array) -> Array:
        return np.concatenate([np.broadcast_to(first, SIZES.items), rest])

    rows = np.arange(SIZES.items)
    start = 1_700_000_000_000_000
    columns = {
        "seq": after(rows + 1, seq),
        "kind": after(int(Kind.ITEM), kind),
        "action": after(-1, action),
        "at": after(start, start + 30_000_000 * np.repeat(np.arange(visits), len(VISIT))),
        "user": after(-1, user),
        "item": after(rows, item),
        "creator": after(rows % SIZES.creators, creator),
        "value": np.full(SIZES.items + len(kind), np.nan),
        "position": after(0, np.where(kind == Kind.SLATE, place, 0)),
        "propensity": after(0, np.where(kind == Kind.SLATE, 0.99, np.nan)),
    }
    records = [{"title": f"t{row}", "label_rows": [row % SIZES.labels]} for row in range(SIZES.items)]
    return event_batch(columns, [*records, *[None] * len(kind)], SIZES)


def seconds(events: EventBatch, config: Config, moments: Array) -> float:
    """How long it takes to stop at all these numbers of the log."""
    replay = Replay(events, load_folds(config.kinds), Ids(), config)
    start = time.perf_counter()
    for _ in replay.moments(moments, Artifacts()):
        pass
    return time.perf_counter() - start


def measure() -> list[Seconds]:
    """Stop at moments spread over the log; then once, at its end."""
    config = load_config()
    events = log(config)
    last = int(events.seq[-1])
    moments = np.linspace(SIZES.items, last, MOMENTS).astype(np.int64)
    ours, whole = seconds(events, config, moments), seconds(events, config, moments[-1:])
    name = f"{MOMENTS:,} moments of {len(events):,} events"
    return [Seconds(name, ours, "the same folded at once", whole, ours / whole, 15.0, ours <= 15.0)]
