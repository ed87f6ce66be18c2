"""Interactions: feedback in the order of time, fair hold-outs, and one signed strength for each pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.events import Kind, event_batch
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.ids import Sizes
from fairshot.learning.interactions import Feedback, feedback_of, random_share, strengths

KINDS = FeedbackKinds.of(
    {
        "like": FeedbackKind(preference=1.0),
        "hide": FeedbackKind(preference=-0.5),
        "note": FeedbackKind(),
        "click": FeedbackKind(preference=0.5),
    }
)
told = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 3), st.integers(0, 9)), max_size=40)


def feedback(rows: list[tuple[int, int, int, int]]) -> Feedback:
    """Rows of person, item, action, time; as `feedback_of` gives them: in the order of time."""
    rows = sorted(rows, key=lambda row: row[3])
    user, item, action, at = (
        (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
        if rows
        else [np.empty(0, dtype=np.int64)] * 4
    )
    return Feedback(user.astype(np.int32), item.astype(np.int32), action.astype(np.int8), at, np.arange(len(rows)))


@given(told, st.floats(0, 1))
def test_the_random_share_never_parts_a_pair_and_replays(rows, share):
    given_feedback = feedback(rows)
    held = random_share(given_feedback, share)
    assert (held == random_share(given_feedback, share)).all()
    pairs: dict[tuple[int, int], set[bool]] = {}
    for user, item, out in zip(given_feedback.user, given_feedback.item, held, strict=True):
        pairs.setdefault((int(user), int(item)), set()).add(bool(out))
    assert all(len(outs) == 1 for outs in pairs.values())


def test_the_random_share_is_a_share():
    rows = [(user, item, 0, 0) for user in range(100) for item in range(50)]
    assert random_share(feedback(rows), 0.2).mean() == pytest.approx(0.2, abs=0.02)
    assert random_share(feedback(rows), 0.0).sum() == 0


@given(told)
def test_strength_is_the_sum_of_preferences_of_a_pair(rows):
    given_feedback = feedback(rows)
    matrix = strengths(given_feedback, KINDS, (5, 6))
    expected = np.zeros((5, 6))
    for user, item, action, _ in rows:
        expected[user, item] += KINDS.preferences[action]
    assert matrix.shape == (5, 6)
    assert np.allclose(matrix.toarray(), expected)
    assert matrix.has_canonical_format


@given(told, st.data())
def test_feedback_comes_in_the_order_of_time_and_names_its_events(rows, data):
    n = len(rows)
    kinds = data.draw(st.lists(st.sampled_from([Kind.FEEDBACK, Kind.SLATE, Kind.FOLLOW]), min_size=n, max_size=n))
    missing = data.draw(st.lists(st.sampled_from(["", "user", "item", "action"]), min_size=n, max_size=n))
    columns = {
        "seq": range(n),
        "kind": kinds,
        "user": [-1 if gone == "user" else row[0] for row, gone in zip(rows, missing, strict=True)],
        "item": [-1 if gone == "item" else row[1] for row, gone in zip(rows, missing, strict=True)],
        "action": [-1 if gone == "action" else row[2] for row, gone in zip(rows, missing, strict=True)],
        "at": [row[3] for row in rows],
        "creator": [-1] * n,
        "value": [np.nan] * n,
        "position": [0] * n,
        "propensity": [np.nan] * n,
    }
    batch = event_batch(columns, [None] * n, Sizes(5, 6))
    found = feedback_of(batch)
    expected = [i for i in range(n) if kinds[i] == Kind.FEEDBACK and not missing[i]]
    assert found.event.tolist() == sorted(expected, key=lambda i: rows[i][3])
    assert found.at.tolist() == [rows[i][3] for i in found.event.tolist()]
    part = found.where(found.item > 2)
    assert part.event.tolist() == [i for i in found.event.tolist() if rows[i][1] > 2]
