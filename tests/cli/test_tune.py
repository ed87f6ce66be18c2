"""`fairshot tune`: proposes, applies, remembers, and gives back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Command

import fairshot
from fairshot.config import load_config
from fairshot.core.arrays import DAY
from fairshot.core.events import Draft, Kind

NAMES = load_config(None, {}).kinds.names
START = 20_000 * DAY


def slate(user: str, at: int, factors: dict[str, float] | None = None) -> Draft:
    told: dict[str, Any] = {"rows": b"", "propensity": b""} | ({"perturbation": factors} if factors else {})
    return Draft(kind=Kind.SLATE, id=f"slate/{user}/{at}", at=at, user=user, data=told)


@pytest.fixture
def tuned(world: Path) -> Path:
    """1,500 people who came once with perturbed weights; more weight of likes brings them back."""
    rng = np.random.default_rng(0)
    drafts = [slate("somebody", START + 30 * DAY)]
    for n in range(1_500):
        factors = dict(zip(NAMES, rng.normal(0, 0.3, len(NAMES)).tolist(), strict=True))
        drafts.append(slate(f"p{n}", START, factors))
        if rng.random() < 0.4 + 0.5 * factors["like"]:
            drafts.append(slate(f"p{n}", START + 2 * DAY))
    with fairshot.open(str(world)) as app:
        app.writer.append(drafts).result()
    return world


def in_force(folder: Path) -> float:
    with fairshot.open(str(folder)) as app:
        return float(app.live.snapshot.weights[NAMES.index("like")])


def test_a_proposal_is_applied_shown_remembered_and_given_back(tuned: Path, fairshot_command: Command) -> None:
    shown = fairshot_command("tune", "--data", tuned)
    assert shown.status == 0, shown.stderr
    assert "like 1 -> 1.25: ten per cent more weight went with" in shown.stdout
    assert "--apply puts it into force" in shown.stderr
    assert in_force(tuned) == 1.0

    applied = fairshot_command("tune", "--days", 3, "--apply", "--json", "--data", tuned)
    assert applied.json["weights"] == {"like": 1.25}
    assert applied.json["effects"]["like"][1] > 0
    assert in_force(tuned) == 1.25
    told = fairshot_command("doctor", "--data", tuned, "--json").json
    check = next(check for check in told["checks"] if check["name"] == "weights")
    assert "like 1.25 (configured 1)" in check["found"]

    again = fairshot_command("tune", "--data", tuned)
    assert again.status == 1
    assert "0 people have perturbed days" in again.stderr, "days before the decision had other weights"

    given_back = fairshot_command("tune", "--reset", "--json", "--data", tuned)
    assert given_back.status == 0
    assert given_back.json["before"] == {"like": 1.25}
    assert given_back.json["weights"] == {}
    assert in_force(tuned) == 1.0
    history = fairshot_command("tune", "--history", "--json", "--data", tuned).json
    assert [entry["decision"] for entry in history] == ["propose weights", "weights", "weights"]
    table = fairshot_command("tune", "--history", "--data", tuned).stdout
    assert "like 1 -> 1.25" in table
    assert "configuration holds again" in table


def test_nothing_certain_changes_nothing(tuned: Path, fairshot_command: Command) -> None:
    done = fairshot_command("tune", "--measure", "share", "--apply", "--json", "--data", tuned)
    assert done.status == 0
    assert done.json["decision"] == "propose weights"
    assert done.json["reasons"] == ["no weight's effect on the measure can be told from none"]
    assert in_force(tuned) == 1.0


def test_the_help_says_what_turns_the_perturbation_on(fairshot_command: Command) -> None:
    assert "section `tuning`" in " ".join(fairshot_command("tune", "--help").stdout.split())


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--measure", "joy"], 2, "'joy' is not among return, sessions, view"),
        (["--apply", "--reset"], 2, "choose one of"),
        (["--days", "0"], 2, "--days"),
        ([], 1, "set [tuning] sd"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], status: int, words: str, world: Path, fairshot_command: Command
) -> None:
    done = fairshot_command("tune", "--data", world, *arguments)
    assert done.status == status
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
