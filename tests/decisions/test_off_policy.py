"""A candidate judged by a log: exact probabilities, the truth within the intervals, and doubts where they are due."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from fairshot.app import App, open_app
from fairshot.core.arrays import Array, Floats
from fairshot.core.events import concatenate
from fairshot.core.snapshot import Artifacts
from fairshot.decisions.off_policy import Placements, examination_of, place
from fairshot.decisions.off_policy_judgement import ASSUMES, Judgement, judge
from fairshot.pipeline.engine import Pipeline
from fairshot.replay import Replay
from fairshot.state import load_folds

LOOKS = np.array([1.0, 0.7, 0.5])
ITEMS, PEOPLE = 14, 200
NEAR = {"contribution": 0.8}
FAR = {"creator": -50.0}


class Served:
    """A small site that served slates, of which some places went by lot, and people whose taste is known."""

    def __init__(self, folder: Path, share: float, slates: int) -> None:
        folder.mkdir()
        (folder / "fairshot.toml").write_text(f"[blenders.random_slot]\nshare = {share}\n[impressions]\ndays = 0.0\n")
        clock = itertools.count(1_700_000_000_000_000, 1_000_000)
        self.app: App = open_app(folder, clock=lambda: next(clock))
        self.rng = np.random.default_rng(8)
        self.quality = self.rng.uniform(0.05, 0.6, ITEMS)
        self.app.ingest(
            items=[{"id": f"i{n}", "creator_id": f"c{n % 7}", "labels": [f"l{n % 3}"]} for n in range(ITEMS)],
            events=[
                {"event_id": f"e{n}", "kind": "share", "user_id": f"old{n}", "item_id": f"i{n % ITEMS}"}
                for n in range(40)
            ],
        )
        # Requests of the same names have the same lots drawn whenever this runs.
        names = (f"{n:032x}" for n in itertools.count())
        with patch("fairshot.app.secrets.token_hex", lambda _bytes: next(names)):
            for n in range(slates):
                self.app.feed(f"u{n % PEOPLE}", len(LOOKS))
        self.slates = list(self.app.log.slates())

    def candidate(self, weights: dict[str, float]) -> Pipeline:
        pipeline = self.app.pipeline
        return replace(pipeline, weights={**pipeline.weights, **weights})

    def placements(self, weights: dict[str, float], examination: Array | None = LOOKS) -> Placements:
        app = self.app
        events = concatenate(list(app.log.batches()))
        now = Replay(events, load_folds(app.config.kinds), app.live.ids, app.config)
        return place(self.candidate(weights), now.contexts(self.slates, Artifacts()), examination)

    def clicks(self, placements: Placements) -> Floats:
        """What people click, drawn anew: quality of the item times the share who look there."""
        rows = np.stack([slate.rows for slate in self.slates])
        chance = self.quality[rows] * LOOKS
        position = np.tile(np.arange(1, len(LOOKS) + 1), len(rows))
        seq = np.repeat([slate.served for slate in self.slates], len(LOOKS))
        return placements.rewards(seq, position, (self.rng.random(chance.shape) < chance).astype(float).ravel())

    def truth(self, weights: dict[str, float]) -> float:
        """What the candidate earns on average over the very moments, by the known taste."""
        app = self.app
        events = concatenate(list(app.log.batches()))
        now = Replay(events, load_folds(app.config.kinds), app.live.ids, app.config)
        total = 0.0
        for ctx, _ in now.contexts(self.slates, Artifacts()):
            pool, chances = self.candidate(weights).distribution(ctx)
            total += float(self.quality[pool.rows] @ chances @ LOOKS)
        return total / len(self.slates)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("lots") / "data", 0.4, 700)
    yield found
    found.app.close()


@pytest.fixture(scope="module")
def certain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    found = Served(tmp_path_factory.mktemp("certain") / "data", 0.0, 200)
    yield found
    found.app.close()


def test_the_logging_policy_is_found_to_be_itself(served: Served) -> None:
    """Replayed from the log alone, its probabilities are those that were logged, whatever was drawn by lot."""
    placements = served.placements({})
    np.testing.assert_allclose(placements.target, placements.logging)
    np.testing.assert_allclose(placements.seen_target, placements.seen_logging)
    assert (placements.logging < 0.5).mean() > 0.3
    found = judge(placements, served.clicks(placements))
    for judged in found.judged:
        assert judged.conclusive, judged
        # The model of DR is asked what would be shown on average, not what the lots were.
        near = 0.05 if judged.estimator == "DR" else 1e-12
        assert judged.difference == pytest.approx(0, abs=near)
        assert judged.error == pytest.approx(0, abs=near)
        assert judged.value == pytest.approx(found.logged, abs=near)
        assert judged.support == pytest.approx(1)
        assert judged.effective_samples == pytest.approx(found.slates)


@pytest.mark.parametrize("weights", [NEAR, FAR])
def test_every_estimator_finds_what_a_candidate_earns(served: Served, weights: dict[str, float]) -> None:
    placements = served.placements(weights)
    assert not np.allclose(placements.target, placements.logging)
    truth = served.truth(weights)
    values: dict[str, list[float]] = {name: [] for name in ASSUMES}
    errors: dict[str, list[float]] = {name: [] for name in ASSUMES}
    for _ in range(40):
        for judged in judge(placements, served.clicks(placements)).judged:
            values[judged.estimator].append(judged.value)
            errors[judged.estimator].append((judged.high - judged.low) / 3.92)
    for name in ASSUMES:
        # The slates stay the same over the draws, so their share of the error stays too.
        assert np.mean(values[name]) == pytest.approx(truth, abs=3.5 * float(np.mean(errors[name]))), name
    # Less is assumed, more has to be paid.
    assert np.mean(errors["PBM"]) < np.mean(errors["IIPS"]) < np.mean(errors["SIPS"])


def test_what_the_log_never_shows_is_warned_of(certain: Served) -> None:
    placements = certain.placements(FAR)
    found = judge(placements, certain.clicks(placements))
    doubted = {judged.estimator: " ".join(judged.warnings) for judged in found.judged}
    for name in ("IIPS", "PBM", "RIPS", "SIPS"):
        assert "missing from the log" in doubted[name], name
    assert not any(judged.conclusive for judged in found.judged)
    assert found.warnings == ()
    same = judge(certain.placements({}), certain.clicks(placements))
    assert all(judged.conclusive for judged in same.judged)


def drawn(people: int, slates: int, rng: np.random.Generator, rare: float = 0.3) -> tuple[Placements, Floats, float]:
    """Two positions, two items each: the log shows the better one with `rare`; people differ. Their true worth, too."""
    person = np.repeat(np.arange(people), slates)
    better = rng.random((len(person), 2)) < rare
    taste = rng.uniform(-0.2, 0.2, people)[person, None]
    worth = np.where(better, 0.6, 0.3) + taste
    logging, target = np.where(better, rare, 1 - rare), np.where(better, 0.8, 0.2)
    filled = np.ones(better.shape, bool)
    one = np.ones(better.shape)
    placements = Placements(
        served=np.arange(len(person)) + 5,
        person=person,
        filled=filled,
        logging=logging,
        target=target,
        seen_logging=logging,
        seen_target=target,
        looks=one,
        fills=one,
        predicted=np.where(better, 0.5, 0.1),
        expected=0.8 * 0.5 + 0.2 * 0.1 * one,
    )
    return placements, (rng.random(worth.shape) < worth).astype(float), 2 * (0.8 * 0.6 + 0.2 * 0.3)


def test_intervals_by_people_cover() -> None:
    rng = np.random.default_rng(3)
    held = dict.fromkeys(ASSUMES, 0)
    for _ in range(200):
        placements, rewards, truth = drawn(80, 10, rng)
        for judged in judge(placements, rewards).judged:
            held[judged.estimator] += judged.low <= truth <= judged.high
    for name, count in held.items():
        assert 0.9 <= count / 200 <= 0.99, name


def by_name(found: Judgement, name: str) -> object:
    return next(judged for judged in found.judged if judged.estimator == name)


def test_few_samples_and_few_people_are_warned_of() -> None:
    rng = np.random.default_rng(4)
    placements, rewards, _ = drawn(20, 3, rng, rare=0.1)
    found = judge(placements, rewards)
    assert "20 people" in found.warnings[0]
    assert all("effective slates" in " ".join(judged.warnings) for judged in found.judged)


def test_clipping_is_told() -> None:
    placements, rewards, _ = drawn(100, 10, np.random.default_rng(5))
    plain, cut = (by_name(judge(placements, rewards, clip), "IIPS") for clip in (np.inf, 1.5))
    assert cut.value < plain.value  # type: ignore[attr-defined]
    assert cut.clipped > 0.3  # type: ignore[attr-defined]
    assert "clipped" in cut.warnings[-1]  # type: ignore[attr-defined]


def test_rewards_come_to_their_places_and_others_nowhere() -> None:
    placements, _, _ = drawn(3, 1, np.random.default_rng(6))
    seq, position = np.array([7, 5, 5, 99, 7, 6]), np.array([2, 1, 1, 1, 0, 3])
    found = placements.rewards(seq, position, np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
    assert found.tolist() == [[5.0, 0.0], [0.0, 0.0], [0.0, 1.0]]


def test_slates_of_different_length_and_items_beside_the_pool(served: Served) -> None:
    """What the candidate would not show at all has probability zero, and still a predicted worth."""
    app = served.app
    events = concatenate(list(app.log.batches()))
    now = Replay(events, load_folds(app.config.kinds), app.live.ids, app.config)
    slates = [
        replace(slate, rows=slate.rows[: 1 + n % 3], propensity=slate.propensity[: 1 + n % 3])
        for n, slate in enumerate(served.slates[:30])
    ]
    fresh = tuple(stage for stage in app.pipeline.sources if stage.name == "popular")
    placements = place(replace(app.pipeline, sources=fresh), now.contexts(slates, Artifacts()))
    assert placements.filled.sum(axis=1).tolist() == [1 + n % 3 for n in range(30)]
    assert (placements.logging[~placements.filled] == 1).all()
    assert (placements.target[~placements.filled] == 1).all()
    assert (placements.predicted[placements.filled] != 0).all()


def test_shares_of_people_who_look_are_those_of_attribution() -> None:
    position, weight = np.array([2, 1, 0, 4, 2]), np.array([2.0, 1.0, 1.0, 4.0, 2.0])
    assert examination_of(position, weight).tolist() == [1.0, 0.5, 0.5, 0.25]
    assert examination_of(position[2:3], weight[2:3]).tolist() == [1.0]
    assert examination_of(position[:0], weight[:0]).tolist() == [1.0]


def test_a_log_without_slates_says_so() -> None:
    nothing = place(Pipeline(), [])
    assert nothing.rewards(np.array([1]), np.array([1]), np.array([1.0])).shape == (0, 0)
    found = judge(nothing, np.zeros((0, 0)))
    assert (found.slates, found.judged) == (0, ())
    assert "no slates" in found.warnings[0]


def test_bad_input_names_the_argument(served: Served) -> None:
    placements, rewards, _ = drawn(3, 1, np.random.default_rng(6))
    with pytest.raises(ValueError, match=r"rewards of shape \(2, 2\)"):
        judge(placements, rewards[:2])
    with pytest.raises(ValueError, match="examination"):
        served.placements({}, np.array([1.0, 0.0]))
