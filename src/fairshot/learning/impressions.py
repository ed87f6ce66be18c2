"""Impressions in memory with what came of them: `attribution` run on a batch of events, for training."""

from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa

from fairshot.core.arrays import Array, Bools, Floats, Ints, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.learning.attribution import Mode, Rule, attributed
from fairshot.stores.analytics import connect


@dataclass(frozen=True, slots=True)
class Impressions:
    """Examined impressions and organic feedback, arrays of length n in the order of time.

    user, item: rows; at: microseconds; seq: the log's number of the slate, the report or the feedback; position:
    1-based, 0 where no slate is known; propensity: of the item at its position, NaN where unknown; weight:
    float32, 1 / p(examined); seconds: in view, NaN where not reported; labels: float32 (n, kinds), 1 where
    feedback of the kind was attributed; organic: feedback that no impression led to.
    """

    user: Rows
    item: Rows
    at: Array
    seq: Ints
    position: Ints
    propensity: Floats
    weight: Floats
    seconds: Floats
    labels: Floats
    organic: Bools

    def __len__(self) -> int:
        return len(self.user)


def attribute(events: EventBatch, kinds: FeedbackKinds, mode: Mode = "served") -> Impressions:
    """Impressions among events with their feedback, by the rules of `attribution`."""
    rule = Rule.of(kinds, mode)
    whole = (events.user >= 0) & (events.item >= 0)
    told = np.flatnonzero(whole & events.of(Kind.FEEDBACK) & (events.action >= 0))
    shown = np.flatnonzero(whole & events.of(Kind.SLATE, Kind.IMPRESSION))
    database = connect()
    try:
        impressions = ibis.memtable(_impressions(events, shown))
        feedback = ibis.memtable(_feedback(events, told, kinds))
        rows = attributed(impressions, feedback, rule).order_by("at", "seq", "position")
        return _gathered(database.to_pyarrow(rows), rule)
    finally:
        database.disconnect()


def _impressions(events: EventBatch, index: Ints) -> pa.Table:
    reported = events.kind[index] == Kind.IMPRESSION
    columns = {name: getattr(events, name)[index] for name in ("seq", "user", "item", "at", "position")}
    unknown = {
        "propensity": events.propensity[index],
        "seconds": np.where(reported, events.value[index], np.nan),
    }
    # NaN stands for unknown here, null there.
    nulls = {name: pa.array(values, from_pandas=True) for name, values in unknown.items()}
    return pa.table({**columns, **nulls, "reported": reported})


def _feedback(events: EventBatch, index: Ints, kinds: FeedbackKinds) -> pa.Table:
    columns = {name: getattr(events, name)[index] for name in ("seq", "user", "item", "at")}
    return pa.table({**columns, "action": pa.array(kinds.names, pa.string()).take(pa.array(events.action[index]))})


def _gathered(rows: pa.Table, rule: Rule) -> Impressions:
    def column(name: str) -> Array:
        values: Array = rows[name].to_numpy()
        return values

    labels = np.zeros((len(rows), len(rule.labels)), dtype=np.float32)
    for number, name in enumerate(rule.labels):
        labels[:, number] = column(name)
    return Impressions(
        user=column("user"),
        item=column("item"),
        at=column("at"),
        seq=column("seq"),
        position=column("position"),
        propensity=column("propensity"),
        weight=column("weight").astype(np.float32),
        seconds=column("seconds"),
        labels=labels,
        organic=column("organic"),
    )
