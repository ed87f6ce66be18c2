"""Files: whole or absent, never half, and nothing is left beside them."""

import os
import stat
from pathlib import Path

import pytest

from fairshot.stores.files import write_durably


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "f"
    for data in (b"first", b"", b"x" * 100_000):
        write_durably(path, data)
        assert path.read_bytes() == data
    assert [found.name for found in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, where):
    path = tmp_path / "f"
    write_durably(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if where == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif where == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    data: bytes = "not bytes" if where == "write" else b"new"  # type: ignore[assignment]  # makes the write fail
    with pytest.raises((OSError, TypeError)):
        write_durably(path, data)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["f"]


def test_bytes_are_synced_before_the_name_and_the_folder_after(tmp_path, monkeypatch):
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def replaced(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", replaced)
    write_durably(tmp_path / "f", b"x")
    assert steps == ["file", "rename", "folder"]


def test_a_secret_is_readable_by_its_owner_alone_from_the_first_moment(tmp_path):
    write_durably(tmp_path / "secret", b"s", mode=0o600)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_durably(tmp_path / "none" / "f", b"x")
