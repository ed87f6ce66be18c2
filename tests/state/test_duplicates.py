"""Near-duplicates find their original, others do not; parts of a log give what the whole gives."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairshot.algorithms import near_duplicates
from fairshot.algorithms.near_duplicates import band_keys, keys_of, plain
from fairshot.app import open_app
from fairshot.config import load_config
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.core.tables import State
from fairshot.state.duplicates import Duplicates

FOLD = Duplicates(load_config().kinds)
RNG = np.random.default_rng(0)
WORDS = ["".join(RNG.choice(list("abcdefghijklmnoprstuvw"), RNG.integers(2, 10))) for _ in range(3000)]
SHARES = 1 / (np.arange(len(WORDS)) + 2.7)
Record = dict[str, Any]


def written(rng: np.random.Generator, length: int) -> list[str]:
    """Words by the law of Zipf and Mandelbrot."""
    return [WORDS[n] for n in rng.choice(len(WORDS), length, p=SHARES / SHARES.sum())]


def edited(words: list[str], share: float, rng: np.random.Generator) -> list[str]:
    """A share of the words replaced, left out, or followed by another."""
    draws, other = rng.random(len(words)) / share * 3, written(rng, len(words))
    found = []
    for word, draw, new in zip(words, draws.tolist(), other, strict=True):
        found += [new] if draw < 1 else [] if draw < 2 else [word, new] if draw < 3 else [word]
    return found


def log_of(records: list[tuple[int, Record]], items: int) -> EventBatch:
    n = len(records)
    columns: dict[str, Any] = {
        "seq": np.arange(1, n + 1),
        "kind": np.full(n, int(Kind.ITEM)),
        "at": np.zeros(n),
        "item": np.array([item for item, _ in records], np.int32),
        "value": np.full(n, np.nan),
        "position": np.zeros(n),
        "propensity": np.full(n, np.nan),
        **dict.fromkeys(("action", "user", "creator"), np.full(n, -1)),
    }
    return event_batch(columns, [record for _, record in records], Sizes(items=items))


def folded(events: EventBatch) -> State:
    return FOLD.add(FOLD.empty(), events)


def originals(*records: Record) -> list[int]:
    found: list[int] = folded(log_of(list(enumerate(records)), len(records))).items["original"].tolist()
    return found


TEXT = " ".join(written(np.random.default_rng(5), 60))


@pytest.mark.parametrize(
    "copy",
    [
        {"title": TEXT},
        {"title": "", "text": TEXT.upper()},
        {"text": TEXT.replace(" ", " - ")},
        {"text": TEXT + " one more word"},
        {"title": "Another title", "text": TEXT},
        {"title": "Ａ", "text": TEXT},
    ],
)
def test_a_copy_has_the_earlier_one_as_its_original(copy: Record) -> None:
    other = {"text": " ".join(written(np.random.default_rng(6), 60))}
    assert originals({"text": TEXT}, other, copy) == [0, 1, 0]


def test_short_texts_agree_by_chance_and_count_for_nothing() -> None:
    assert originals({"title": "My cat"}, {"title": "My cat"}, {}, {}) == [0, 1, 2, 3]


def test_equal_embeddings_are_one_item_unless_they_are_labels() -> None:
    image = np.random.default_rng(1).normal(size=16).tolist()
    one_hot, blank = [0.0, 1.0] + [0.0] * 14, [0.5] * 16
    assert originals({"embedding": image}, {"title": "again", "embedding": image}) == [0, 0]
    assert originals({"embedding": image}, {"embedding": image[::-1]}) == [0, 1]
    assert originals(*[{"embedding": same} for same in (one_hot, one_hot, blank, blank)]) == [0, 1, 2, 3]


def test_an_edit_neither_hides_a_copy_nor_frees_its_text() -> None:
    other = {"text": " ".join(written(np.random.default_rng(6), 60))}
    records = [(0, {"text": TEXT}), (1, other), (1, {"text": TEXT}), (1, other), (2, other)]
    state = folded(log_of(records, 3))
    assert state.items["original"].tolist() == [0, 0, 0]
    assert state.items["copies"].tolist() == [2, 0, 0]


def test_near_copies_are_found_and_strangers_are_left_alone() -> None:
    rng = np.random.default_rng(11)
    texts = [written(rng, int(rng.integers(40, 300))) for _ in range(1000)]
    copies = [edited(words, 0.05, rng) for words in texts[:300]]
    found = np.array(originals(*({"text": " ".join(words)} for words in texts + copies)))
    assert (found[:1000] == np.arange(1000)).mean() >= 0.998
    assert (found[1000:] == found[:300]).mean() >= 0.95


POOL: list[Record] = [{"text": " ".join(edited(TEXT.split(), 0.06, np.random.default_rng(n)))} for n in range(6)]
POOL += [{"text": " ".join(written(np.random.default_rng(n), 30))} for n in range(50, 54)]
POOL += [{"embedding": list(range(9))}, {"embedding": list(range(9)), **POOL[6]}, {}]
LOGS = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(POOL)), max_size=14)


@given(records=LOGS, a=st.integers(0, 14), b=st.integers(0, 14))
@settings(max_examples=40)
def test_parts_of_a_log_give_what_the_whole_gives(records: list[tuple[int, Record]], a: int, b: int) -> None:
    events = log_of(records, 8)
    cuts = [0, *sorted((min(a, len(records)), min(b, len(records)))), len(records)]
    parts = [events.part(lo, hi) for lo, hi in zip(cuts, cuts[1:], strict=False)]
    whole, (one, two, three), (four, five, six) = folded(events), map(folded, parts), map(folded, parts)
    bit_by_bit = FOLD.empty()
    for part in parts:
        bit_by_bit = FOLD.add(bit_by_bit, part)
    left, right = FOLD.merge(FOLD.merge(one, two), three), FOLD.merge(four, FOLD.merge(five, six))
    for state in (bit_by_bit, left, right):
        for side in ("items", "world"):
            for name in whole[side].columns:
                assert (state[side][name] == whole[side][name]).all(), name


def test_a_group_of_many_keeps_one_original(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    two = [written(rng, 80), written(rng, 80)]
    bridge = {"text": " ".join(two[0]), "embedding": list(range(20))}
    records = [{"text": " ".join(two[n % 2])} for n in range(20)] + [bridge, {"text": "", "embedding": list(range(20))}]
    state = folded(log_of(list(enumerate(records)), 22))
    assert state.items["original"].tolist() == [0, 1] * 10 + [0, 0]
    assert state.items["copies"].tolist() == [11, 9] + [0] * 20


def test_deleting_and_posting_again_finds_the_original(tmp_path: Path) -> None:
    with open_app(tmp_path / "data") as app:
        app.ingest(items=[{"id": "first", "creator_id": "c", "text": TEXT}, {"id": "other", "creator_id": "c"}])
        app.ingest(decisions=[{"item_id": "first", "decision": "remove", "reason": "withdrawn"}])
        app.ingest(items=[{"id": "again", "creator_id": "another", "title": "New!", "text": TEXT}])
        app.catch_up()
        items, ids = app.live.snapshot.items, app.live.ids.items
        assert ids.id(items["original"][ids.row("again")]) == "first"
        app.checkpoint()
    with open_app(tmp_path / "data") as app:
        app.ingest(items=[{"id": "third", "creator_id": "c", "text": TEXT}])
        app.catch_up()
        items, ids = app.live.snapshot.items, app.live.ids.items
        assert ids.id(items["original"][ids.row("third")]) == "first"
        assert items["copies"][ids.row("first")] == 2


def test_what_an_item_costs_does_not_grow_with_the_catalogue() -> None:
    rng = np.random.default_rng(3)
    records = [(n, {"text": " ".join(written(rng, 60))}) for n in range(3000)]
    events = log_of(records, 3000)
    state = FOLD.empty()
    times = []
    for lo in range(0, 3000, 500):
        start = time.perf_counter()
        state = FOLD.add(state, events.part(lo, lo + 500))
        times.append(time.perf_counter() - start)
    assert min(times[3:]) < 3 * min(times[:3])


def test_many_texts_at_once_have_the_keys_that_each_has_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "TOGETHER", 3)
    rng = np.random.default_rng(1)
    texts = [plain(" ".join(written(rng, length))) for length in (9, 0, 40, 2, 12, 700, 8, 30)]
    keys, readable = keys_of(texts)
    alone = [band_keys(text) for text in texts]
    assert readable.tolist() == [one is not None for one in alone]
    assert readable.any()
    assert not readable.all()
    for row, one in zip(keys, alone, strict=True):
        assert one is None or (row == one).all()
