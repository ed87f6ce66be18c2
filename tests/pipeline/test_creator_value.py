"""What creators get out of the value model: the families of happiness, ease of creation, the runway of a graduate."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fairshot.algorithms.arguments import Floats
from fairshot.algorithms.happiness import marginal_capped_happiness, marginal_power_happiness
from fairshot.app import App, open_app
from fairshot.core.arrays import DAY, Array
from fairshot.core.candidates import Candidates
from fairshot.core.errors import ConfigError
from fairshot.core.events import Draft, Kind
from fairshot.core.request import Context
from fairshot.core.snapshot import Popularity
from fairshot.core.trial import TrialState
from fairshot.pipeline.stages import load_stage
from fairshot.pipeline.value.creation import Creation
from fairshot.pipeline.value.creator import Creator
from fairshot.pipeline.value.exploration import Exploration
from fairshot.reproductions.happiness import gini

Contexts = Callable[..., Context]
CREATORS = 30
LINEAR = Creator(family="power", exponent=1.0)


def batch_of(p_like: Array, likes: Array) -> Candidates:
    return Candidates(np.arange(len(likes), dtype=np.int32), {"p_like": p_like, "recent_likes": likes})


def test_families_are_the_published_ones(context: Contexts) -> None:
    likes = np.array([0.0, 20.0, 99.0, 100.0, 1e6])
    batch, ctx = batch_of(np.full(5, 0.1), likes), context("u1")
    assert Creator(half=20.0)(batch, ctx)[1] == pytest.approx(0.05)
    power = Creator(family="power", exponent=0.3)(batch, ctx)
    np.testing.assert_allclose(power, 0.1 * marginal_power_happiness(likes, 0.3))
    capped = Creator(family="capped", cap=100.0)(batch, ctx)
    np.testing.assert_allclose(capped, 0.1 * marginal_capped_happiness(likes, 100.0))
    assert capped.tolist() == [0.1, 0.1, 0.1, 0, 0]
    assert (LINEAR(batch, ctx) == 0.1).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"family": "cubic"}, "cubic"),
        ({"half": 0.0}, "half"),
        ({"exponent": 1.5}, "exponent"),
        ({"cap": -1.0}, "cap"),
    ],
)
def test_wrong_numbers_of_happiness_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_stage("value", "creator", options)


def allocated(term: Creator, ctx: Context, impressions: int) -> Floats:
    """Exposures of equals when each impression goes to the creator whom it means most to, at P(like) of 1/2."""
    exposures = np.zeros(CREATORS)
    for _ in range(impressions):
        exposures[np.argmax(term(batch_of(np.full(CREATORS, 0.5), exposures * 0.5), ctx))] += 1
    return exposures


def test_among_equals_the_log_family_is_proportionally_fair_and_counting_likes_is_not(context: Contexts) -> None:
    ctx = context("u1")
    assert np.ptp(allocated(Creator(half=5.0), ctx, 20 * CREATORS)) == 0
    assert gini(allocated(LINEAR, ctx, 20 * CREATORS)) == pytest.approx(1 - 1 / CREATORS)


def fed(term: Creator, weight: float, ctx: Context, seed: int) -> float:
    """Gini of exposure of a feed: V = p + weight * creator, p learned from likes, which so help who has some."""
    rng = np.random.default_rng(seed)
    quality = rng.beta(2, 20, CREATORS)
    likes, exposures = np.zeros((2, CREATORS))
    for _ in range(3000):
        taste = np.exp(rng.normal(0, 0.5, CREATORS))
        chance = np.minimum(1, (2 + likes) / (22 + exposures) * taste)
        shown = int(np.argmax(chance + weight * term(batch_of(chance, likes), ctx)))
        exposures[shown] += 1
        likes[shown] += rng.random() < min(1, quality[shown] * taste[shown])
    return float(gini(exposures))


def test_more_weight_evens_exposure_out_and_linear_lets_the_rich_get_richer(context: Contexts) -> None:
    ctx = context("u1")
    sweep = [np.mean([fed(Creator(half=2.0), weight, ctx, seed) for seed in range(6)]) for weight in (0, 1, 5, 40)]
    assert (np.diff(sweep) < 0).all(), sweep
    linear = np.mean([fed(LINEAR, 40, ctx, seed) for seed in range(6)])
    assert linear > sweep[0] - 0.02
    assert linear > sweep[-1] + 0.2


# Ease of creation


def knowing(ctx: Context, rates: dict[str, float]) -> Context:
    popularity = Popularity(np.zeros(5, np.float32), rates)
    return Context(ctx.request, replace(ctx.snapshot, artifacts=replace(ctx.snapshot.artifacts, popularity=popularity)))


def test_creation_is_the_chance_of_it(context: Contexts) -> None:
    ctx = knowing(context("u1"), {"create": 0.01})
    batch = Candidates(np.arange(3, dtype=np.int32), {"p_create": np.array([0.0, 0.2, 0.1], np.float32)})
    np.testing.assert_allclose(Creation()(batch, ctx), [0, 0.2, 0.1], rtol=1e-6)


def test_where_nobody_creates_the_term_changes_nothing(world: App, context: Contexts) -> None:
    ctx = context("u1")
    batch = world.pipeline.describe(ctx, np.arange(50, dtype=np.int32))
    assert "p_create" in batch
    for known in (ctx, knowing(ctx, {}), knowing(ctx, {"create": 0.0})):
        assert not Creation()(batch, known).any()
    bare = Candidates(np.arange(2, dtype=np.int32), {"p_like": np.ones(2)})
    assert not Creation()(bare, knowing(ctx, {"create": 0.1})).any()


# The runway


def runway(
    ctx: Context, *, state: Array, served: Array, at: Array, days: float = 14.0, promised: float = 100.0
) -> Floats:
    """The bonus of the first items, had their trials ended so; `served`: exposures since."""
    items, n = ctx.snapshot.items, len(state)
    columns = {name: items[name].copy() for name in ("trial_state", "trial_state_at", "trial_served", "served")}
    columns["trial_state"][:n], columns["trial_state_at"][:n] = state, at
    columns["trial_served"][:n] = 40
    columns["served"][:n] = 40 + served
    seen = Context(ctx.request, replace(ctx.snapshot, items=items.replaced(columns)))
    batch = Candidates(np.arange(n, dtype=np.int32), {"p_like": np.full(n, 0.2)})
    return np.asarray(Exploration(promised, days)(batch, seen), np.float64)


def test_only_graduates_have_a_runway(context: Contexts) -> None:
    ctx = context("u1")
    bonus = runway(
        ctx, state=np.array([int(state) for state in TrialState]), served=np.zeros(5), at=np.full(5, ctx.now)
    )
    assert (bonus > 0).tolist() == [state is TrialState.GRADUATED for state in TrialState]
    assert bonus.max() == pytest.approx(0.2)


def test_the_bonus_falls_as_the_promise_is_kept(context: Contexts) -> None:
    ctx = context("u1")
    graduated = np.full(5, TrialState.GRADUATED)
    served = np.array([0, 25, 50, 100, 300])
    bonus = runway(ctx, state=graduated, served=served, at=np.full(5, ctx.now))
    np.testing.assert_allclose(bonus, 0.2 * np.array([1, 0.75, 0.5, 0, 0]), atol=1e-12)


def test_a_runway_ends_after_its_days(context: Contexts) -> None:
    ctx = context("u1")
    at = ctx.now - np.array([0, 6, 7, 8]) * DAY
    bonus = runway(ctx, state=np.full(4, TrialState.GRADUATED), served=np.zeros(4), at=at, days=7.0)
    assert (bonus > 0).tolist() == [True, True, False, False]


def test_a_graduate_is_shown_more_until_the_promise_is_kept(tmp_path: Path) -> None:
    """Through the application: the verdict gives the bonus, exposures use it up, and then it is gone."""
    (tmp_path / "fairshot.toml").write_text("[value.exploration]\npromised = 4\n[blenders.random_slot]\nshare = 0.0\n")
    with open_app(tmp_path, clock=lambda: 1_700_000_000_000_000) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}", "created_at": 1_600_000_000 + n} for n in range(40)])
        verdict = {"decision": "trial", "item": "i3", "step": "graduated", "served": 0}
        app.writer.append(
            [Draft(kind=Kind.VERDICT, at=app.clock(), id="verdict/trial/i3", item="i3", creator="c3", data=verdict)]
        ).result()
        bonus = []
        for n in range(6):
            explained = app.explain(app.feed(f"u{n}", 40).request_id)
            assert explained is not None
            (shown,) = [position for position in explained.slate if position.item_id == "i3"]
            bonus.append(shown.value["exploration"])
            assert (shown.position == 1) or bonus[-1] == 0
    assert bonus[0] > bonus[1] > bonus[2] > bonus[3] > bonus[4] == bonus[5] == 0


def test_graduates_of_late_are_candidates_and_take_turns(tmp_path: Path) -> None:
    now = 1_700_000_000_000_000
    with open_app(tmp_path, clock=lambda: now) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n}", "labels": [f"l{n % 2}"]} for n in range(9)])
        steps = [
            ("i3", "graduated", 0),
            ("i4", "stopped", 0),
            ("i5", "graduated", 20),
            ("i6", "graduated", 1),
            ("i7", "", 0),
        ]
        for item, step, days in steps:
            for number, one in enumerate(filter(None, ["testing", step])):
                verdict = {"decision": "trial", "item": item, "step": one, "served": 0, "round": 1}
                at = now - days * DAY
                draft = Draft(kind=Kind.VERDICT, at=at, id=f"verdict/trial/{item}/{number}", item=item, data=verdict)
                app.writer.append([draft]).result()
        app.catch_up()

        def brought(**context: str) -> list[str]:
            rows = load_stage("sources", "runway", {}).call(
                Context(app.request("u", context=context), app.live.snapshot)
            )
            return app.live.ids.items.ids(rows.rows.tolist())

        assert brought() == ["i3", "i6"]
        assert brought(label="l0") == ["i6"]
        app.feed("v", 9, exclude=["i6"])
        app.catch_up()
        assert brought() == ["i6", "i3"]


def test_a_promise_of_nothing_is_refused() -> None:
    for options in ({"promised": 0.0}, {"days": -1.0}):
        with pytest.raises(ConfigError, match="promised and days"):
            load_stage("value", "exploration", options)
