"""Attribution of a batch of events in memory: what training reads."""

import numpy as np
import pytest

from fairshot.core.arrays import HOUR
from fairshot.core.events import EventBatch, Kind, event_batch
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.ids import Sizes
from fairshot.learning.impressions import attribute

KINDS = FeedbackKinds.of({"view": FeedbackKind(), "like": FeedbackKind(window_hours=2), "hide": FeedbackKind()})
VIEW, LIKE, HIDE = range(3)


def batch_of(*rows: dict[str, object]) -> EventBatch:
    """Events, each with its seq, or else one more than the one before."""
    names = {"user": 0, "item": 0, "creator": -1, "action": -1, "value": np.nan, "position": 0, "propensity": np.nan}
    filled = [{"seq": n, "at": 0, **names, **row} for n, row in enumerate(rows)]
    columns = {name: [row[name] for row in filled] for name in ("seq", "at", "kind", *names)}
    return event_batch(columns, [None] * len(rows), Sizes(9, 9))


def shown(item: int, position: int, **more: object) -> dict[str, object]:
    return {"kind": Kind.SLATE, "item": item, "position": position, "propensity": 0.5, **more}


def told(item: int, action: int, at: float, **more: object) -> dict[str, object]:
    return {"kind": Kind.FEEDBACK, "item": item, "action": action, "at": round(at * HOUR), **more}


def seen(item: int, seconds: float, **more: object) -> dict[str, object]:
    return {"kind": Kind.IMPRESSION, "item": item, "value": seconds, "at": HOUR // 2, **more}


def test_of_nothing_comes_nothing():
    for rows in ([], [told(0, -1, 1)], [shown(-1, 1)], [told(-1, 0, 1)], [told(3, 0, 1, user=-1)]):
        found = attribute(batch_of(*rows), KINDS)
        assert len(found) == 0
        assert found.labels.shape == (0, 3)
        assert found.weight.dtype == found.labels.dtype == np.float32


def test_rows_come_in_the_order_of_time_with_everything_that_is_known():
    slate = [shown(item, position, seq=7) for position, item in enumerate((4, 5, 6, 3), start=1)]
    events = batch_of(*slate, told(5, VIEW, 1, seq=8), told(8, LIKE, -1, seq=9), seen(4, 2.5, seq=10))
    found = attribute(events, KINDS)
    assert found.item.tolist() == [8, 4, 5]
    assert found.organic.tolist() == [True, False, False]
    assert found.seq.tolist() == [9, 7, 7]
    assert found.position.tolist() == [0, 1, 2]
    assert found.labels.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert found.at.tolist() == [-HOUR, 0, 0]
    assert found.seconds.tolist() == pytest.approx([np.nan, 2.5, np.nan], nan_ok=True)
    assert found.propensity.tolist() == pytest.approx([np.nan, 0.5, 0.5], nan_ok=True)
    assert found.weight.tolist() == [1, 1, 1]
    assert found.user.tolist() == [0, 0, 0]


def test_each_kind_has_its_own_window():
    events = batch_of(shown(1, 1), told(1, LIKE, 2), told(1, VIEW, 3), told(1, HIDE, 24.1))
    found = attribute(events, KINDS)
    assert found.labels.tolist() == [[1, 1, 0], [0, 0, 1]]
    late = attribute(batch_of(shown(1, 1), told(1, LIKE, 2.1)), KINDS)
    assert late.organic.tolist() == [True]


def test_reported_impressions_alone_count_where_they_are_reported():
    events = batch_of(
        shown(1, 1, seq=1), shown(2, 2, seq=1), shown(3, 3, seq=1), seen(2, 3.0), seen(3, 0.5), told(3, LIKE, 1)
    )
    found = attribute(events, KINDS, "reported")
    assert found.item.tolist() == [2, 3]
    assert found.organic.tolist() == [False, True]
    assert found.seconds[0] == 3.0
