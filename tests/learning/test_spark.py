"""The same expression on Spark: the code of docs/how-to/spark.md, as it stands there, against DuckDB."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.learning.logs import Row, same

from fairshot.app import open_app
from fairshot.config import FILE
from fairshot.core.arrays import HOUR, MICROSECONDS
from fairshot.learning.attribution import Rule
from fairshot.learning.attribution_days import load, update
from fairshot.stores.analytics import connect
from fairshot.stores.export import export

QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Java for a short life: little time for compiling what runs once."""
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "spark.md"
MISSING = [name for name, found in {"Java": shutil.which("java"), "pyspark": find_spec("pyspark")}.items() if not found]


@pytest.fixture(autouse=True)
def _needs_spark() -> None:
    if MISSING and os.environ.get("FAIRSHOT_REQUIRE_SPARK"):
        pytest.fail(f"not found: {' and '.join(MISSING)}")
    if MISSING:
        pytest.skip(f"not found: {' and '.join(MISSING)}; `make spark` brings pyspark, your system Java")


def lived(folder: Path, mode: str) -> Rule:
    """A data directory with a few days of slates, reports and feedback, exported into folder/lake."""
    data, now = folder / "fairshot-data", [1_700_000_000 * MICROSECONDS]
    data.mkdir(parents=True)
    (data / FILE).write_text(f'[impressions]\nmode = "{mode}"\n[feedback.like]\nwindow_hours = 1.5\n')
    rng = np.random.default_rng(5)
    with open_app(data, clock=lambda: now[0]) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n % 3}"} for n in range(12)])
        events = 0
        for _ in range(60):
            user = f"u{rng.integers(6)}"
            slate = app.feed(user, limit=5).slate
            said = []
            for place in slate:
                token = {"user_id": user, "item_id": place.item_id, "exposure": place.exposure}
                if rng.random() < 0.6:
                    said.append({"kind": "impression", "value": float(rng.integers(0, 8)) / 4, **token})
                if rng.random() < 0.3:
                    said.append({"kind": str(rng.choice(["view", "like", "purchase"])), **token})
            said.append({"kind": "like", "user_id": user, "item_id": f"i{rng.integers(12)}"})
            for one in said:
                now[0] += int(rng.integers(1, HOUR))
                events += 1
                receipt = app.ingest([{"event_id": f"e{events}", **one}])
                assert receipt.accepted == 1, receipt
        rule = Rule.of(app.config.kinds, app.config.impressions.mode)
    export(data / "fairshot.db", folder / "lake")
    return rule


def test_the_block_of_the_document_gives_on_spark_what_duckdb_gives(tmp_path: Path):
    modes = ("served", "reported")
    rules = {mode: lived(tmp_path / mode, mode) for mode in modes}
    (block,) = re.findall(r"^```python\n(.*?)^```", HOW_TO.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    # One process for both: to start Java takes longer than all the rest.
    jobs = [re.sub(r'"(fairshot-data|lake|rows)', rf'"{tmp_path}/{mode}/\1', block) for mode in modes]
    options = ("spark.ui.enabled=false", "spark.sql.shuffle.partitions=2", f"spark.driver.extraJavaOptions={QUICK}")
    local = " ".join(["--master local[2]", *(f"--conf '{option}'" for option in options), "pyspark-shell"])
    there = {**os.environ, "PYSPARK_SUBMIT_ARGS": local, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", "\n".join(jobs)], env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for mode in modes:
        found = pq.read_table(tmp_path / mode / "rows").to_pylist()
        assert len(found) > 100
        assert {row["organic"] for row in found} == {True, False}
        assert any(row["weight"] > 1 for row in found)
        assert any(row["seconds"] for row in found)
        assert same(found, on_duckdb(tmp_path / mode / "lake", rules[mode]))


def on_duckdb(lake: Path, rule: Rule) -> list[Row]:
    """The same rows by way of the days' files."""
    update(lake, rule)
    database = connect()
    try:
        rows: list[Row] = database.to_pyarrow(load(database, lake)).to_pylist()
        return rows
    finally:
        database.disconnect()
