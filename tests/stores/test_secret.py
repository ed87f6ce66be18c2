"""The secret: one for everybody, whole, and for the owner's eyes alone."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from fairshot.core.errors import StoreError
from fairshot.stores.secret import load_secret

_ASK = """
import sys, time
from pathlib import Path
from fairshot.stores.secret import load_secret
while time.time() < float(sys.argv[2]): pass
print(load_secret(Path(sys.argv[1])).hex())
"""


def test_it_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    made = load_secret(path)
    assert len(made) == 32
    assert load_secret(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


def test_processes_that_come_at_once_agree(tmp_path: Path) -> None:
    at = str(time.time() + 2)
    command = [sys.executable, "-c", _ASK, str(tmp_path / "secret"), at]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({one.communicate(timeout=30)[0] for one in asking}) == 1
    assert all(one.returncode == 0 for one in asking)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_what_can_be_no_secret_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(StoreError, match="restore it from a copy, or remove it"):
        load_secret(tmp_path / "secret")
