"""Each command on a small world: what it prints, and the exit status."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Command

import fairshot
from fairshot.cli import init
from fairshot.cli.application import application, run
from fairshot.config import FILE, load_config
from fairshot.core.errors import FairshotError

CONTRACT = {"demo", "data", "init", "import", "train", "serve", "feed", "explain", "evaluate", "reproduce", "bench"} | {
    "doctor",
    "keys",
    "moderate",
    "tune",
    "rollback",
}


def test_every_command_is_there_with_examples(fairshot_command: Command) -> None:
    shown = fairshot_command("--help")
    assert shown.status == 0
    for name in CONTRACT:
        assert f" {name} " in shown.stdout
    for info in application.registered_commands:
        assert "Examples:" in (info.help or ""), info.name
        assert "--help" in fairshot_command(str(info.name), "--help").stdout


def test_help_needs_none_of_the_large_libraries() -> None:
    code = "import sys; from fairshot.cli.application import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "jax", "pyarrow", "litestar", "fairshot.app"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "a command is missing"),
        (["serv"], "No such command 'serv'"),
        (["feed"], "Missing argument 'USER'"),
        (["feed", "u", "--limit", "0"], "Invalid value for '--limit'"),
        (["import", "x.csv", "--map", "a"], "write it as NAME=NAME"),
        (["import", "x.csv", "--kind", "films"], "films"),
        (["reproduce", "nothing"], "no reproduction 'nothing'"),
        (["moderate", "remove", "i1"], "Missing option '--reason'"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments: list[str], words: str, fairshot_command: Command) -> None:
    done = fairshot_command(*arguments)
    assert done.status == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["feed", "u"], ["explain", "r"], ["train"], ["rollback"], ["evaluate"], ["doctor"]]
)
def test_a_folder_without_data_is_status_1_and_stays_as_it_is(
    arguments: list[str], tmp_path: Path, fairshot_command: Command
) -> None:
    done = fairshot_command(*arguments, "--data", tmp_path / "none")
    assert done.status == 1
    assert done.stderr.startswith("fairshot: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_the_environment_names_the_data_directory(
    world: Path, fairshot_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRSHOT_DATA", str(world))
    assert len(fairshot_command("feed", "u0", "--limit", 3, "--json").json["slate"]) == 3


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fairshot.cli.init.Path.mkdir", interrupted)
    assert run(["init", "somewhere"]) == 130
    assert capsys.readouterr().err == ""


def test_errors_of_the_system_are_one_line(fairshot_command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = fairshot_command("init", tmp_path / "file")
    assert (done.status, len(done.stderr.splitlines())) == (1, 1)
    assert str(tmp_path / "file") in done.stderr


@pytest.mark.parametrize("user", ["", "a\nb", "a\x00b", "x" * 300])
def test_nobody_can_be_called_so(user: str, world: Path, fairshot_command: Command) -> None:
    done = fairshot_command("feed", user, "--data", world)
    assert (done.status, len(done.stderr.splitlines())) == (2, 1)
    assert "user_id" in done.stderr


def test_feed_then_explain(world: Path, fairshot_command: Command) -> None:
    table = fairshot_command("feed", "u0", "--data", world)
    assert table.status == 0
    assert "Item" in table.stdout
    assert "degraded" in table.stderr
    answer = fairshot_command("feed", "stranger", "--data", world, "--limit", 4, "--json").json
    assert [position["position"] for position in answer["slate"]] == [1, 2, 3, 4]
    told = fairshot_command("explain", answer["request_id"], "--data", world, "--json").json
    assert [p["item_id"] for p in told["slate"]] == [p["item_id"] for p in answer["slate"]]
    shown = fairshot_command("explain", answer["request_id"], "--data", world)
    assert "Funnel" in shown.stdout
    assert "filters.moderated" in shown.stdout
    assert fairshot_command("explain", "nothing", "--data", world).status == 1


def test_a_removed_item_is_in_no_slate_until_it_is_restored(world: Path, fairshot_command: Command) -> None:
    def slate() -> set[str]:
        return {p["item_id"] for p in fairshot_command("feed", "new", "--data", world, "--json").json["slate"]}

    assert "i1" in slate()
    assert fairshot_command("moderate", "remove", "i1", "--reason", "spam", "--data", world).status == 0
    assert "i1" not in slate()
    assert fairshot_command("moderate", "restore", "i1", "--reason", "appeal", "--data", world).status == 0
    flagged = fairshot_command("moderate", "flag", "i2", "--reason", "x", "--severity", 0.5, "--data", world)
    assert flagged.status == 0
    unknown = fairshot_command("moderate", "remove", "none", "--reason", "x", "--data", world)
    assert (unknown.status, "there is no item 'none'" in unknown.stderr) == (1, True)
    wrong = fairshot_command("moderate", "remove", "i2", "--reason", "x", "--severity", 0.5, "--data", world)
    assert wrong.status == 1


def test_keys_are_made_listed_and_revoked(tmp_path: Path, fairshot_command: Command) -> None:
    made = fairshot_command("keys", "create", "shop", "--scope", "serve", "--scope", "ingest", "--data", tmp_path)
    secret = made.stdout.strip()
    listed = fairshot_command("keys", "list", "--data", tmp_path, "--json")
    (key,) = listed.json
    assert (key["name"], key["scopes"], key["revoked"]) == ("shop", "serve ingest", "")
    assert secret
    assert secret not in listed.stdout
    assert fairshot_command("keys", "revoke", key["id"], "--data", tmp_path).status == 0
    assert fairshot_command("keys", "list", "--data", tmp_path, "--json").json[0]["revoked"]
    assert fairshot_command("keys", "revoke", key["id"], "--data", tmp_path).status == 1
    assert fairshot_command("keys", "create", "x", "--scope", "everything", "--data", tmp_path).status == 1


def test_init_explains_every_option_and_overwrites_nothing(tmp_path: Path, fairshot_command: Command) -> None:
    folder = tmp_path / "new"
    assert fairshot_command("init", folder).status == 0
    text = (folder / FILE).read_text()
    assert load_config(folder, {}) == load_config(None, {})
    (folder / FILE).write_text("".join(line.removeprefix("#") if line[1:2] != " " else line for line in _lines(text)))
    assert load_config(folder, {}) == load_config(None, {})
    (folder / FILE).write_text("[learning]\nfactors = 32\n")
    refused = fairshot_command("init", folder)
    assert (refused.status, "was not changed" in refused.stderr) == (1, True)
    assert load_config(folder, {}).learning.factors == 32


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_commented_options_are_recognised() -> None:
    assert init.commented("# All.\n\n# about\n[a.b]\n# why\nx = 1\n").endswith("\n# about\n[a.b]\n# why\n#x = 1\n")


def test_doctor_names_what_is_in_force_and_what_is_missing(world: Path, fairshot_command: Command) -> None:
    (world / FILE).write_text("[learning]\nfactors = 32\n")
    told = fairshot_command("doctor", "--data", world, "--json")
    states = {check["name"]: check["state"] for check in told.json["checks"]}
    assert (told.status, told.json["healthy"]) == (0, True)
    assert (states["log"], states["models"], states["checkpoints"]) == ("well", "missing", "missing")
    assert told.json["configuration"]["learning"]["factors"] == 32
    shown = fairshot_command("doctor", "--data", world).stdout
    assert "learning.factors = 32 (default 64)" in shown
    assert load_config(world, {}).hash() in shown


def test_doctor_finds_what_is_wrong(world: Path, fairshot_command: Command) -> None:
    def unhealthy() -> set[str]:
        told = fairshot_command("doctor", "--data", world, "--json")
        assert told.status == (1 if not told.json["healthy"] else 0)
        return {check["name"] for check in told.json["checks"] if check["state"] == "unhealthy"}

    assert unhealthy() == set()
    with fairshot.open(str(world)) as app:
        app.checkpoint()
    assert unhealthy() == set()
    next((world / "checkpoints").glob("*.safetensors")).write_bytes(b"x")
    os.chmod(world / "secret", 0o644)  # noqa: PTH101
    assert unhealthy() == {"checkpoints", "secret"}
    (world / FILE).write_text('[pipeline]\nfilters = ["seen"]\n')
    assert unhealthy() == {"checkpoints", "secret", "filters"}
    (world / FILE).write_text("[serving]\nhots = 1\n")
    assert unhealthy() == {"configuration"}
    (world / FILE).write_text('[serving]\nhost = "0.0.0.0"\n')
    assert "keys" in unhealthy()
    (world / "fairshot.db").write_bytes(b"nonsense" * 1000)
    assert "log" in unhealthy()


def test_train_says_why_it_cannot(tmp_path: Path, fairshot_command: Command) -> None:
    (tmp_path / "items.csv").write_text("id,creator_id\na,c\n")
    fairshot_command("import", tmp_path / "items.csv", "--data", tmp_path / "data")
    done = fairshot_command("train", "--data", tmp_path / "data")
    assert (done.status, len(done.stderr.splitlines())) == (1, 1)


def test_train_tells_the_decision_and_rollback_returns_from_it(world: Path, fairshot_command: Command) -> None:
    for reason in ("no snapshot was in service", "too little feedback to measure more"):
        done = fairshot_command("train", "--data", world)
        assert done.status == 0, done.stderr
        assert reason in done.stderr
        assert "is in service" in done.stderr
    told = fairshot_command("rollback", "--list", "--json", "--data", world).json
    one, two = (decision["snapshot"] for decision in told["decisions"])
    assert told["snapshot"] == two
    assert fairshot_command("rollback", "--data", world).stderr == f"snapshot {one} is in service again\n"
    told = fairshot_command("rollback", "--list", "--json", "--data", world).json
    assert (told["snapshot"], told["decisions"][-1]["decision"]) == (one, "roll back")
    shown = fairshot_command("rollback", "--list", "--data", world).stdout
    assert shown.count("promote") == 2
    assert f"in place of {two}" in shown.replace("\n", " ")
    assert fairshot_command("rollback", two, "--json", "--data", world).json == {"snapshot": two}


def test_rollback_says_why_it_cannot(world: Path, fairshot_command: Command) -> None:
    for arguments in ([], ["20200101T000000000000"]):
        done = fairshot_command("rollback", *arguments, "--data", world)
        assert (done.status, len(done.stderr.splitlines())) == (1, 1)
        assert "no snapshot is in service" in done.stderr
    assert fairshot_command("rollback", "v", "--list", "--data", world).status == 2
    assert fairshot_command("rollback", "--list", "--json", "--data", world).json == {"snapshot": None, "decisions": []}


def test_train_that_is_refused_tells_why_and_has_status_1(
    world: Path, fairshot_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairshot import versions
    from fairshot.decisions.promotion import Verdict

    assert fairshot_command("train", "--data", world).status == 0
    monkeypatch.setattr(versions, "judge", lambda *_: Verdict(False, ["it is worse"]))
    done = fairshot_command("train", "--data", world)
    assert done.status == 1
    assert "- it is worse" in done.stderr
    assert "was refused, the old one stays" in done.stderr
    told = fairshot_command("rollback", "--list", "--json", "--data", world).json["decisions"]
    assert [(one["decision"], one["reasons"][0]) for one in told][-1] == ("refuse", "it is worse")


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ("hide,a,i0\nhide,b,i0\n", 1),
        ("like,a,unknown\nlike,b,unknown\n", 0),
        ("like,a,i0\n", 0),
        ("hide,a,unknown\n", 1),
    ],
)
def test_train_on_a_poor_log_works_or_says_why_not_in_one_line(
    events: str, status: int, tmp_path: Path, fairshot_command: Command
) -> None:
    (tmp_path / "items.csv").write_text("id,creator_id\ni0,c\n")
    (tmp_path / "events.csv").write_text("kind,user_id,item_id\n" + events)
    for name in ("items", "events"):
        assert fairshot_command("import", tmp_path / f"{name}.csv", "--data", tmp_path / "data").status == 0
    done = fairshot_command("train", "--data", tmp_path / "data")
    assert done.status == status, done.stderr
    if status:
        assert len(done.stderr.splitlines()) == 1
        assert "import or ingest" in done.stderr


def test_reproduce_holds_figures_against_what_was_published(fairshot_command: Command) -> None:
    done = fairshot_command("reproduce", "backward_rewarding", "--json")
    assert done.status == 0
    assert all(row["holds"] is True and row["source"] for row in done.json)


def test_reproduce_is_status_1_when_a_figure_does_not_hold(
    fairshot_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from fairshot.reproductions.figure import MissingData, at_least

    def lacking(_data: Path | None) -> list[Any]:
        raise MissingData("needs the data set 'films'")

    known = {
        "wrong": SimpleNamespace(figures=lambda _data: [at_least("x", 1.0, 2.0, "nowhere")]),
        "lacking": SimpleNamespace(figures=lacking),
    }
    monkeypatch.setattr("fairshot.reproductions.discover", lambda: known)
    assert fairshot_command("reproduce", "wrong").status == 1
    assert fairshot_command("reproduce", "lacking").status == 1
    known["wrong"] = SimpleNamespace(figures=lambda _data: [at_least("x", 2.0, 2.0, "nowhere")])
    done = fairshot_command("reproduce")
    assert (done.status, "lacking was left out: needs the data set" in done.stderr) == (0, True)


def test_bench_needs_the_checkout(tmp_path: Path, fairshot_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from fairshot.cli import bench

    assert "importing" in bench.discover(Path(__file__).parents[2])
    with pytest.raises(FairshotError, match="source checkout"):
        bench.discover(tmp_path)
    monkeypatch.setattr(bench, "_CHECKOUT", tmp_path)
    assert fairshot_command("bench").status == 1
