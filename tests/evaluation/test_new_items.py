"""New items: judged at their moment, by what was known then and no later."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.evaluation.worlds import NOW, SMALL, arriving, catalogue, tastes

from fairshot.app import App, open_app
from fairshot.config import FILE
from fairshot.core.errors import FairshotError
from fairshot.core.events import Kind, concatenate
from fairshot.evaluation import evaluate
from fairshot.evaluation.new_items import Moment, Running, Story, _hits, _moments
from fairshot.evaluation.prepared import Prepared, prepare
from fairshot.evaluation.protocols import reactions, split


def quiet(*_: object) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder: Path = tmp_path_factory.mktemp("arriving")
    (folder / FILE).write_text(SMALL)
    with open_app(folder, clock=lambda: NOW) as app:
        records, events = arriving()
        app.ingest(events, items=records)
        yield app


@pytest.fixture(scope="module")
def prepared(app: App) -> Prepared:
    events = concatenate(list(app.log.batches()))
    return prepare(app, events, split(events, "new-items", 0), quiet)


def test_the_story_is_in_order_and_items_come_before_what_happens_to_them(prepared):
    story = Story.of(prepared)
    events = story.events
    assert (np.diff(events.at) >= 0).all()
    assert (np.diff(events.seq) == 1).all()
    assert len(events) == len(prepared.events)
    records = events.of(Kind.ITEM)
    place = dict(zip(events.item[records].tolist(), np.flatnonzero(records).tolist(), strict=True))
    told = reactions(events)
    assert all(place[int(item)] < index for item, index in zip(events.item[told], told.tolist(), strict=True))
    assert (events.at[records] == story.arrived[events.item[records]]).all()


def test_judged_are_first_reactions_of_known_people_to_what_came_after_the_split(prepared):
    story = Story.of(prepared)
    events, seen, expected = story.events, set[tuple[int, int]](), []
    for index in reactions(events).tolist():
        pair = (int(events.user[index]), int(events.item[index]))
        arrived = story.arrived[pair[1]]
        if pair not in seen and arrived >= story.since and arrived < events.at[index] and pair[0] in prepared.people:
            expected.append(index)
        seen.add(pair)
    assert story.judged.tolist() == expected
    assert not np.isin(events.item[story.judged], prepared.trained.item).any()


def test_an_arrival_known_from_its_first_reaction_alone_is_not_judged(tmp_path):
    (tmp_path / FILE).write_text(SMALL)
    with open_app(tmp_path, clock=lambda: NOW) as app:
        records, events = arriving()
        app.ingest(events, items=[{**record, "created_at": None} for record in records])
        log = concatenate(list(app.log.batches()))
        story = Story.of(prepare(app, log, split(log, "new-items", 0), quiet))
        told = reactions(story.events)
        _, first = np.unique(story.events.item[told], return_index=True)
        assert not np.isin(told[first], story.judged).any()


def test_a_moment_knows_what_the_person_met_before(prepared):
    story = Story.of(prepared)
    events, told = story.events, reactions(story.events)
    for moment, index in zip(_moments(story), story.judged.tolist(), strict=True):
        assert (moment.user, moment.item, moment.at) == (events.user[index], events.item[index], events.at[index])
        before = told[(events.user[told] == moment.user) & (events.at[told] < moment.at)]
        assert sorted(moment.met.tolist()) == sorted(events.item[before].tolist())
        assert moment.item not in moment.met


@pytest.mark.parametrize("variant", ["frozen", "live"])
def test_nothing_that_happens_later_changes_what_was_shown(app, prepared, variant):
    """Later reactions go to other items at random: the hits of the moments before stay the same."""
    story = Story.of(prepared)
    part = replace(story, judged=story.judged[:40])
    stop = int(part.judged[-1])
    item = story.events.item.copy()
    later = reactions(story.events)
    later = later[later > stop]
    item[later] = np.random.default_rng(0).permutation(item[later])
    changed = replace(part, events=replace(story.events, item=item))
    one = _hits(app, prepared, part, variant, 5, quiet)
    other = _hits(app, prepared, changed, variant, 5, quiet)
    for arm, hits in one.items():
        assert (hits == other[arm]).all(), arm


def test_frozen_knows_no_feedback_since_the_split_and_live_all(prepared):
    story = Story.of(prepared)
    frozen = story.known("frozen")
    assert (frozen.at[reactions(frozen)] < story.since).all()
    assert frozen.of(Kind.ITEM).sum() == story.events.of(Kind.ITEM).sum()
    assert len(story.known("live")) == len(story.events)


def test_peers_rank_by_what_was_known(prepared):
    story = Story.of(prepared)
    running = Running(story.events, story)
    stop = int(story.judged[20])
    running.upto(stop)
    at = int(story.events.at[stop])
    told = reactions(story.events)
    counts = np.bincount(story.events.item[told[told < stop]], minlength=len(story.arrived))
    met = np.array([0, 1], np.int32)
    slates = running.slates(Moment(0, 0, at, met), 5)
    there = [n for n in np.flatnonzero(story.arrived < at).tolist() if n not in (0, 1)]
    for scope, rows in enumerate(([n for n in there if story.new[n]], there)):
        best = sorted((counts[n] for n in rows), reverse=True)[:5]
        assert [counts[n] for n in slates["popularity"][scope].tolist()] == best
        newest = sorted(rows, key=lambda n: -story.arrived[n])[:5]
        assert slates["recency"][scope].tolist() == newest


def test_the_whole_finds_new_items_and_repeats(app):
    report = evaluate(app, "new-items", k=3)
    assert report == evaluate(app, "new-items", k=3)
    found = {(one.arm, one.name): one.value for one in report.figures}
    assert {arm for arm, _ in found} == {
        f"{arm}, {variant}"
        for arm in ("accuracy alone", "defaults", "popularity", "popularity since the split", "recency")
        for variant in ("frozen", "live")
    }
    assert all(0 <= value <= 1 for value in found.values())
    # Half of the new items are the person's: an arm that knows it beats the newest of both kinds.
    alone = found["accuracy alone, live", "recall@3 among new items"]
    assert alone > found["popularity, live", "recall@3 among new items"]
    assert {one.less for one in report.differences} == {"defaults, frozen", "defaults, live"}
    assert report.k == 3


def test_a_log_without_new_items_is_told(tmp_path):
    (tmp_path / FILE).write_text(SMALL)
    with open_app(tmp_path, clock=lambda: NOW) as app:
        old = [{**item, "created_at": "2001-01-01T00:00:00Z"} for item in catalogue()]
        app.ingest(tastes(), items=old)
        with pytest.raises(FairshotError, match="no reaction to an item that arrived after the training part"):
            evaluate(app, "new-items")
