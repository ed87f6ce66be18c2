"""`fairshot export`: what it writes and prints."""

from pathlib import Path

import pyarrow.parquet as pq
from tests.cli.conftest import Command


def test_export_writes_the_log_and_its_rows_and_then_only_what_is_new(
    world: Path, tmp_path: Path, fairshot_command: Command
):
    lake = tmp_path / "lake"
    slate = fairshot_command("feed", "u1", "--data", world, "--json")
    assert slate.status == 0
    done = fairshot_command("export", "--into", lake, "--attributed", "--data", world, "--json")
    assert done.status == 0, done.stderr
    shown = len(slate.json["slate"])
    assert (done.json["impressions"], done.json["events"], done.json["attributed"]["rows"]) == (shown, 14, 6)
    (rows,) = lake.glob("attributed/*/rows.parquet")
    assert pq.read_table(rows, partitioning=None)["organic"].to_pylist() == [True] * 6
    again = fairshot_command("export", "--into", lake, "--attributed", "--data", world)
    assert again.status == 0
    assert "impressions" in again.stdout
    assert fairshot_command("export", "--into", lake, "--data", world, "--json").json["events"] == 0


def test_export_says_what_is_wrong(tmp_path: Path, fairshot_command: Command):
    nothing = fairshot_command("export", "--into", tmp_path / "lake", "--data", tmp_path)
    assert (nothing.status, nothing.stdout) == (1, "")
    assert "holds no data yet" in nothing.stderr
    assert not (tmp_path / "lake").exists()
    assert fairshot_command("export").status == 2
