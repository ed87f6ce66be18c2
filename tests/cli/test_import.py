"""`fairshot import`: reports, exit statuses, and what a dry run leaves alone."""

from pathlib import Path

from tests.cli.conftest import Command


def broken(folder: Path) -> Path:
    path = folder / "items.csv"
    path.write_text("id,creator_id,price\na,c,1\nb,c,cheap\nc,c\nd,c,2\n")
    return path


def test_rejected_rows_are_status_1_and_the_good_ones_kept(tmp_path: Path, fairshot_command: Command) -> None:
    done = fairshot_command("import", broken(tmp_path), "--data", tmp_path / "data")
    assert done.status == 1
    assert "line 3: price: is not a number: 'cheap'" in done.stderr
    assert "line 4: has 2 cells where the header has 3" in done.stderr
    assert "items.csv.rejected.csv" in done.stderr
    again = fairshot_command("import", broken(tmp_path), "--data", tmp_path / "data", "--json")
    (report,) = again.json["files"]
    assert (report["accepted"], report["duplicate"], report["rejected"]) == (0, 2, 2)
    assert report["first_rejected"][0] == {"line": 3, "field": "price", "reason": "is not a number: 'cheap'"}


def test_a_dry_run_reports_and_changes_nothing(tmp_path: Path, fairshot_command: Command) -> None:
    path = broken(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = fairshot_command("import", path, "--data", tmp_path / "data", "--dry-run", "--json")
    assert done.status == 1
    assert done.json["dry_run"] is True
    assert (done.json["files"][0]["accepted"], done.json["files"][0]["rejected"]) == (2, 2)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_on_a_folder_with_data_changes_nothing_either(
    world: Path, tmp_path: Path, fairshot_command: Command
) -> None:
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    done = fairshot_command("import", broken(tmp_path), "--data", world, "--dry-run")
    assert done.status == 1
    assert "would be accepted" in done.stdout
    assert {path: path.read_bytes() for path in world.rglob("*") if path.is_file()} == before


def test_no_file_is_imported_when_one_is_hopeless(tmp_path: Path, fairshot_command: Command) -> None:
    (tmp_path / "users.csv").write_text("id\nu\n")
    (tmp_path / "events.csv").write_text("")
    done = fairshot_command("import", tmp_path / "users.csv", tmp_path / "events.csv", "--data", tmp_path / "data")
    assert (done.status, "events.csv is empty" in done.stderr) == (1, True)
    assert not (tmp_path / "data").exists()


def test_ratings_of_somebody_else_in_one_command(tmp_path: Path, fairshot_command: Command) -> None:
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n")
    fields = [("userId", "user_id"), ("movieId", "item_id"), ("rating", "value"), ("timestamp", "at")]
    mapped = [word for column, field in fields for word in ("--map", f"{column}={field}")]
    arguments = ("import", tmp_path / "ratings.csv", "--set", "kind=view", *mapped, "--data", tmp_path / "data")
    assert fairshot_command(*arguments).status == 0
    assert fairshot_command(*arguments, "--json").json["files"][0]["duplicate"] == 1
