"""Attribution: last touch within the window, against the slowest obvious way to say it."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.ids import Sizes
from fairshot.learning.attribution import attribute

KINDS = 3
events = st.lists(
    st.tuples(
        st.sampled_from([Kind.SLATE, Kind.SLATE, Kind.FEEDBACK, Kind.FEEDBACK, Kind.IMPRESSION, Kind.FOLLOW]),
        st.integers(-1, 2),  # person
        st.integers(-1, 2),  # item
        st.integers(0, 12),  # time
        st.integers(-1, KINDS - 1),
    ),
    max_size=30,
)


def batch_of(rows: Sequence[tuple[int, int, int, int, int]]) -> EventBatch:
    kind, user, item, at, action = zip(*rows, strict=True) if rows else ((),) * 5
    n = len(rows)
    columns = {
        "seq": range(n),
        "kind": kind,
        "action": action,
        "at": at,
        "user": user,
        "item": item,
        "creator": [-1] * n,
        "value": [np.nan] * n,
        "position": [i % 30 + 1 for i in range(n)],
        "propensity": [1.0] * n,
    }
    return event_batch(columns, [None] * n, Sizes(3, 3))


def slowly(rows: Sequence[tuple[int, int, int, int, int]], window: int) -> list[tuple[int, int, int, int, list[float]]]:
    """Every impression with its labels, in order of time, those of one time in the order they came."""
    served = [(at, n, user, item) for n, (kind, user, item, at, _) in enumerate(rows) if kind == Kind.SLATE]
    served = sorted(one for one in served if one[2] >= 0 and one[3] >= 0)
    labels = {n: [0.0] * KINDS for _, n, _, _ in served}
    for kind, user, item, at, action in rows:
        if kind != Kind.FEEDBACK or min(user, item, action) < 0:
            continue
        before = [(when, n) for when, n, who, what in served if (who, what) == (user, item) and when <= at]
        if before and at - max(before)[0] <= window:
            labels[max(before)[1]][action] = 1.0
    return [(user, item, at, n % 30 + 1, labels[n]) for at, n, user, item in served]


@given(events, st.integers(0, 8))
def test_feedback_goes_to_the_last_impression_before_it_within_the_window(rows, window):
    found = attribute(batch_of(rows), KINDS, window)
    told = [
        (int(u), int(i), int(t), int(p), labels)
        for u, i, t, p, labels in zip(
            found.user, found.item, found.at, found.position, found.labels.tolist(), strict=True
        )
    ]
    expected = slowly(rows, window)
    assert [one[2] for one in told] == sorted(one[2] for one in told)
    assert sorted(told) == sorted(expected)


def test_of_nothing_comes_nothing():
    for rows in ([], [(Kind.FEEDBACK, 0, 0, 1, 0)], [(Kind.SLATE, 0, -1, 1, -1)]):
        found = attribute(batch_of(rows), KINDS, 10)
        assert len(found) == 0
        assert found.labels.shape == (0, KINDS)


def test_an_impression_without_feedback_is_a_negative():
    found = attribute(batch_of([(Kind.SLATE, 0, 1, 5, -1)]), KINDS, 10)
    assert found.labels.tolist() == [[0.0] * KINDS]


def test_feedback_at_the_very_moment_counts_and_one_after_the_window_does_not():
    rows = [(Kind.SLATE, 0, 1, 5, -1), (Kind.FEEDBACK, 0, 1, 5, 0), (Kind.FEEDBACK, 0, 1, 15, 1)]
    assert attribute(batch_of(rows), KINDS, 10).labels.tolist() == [[1.0, 1.0, 0.0]]
    assert attribute(batch_of(rows), KINDS, 9).labels.tolist() == [[1.0, 0.0, 0.0]]
