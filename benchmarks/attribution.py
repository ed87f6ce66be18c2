"""Attribution of ten million impressions and a million engagements: the Ibis expression beside hand-written SQL."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairshot.config import load_config
from fairshot.core.arrays import DAY
from fairshot.learning.attribution import LEAST_PROBABILITY, Rule, attributed
from fairshot.stores.analytics import connect

SLATES = 500_000
LENGTH = 20
ENGAGEMENTS = 1_000_000
ORGANIC = 50_000
"""Of the engagements, those with items that were not shown."""
PEOPLE = 100_000
ITEMS = 20_000
GOAL = 1.7
MOST_GIB = 4.0
REPEATS = 3
FOLDER = Path(tempfile.gettempdir()) / "fairshot-bench-attribution"


@dataclass(frozen=True, slots=True)
class Beside:
    """Seconds of ours and of the hand-written SQL, best of REPEATS; their ratio, peak memory and goals."""

    name: str
    rows: int
    ours_s: float
    beside: str
    beside_s: float
    ratio: float
    goal_ratio: float
    peak_gib: float
    goal_gib: float
    equal: bool
    holds: bool


def measure() -> list[Beside]:
    """Both ways in turn, each into a table; in a process of its own, so that its memory can be told."""
    prepare()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return [pool.apply(_measured)]


def _measured() -> Beside:
    database = connect()
    rule = Rule.of(load_config().kinds, "served")
    shown = database.read_parquet(str(FOLDER / "impressions.parquet"))
    told = database.read_parquet(str(FOLDER / "events.parquet"))
    ours = database.compile(attributed(shown, told, rule))
    ways = {"ours": ours, "hand": by_hand(rule)}
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(REPEATS):
        for name, query in ways.items():
            database.raw_sql(f"DROP TABLE IF EXISTS {name}")
            seconds[name] = min(seconds[name], timed(lambda: database.raw_sql(f"CREATE TABLE {name} AS {query}")))  # noqa: B023
    rows, equal = agreement(database)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ratio = seconds["ours"] / seconds["hand"]
    return Beside(
        "attribution, 10 M impressions, 1 M engagements",
        rows,
        seconds["ours"],
        "hand-written DuckDB SQL",
        seconds["hand"],
        ratio,
        GOAL,
        peak,
        MOST_GIB,
        equal,
        ratio <= GOAL and peak <= MOST_GIB and equal,
    )


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def agreement(database: Any) -> tuple[int, bool]:
    """How many rows there are, and whether both tables hold the same; weights to nine digits."""
    columns = "COLUMNS(* EXCLUDE weight), round(weight, 9)"
    (differences,) = database.raw_sql(
        f"""SELECT count(*) FROM (
            (SELECT {columns} FROM ours EXCEPT ALL SELECT {columns} FROM hand)
            UNION ALL (SELECT {columns} FROM hand EXCEPT ALL SELECT {columns} FROM ours))"""
    ).fetchone()
    ours, hand = (database.raw_sql(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("ours", "hand"))
    return ours, differences == 0 and ours == hand


def by_hand(rule: Rule) -> str:
    """The same rows in DuckDB's own SQL, in the fastest form found; it relies on there being no reports."""
    windows = " ".join(f"WHEN '{kind}' THEN {window}" for kind, window in rule.windows.items())
    kinds = ", ".join(f"'{kind}'" for kind in rule.windows)
    labels = ", ".join(f"max((action = '{kind}')::TINYINT) AS label_{kind}" for kind in rule.windows)
    filled = ", ".join(f"coalesce(label_{kind}, 0)::TINYINT AS label_{kind}" for kind in rule.windows)
    whole = '"user" IS NOT NULL AND item IS NOT NULL'
    return f"""
    WITH shown AS (FROM '{FOLDER}/impressions.parquet' WHERE NOT reported AND {whole}),
    told AS (SELECT seq, "user", item, "at", action, CASE action {windows} END AS reach
        FROM '{FOLDER}/events.parquet' WHERE action IN ({kinds}) AND {whole}),
    touches AS MATERIALIZED (SELECT told.seq AS source, any_value(action) AS action,
            max({{'at': shown."at", 'seq': shown.seq, 'position': shown.position}}) AS place
        FROM shown JOIN told ON shown."user" = told."user" AND shown.item = told.item
            AND shown."at" <= told."at" AND told."at" - shown."at" <= reach
        GROUP BY told.seq),
    answers AS MATERIALIZED (
        SELECT place.seq AS seq, place.position AS position, {labels} FROM touches GROUP BY 1, 2),
    deepest AS (SELECT seq, max(position) AS deepest FROM answers GROUP BY seq),
    met AS MATERIALIZED (SELECT shown.* FROM shown JOIN deepest ON shown.seq = deepest.seq AND position <= deepest),
    chances AS (SELECT position, greatest(met / sent, {LEAST_PROBABILITY}) AS p
        FROM (SELECT position, count(*) AS sent FROM shown GROUP BY position)
        JOIN (SELECT position, count(*) AS met FROM met GROUP BY position) USING (position))
    SELECT met.seq, met."user", met.item, met."at", met.position, met.propensity, NULL::DOUBLE AS seconds,
        FALSE AS organic, {filled}, 1 / p AS weight
    FROM met JOIN chances USING (position) LEFT JOIN answers USING (seq, position)
    UNION ALL
    SELECT min(seq), "user", item, min("at"), 0, NULL, NULL, TRUE, {labels}, 1.0
    FROM told ANTI JOIN touches ON told.seq = touches.source
    GROUP BY "user", item, "at" // {DAY}
    """


def prepare() -> None:
    """The two files, made once: slates of people who come back, and what they did with them."""
    if (FOLDER / "events.parquet").exists():
        return
    FOLDER.mkdir(exist_ok=True)
    database = connect()
    slates = f"""SELECT s AS seq, 'u' || hash(s) % {PEOPLE} AS "user",
            'i' || (p - 1 + {LENGTH} * floor({ITEMS // LENGTH} * pow(hash(s, p) % 1000000 / 1e6, 2))::BIGINT) AS item,
            1700000000000000 + s * 1000000 AS "at", p::INTEGER AS position, 1.0::DOUBLE AS propensity,
            NULL::DOUBLE AS seconds, FALSE AS reported
        FROM range({SLATES}) AS slates(s), range(1, {LENGTH + 1}) AS places(p)"""
    write(database, slates, "impressions")
    # Two answers to a slate, the first ones likelier; every tenth comes later than any window.
    kind = "list_extract(['view', 'like', 'share', 'purchase'], 1 + (hash(seq, n) % 4)::BIGINT)"
    shown = ENGAGEMENTS - ORGANIC
    answered = f"""SELECT seq, "user", item, {kind} AS action,
            "at" + ((hash(seq, n, 1) % 3600 + if(hash(seq, n, 2) % 10 = 0, 172800, 0)) * 1000000)::BIGINT AS "at"
        FROM '{FOLDER}/impressions.parquet', range(2) AS answers(n)
        WHERE position = 1 + floor({LENGTH} * pow(hash(seq, n, 3) % 1000000 / 1e6, 2))::INTEGER LIMIT {shown}"""
    organic = f"""SELECT s, 'u' || hash(s, 7) % {PEOPLE}, 'i' || hash(s, 8) % {ITEMS}, 'like',
            1700000000000000 + s * 10000000 FROM range({ORGANIC}) AS organic(s)"""
    told = f"""SELECT {SLATES} + row_number() OVER (ORDER BY "at", seq, "user", item, action) AS seq,
            "user", item, action, "at" FROM (({answered}) UNION ALL {organic}) ORDER BY "at" """
    write(database, told, "events")
    database.disconnect()


def write(database: Any, query: str, name: str) -> None:
    """A query's rows as a file that is whole or absent."""
    beside = FOLDER / f".{name}.tmp"
    database.raw_sql(f"COPY ({query}) TO '{beside}' (FORMAT parquet)")
    beside.replace(FOLDER / f"{name}.parquet")
