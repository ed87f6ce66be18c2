"""What each stage promises beyond the contract: seen in a world where the answer is known."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairshot.algorithms.spacing import excess_of_m
from fairshot.app import App, open_app
from fairshot.core.candidates import Candidates
from fairshot.core.errors import ConfigError
from fairshot.core.request import Context
from fairshot.core.slate import take_positions
from fairshot.pipeline.blenders.random_slot import RandomSlot
from fairshot.pipeline.rerankers.author_spacing import AuthorSpacing
from fairshot.pipeline.rerankers.diversity import Diversity
from fairshot.pipeline.rerankers.n_of_m import NOfM
from fairshot.pipeline.stages import load_stage
from fairshot.pipeline.value.contribution import Contribution
from fairshot.pipeline.value.creator import Creator

Contexts = Callable[..., Context]
DAY = 86_400_000_000


class Clock:
    """A clock that is set by hand, in microseconds."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> Any:
    with open_app(tmp_path / "data", clock=clock) as app:
        app.ingest(
            items=[
                {"id": f"i{n}", "creator_id": f"c{n % 5}", "title": f"t{n}", "created_at": 1_690_000_000 + n}
                for n in range(40)
            ]
        )
        yield app


def event(app: App, kind: str, user: str = "u", **fields: Any) -> None:
    count = app.log.head()
    done = app.ingest([{"event_id": f"{kind}-{user}-{count}", "kind": kind, "user_id": user, **fields}])
    assert done.accepted == 1, done


def shown(app: App, user: str = "u", limit: int = 40, **fields: Any) -> list[str]:
    feed = app.feed(user, limit, **fields)
    app.flush()
    return [position.item_id for position in feed.slate]


def test_a_follower_sees_what_is_new_from_the_creator_first(app: App, clock: Clock) -> None:
    event(app, "follow", creator_id="c1")
    app.feed("u", 1)
    clock.now += DAY
    app.ingest(items=[{"id": "new", "creator_id": "c1", "title": "new"}])
    app.catch_up()
    ctx = Context(app.request("u"), app.live.snapshot)
    followed = load_stage("sources", "followed", {}).call(ctx)
    names = app.live.ids.items.ids(followed.rows.tolist())
    assert names[0] == "new"
    assert set(names) == {"new", *(f"i{n}" for n in range(1, 40, 5))} - set(
        app.live.ids.items.ids(ctx.person.shown["item"].tolist())
    )


def test_followed_sources_put_well_received_works_before_others(app: App) -> None:
    event(app, "follow", creator_id="c1")
    for fan, item in (("a", "i6"), ("b", "i6"), ("c", "i11")):
        event(app, "love", user=fan, item_id=item)
    app.feed("u", 1, exclude=[f"i{n}" for n in range(1, 40, 5)])
    app.flush()
    app.catch_up()
    ctx = Context(app.request("u"), app.live.snapshot)
    rows = load_stage("sources", "followed", {}).call(ctx).rows
    assert app.live.ids.items.ids(rows.tolist())[:2] == ["i6", "i11"]


def test_an_ended_follow_brings_nothing(app: App) -> None:
    event(app, "follow", creator_id="c1")
    event(app, "follow", creator_id="c1", value=0)
    app.catch_up()
    ctx = Context(app.request("u"), app.live.snapshot)
    assert len(load_stage("sources", "followed", {}).call(ctx)) == 0


def test_removed_items_are_in_no_slate_and_come_back_when_restored(app: App) -> None:
    decide = {"item_id": "i3", "reason": "test"}
    assert "i3" in shown(app, "a")
    app.ingest(decisions=[{**decide, "decision": "remove"}])
    assert "i3" not in shown(app, "b")
    assert "i3" not in [rising.item_id for rising in app.trending(100)]
    app.ingest(decisions=[{**decide, "decision": "restore"}])
    assert "i3" in shown(app, "c")


def test_reports_alone_remove_nothing(app: App) -> None:
    for n in range(50):
        event(app, "report", user=f"brigade{n}", item_id="i3")
    assert "i3" in shown(app, "a")


def test_only_restoring_brings_a_removed_item_back(app: App) -> None:
    app.ingest(decisions=[{"item_id": "i3", "decision": "remove", "reason": "copied"}])
    app.ingest(decisions=[{"item_id": "i3", "decision": "flag", "reason": "also a farm"}])
    assert "i3" not in shown(app, "a")


def test_ending_a_follow_lifts_no_block(app: App) -> None:
    event(app, "hide", creator_id="c2")
    event(app, "follow", creator_id="c2", value=0)
    assert {f"i{n}" for n in range(2, 40, 5)}.isdisjoint(shown(app))


def test_a_like_goes_to_the_items_own_creator(app: App) -> None:
    event(app, "like", item_id="i3", creator_id="somebody else")
    app.catch_up()
    likes = app.live.snapshot.creators["likes_by_day"].sum(axis=1)
    assert likes[app.live.ids.creators.row("c3")] == 1
    assert likes.sum() == 1


def test_after_decades_nothing_rises_but_popularity_still_knows_the_order(app: App) -> None:
    for n, item in enumerate(["i7", "i7", "i7", "i9", "i9", "i8"]):
        event(app, "like", user=f"old{n}", item_id=item, at=900_000_000 + n)
    event(app, "like", user="today", item_id="i1")
    assert [rising.item_id for rising in app.trending(4)] == ["i1"]
    ctx = Context(app.request("u"), app.live.snapshot)
    rows = load_stage("sources", "popular", {}).call(ctx).rows
    assert app.live.ids.items.ids(rows.tolist()) == ["i1", "i7", "i9", "i8"]


def test_new_items_take_turns(app: App) -> None:
    for n in range(4):
        app.feed(f"reader{n}", 10)
    app.catch_up()
    served = app.live.snapshot.items["served"]
    assert served.sum() == 40
    # All but what the random slots drew, at one position in a hundred.
    assert (served == 1).sum() >= 32


def test_flagged_items_fall(app: App) -> None:
    before = shown(app, "a").index("i3")
    app.ingest(decisions=[{"item_id": "i3", "decision": "flag", "severity": 1.0, "reason": "farm"}])
    assert shown(app, "b")[-1] == "i3"
    assert before < 39


def test_a_person_never_sees_their_own_items(app: App) -> None:
    assert {f"i{n}" for n in range(2, 40, 5)}.isdisjoint(shown(app, "c2"))


def test_hiding_a_creator_removes_all_of_them_and_following_lifts_it(app: App) -> None:
    event(app, "hide", creator_id="c2")
    theirs = {f"i{n}" for n in range(2, 40, 5)}
    assert theirs.isdisjoint(shown(app))
    event(app, "follow", creator_id="c2")
    app.live.catch_up()
    assert len(Context(app.request("u"), app.live.snapshot).person.blocks) == 0


@pytest.mark.parametrize("kind", ["like", "dislike", "hide", "view"])
def test_what_was_reacted_to_does_not_come_back(app: App, clock: Clock, kind: str) -> None:
    event(app, kind, item_id="i3")
    clock.now += 30 * DAY
    assert "i3" not in shown(app)


def test_what_was_shown_rests_for_its_days(app: App, clock: Clock) -> None:
    first = shown(app, limit=20)
    assert set(first).isdisjoint(shown(app, limit=20))
    clock.now += 8 * DAY
    assert set(shown(app, limit=40)) == {f"i{n}" for n in range(40)}


def test_a_small_catalogue_is_shown_again_oldest_first(app: App, clock: Clock) -> None:
    slates = []
    for _ in range(3):
        slates.append(shown(app, limit=20))
        clock.now += 1_000_000
    assert len(slates[2]) == 20
    assert set(slates[2]) == set(slates[0])


def test_reported_mode_counts_only_what_was_seen(tmp_path: Path) -> None:
    folder = tmp_path / "reported"
    folder.mkdir()
    (folder / "fairshot.toml").write_text('[impressions]\nmode = "reported"\n')
    with open_app(folder) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}"} for n in range(10)])
        one = app.feed("u", 5)
        two = app.explain(app.feed("u", 5).request_id)
        assert two is not None
        assert two.removed["seen"] == 0
        seen = one.slate[0]
        event(app, "impression", item_id=seen.item_id, exposure=seen.exposure, value=3.0)
        three = app.explain(app.feed("u", 5).request_id)
        assert three is not None
        assert three.removed["seen"] == 1


def test_durable_goods_are_not_offered_again_but_what_wears_out_is(app: App) -> None:
    app.ingest(
        items=[
            {"id": "oven", "creator_id": "c0", "durable": True},
            {"id": "coffee", "creator_id": "c0", "durable": False},
            {"id": "unsaid", "creator_id": "c0"},
        ]
    )
    for item in ("oven", "coffee", "unsaid"):
        event(app, "purchase", item_id=item)
    names = shown(app, limit=60)
    assert "coffee" in names
    event(app, "view", item_id="coffee", user="v")
    event(app, "purchase", item_id="coffee", user="v")
    assert "coffee" in shown(app, "v", limit=60)
    event(app, "dislike", item_id="coffee", user="v")
    assert "coffee" not in shown(app, "v", limit=60)
    assert "oven" not in names
    assert "unsaid" not in names


def test_excluded_items_and_the_context_are_heeded(app: App) -> None:
    app.ingest(items=[{"id": f"k{n}", "creator_id": f"d{n}", "labels": ["news"]} for n in range(6)])
    assert "i3" not in shown(app, "x", exclude=["i3", "unknown"])
    assert set(shown(app, "y", context={"label": "news"})) == {f"k{n}" for n in range(6)}
    assert shown(app, "z", context={"label": "none such"}) == []


def test_an_item_that_is_only_mentioned_is_not_shown_until_its_record_comes(app: App) -> None:
    for n in range(9):
        event(app, "love", user=f"fan{n}", item_id="later")
    assert "later" not in shown(app, "a", limit=60)
    app.ingest(items=[{"id": "later", "creator_id": "c0"}])
    assert "later" in shown(app, "b", limit=60)
    assert app.live.snapshot.creators["likes_by_day"][app.live.ids.creators.row("c0")].sum() == 9


def test_a_like_means_more_to_whom_has_few(world: App, context: Contexts) -> None:
    batch = Candidates(
        np.arange(3, dtype=np.int32),
        {"p_like": np.full(3, 0.1), "recent_likes": np.array([0.0, 20.0, 1e6])},
    )
    value = Creator(half=20.0)(batch, context("u1"))
    assert value[0] == pytest.approx(0.1)
    assert value[1] == pytest.approx(0.05)
    assert 0 < value[2] < 1e-5


def test_rare_categories_contribute_more(world: App, context: Contexts) -> None:
    ctx = context("u1")
    rows = np.arange(300, dtype=np.int32)
    welcome = Candidates(rows, {"p_like": np.ones(300, np.float32)})
    novelty = Contribution()(welcome, ctx)
    half = welcome.with_columns({"p_like": np.full(300, 0.5, np.float32)})
    assert Contribution()(half, ctx).tolist() == (novelty / 2).tolist()
    labels = ctx.snapshot.items["label"][rows]
    counts = ctx.snapshot.labels["label_count"][np.maximum(labels, 0)]
    order = np.argsort(counts[labels >= 0])
    assert (np.diff(novelty[labels >= 0][order]) <= 1e-12).all()
    assert (novelty[labels < 0] == 0).all()
    assert ((novelty >= 0) & (novelty < 1)).all()


def ranked(world: App, ctx: Context, n: int = 200) -> Candidates:
    rows = np.arange(n, dtype=np.int32)
    value = np.sort(np.random.default_rng(0).random(n))[::-1]
    return Candidates(rows, {"value": value, "source": np.zeros(n, np.int16), "value.engagement": value})


def test_every_window_of_a_slate_is_checked(world: App, context: Contexts) -> None:
    ctx = context("u1", limit=20)
    batch = ranked(world, ctx)
    stage = NOfM(creator_n=1, creator_m=4, label_n=2, label_m=5)
    order = stage(batch, ctx)
    assert len(order) == 20
    items = ctx.snapshot.items
    groups = np.stack([items["creator"][batch.rows[order]], items["label"][batch.rows[order]]], axis=1)
    assert not excess_of_m(groups, (1, 2), (4, 5)).any()


def test_the_label_rule_rests_when_one_label_is_asked_for(world: App, context: Contexts) -> None:
    ctx = context("u1", limit=10, context={"label": "l1"})
    batch = ranked(world, ctx).take(
        np.flatnonzero(ctx.snapshot.items["label"][:200] == ctx.snapshot.ids.labels.row("l1"))
    )
    strict = NOfM(creator_n=1, creator_m=1, label_n=1, label_m=20)(batch, ctx)
    assert strict.tolist() == list(range(10))


def test_author_spacing_lowers_the_second_of_the_same(world: App, context: Contexts) -> None:
    ctx = context("u1")
    rows = np.array([0, 30, 60, 1], np.int32)  # three of creator c0, one of c1
    batch = Candidates(rows, {"value": np.array([1.0, 0.9, 0.8, 0.7])})
    assert AuthorSpacing(decay=0.5, floor=0.0)(batch, ctx).tolist() == [0, 3, 1, 2]


def test_diversity_spreads_the_slate(world: App, context: Contexts) -> None:
    ctx = context("u1", limit=10)
    batch = ranked(world, ctx)
    vectors = world.live.snapshot.artifacts.vectors
    assert vectors is not None

    def likeness(order: np.ndarray[Any, Any]) -> float:
        found = vectors.items[batch.rows[order[:10]]]
        found = found / np.linalg.norm(found, axis=1, keepdims=True)
        return float((np.triu(found @ found.T, 1) ** 2).sum())

    plain, spread = np.arange(200), Diversity(relevance=0.2)(batch, ctx)
    assert likeness(spread) < likeness(plain)
    np.testing.assert_array_equal(np.sort(spread), plain)
    assert Diversity()(batch, context("u1", context={"label": "l1"})).tolist() == plain.tolist()


def test_propensities_of_random_slots_are_what_happens(world: App, context: Contexts) -> None:
    """Over many requests each position is drawn as often as its propensity says."""
    ctx = context("u1", limit=4)
    pool = ranked(world, ctx, 10)
    stage = RandomSlot(share=0.3)
    counts = np.zeros((4, 10))
    expected = np.zeros((4, 10))
    slate = world.pipeline(ctx)
    slate = take_positions(
        replace(slate, pool=pool, parts={"engagement": pool["value"][:0]}, propensity=np.ones(4)),
        np.arange(4),
        ((),) * 4,
    )
    draws = 6000
    for n in range(draws):
        request = replace(ctx.request, id=f"request {n}")
        blended = stage(slate, Context(request, ctx.snapshot))
        counts[np.arange(4), blended.rows] += 1
        logged = blended.propensity
        expected[np.arange(4), blended.rows] = logged
    # What was logged for a row at a position is how often it stood there, for kept and for drawn ones alike.
    np.testing.assert_allclose(counts[:, :4].diagonal() / draws, 0.7, atol=0.03)
    drawn = counts[:, 4:10]
    np.testing.assert_allclose(expected[:, 4:10][drawn > 0], 0.3 / 6)
    np.testing.assert_allclose(drawn / draws, 0.3 / 6, atol=0.015)


@pytest.mark.parametrize("pool", [4, 5, 6, 9])
def test_probabilities_of_random_slots_are_exact(world: App, context: Contexts, pool: int) -> None:
    """All ways in which lots can fall are gone through, also where fewer are left out than there are positions."""
    share, length = 0.4, 4
    ctx = context("u1", limit=length)
    slate = replace(
        world.pipeline(ctx),
        rows=np.arange(length, dtype=np.int32),
        pool=ranked(world, ctx, pool),
        propensity=np.ones(4),
    )
    exact = np.zeros((pool, length))
    for by_lot in itertools.product((False, True), repeat=length):
        weight = share ** sum(by_lot) * (1 - share) ** (length - sum(by_lot))
        drawn = min(sum(by_lot), pool - length)
        orders = list(itertools.permutations(range(length, pool), drawn))
        for order in orders:
            row = list(range(length))
            for position, taken in zip(np.flatnonzero(by_lot), order, strict=False):
                row[position] = taken
            exact[row, np.arange(length)] += weight / len(orders)
    stage = RandomSlot(share)
    np.testing.assert_allclose(stage.probabilities(slate), exact, atol=1e-12)
    slate = take_positions(replace(slate, parts={}), np.arange(length), ((),) * length)
    for n in range(50):
        blended = stage(slate, Context(replace(ctx.request, id=f"request {n}"), ctx.snapshot))
        np.testing.assert_allclose(blended.propensity, exact[blended.rows, np.arange(length)])


def test_options_are_strict() -> None:
    with pytest.raises(ConfigError, match="did you mean 'half'"):
        load_stage("value", "creator", {"halv": 1.0})
    with pytest.raises(ConfigError, match="did you mean 'trending'"):
        load_stage("sources", "trendin", {})
    with pytest.raises(ConfigError, match=r"value\.creator"):
        load_stage("value", "creator", {"half": "much"})
    with pytest.raises(ConfigError, match="share"):
        load_stage("blenders", "random_slot", {"share": 1.5})


def test_a_stage_of_a_third_party_is_found() -> None:
    stage = load_stage("value", "fairshot.pipeline.value.creator:Creator", {"half": 3.0})
    assert stage.call == Creator(half=3.0)
    with pytest.raises(ConfigError, match="cannot load"):
        load_stage("value", "no.such.module:Thing", {})
