"""Linked creators are one account, however the log was cut, and for as long as records say so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.app import open_app
from fairshot.config import load_config
from fairshot.core.arrays import Rows
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.core.tables import State
from fairshot.state.linked import Linked, named

FOLD = Linked(load_config().kinds)
CREATORS = 8
SIZES = Sizes(creators=CREATORS)
Statement = tuple[int, list[str]]


def log_of(statements: list[Statement], first: int = 1) -> EventBatch:
    """One record after another: (creator, whom it names); creator 3 has the id "c3"."""
    n = len(statements)
    nothing = np.full(n, -1)
    columns: dict[str, Any] = {
        "seq": np.arange(first, first + n),
        "kind": np.full(n, int(Kind.CREATOR)),
        "at": np.zeros(n),
        "creator": np.array([creator for creator, _ in statements], np.int32),
        "value": np.full(n, np.nan),
        "position": np.zeros(n),
        "propensity": np.full(n, np.nan),
        **dict.fromkeys(("action", "user", "item"), nothing),
    }
    data = [{"id": f"c{creator}", "attributes": {"linked_to": names}} for creator, names in statements]
    return event_batch(columns, data, SIZES)


def folded(events: EventBatch) -> State:
    return FOLD.add(FOLD.empty(), events)


def accounts(statements: list[Statement]) -> Rows:
    found: Rows = folded(log_of(statements)).creators["account"]
    return found


def searched(statements: list[Statement]) -> list[int]:
    """The groups by plain search over the latest statements."""
    latest = dict(statements)
    marks = {creator: {f"c{creator}", *names} for creator, names in latest.items()}
    marks |= {creator: {f"nobody {creator}"} for creator in range(CREATORS) if creator not in latest}
    found = []
    for creator in range(CREATORS):
        group, reach = {creator}, set(marks[creator])
        for _ in range(CREATORS):
            group |= {other for other in marks if marks[other] & reach}
            reach |= set().union(*(marks[other] for other in group))
        found.append(min(group))
    return found


def test_without_statements_everybody_stands_alone() -> None:
    assert accounts([(2, []), (5, [])]).tolist() == list(range(CREATORS))


def test_naming_another_the_same_thing_or_through_others_links() -> None:
    assert accounts([(4, []), (6, ["c4"])]).tolist() == [0, 1, 2, 3, 4, 5, 4, 7]
    assert accounts([(1, ["bank 9"]), (6, ["bank 9"])]).tolist() == [0, 1, 2, 3, 4, 5, 1, 7]
    chain = accounts([(7, ["c5"]), (5, ["bank 9"]), (2, ["bank 9", "house"]), (3, ["house"])])
    assert chain.tolist() == [0, 1, 2, 2, 4, 2, 6, 2]


def test_a_later_record_takes_a_link_back() -> None:
    assert accounts([(6, ["c4"]), (4, []), (6, [])]).tolist() == list(range(CREATORS))


def test_what_is_no_text_names_nobody() -> None:
    for stated in (None, 7, [7, None, ""], {"a": 1}, ""):
        assert named({"attributes": {"linked_to": stated}}) == []
    assert named({}) == named({"attributes": None}) == []
    assert named({"attributes": {"linked_to": ["a", 7, "b"]}}) == ["a", "b"]


NAMES = st.lists(st.sampled_from(["c0", "c3", "c7", "house", "bank"]), max_size=2)
STATEMENTS = st.lists(st.tuples(st.integers(0, CREATORS - 1), NAMES), max_size=12)


@given(statements=STATEMENTS, a=st.integers(0, 12), b=st.integers(0, 12))
def test_groups_are_those_of_a_search_and_do_not_depend_on_parts(statements: list[Statement], a: int, b: int) -> None:
    expected = searched(statements)
    whole = log_of(statements)
    assert folded(whole).creators["account"].tolist() == expected
    cuts = [0, *sorted((min(a, len(statements)), min(b, len(statements)))), len(statements)]
    states = [[folded(whole.part(lo, hi)) for lo, hi in zip(cuts, cuts[1:], strict=False)] for _ in range(2)]
    one, two, three = states[0]
    left = FOLD.merge(FOLD.merge(one, two), three)
    one, two, three = states[1]
    right = FOLD.merge(one, FOLD.merge(two, three))
    for state in (left, right):
        assert state.creators["account"].tolist() == expected
        same = state.world.lists["linked_names"].flat()[1], folded(whole).world.lists["linked_names"].flat()[1]
        np.testing.assert_array_equal(*same)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_application_knows_accounts_and_remembers_them(folder: Path) -> None:
    creators: list[dict[str, Any]] = [
        {"id": "famous"},
        {"id": "second", "attributes": {"linked_to": "famous"}},
        {"id": "third", "attributes": {"linked_to": ["house 7"]}},
        {"id": "fourth", "attributes": {"linked_to": ["house 7", "second"]}},
        {"id": "alone", "attributes": {"genre": "jazz"}},
    ]
    with open_app(folder) as app:
        assert app.ingest(creators=creators).accepted == 5
        app.ingest(items=[{"id": "i", "creator_id": "only in an item"}])
        app.catch_up()
        account = app.live.snapshot.creators["account"].tolist()
        ids = app.live.ids.creators
        assert [ids.id(account[ids.row(c["id"])]) for c in creators] == ["famous"] * 4 + ["alone"]
        assert account[ids.row("only in an item")] == ids.row("only in an item")
        app.checkpoint()
    with open_app(folder) as app:
        assert app.live.snapshot.creators["account"].tolist() == account
