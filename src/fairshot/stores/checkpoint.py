"""Checkpoints: the folded state of one moment, so that a start replays only the tail of the log."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from fairshot.core.arrays import Array
from fairshot.core.ids import Sizes
from fairshot.core.tables import State
from fairshot.stores.files import write_durably

_SIDES = ("users", "items", "creators", "labels", "world")
_KEPT = 2


def save_checkpoint(folder: Path, seq: int, signature: str, states: Mapping[str, State], promoted: str | None) -> Path:
    """Write the states as of a log number; the manifest comes last, so that half a checkpoint is none."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Array] = {}
    sizes: dict[str, Any] = {}
    for name, state in states.items():
        sizes[name] = asdict(state.sizes)
        for side in _SIDES:
            tensors.update(_table_tensors(f"{name}/{side}", state, side))
    data = save_tensors({key: np.ascontiguousarray(value) for key, value in tensors.items()})
    path = folder / f"{seq:016d}.safetensors"
    write_durably(path, data)
    manifest: dict[str, Any] = {
        "seq": seq,
        "signature": signature,
        "promoted": promoted,
        "sizes": sizes,
    }
    manifest["sha256"] = _digest(manifest, data)
    write_durably(path.with_suffix(".json"), json.dumps(manifest, indent=1).encode())
    for old in sorted(folder.glob("*.json"))[:-_KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path, signature: str, states: Mapping[str, State]) -> tuple[int, str | None]:
    """Fill empty states from the newest sound checkpoint.

    Returns its log number (0 where there is none) and the snapshot that was in service then.
    One that is damaged, or was made by other folds (another signature), is passed over.
    """
    for manifest_path in sorted(folder.glob("*.json"), reverse=True):
        found = read_checkpoint(manifest_path)
        if found is None or found[0]["signature"] != signature:
            continue
        manifest, data = found
        tensors = load_tensors(data)
        for name, state in states.items():
            _fill(f"{name}", state, tensors, Sizes(**manifest["sizes"][name]))
        return int(manifest["seq"]), manifest["promoted"]
    return 0, None


def read_checkpoint(manifest_path: Path) -> tuple[dict[str, Any], bytes] | None:
    """A checkpoint's manifest and its tensors' bytes; None where either is damaged."""
    try:
        manifest = json.loads(manifest_path.read_text("utf-8"))
        data = manifest_path.with_suffix(".safetensors").read_bytes()
        digest = manifest.pop("sha256")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (manifest, data) if digest == _digest(manifest, data) else None


def _digest(manifest: Mapping[str, Any], data: bytes) -> str:
    """Of the manifest as well: a wrong log number would leave out events."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode() + data).hexdigest()


def _table_tensors(prefix: str, state: State, side: str) -> dict[str, Array]:
    table = state[side]
    tensors = {f"{prefix}/{column}": table[column] for column in table.columns}
    for name, lists in table.lists.items():
        rows, lengths, entries = lists.dump()
        key = f"{prefix}/{name}"
        tensors |= {f"{key}.rows": rows, f"{key}.lengths": lengths, f"{key}.bytes": entries}
    return tensors


def _fill(prefix: str, state: State, tensors: Mapping[str, Array], sizes: Sizes) -> None:
    for side in _SIDES:
        table, n = state[side], 1 if side == "world" else getattr(sizes, side)
        key = f"{prefix}/{side}"
        table.load(n, {name: tensors[f"{key}/{name}"] for name in table.columns})
        for name, lists in table.lists.items():
            lists.load(*(tensors[f"{key}/{name}.{part}"] for part in ("rows", "lengths", "bytes")))
