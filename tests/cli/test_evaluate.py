"""`fairshot evaluate`: figures on stdout, warnings on stderr, and reports that can be held against each other."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Command
from tests.evaluation.worlds import NOW, SMALL, catalogue, tastes

from fairshot.app import open_app
from fairshot.config import FILE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("evaluate")
    (folder / FILE).write_text(SMALL)
    with open_app(folder, clock=lambda: NOW) as app:
        app.ingest(tastes(), items=catalogue())
    return folder


def test_a_report_can_be_held_against_another(folder: Path, tmp_path: Path, fairshot_command: Command) -> None:
    done = fairshot_command("evaluate", "--data", folder, "--json")
    assert done.status == 0, done.stderr
    report = done.json
    assert (report["protocol"], report["seed"], report["k"], report["people"]) == ("random", 42, 10, 30)
    assert set(report["figures"][0]) == {"arm", "name", "value", "low", "high"}
    (tmp_path / "before.json").write_text(done.stdout)
    again = fairshot_command("evaluate", "--data", folder, "--json", "--against", tmp_path / "before.json")
    assert again.status == 0
    assert again.json["against"]["warnings"] == []
    assert all(change["change"] == 0 for change in again.json["against"]["changes"])
    assert len(again.json["against"]["changes"]) == len(report["figures"])
    other = fairshot_command("evaluate", "--data", folder, "--seed", 1, "--k", 5, "--against", tmp_path / "before.json")
    assert other.status == 0
    assert "these figures answer different questions: seed 42 then, 1 now; k 10 then, 5 now" in other.stderr
    assert "against the earlier report" in other.stdout


def test_what_is_no_report_is_told_before_anything_is_trained(
    folder: Path, tmp_path: Path, fairshot_command: Command
) -> None:
    (tmp_path / "no.json").write_text(json.dumps({"figures": []}))
    done = fairshot_command("evaluate", "--data", folder, "--against", tmp_path / "no.json")
    assert (done.status, len(done.stderr.splitlines())) == (1, 1)
    assert "is not a report" in done.stderr
    assert fairshot_command("evaluate", "--data", folder, "--against", tmp_path / "absent.json").status == 2


def test_the_frontier_is_a_table_a_document_and_a_picture(
    folder: Path, tmp_path: Path, fairshot_command: Command
) -> None:
    picture = tmp_path / "f.png"
    given = ("evaluate", "--data", folder, "--frontier", "--weights", "0.1,5", "--picture", picture)
    done = fairshot_command(*given, "--json")
    assert done.status == 0, done.stderr
    assert {"accuracy alone", "defaults", "fairness 0.1", "fairness 5", "EASE"} <= {
        p["arm"] for p in done.json["points"]
    }
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "EASE with a popularity discount" in fairshot_command(*given).stdout


@pytest.mark.parametrize("option", ["--seeds", "--weights"])
def test_what_are_no_numbers_is_a_usage_error(option: str, folder: Path, fairshot_command: Command) -> None:
    done = fairshot_command("evaluate", "--data", folder, "--frontier", option, "1,x")
    assert (done.status, len(done.stderr.splitlines())) == (2, 1)
    assert option in done.stderr


def test_weights_that_are_not_finite_are_a_usage_error(folder: Path, fairshot_command: Command) -> None:
    done = fairshot_command("evaluate", "--data", folder, "--frontier", "--weights", "0.1,nan")
    assert done.status == 2
    assert "--weights" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--frontier", "--protocol", "temporal"),
        ("--frontier", "--against", "FILE"),
        ("--protocol", "off-policy", "--peers"),
        ("--protocol", "new-items", "--peers"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    options: tuple[str, ...], folder: Path, tmp_path: Path, fairshot_command: Command
) -> None:
    (tmp_path / "FILE").write_text("{}")
    given = [tmp_path / "FILE" if option == "FILE" else option for option in options]
    done = fairshot_command("evaluate", "--data", folder, *given)
    assert (done.status, len(done.stderr.splitlines())) == (2, 1)
    assert "leave" in done.stderr


@pytest.mark.parametrize("option", [("--k", "0"), ("--protocol", "newest")])
def test_what_cannot_be_is_a_usage_error(option: tuple[str, str], folder: Path, fairshot_command: Command) -> None:
    assert fairshot_command("evaluate", "--data", folder, *option).status == 2
