"""The application as a library: real data in, a slate out, and feedback changes the next one."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fairshot
from fairshot.app import App, open_app
from fairshot.core.events import Kind, concatenate
from fairshot.core.exposure import verify
from fairshot.core.request import Context
from fairshot.evaluation import evaluate
from fairshot.stores.checkpoint import load_checkpoint

TASTES = ("jazz", "chess")


def records() -> dict[str, list[dict[str, Any]]]:
    """Two tastes of 60 items each, and 60 people who like one of them."""
    rng = np.random.default_rng(7)
    items = [
        {
            "id": f"{taste}{n}",
            "creator_id": f"{taste}-creator{n % 12}",
            "title": f"{taste} story number {n}",
            "labels": [taste],
        }
        for taste in TASTES
        for n in range(60)
    ]
    events = []
    for person in range(60):
        taste = TASTES[person % 2]
        liked = rng.choice(60, 25, replace=False)
        events += [(f"p{person}", "like" if rng.random() < 0.8 else "view", f"{taste}{n}") for n in liked]
        other = TASTES[1 - person % 2]
        events += [(f"p{person}", "dislike", f"{other}{n}") for n in rng.choice(60, 3, replace=False)]
    rng.shuffle(events)
    made = [
        {"event_id": f"e{k}", "kind": kind, "user_id": user, "item_id": item, "at": 1_600_000_000 + k}
        for k, (user, kind, item) in enumerate(events)
    ]
    return {"items": items, "events": made}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two tastes and a promoted snapshot; copy it before changing it."""
    folder = tmp_path_factory.mktemp("trained") / "data"
    folder.mkdir()
    (folder / "fairshot.toml").write_text(
        "[learning]\nfactors = 8\ntext_dimensions = 8\nepochs = 10\nleast_examples = 20\n"
    )
    with fairshot.open(str(folder)) as app:
        app.ingest(**records())
        report = app.train()
        assert report.promoted, report.reasons
        app.checkpoint()
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "data"))


@pytest.fixture
def app(folder: Path) -> Iterator[App]:
    with open_app(folder) as app:
        yield app


def taste_share(app: App, user: str, taste: str = "jazz", **options: Any) -> float:
    """The share of a taste in a slate as the pipeline would serve it now; nothing is logged."""
    app.catch_up()
    slate = app.pipeline(Context(app.request(user, 10, **options), app.live.snapshot))
    names = app.live.ids.items.ids(slate.rows.tolist())
    return sum(name.startswith(taste) for name in names) / len(names)


def like(app: App, user: str, *items: str, kind: str = "like") -> None:
    head = app.log.head()
    events = [
        {"event_id": f"{user}/{kind}/{item}/{head}", "kind": kind, "user_id": user, "item_id": item} for item in items
    ]
    assert app.ingest(events).accepted == len(items)


def test_the_slate_fits_the_person(app: App) -> None:
    assert not app.feed("p0").degraded
    assert taste_share(app, "p0") >= 0.7
    assert taste_share(app, "p1") <= 0.3


def test_a_like_moves_the_next_slate_without_training(app: App) -> None:
    assert app.feed("new", 10).snapshot is not None
    like(app, "new", "chess1", "chess2", "chess3")
    assert taste_share(app, "new", "chess") >= 0.6
    like(app, "other", "jazz1", "jazz2", "jazz3")
    assert taste_share(app, "other", "jazz") >= 0.6


def test_acknowledged_feedback_is_in_the_very_next_slate(app: App) -> None:
    for n in range(200):
        user = f"p{n % 60}"
        slate = app.feed(user, 5).slate
        item = slate[n % len(slate)].item_id
        like(app, user, item, kind="hide" if n % 2 else "like")
        assert item not in [position.item_id for position in app.feed(user, 5).slate]


def test_the_next_slate_repeats_nothing_of_the_last(app: App) -> None:
    for n in range(20):
        first, second = app.feed(f"reader{n}", 20), app.feed(f"reader{n}", 20)
        assert {p.item_id for p in first.slate}.isdisjoint(p.item_id for p in second.slate)


def test_an_item_without_any_feedback_has_a_vector_at_once(app: App) -> None:
    app.ingest(items=[{"id": "cold", "creator_id": "newcomer", "title": "jazz story", "labels": ["jazz"]}])
    app.catch_up()
    vectors = app.live.snapshot.artifacts.vectors
    assert vectors is not None
    row = app.live.ids.items.row("cold")
    cold = vectors.items[row]
    assert np.isfinite(cold).all()
    assert cold.any()
    means = {
        taste: np.mean([vectors.items[app.live.ids.items.row(f"{taste}{n}")] for n in range(60)], axis=0)
        for taste in TASTES
    }
    assert cold @ means["jazz"] > cold @ means["chess"]
    nearest = app.live.snapshot.artifacts.nearest
    assert nearest is not None
    assert row in nearest.search(cold[None], 121)[0]


def test_items_that_came_after_training_keep_their_vectors_over_a_restart(folder: Path) -> None:
    with open_app(folder) as app:
        app.ingest(items=[{"id": "cold", "creator_id": "newcomer", "title": "jazz story", "labels": ["jazz"]}])
        app.catch_up()
        row = app.live.ids.items.row("cold")
        vectors = app.live.snapshot.artifacts.vectors
        assert vectors is not None
        before = vectors.items[row].copy()
    with open_app(folder) as app:
        vectors = app.live.snapshot.artifacts.vectors
        assert vectors is not None
        np.testing.assert_allclose(vectors.items[row], before, rtol=1e-5)


def test_a_clients_event_may_bear_the_requests_id(app: App) -> None:
    feed = app.feed("p0", 3)
    event = {"event_id": feed.request_id, "kind": "love", "user_id": "p0", "item_id": feed.slate[0].item_id}
    assert app.ingest([event]).accepted == 1
    assert app.explain(feed.request_id) is not None
    reserved = app.ingest([{**event, "event_id": "slate/mine"}])
    assert [(r.field, r.index) for r in reserved.rejected] == [("event_id", 0)]


def test_a_served_log_teaches_and_can_be_evaluated(tmp_path: Path) -> None:
    """What people liked of what they were shown is what the net learns from, and what evaluation finds again."""
    now = [1_700_000_000_000_000]
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "fairshot.toml").write_text("[learning]\nfactors = 8\ntext_dimensions = 8\nleast_examples = 20\n")
    with open_app(folder, clock=lambda: now[0]) as app:
        app.ingest(items=records()["items"])
        for visit in range(4):
            for person in range(60):
                now[0] += 30_000_000
                user, taste = f"p{person}", TASTES[person % 2]
                slate = app.feed(user, 10).slate
                liked = [p for p in slate if p.item_id.startswith(taste)][:3]
                now[0] += 10_000_000
                app.ingest(
                    [
                        {
                            "event_id": f"{visit}-{user}-{p.item_id}",
                            "kind": "like",
                            "user_id": user,
                            "item_id": p.item_id,
                            "exposure": p.exposure,
                        }
                        for p in liked
                    ]
                )
        report = app.train()
        assert report.promoted, report.reasons
        assert {model for model, _, _ in report.figures} == {"engagement.like", "causal"}
        for protocol in ("random", "latest", "temporal"):
            found = {(m.arm, m.name): m.value for m in evaluate(app, protocol).figures}
            assert found["defaults", "nDCG@10"] > 0.05


def test_later_follows_do_not_tell_what_was_held_out(tmp_path: Path) -> None:
    """Likes at random, each followed by a follow of the item's creator: nothing can be predicted."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "noise"
    folder.mkdir()
    (folder / "fairshot.toml").write_text("[learning]\nfactors = 8\ntext_dimensions = 8\nleast_examples = 20\n")
    with open_app(folder, clock=lambda: 1_700_000_000_000_000) as app:
        app.ingest(items=[{"id": f"i{n}", "creator_id": f"c{n % 100}"} for n in range(400)])
        events = []
        for n in range(1500):
            item, at = int(rng.integers(400)), 1_690_000_000 + 10 * n
            user = f"u{rng.integers(50)}"
            events.append({"event_id": f"l{n}", "kind": "like", "user_id": user, "item_id": f"i{item}", "at": at})
            follow = {"event_id": f"f{n}", "kind": "follow", "user_id": user, "creator_id": f"c{item % 100}"}
            events.append({**follow, "at": at + 1})
        app.ingest(events)
        figures = {(model, name): value for model, name, value in app.train().figures}
        assert figures["engagement.like", "AUC"] < 0.75


def test_tokens_are_of_this_slate(app: App, folder: Path) -> None:
    feed = app.feed("p0", 5)
    secret = (folder / "secret").read_bytes()
    for position in feed.slate:
        said = verify(secret, position.exposure, "p0", position.item_id)
        assert said is not None
        assert (said.request, said.position) == (feed.request_id, position.position)
        assert 0 < said.propensity <= 1
        assert verify(secret, position.exposure, "p1", position.item_id) is None
    answer = app.ingest(
        [
            {"event_id": "a", "kind": "like", "user_id": "p0", "item_id": p.item_id, "exposure": p.exposure}
            for p in feed.slate[:1]
        ]
        + [{"event_id": "b", "kind": "like", "user_id": "p1", "item_id": "x", "exposure": feed.slate[0].exposure}]
    )
    assert answer.accepted == 1
    assert [(r.index, r.field) for r in answer.rejected] == [(1, "exposure")]
    events = concatenate(list(app.log.batches()))
    told = events.where(events.of(Kind.FEEDBACK) & (events.user == app.live.ids.users.row("p0")))
    assert told.position[-1] == 1


def test_what_was_shown_is_logged_with_its_reasons(app: App) -> None:
    feed = app.feed("p3", 7)
    why = app.explain(feed.request_id)
    assert why is not None
    assert why.user_id == "p3"
    assert [p.item_id for p in why.slate] == [p.item_id for p in feed.slate]
    for shown, explained in zip(feed.slate, why.slate, strict=True):
        assert explained.score == pytest.approx(shown.score)
        assert sum(explained.value.values()) == pytest.approx(shown.score)
        assert 0 < explained.propensity <= 1
    assert why.candidates >= len(feed.slate) + sum(why.removed.values())
    assert {"sources.trials", "sources.followed"} <= {step["stage"] for step in why.funnel}
    assert app.explain("no such request") is None
    assert app.explain("e1") is None


@pytest.mark.parametrize("broken", ["vectors", "content", "index", "engagement", "manifest", "all"])
@pytest.mark.parametrize("how", ["missing", "corrupt", "truncated"])
def test_a_broken_artifact_degrades_and_never_leaks(folder: Path, broken: str, how: str) -> None:
    (version,) = (folder / "artifacts").iterdir()
    pattern = "*" if broken == "all" else f"{broken}.*"
    for path in version.glob(pattern):
        if how == "missing":
            path.unlink()
        elif how == "corrupt":
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 0xFF
            path.write_bytes(bytes(data))
        else:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with open_app(folder) as app:
        app.ingest(decisions=[{"item_id": f"jazz{n}", "decision": "remove", "reason": "t"} for n in range(0, 60, 2)])
        feed = app.feed("p0", 20)
        assert feed.degraded
        assert len(feed.slate) == 20
        removed = {f"jazz{n}" for n in range(0, 60, 2)}
        assert removed.isdisjoint(p.item_id for p in feed.slate)
        assert app.status().degraded
        if broken in ("vectors", "all"):
            assert {p.source for p in feed.slate} <= {"trending", "popular", "fresh", "followed"}


def test_no_profile_no_personal_slate(app: App) -> None:
    one = app.feed("p0", 10, mode="nonprofiling")
    assert {p.source for p in one.slate} <= {"runway", "trending", "popular", "fresh"}
    assert not one.degraded


def test_a_checkpoint_and_the_tail_give_what_a_full_replay_gives(folder: Path) -> None:
    with open_app(folder) as app:
        app.feed("p0")
        app.flush()
        like(app, "p5", "jazz3")
        app.catch_up()
        tail, seq = app.live.states, app.live.seq
        shutil.rmtree(folder / "checkpoints")
        with open_app(folder) as replayed:
            assert replayed.live.seq == seq
            for name, state in tail.items():
                for side in ("users", "items", "creators", "labels", "world"):
                    for column in state[side].columns:
                        np.testing.assert_array_equal(state[side][column], replayed.live.states[name][side][column])
                    for key, lists in state[side].lists.items():
                        other = replayed.live.states[name][side].lists[key]
                        for a, b in zip(lists.flat(), other.flat(), strict=True):
                            np.testing.assert_array_equal(a, b)


def test_a_checkpoint_is_used_and_a_damaged_one_is_passed_over(folder: Path) -> None:
    with open_app(folder) as app:
        states = {name: fold.empty() for name, fold in app.live.folds.items()}
        seq, promoted = load_checkpoint(folder / "checkpoints", app._signature, states)
        assert seq == app.live.seq
        assert promoted == app.live.promoted
    for path in (folder / "checkpoints").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-10])
    with open_app(folder) as app:
        assert app.live.seq == seq
        assert taste_share(app, "p0") >= 0.7


def test_two_processes_on_one_directory_see_each_other(folder: Path) -> None:
    with open_app(folder) as one, open_app(folder) as two:
        like(one, "shared", "chess1", "chess2", "chess4")
        assert taste_share(two, "shared", "chess") >= 0.6
        two.ingest(items=[{"id": "late", "creator_id": "c", "title": "late"}])
        one.catch_up()
        two.catch_up()
        assert one.live.ids.items.row("late") == two.live.ids.items.row("late") >= 0


def test_importing_the_same_twice_doubles_nothing(app: App) -> None:
    before = app.log.head()
    again = app.ingest(**records())
    assert again.accepted == 0
    assert again.duplicate == len(records()["items"]) + len(records()["events"])
    assert app.log.head() == before


def test_a_record_can_change_and_change_back(app: App) -> None:
    item = {"id": "jazz1", "creator_id": "jazz-creator1", "title": "other"}
    assert app.ingest(items=[item]).accepted == 1
    assert app.ingest(items=[item]).duplicate == 1
    assert app.ingest(items=[{**item, "title": "jazz story number 1", "labels": ["jazz"]}]).accepted == 1
    assert app.ingest(items=[item]).accepted == 1
    assert app.record("items", "jazz1") == item


def test_only_fairshot_algorithms_need_be_imported() -> None:
    assert fairshot.__all__ == ["__version__", "open"]


@pytest.mark.parametrize("user", ["", "a\x00b", "\ud800", "x" * 257, "é" * 129])
def test_ids_that_none_can_have_are_refused(app: App, user: str) -> None:
    with pytest.raises(ValueError, match=r"user_id|surrogate"):
        app.feed(user)
    with pytest.raises(ValueError, match="JSON has none of"):
        app.feed("p0", context={"x": object()})


def test_a_young_platform_is_personal_before_any_head_is_learned(tmp_path: Path) -> None:
    folder = tmp_path / "young"
    folder.mkdir()
    (folder / "fairshot.toml").write_text("[learning]\nfactors = 8\ntext_dimensions = 8\nleast_examples = 1000000\n")
    with open_app(folder) as app:
        app.ingest(**records())
        app.train()
        assert not app.feed("p0").degraded
        assert taste_share(app, "p0") >= 0.6
        assert taste_share(app, "p1") <= 0.4
