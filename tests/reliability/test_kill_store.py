"""kill -9 in the middle of appends: nothing acknowledged is lost, nothing is doubled, no append is half there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).with_name("store_harness.py")


@pytest.mark.parametrize(
    "cycles", [pytest.param(200, id="200"), pytest.param(10_000, id="10000", marks=pytest.mark.soak)]
)
def test_killed_writers_keep_their_word(tmp_path: Path, cycles: int) -> None:
    command = [sys.executable, str(HARNESS), str(tmp_path), str(cycles), "7"]
    outcome = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert outcome["cycles"] == cycles
    assert outcome["acknowledged"] > 10 * cycles
    assert (outcome["lost"], outcome["doubled"], outcome["torn"]) == (0, 0, 0), outcome
    assert outcome["integrity"] == "ok"
    # The kills did land in the middle of writes: some of what was under way is there, some is not.
    assert outcome["kills_in_flight"] > 0.9 * cycles, outcome
    assert 0 < outcome["unacknowledged_found"] < outcome["unacknowledged"], outcome
