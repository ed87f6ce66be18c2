"""Small tables of impressions and feedback, and attribution of them said in the slowest obvious way."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from fairshot.core.arrays import DAY
from fairshot.learning.attribution import LEAST_PROBABILITY, LEAST_SECONDS, Rule

Row = dict[str, Any]

IMPRESSIONS = pa.schema(
    {
        "seq": pa.int64(),
        "user": pa.string(),
        "item": pa.string(),
        "at": pa.int64(),
        "position": pa.int32(),
        "propensity": pa.float64(),
        "seconds": pa.float64(),
        "reported": pa.bool_(),
    }
)
FEEDBACK = pa.schema(
    {"seq": pa.int64(), "user": pa.string(), "item": pa.string(), "at": pa.int64(), "action": pa.string()}
)


def tables(impressions: Iterable[Row], feedback: Iterable[Row]) -> tuple[pa.Table, pa.Table]:
    """As the expression takes them."""
    return pa.Table.from_pylist(list(impressions), IMPRESSIONS), pa.Table.from_pylist(list(feedback), FEEDBACK)


def slowly(impressions: list[Row], feedback: list[Row], rule: Rule) -> list[Row]:
    """What `attributed` promises."""
    impressions = [row for row in impressions if row["user"] is not None and row["item"] is not None]
    told = [f for f in feedback if f["user"] is not None and f["item"] is not None and f["action"] in rule.windows]
    sent = [{**row, "seconds": None, "reports": []} for row in impressions if not row["reported"]]
    alone = []
    for report in (row for row in impressions if row["reported"]):
        slate = last_touch(sent, report, rule.longest)
        if slate is None:
            alone.append({**report, "position": 0, "reports": [report]})
        else:
            slate["reports"].append(report)
    for row in sent:
        row["seconds"] = in_view(row["reports"])
    if rule.mode == "reported":
        shown = [row for row in sent + alone if row["reports"] and long_enough(row["seconds"])]
    else:
        shown = sent
    for row in shown:
        row["kinds"] = set()
    organic: dict[tuple[str, str, int], list[Row]] = defaultdict(list)
    for one in told:
        touched = last_touch(shown, one, rule.windows[one["action"]])
        if touched is None:
            organic[one["user"], one["item"], one["at"] // DAY].append(one)
        else:
            touched["kinds"].add(one["action"])
    if rule.mode == "served":
        shown = [
            row
            for row in sent
            if any(o["seq"] == row["seq"] and o["position"] >= row["position"] and o["kinds"] for o in sent)
        ]
    weights = weights_of(sent, shown)
    rows = [as_row(row, row["kinds"], rule, organic=False, weight=weights.get(row["position"], 1.0)) for row in shown]
    for (user, item, _), group in organic.items():
        at, seq = min((f["at"], f["seq"]) for f in group)
        first = {"user": user, "item": item, "at": at, "seq": seq}
        blank = {"position": 0, "propensity": None, "seconds": None}
        rows.append(as_row({**first, **blank}, {f["action"] for f in group}, rule, organic=True, weight=1.0))
    return in_order(rows)


def last_touch(shown: list[Row], told: Row, window: int) -> Row | None:
    """The last impression before it of the same pair, None where it is too long ago."""
    before = [
        row
        for row in shown
        if row["user"] == told["user"] and row["item"] == told["item"] and 0 <= told["at"] - row["at"] <= window
    ]
    return max(before, key=lambda row: (row["at"], row["seq"], row["position"]), default=None)


def in_view(reports: list[Row]) -> float | None:
    """Seconds of all reports together."""
    seconds = [report["seconds"] for report in reports]
    return None if not seconds or None in seconds else math.fsum(seconds)


def long_enough(seconds: float | None) -> bool:
    """Whether that counts as examined."""
    return seconds is None or seconds >= LEAST_SECONDS


def weights_of(sent: list[Row], examined: list[Row]) -> Mapping[int, float]:
    """1 / p(examined) of each position."""
    shown: dict[int, int] = defaultdict(int)
    met: dict[int, int] = defaultdict(int)
    for row in sent:
        shown[row["position"]] += 1
    for row in examined:
        met[row["position"]] += row["position"] > 0
    return {position: 1 / max(met[position] / count, LEAST_PROBABILITY) for position, count in shown.items()}


def as_row(row: Row, kinds: set[str], rule: Rule, *, organic: bool, weight: float) -> Row:
    """A training row in the columns of `attributed`."""
    names = ("seq", "user", "item", "at", "position", "propensity", "seconds")
    labels = {f"label_{kind}": int(kind in kinds) for kind in rule.windows}
    return {**{name: row[name] for name in names}, "organic": organic, **labels, "weight": weight}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows sorted, so that two tables compare; no two rows share all of these."""
    return sorted(rows, key=lambda row: (row["seq"], row["position"], row["user"], row["item"], row["organic"]))


def same(found: Iterable[Row], expected: Iterable[Row]) -> bool:
    """Whether two tables hold the same rows, floats to twelve digits."""
    return [_rounded(row) for row in in_order(found)] == [_rounded(row) for row in in_order(expected)]


def _rounded(row: Row) -> Row:
    return {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in row.items()}
