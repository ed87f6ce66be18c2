"""Artifacts: a version is whole or invisible, and not a byte of it may change."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from fairshot.core.errors import CorruptArtifactError
from fairshot.stores import artifacts
from fairshot.stores.artifacts import ArtifactStore
from fairshot.stores.files import write_durably

MODELS = {
    "vectors": (
        {"items": np.arange(6, dtype=np.float32).reshape(2, 3), "none": np.zeros((0, 0), np.float32)},
        {"c": 1.5},
    ),
    "index": ({}, {}),
}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    store = ArtifactStore(tmp_path / "artifacts")
    store.save("v1", MODELS, {"figures": [["engagement.like", "AUC", 0.5]]})
    return store


def test_what_is_saved_is_loaded(store):
    for name, (tensors, description) in MODELS.items():
        back, told = store.load("v1", name)
        assert told == description
        assert sorted(back) == sorted(tensors)
        for key, tensor in tensors.items():
            assert back[key].dtype == tensor.dtype
            assert back[key].shape == tensor.shape
            assert back[key].tobytes() == tensor.tobytes()
    assert store.versions() == ["v1"]
    assert store.manifest("v1")["facts"] == {"figures": [["engagement.like", "AUC", 0.5]]}


def test_loaded_tensors_may_be_written(store):
    tensors, _ = store.load("v1", "vectors")
    tensors["items"][0, 0] = 9
    assert store.load("v1", "vectors")[0]["items"][0, 0] == 0


def test_a_tensor_that_is_not_contiguous_is_kept_as_it_reads(store):
    matrix = np.arange(12.0).reshape(3, 4)
    store.save("v2", {"m": ({"t": matrix.T, "s": matrix[:, ::2]}, {})}, {})
    tensors, _ = store.load("v2", "m")
    assert tensors["t"].tolist() == matrix.T.tolist()
    assert tensors["s"].tolist() == matrix[:, ::2].tolist()


@pytest.mark.parametrize("file", ["vectors.safetensors", "vectors.json", "manifest.json"])
def test_any_changed_byte_is_noticed(store, file):
    path = store.folder / "v1" / file
    raw = path.read_bytes()
    for place in range(0, len(raw), max(1, len(raw) // 40)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x80]) + raw[place + 1 :])
        with pytest.raises(CorruptArtifactError, match="snapshot v1"):
            store.load("v1", "vectors")
    path.write_bytes(raw)
    store.load("v1", "vectors")


@pytest.mark.parametrize("file", ["vectors.safetensors", "vectors.json", "manifest.json"])
def test_a_missing_file_is_a_corrupt_artifact(store, file):
    (store.folder / "v1" / file).unlink()
    with pytest.raises(CorruptArtifactError, match="v1"):
        store.load("v1", "vectors")


@pytest.mark.parametrize("manifest", ["", "[]", "null", "3", "{}", '{"sha256": 3}', '{"sha256": []}', "[" * 100_000])
def test_a_manifest_of_another_shape_is_a_corrupt_artifact(store, manifest):
    (store.folder / "v1" / "manifest.json").write_text(manifest)
    with pytest.raises(CorruptArtifactError):
        store.load("v1", "vectors")


def test_a_file_that_its_digest_fits_but_no_model_is_a_corrupt_artifact(store):
    from hashlib import sha256

    path = store.folder / "v1" / "manifest.json"
    manifest = json.loads(path.read_text())
    (store.folder / "v1" / "vectors.safetensors").write_bytes(b"\x80\x04cos\nsystem\n.")
    manifest["sha256"]["vectors.safetensors"] = sha256(b"\x80\x04cos\nsystem\n.").hexdigest()
    path.write_text(json.dumps(manifest))
    with pytest.raises(CorruptArtifactError, match="cannot be decoded"):
        store.load("v1", "vectors")


@pytest.mark.parametrize("what", [("v9", "vectors"), ("v1", "engagement")])
def test_a_version_or_model_that_is_not_there_is_a_corrupt_artifact(store, what):
    with pytest.raises(CorruptArtifactError):
        store.load(*what)


def test_a_version_appears_whole_or_not_at_all(store, monkeypatch):
    written: list[str] = []

    def crash(path: Path, data: bytes) -> None:
        assert store.versions() == ["v1"]
        if path.name == "manifest.json":
            raise OSError("no space left")
        written.append(path.name)
        write_durably(path, data)

    monkeypatch.setattr(artifacts, "write_durably", crash)
    with pytest.raises(OSError, match="no space"):
        store.save("v2", MODELS, {})
    assert len(written) == 4
    assert store.versions() == ["v1"]
    assert [path.name for path in store.folder.iterdir()] == ["v1"]


def test_a_version_is_never_overwritten(store):
    with pytest.raises(OSError):  # noqa: PT011  its words are the system's
        store.save("v1", {"m": ({}, {})}, {})
    store.load("v1", "vectors")
    assert store.versions() == ["v1"]


def test_prune_keeps_the_newest_and_the_promoted(store):
    for number in range(2, 7):
        store.save(f"v{number}", {"m": ({}, {})}, {})
    store.prune(2, ["v1"])
    assert store.versions() == ["v1", "v5", "v6"]
    store.prune(2, ())
    assert store.versions() == ["v5", "v6"]
    store.prune(5, ())
    assert store.versions() == ["v5", "v6"]


def test_prune_removes_what_interrupted_writes_left_but_not_what_is_being_written(store):
    old, young = store.folder / ".v0.1", store.folder / ".v2.2"
    for folder in (old, young):
        folder.mkdir()
        (folder / "vectors.safetensors").write_bytes(b"x")
    past = time.time() - 2 * 86400
    os.utime(old, (past, past))
    store.prune(3, ())
    assert not old.exists()
    assert young.exists()
    assert store.versions() == ["v1"]


def test_an_empty_folder_has_no_versions(tmp_path):
    assert ArtifactStore(tmp_path / "none").versions() == []
    ArtifactStore(tmp_path / "none").prune(1, ())
