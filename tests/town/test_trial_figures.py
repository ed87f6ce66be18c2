"""Figures of trials on verdicts made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.town.by_hand import RUN, TRUTH

from fairshot.core.arrays import DAY
from fairshot.town.trial_figures import trial_figures

LONG = replace(RUN, end=10 * DAY)


def step(item: int, name: str, impressions: int = 0, at: int = 0, **more: object) -> tuple[int, dict[str, object]]:
    return at, {"decision": "trial", "item": f"i{item}", "step": name, "impressions": impressions, **more}


def test_trials_are_judged_by_how_they_first_ended() -> None:
    decisions = (
        step(1, "testing", 0),
        step(1, "graduated", 40),
        step(2, "stopped", 60),
        step(2, "graduated", 90),
        step(0, "stopped", 20),
        step(3, "expanding", 50),
        (0, {"decision": "promote"}),
    )
    found = trial_figures(replace(RUN, decisions=decisions), TRUTH)
    assert found["good items graduated"] == 0.5
    assert found["good items stopped"] == 0.5
    assert found["bad items stopped"] == 1.0
    assert found["bad items graduated"] == 0.0
    assert found["impressions to a decision"] == pytest.approx(40)


def test_decided_is_of_those_that_had_time_enough() -> None:
    decisions = (
        *(step(item, "testing", at=item * DAY) for item in (0, 1)),
        step(2, "testing", at=5 * DAY),
        step(3, "testing", at=5 * DAY + 1),
        step(1, "stopped", 30, at=9 * DAY),
        step(3, "stopped", 30, at=9 * DAY),
    )
    assert trial_figures(replace(LONG, decisions=decisions), TRUTH)["decided"] == pytest.approx(1 / 3)


def test_an_audience_is_found_where_a_verdict_names_it_in_time() -> None:
    crossed = replace(TRUTH, topic=np.array([5, 6, 7, 8]), told=np.array([5, 1, 1, 1]))
    # Item 1 is shown 500 times before its verdict, and 2 once more often; what others tried does not count.
    item = np.array([[1, 2]] * 500 + [[3, 2]])
    tried = np.ones_like(item, bool)
    tried[-1, 0] = False
    shown = replace(LONG, item=item, tried=tried, at=np.full(501, DAY))
    started = tuple(step(item, "testing", at=DAY) for item in range(4))
    named = tuple(step(item, "audience", 6, 2 * DAY, label=f"topic{item + 5}") for item in (0, 1, 2))
    told = step(3, "audience", 6, 2 * DAY, label="topic1")
    ended = (step(1, "graduated", 90, 3 * DAY), step(2, "stopped", 90, 3 * DAY))
    found = trial_figures(replace(shown, decisions=(*started, *named, told, *ended)), crossed)
    assert found["planted audiences found"] == pytest.approx(1 / 3), "of 1, 2 and 3; 0 is not crossed"
    assert found["crossed items graduated"] == pytest.approx(1 / 3)
    late = replace(shown, decisions=(step(1, "testing", at=6 * DAY), *named))
    assert np.isnan(trial_figures(late, crossed)["planted audiences found"])


def test_without_trials_nobody_names_an_audience() -> None:
    assert np.isnan(list(trial_figures(RUN, TRUTH).values())).all()
