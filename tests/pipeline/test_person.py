"""Who is asked for: what is known of a person is worked out once for requests that follow each other."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fairshot.app import App, open_app
from fairshot.core.arrays import DAY
from fairshot.core.request import Context
from fairshot.pipeline.sources.interest import Interest

Contexts = Callable[..., Context]


def later(ctx: Context, microseconds: int = 0) -> Context:
    return Context(replace(ctx.request, id="later", now=ctx.now + microseconds), ctx.snapshot)


def test_a_later_request_of_the_same_person_finds_what_was_known_and_nothing_that_time_changes(context: Contexts):
    first = context("u1")
    assert first.person.vector is not None
    assert first.person.met.any()
    second = later(first, 400 * DAY)
    assert second.person.vector is first.person.vector
    assert second.person.now == second.now
    assert len(second.person.resting) == 0
    assert not second.person.met[np.setdiff1d(first.person.shown["item"], first.person.reacted)].any()


def test_nobody_is_taken_for_somebody_else(context: Contexts):
    first, other = context("u1"), context("u2")
    assert first.person.history is not other.person.history
    assert first.person.history is not context("u1", profile=False).person.history
    assert context("u1", profile=False).person.vector is None


def test_what_is_worked_out_for_a_person_serves_all_their_requests_but_those_that_ask_for_less(context: Contexts):
    first = context("u1")
    assert first.of_person("one", lambda: [1]) is later(first).of_person("one", lambda: [2])
    assert context("u2").of_person("one", lambda: [3]) == [3]
    some = context("u1", context={"label": "l1"})
    assert some.of_person("one", lambda: [4]) == [4]


def test_the_second_page_of_interest_is_that_of_a_person_not_known_before(context: Contexts, world: App):
    first = context("u1")
    Interest()(first)
    again = Interest(count=20)(later(first)).rows
    fresh = replace(world.live.snapshot)
    np.testing.assert_array_equal(again, Interest(count=20)(Context(later(first).request, fresh)).rows)


def test_nobody_is_held_once_the_log_went_on(tmp_path: Path) -> None:
    """A person knows the snapshot that knows the person: without an end to that, old states would pile up."""
    with open_app(tmp_path) as app:
        app.ingest(items=[{"id": "i1"}], events=[{"event_id": "e1", "kind": "like", "user_id": "u1", "item_id": "i1"}])
        app.feed("u1")
        gc.collect()
        gc.disable()
        try:
            held = weakref.ref(Context(app.request("somebody new"), app.live.snapshot).person)
            assert held() is not None
            app.ingest(events=[{"event_id": "e2", "kind": "like", "user_id": "u1", "item_id": "i1"}])
            app.feed("u1")
            assert held() is None
        finally:
            gc.enable()
