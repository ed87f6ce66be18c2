"""`fairshot trial`: the test card in a terminal."""

import json
from pathlib import Path

from typer.testing import CliRunner

import fairshot
from fairshot.cli.application import application


def test_a_card_is_printed_and_an_unknown_item_is_said_to_be(tmp_path: Path) -> None:
    with fairshot.open(str(tmp_path)) as app:
        app.ingest(items=[{"id": "new", "creator_id": "somebody", "title": "A title"}])
        app.step_trials()
    run = CliRunner().invoke
    found = run(application, ["trial", "new", "--data", str(tmp_path)])
    assert found.exit_code == 0, found.output
    assert "testing" in found.output
    assert "Its turn has come" in " ".join(found.output.split())
    card = json.loads(run(application, ["trial", "new", "--data", str(tmp_path), "--json"]).stdout)
    assert card["state"] == "testing"
    assert [tier["tier"] for tier in card["tiers"]] == ["surely", "should be", "stretch", "found"]
    missing = run(application, ["trial", "nobody", "--data", str(tmp_path)])
    assert missing.exit_code != 0
