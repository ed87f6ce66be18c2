"""Evaluation: nothing held out is seen in training, and each figure is the one that a hand would compute."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.app import App, open_app
from fairshot.config import FILE, load_config
from fairshot.core.arrays import HOUR, MICROSECONDS
from fairshot.core.errors import FairshotError
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.evaluation import Measured, accuracy, arms, evaluate, exposure, gini, held_out
from fairshot.training import Protocol

SMALL = """
[learning]
factors = 8
iterations = 3
hidden = [8, 8]
epochs = 40
least_examples = 10
negatives = 20
"""
NOW = 1_750_000_000 * MICROSECONDS
told = st.lists(
    st.tuples(
        st.sampled_from([Kind.FEEDBACK] * 4 + [Kind.SLATE, Kind.IMPRESSION]),
        st.integers(-1, 3),
        st.integers(-1, 8),
        st.integers(0, 30),
    ),
    max_size=50,
)
protocols = st.sampled_from(["random", "latest"])


def batch_of(rows: list[tuple[int, int, int, int]], creators: dict[int, int] | None = None) -> EventBatch:
    """Rows of kind, person, item, time; creators: of items, whose records come first."""
    records = [(int(Kind.ITEM), -1, item, 0) for item in creators or {}]
    rows, n = [*records, *rows], len(records) + len(rows)
    kind, user, item, at = zip(*rows, strict=True) if rows else ((),) * 4
    made = list((creators or {}).values())
    columns = {
        "seq": range(n),
        "kind": kind,
        "action": [0] * n,
        "at": at,
        "user": user,
        "item": item,
        "creator": made + [-1] * (n - len(made)),
        "value": [np.nan] * n,
        "position": [0] * n,
        "propensity": [np.nan] * n,
    }
    return event_batch(columns, [None] * n, Sizes(users=4, items=9, creators=4))


# What is held out


@given(told, protocols, st.integers(0, 5))
def test_no_pair_of_person_and_item_is_in_both_parts(rows, protocol, seed):
    batch = batch_of(rows)
    held = held_out(batch, protocol, seed)
    assert (held == held_out(batch, protocol, seed)).all()
    pairs = list(zip(batch.user.tolist(), batch.item.tolist(), strict=True))
    told_of = [kind == Kind.FEEDBACK and min(pair) >= 0 for kind, pair in zip(batch.kind, pairs, strict=True)]
    out = {pair for pair, gone in zip(pairs, held, strict=True) if gone}
    kept = {pair for pair, gone, told in zip(pairs, held, told_of, strict=True) if told and not gone}
    assert not out & kept
    assert not held[~np.array(told_of, dtype=bool)].any()


@given(told, protocols)
def test_a_quarter_of_each_persons_items_is_held_out(rows, protocol):
    batch = batch_of(rows)
    held = held_out(batch, protocol, 42)
    for user in range(4):
        mine = batch.of(Kind.FEEDBACK) & (batch.user == user) & (batch.item >= 0)
        items = len(np.unique(batch.item[mine]))
        assert len(np.unique(batch.item[mine & ~held])) == round(0.75 * items)


@given(told)
def test_the_latest_protocol_holds_out_the_latest(rows):
    batch = batch_of(rows)
    held = held_out(batch, "latest", 0)
    for user in range(4):
        mine = batch.of(Kind.FEEDBACK) & (batch.user == user) & (batch.item >= 0)
        last = {item: batch.at[mine & (batch.item == item)].max() for item in np.unique(batch.item[mine]).tolist()}
        out = [at for item, at in last.items() if held[mine & (batch.item == item)].any()]
        kept = [at for item, at in last.items() if not held[mine & (batch.item == item)].any()]
        assert not out or not kept or max(kept) <= min(out)


def test_seeds_draw_differently():
    batch = batch_of([(Kind.FEEDBACK, user, item, 0) for user in range(4) for item in range(8)])
    draws = {held_out(batch, "random", seed).tobytes() for seed in range(20)}
    assert len(draws) > 15
    assert len({held_out(batch, "latest", seed).tobytes() for seed in range(20)}) == 1


# Figures


def figures(measured: list[Measured]) -> dict[str, float]:
    return {one.name: one.value for one in measured}


def rows_of(*slates: list[int]) -> list[Any]:
    return [np.array(slate, dtype=np.int32) for slate in slates]


def test_ndcg_and_recall_by_hand():
    slates = rows_of([1, 2, 3], [4, 5, 6], [7, 8, 9], [])
    truth = rows_of([2, 9], [4, 5, 6, 7, 8], [1], [])
    found = figures(accuracy("a", slates, truth, 3))
    first = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    # The second is ideal: three of its five fit into three positions; the fourth has nothing held out.
    assert found["nDCG@3"] == pytest.approx((first + 1.0 + 0.0) / 3)
    assert found["recall@3"] == pytest.approx((1 / 2 + 3 / 5 + 0) / 3)


def test_a_short_slate_is_measured_against_what_could_have_been():
    found = figures(accuracy("a", rows_of([5], []), rows_of([5, 6], [1]), 10))
    assert found["nDCG@10"] == pytest.approx(1 / (1 + 1 / np.log2(3)) / 2)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=30, unique=True), st.integers(1, 12))
def test_ndcg_is_one_for_the_ideal_slate_and_in_between_otherwise(relevant, k):
    truth = rows_of(relevant)
    assert figures(accuracy("a", rows_of(relevant[:k]), truth, k))[f"nDCG@{k}"] == pytest.approx(1.0)
    other = [row + 1 for row in relevant][:k]
    assert 0 <= figures(accuracy("a", rows_of(other), truth, k))[f"nDCG@{k}"] <= 1


def test_intervals_hold_the_mean_and_narrow_with_more_people():
    def width(people: int) -> float:
        slates = rows_of(*([[1]] * people))
        (ndcg, _) = accuracy("a", slates, rows_of(*[[1] if n % 2 else [2] for n in range(people)]), 1)
        assert ndcg.low is not None
        assert ndcg.high is not None
        assert ndcg.low <= ndcg.value <= ndcg.high
        return ndcg.high - ndcg.low

    assert width(400) < width(40) < 1


def test_gini_by_hand():
    assert gini(np.array([3, 3, 3])) == 0
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)
    assert gini(np.array([1, 3])) == pytest.approx(0.25)
    assert gini(np.zeros(5)) == gini(np.array([])) == gini(np.array([7])) == 0


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(1, 9))
def test_gini_is_between_equal_and_all_to_one_and_knows_no_units(amounts, factor):
    value = gini(np.array(amounts))
    assert -1e-9 <= value <= 1 - 1 / len(amounts) + 1e-9
    assert gini(np.array(amounts) * factor) == pytest.approx(value)
    assert gini(np.array(amounts[::-1])) == pytest.approx(value)
    expected = np.abs(np.subtract.outer(amounts, amounts)).mean() / 2 / max(np.mean(amounts), 1e-12)
    assert value == pytest.approx(expected)


def test_exposure_by_hand():
    # Five items of three creators; item 4 has most reactions, then 3. Items 5 to 8 have no record.
    creators = {0: 0, 1: 0, 2: 1, 3: 1, 4: 2}
    reactions = [(int(Kind.FEEDBACK), user, item, 1) for user in range(4) for item in (4, 4, 3)]
    trained = batch_of([*reactions, (int(Kind.FEEDBACK), 0, 0, 1)], creators)
    found = figures(exposure("a", rows_of([4, 3], [4, 0], [4], []), trained))
    assert found["exposure of the least popular 80 % of items"] == pytest.approx(2 / 5)
    # Of three creators the two with fewest reactions are 0 (one) and 1 (four).
    assert found["exposure of the 80 % of creators with fewest reactions"] == pytest.approx(2 / 5)
    assert found["share of items shown at all"] == pytest.approx(3 / 5)
    assert found["Gini of exposure over items"] == pytest.approx(gini(np.array([1, 0, 0, 1, 3])))
    assert found["Gini of exposure over creators"] == pytest.approx(gini(np.array([1, 1, 3])))


def test_an_items_latest_creator_is_the_one_exposed():
    moved = batch_of([], {0: 0, 1: 1})
    moved = batch_of([(int(Kind.FEEDBACK), 0, 0, 1)], {0: 0, 1: 1})
    assert figures(exposure("a", rows_of([0]), moved))["Gini of exposure over creators"] == pytest.approx(0.5)


def test_the_arms_differ_only_in_fairness_and_the_lot():
    config = load_config(None, {})
    compared = arms(config)
    assert compared["defaults"] == config
    off = compared["fairness off"]
    changed = {name for name, weight in config.pipeline.value.items() if off.pipeline.value[name] != weight}
    assert changed == {"creator", "contribution"}
    assert all(off.pipeline.value[name] == 0 for name in changed)
    assert set(config.pipeline.blenders) - set(off.pipeline.blenders) == {"random_slot"}
    assert off.learning == config.learning
    assert off.pipeline.sources == config.pipeline.sources


# The whole


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """Twenty even people who like even items, twenty odd ones who like odd ones."""
    (tmp_path / FILE).write_text(SMALL)
    with open_app(tmp_path, clock=lambda: NOW) as app:
        yield app


def tastes(people: int = 30, each: int = 12, items: int = 60) -> list[dict[str, Any]]:
    rng, events = np.random.default_rng(0), list[dict[str, Any]]()
    popular = 1 / (np.arange(items // 2) + 2)
    for user in range(people):
        for thing in rng.choice(items // 2, each, replace=False, p=popular / popular.sum()):
            at = (NOW - 500 * HOUR) // MICROSECONDS + len(events) * 60
            name = f"i{2 * int(thing) + user % 2}"
            event = {"event_id": f"e{len(events)}", "kind": "like", "user_id": f"u{user}", "item_id": name, "at": at}
            events.append(event)
    return events


def catalogue(items: int = 60) -> list[dict[str, Any]]:
    return [{"id": f"i{n}", "creator_id": f"c{n % 30}", "title": f"theme{n % 2}"} for n in range(items)]


@pytest.mark.parametrize("protocol", ["random", "latest"])
def test_an_evaluation_replays_and_changes_nothing(app, protocol):
    app.ingest(tastes(), items=catalogue())
    before = app.log.head()
    results = evaluate(app, protocol)
    assert results == evaluate(app, protocol)
    assert app.log.head() == before
    assert app.artifacts.versions() == []
    found = {(one.arm, one.name): one.value for one in results}
    assert {arm for arm, _ in found} == {"fairness off", "defaults"}
    assert all(0 <= value <= 1 for value in found.values())
    # By lot one would find about an eighth.
    assert found["fairness off", "nDCG@10"] > 0.2


def test_what_was_held_out_can_be_found_although_it_was_once_shown(app):
    """A slate that led to a reaction tells what is held out: its trace must not keep the item from coming back."""
    app.ingest(items=catalogue(18))
    for user in range(20):
        shown = app.feed(f"u{user}", limit=12)
        app.ingest(
            [
                {
                    "event_id": f"{shown.request_id}/{p.position}",
                    "kind": "like",
                    "user_id": f"u{user}",
                    "item_id": p.item_id,
                    "exposure": p.exposure,
                }
                for p in shown.slate[:8]
            ]
        )
    app.flush()
    for protocol in ("random", "latest"):
        found = {(one.arm, one.name): one.value for one in evaluate(app, protocol, k=6)}
        # Six items were never shown, and two are held out: by lot three quarters of these are in six positions.
        assert found["fairness off", "recall@6"] > 0.4, protocol


def test_too_little_to_hold_out_is_said(app):
    with pytest.raises(FairshotError, match="three"):
        evaluate(app)
    app.ingest(tastes(people=5, each=2), items=catalogue())
    with pytest.raises(FairshotError, match="three"):
        evaluate(app)


def test_a_catalogue_without_records_is_said(app):
    app.ingest(tastes())
    with pytest.raises(FairshotError, match="record"):
        evaluate(app)


def test_an_unknown_protocol_is_said(app):
    with pytest.raises(FairshotError, match="there are: random, latest"):
        evaluate(app, cast("Protocol", "newest"))


def test_what_was_shown_does_not_tell_what_is_held_out(tmp_path):
    """Serving many slates after the reactions must not make the held-out ones easier to find."""
    rng = np.random.default_rng(5)
    (tmp_path / FILE).write_text("[learning]\nfactors = 8\ntext_dimensions = 8\nleast_examples = 20\n")
    with open_app(tmp_path, clock=lambda: 1_700_000_000_000_000) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}"} for n in range(120)])
        app.ingest(
            [
                {
                    "event_id": f"e{n}",
                    "kind": "like",
                    "user_id": f"u{n % 30}",
                    "item_id": f"i{rng.integers(120)}",
                    "at": n,
                }
                for n in range(600)
            ]
        )
        before = {(m.arm, m.name): m.value for m in evaluate(app)}
        for n in range(90):
            app.feed(f"u{n % 30}", 20)
        after = {(m.arm, m.name): m.value for m in evaluate(app)}
        assert after["fairness off", "nDCG@10"] == pytest.approx(before["fairness off", "nDCG@10"], abs=0.03)
