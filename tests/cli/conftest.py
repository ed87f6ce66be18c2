"""Running commands: in this process, with what they print."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairshot.cli.application import run


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


Command = Callable[..., Outcome]


@pytest.fixture
def fairshot_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.delenv("FAIRSHOT_DATA", raising=False)

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return call


@pytest.fixture
def world(tmp_path: Path, fairshot_command: Command) -> Path:
    """A data directory with two creators, six items and a few reactions."""
    folder = tmp_path / "data"
    items = [f"i{n},c{n % 2},Item {n},{'drama' if n % 2 else 'comedy'}" for n in range(6)]
    events = [f"like,u{n % 3},i{n}" for n in range(6)]
    (tmp_path / "creators.csv").write_text("id,name\nc0,Ada\nc1,Ben\n")
    (tmp_path / "items.csv").write_text("\n".join(["id,creator_id,title,labels", *items]))
    (tmp_path / "events.csv").write_text("\n".join(["kind,user_id,item_id", *events]))
    done = fairshot_command("import", *sorted(tmp_path.glob("*.csv")), "--data", folder)
    assert done.status == 0, done.stderr
    return folder
