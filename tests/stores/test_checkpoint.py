"""Checkpoints: what comes back is what was there, and what is not sound is passed over."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.app import open_app
from fairshot.core.ids import Sizes
from fairshot.core.tables import Column, Lists, State, Table
from fairshot.stores import checkpoint
from fairshot.stores.checkpoint import load_checkpoint, save_checkpoint
from fairshot.stores.files import write_durably

ENTRY = np.dtype([("at", np.int64), ("item", np.int32)])


def empty() -> dict[str, State]:
    return {
        "a": State(
            users=Table({"visits": Column(np.int64), "ring": Column(np.int32, -1, width=3)}, {"seen": Lists(ENTRY, 5)}),
            items=Table({"removed": Column(bool), "rate": Column(np.float64, np.nan)}),
            world=Table({"total": Column(np.int64)}, {"touched": Lists(np.int64, distinct=True)}),
        ),
        "b": State(items=Table({"flags": Column(np.int16)}, {"waiting": Lists(np.int64)})),
    }


def filled(seed: int, sizes: Sizes) -> dict[str, State]:
    states, rng = empty(), np.random.default_rng(seed)
    for state in states.values():
        state.grow(sizes)
    a, b = states["a"], states["b"]
    a.users["visits"][:] = rng.integers(0, 99, sizes.users)
    a.users["ring"][:] = rng.integers(0, 99, (sizes.users, 3))
    a.items["removed"][:] = rng.random(sizes.items) < 0.5
    a.world["total"][0] = seed
    if sizes.users:
        rows = rng.integers(0, sizes.users, 40)
        a.users.lists["seen"].extend(rows, np.array(list(zip(rows, rows, strict=True)), ENTRY))
    a.world.lists["touched"].extend(np.zeros(5, np.int64), rng.integers(0, 4, 5))
    if sizes.items:
        b.items.lists["waiting"].extend(rng.integers(0, sizes.items, 9), rng.integers(0, 99, 9))
    return states


def assert_equal(one: dict[str, State], other: dict[str, State]) -> None:
    for name, state in one.items():
        assert state.sizes == other[name].sizes
        for side in ("users", "items", "creators", "labels", "world"):
            table, copy = state[side], other[name][side]
            assert table.n == copy.n
            for column in table.columns:
                assert table[column].dtype == copy[column].dtype
                assert table[column].tobytes() == copy[column].tobytes()
            for key, lists in table.lists.items():
                assert sorted(lists.rows()) == sorted(copy.lists[key].rows())
                assert all(lists[row].tobytes() == copy.lists[key][row].tobytes() for row in lists.rows())


@given(st.integers(0, 99), st.builds(Sizes, *[st.integers(0, 70)] * 4))
def test_a_checkpoint_comes_back_equal_and_can_be_written_on(tmp_path_factory, seed, sizes):
    folder, states, back = tmp_path_factory.mktemp("checkpoints"), filled(seed, sizes), empty()
    save_checkpoint(folder, 7, "s", states, "v1")
    assert load_checkpoint(folder, "s", back) == (7, "v1")
    assert_equal(states, back)
    for state in back.values():
        state.grow(sizes | Sizes(*[80] * 4))
    back["a"].users["visits"][:] += 1
    back["a"].users.lists["seen"].extend(np.array([0]), np.array([(1, 1)], ENTRY))
    assert len(back["a"].users["visits"]) == 80
    shutil.rmtree(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seq in (1, 2):
        save_checkpoint(tmp_path, seq, "s", filled(seq, Sizes(users=9, items=9)), None if seq == 1 else "v2")
    return tmp_path


def loaded(folder: Path, signature: str = "s") -> tuple[int, str | None]:
    states = empty()
    seq, promoted = load_checkpoint(folder, signature, states)
    if seq:
        assert_equal(states, filled(seq, Sizes(users=9, items=9)))
    return seq, promoted


def test_the_newest_is_used_and_two_are_kept(folder):
    assert loaded(folder) == (2, "v2")
    save_checkpoint(folder, 3, "s", filled(3, Sizes(users=9, items=9)), None)
    save_checkpoint(folder, 10**15, "s", filled(10**15, Sizes(users=9, items=9)), None)
    assert loaded(folder) == (10**15, None)
    assert len(list(folder.glob("*.json"))) == len(list(folder.glob("*.safetensors"))) == 2


def test_without_any_there_is_nothing(tmp_path):
    assert loaded(tmp_path) == (0, None)
    assert loaded(tmp_path / "none") == (0, None)


def test_one_made_by_other_folds_is_passed_over(folder):
    assert loaded(folder, "other") == (0, None)
    save_checkpoint(folder, 3, "other", filled(3, Sizes(users=9, items=9)), "v3")
    assert loaded(folder) == (2, "v2")
    assert loaded(folder, "other") == (3, "v3")


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "noise", "list"])
def test_a_damaged_one_is_passed_over_and_the_older_used(folder, suffix, damage):
    path = next(folder.glob(f"*2{suffix}"))
    raw = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": raw[: len(raw) // 2], "empty": b"", "noise": b"\xff" * 50, "list": b"[]"}[damage])
    assert loaded(folder) == (1, None)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_any_changed_byte_is_noticed(folder, suffix):
    path = next(folder.glob(f"*2{suffix}"))
    raw = path.read_bytes()
    for place in range(0, len(raw), max(1, len(raw) // 60)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        seq, promoted = loaded(folder)
        assert (seq, promoted) == (1, None), raw[max(0, place - 20) : place + 20]


def test_a_manifest_that_says_another_number_is_not_believed(folder):
    """Else the events between would never be folded."""
    path = next(folder.glob("*2.json"))
    manifest = json.loads(path.read_text())
    changes: list[dict[str, Any]] = [{"seq": 9}, {"promoted": "v9"}, {"sizes": {}}, {"sha256": None}]
    for change in changes:
        path.write_text(json.dumps(manifest | change, indent=1))
        assert loaded(folder) == (1, None)


def test_data_without_its_manifest_is_no_checkpoint(tmp_path, monkeypatch):
    def crash(path: Path, data: bytes) -> None:
        if path.suffix == ".json":
            raise OSError("power cut")
        write_durably(path, data)

    monkeypatch.setattr(checkpoint, "write_durably", crash)
    with pytest.raises(OSError, match="power cut"):
        save_checkpoint(tmp_path, 1, "s", filled(1, Sizes()), None)
    assert loaded(tmp_path) == (0, None)


def test_a_checkpoint_ahead_of_its_log_is_not_used(tmp_path):
    """A log restored from an older copy would else skip every event up to the checkpoint's number."""
    with open_app(tmp_path) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": "c"} for n in range(20)])
        assert app.checkpoint() == 20
    for path in tmp_path.glob("fairshot.db*"):
        path.unlink()
    with open_app(tmp_path) as app:
        app.ingest(items=[{"id": "new", "creator_id": "c"}])
        assert app.status().items == 1
        assert [position.item_id for position in app.feed("u").slate] == ["new"]
