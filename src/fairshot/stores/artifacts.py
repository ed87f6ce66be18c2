"""Artifacts: versioned folders of safetensors and JSON, each file named with its SHA-256 in a manifest.

Nothing that could run is ever loaded: tensors and JSON only. A version is built beside the others and
appears whole; what serves changes by an event in the log, not by a file.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from fairshot.core.arrays import Array
from fairshot.core.errors import CorruptArtifactError
from fairshot.stores.files import write_durably

_MANIFEST = "manifest.json"
_ABANDONED = 86_400
"""Seconds after which a version that was never finished is a leftover."""


class ArtifactStore:
    """The folder of all versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self,
        version: str,
        models: Mapping[str, tuple[Mapping[str, Array], Mapping[str, Any]]],
        facts: Mapping[str, Any],
    ) -> None:
        """Write a version: for each model its tensors and its plain description; facts go to the manifest."""
        beside = self.folder / f".{version}.{os.getpid()}"
        beside.mkdir(parents=True)
        try:
            digests = {}
            for name, (tensors, description) in models.items():
                # Other memory layouts would be written as they lie in memory and read back scrambled.
                plain = {key: np.asarray(tensor, order="C") for key, tensor in tensors.items()}
                for file, data in (
                    (f"{name}.safetensors", save_tensors(plain)),
                    (f"{name}.json", json.dumps(description).encode()),
                ):
                    write_durably(beside / file, data)
                    digests[file] = hashlib.sha256(data).hexdigest()
            manifest = {"version": version, "models": sorted(models), "sha256": digests, "facts": dict(facts)}
            write_durably(beside / _MANIFEST, json.dumps(manifest, indent=1).encode())
            beside.rename(self.folder / version)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def versions(self) -> list[str]:
        """All whole versions, oldest first."""
        return sorted(path.parent.name for path in self.folder.glob(f"[!.]*/{_MANIFEST}"))

    def manifest(self, version: str) -> dict[str, Any]:
        """What a version says of itself; raises CorruptArtifactError where it cannot be read."""
        try:
            manifest: Any = json.loads((self.folder / version / _MANIFEST).read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CorruptArtifactError(f"snapshot {version}: its manifest cannot be read ({error})") from error
        if not isinstance(manifest, dict) or not isinstance(manifest.get("sha256"), dict):
            raise CorruptArtifactError(f"snapshot {version}: its manifest is not one")
        return manifest

    def load(self, version: str, model: str) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description of one model, checked against the manifest's digests."""
        manifest = self.manifest(version)
        tensors = self._checked(manifest, version, f"{model}.safetensors")
        description = self._checked(manifest, version, f"{model}.json")
        try:
            return load_tensors(tensors), json.loads(description)
        except (SafetensorError, ValueError) as error:
            raise CorruptArtifactError(f"snapshot {version}: {model} cannot be decoded ({error})") from error

    def prune(self, keep: int, also: Collection[str]) -> None:
        """Remove all but the newest versions, and leftovers of interrupted writes; those of `also` stay in any case."""
        for version in self.versions()[:-keep]:
            if version not in also:
                shutil.rmtree(self.folder / version)
        for path in self.folder.glob(".*/"):
            if path.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(path, ignore_errors=True)

    def _checked(self, manifest: Mapping[str, Any], version: str, file: str) -> bytes:
        try:
            data = (self.folder / version / file).read_bytes()
        except OSError as error:
            raise CorruptArtifactError(f"snapshot {version}: {file} is missing") from error
        if hashlib.sha256(data).hexdigest() != manifest["sha256"].get(file):
            raise CorruptArtifactError(f"snapshot {version}: {file} is not what its manifest says")
        return data
