"""Equal error: how many impressions the rule of trials needs where people are chosen, and where they come by lot.

    from fairshot.town.equal_error import measured
    measured(range(1, 6))  # about a minute a town

A town lives for some days under the defaults. Then all its new works are tried side by side, on paper: by whom a trial
would choose for them, and by anybody. Works, people and their mood, positions and the rule are the same; likes are
drawn from what each person truly thinks of each work. Longer trials err less, so either way is a curve. Left out is
what hangs on other works or on answers: which of them a person is brought, and that strangers come first to some.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from fairshot.core.arrays import DAY, Array, Bools, Floats, Ints
from fairshot.core.person import Person
from fairshot.core.predicted_labels import category_of
from fairshot.core.randomness import stream
from fairshot.core.trial import CELLS, POSITIONS, Trials, TrialState
from fairshot.core.trial_posterior import posterior_of
from fairshot.decisions.trials import fit_priors, judge, looks
from fairshot.pipeline.sources.trials import HALVES
from fairshot.town.behaviour import examination, like_probability
from fairshot.town.crew import Crew
from fairshot.town.life import Life
from fairshot.town.platform import Platform
from fairshot.town.policies import policy
from fairshot.town.scenarios import Scenario
from fairshot.town.simulation import Town, live_past
from fairshot.town.truth import Truth
from fairshot.town.world import START, make_world

TOWN = Scenario(name="equal error", days=5, people=1000, creators=150, new_creators=30, present=1500)
LENGTHS = (5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 240.0)
"""Expected likes after which a trial ends at the latest."""
MOST = 1500
"""People who are asked for one work at most, then it ends; who was asked stands for others like them after that."""
TIMES = 8
"""So often each work is tried, by other people."""


@dataclass(frozen=True, slots=True)
class Works:
    """New works of one town.

    ahead, likes: (people, n), the share of all people who match a work better than each person, NaN where nothing is
    known of the work, and the chance that this one likes it on looking at it; category (n,): label rows; good, bad:
    bool (n,).
    """

    ahead: Floats
    likes: Floats
    category: Ints
    good: Bools
    bad: Bools


@dataclass(frozen=True, slots=True)
class Curve:
    """Trials of each of LENGTHS: impressions to the end, the good that stopped, the bad that graduated, (lengths,)."""

    impressions: Floats
    stopped: Floats
    graduated: Floats

    @property
    def error(self) -> Floats:
        """Either error counts alike."""
        return (self.stopped + self.graduated) / 2

    def impressions_at(self, error: float) -> float:
        """Impressions at which the error is as small, between lengths; of the longest where it never is."""
        small = np.flatnonzero(self.error <= error)
        if len(small) == 0 or small[0] == 0:
            return float(self.impressions[-1 if len(small) == 0 else 0])
        last = small[0]
        before, after = self.error[last - 1], self.error[last]
        share = (before - error) / (before - after)
        return float(self.impressions[last - 1] ** (1 - share) * self.impressions[last] ** share)


def measured(seeds: Iterable[int], scenario: Scenario = TOWN) -> list[tuple[Curve, Curve]]:
    """For each seed, what trials of all lengths come to: of chosen people, and of people by lot."""
    found = []
    for seed in seeds:
        works = works_of(scenario, seed)
        found.append((curve(works, True, seed), curve(works, False, seed)))
    return found


def works_of(scenario: Scenario, seed: int) -> Works:
    """Let a town live, and see what came out in it, and what everybody thinks of it then."""
    world = make_world(scenario, seed)
    with TemporaryDirectory(prefix="fairshot-works-") as folder:
        life = live_past(Crew(), world, Path(folder), lambda _phase, _share: None)
        with Platform.open(Path(folder), policy("fairshot"), seed, START) as platform:
            now = START + scenario.days * DAY
            Town(life, platform, Crew(), may_leave=True).live(START, now, lambda _share: None)
            return _new_works(life, platform, now)


def _new_works(life: Life, platform: Platform, now: int) -> Works:
    snapshot, world = platform.app.live.snapshot, life.world
    items, ids = snapshot.items, snapshot.ids
    own: Bools = items["original"] == np.arange(len(items["original"]))
    rows = np.flatnonzero((items["record"] > 0) & (items["created_at"] >= START) & own).astype(np.int32)
    vectors, audience = snapshot.artifacts.vectors, snapshot.artifacts.audience
    assert vectors is not None
    assert audience is not None
    people = {person: ids.users.row(f"p{person}") for person in range(len(world.people.visits))}
    found = {person: Person(snapshot, row, now).vector for person, row in people.items() if row >= 0}
    known = {person: vector / np.linalg.norm(vector) for person, vector in found.items() if vector is not None}
    match, usual = np.array(list(known.values())) @ vectors.items[rows].T, audience @ vectors.items[rows].T
    which = np.array([int(name[1:]) for name in ids.items.ids(rows.tolist())])
    worth = np.array([life.worth(person, which, now) for person in known])
    truth = Truth.of(world)
    return Works(
        ahead=np.where(vectors.items[rows].any(axis=1), [(usual > one).mean(axis=0) for one in match], np.nan),
        likes=like_probability(worth, world.scenario.nature),
        category=category_of(snapshot, rows),
        good=truth.good[which],
        bad=truth.bad[which],
    )


def curve(works: Works, chosen: bool, seed: int) -> Curve:
    """Trials of all lengths, by chosen people or by lot, each work TIMES times."""
    rng = stream("equal error", str(seed), "chosen" if chosen else "lot")
    settings = Trials()
    tries = [_counts(works, chosen, settings, rng) for _ in range(TIMES)]
    shown, liked = (np.array(part).transpose(2, 0, 1, 3) for part in zip(*tries, strict=True))
    # (looks, times, works, cells): what all told in the end is what is expected.
    last = shown[-1].reshape(-1, CELLS), liked[-1].reshape(-1, CELLS)
    priors = fit_priors(*last, np.tile(works.category, TIMES), settings)
    assert priors is not None
    every = shown.shape[:3]
    prior = priors.of(np.broadcast_to(works.category, every).ravel())
    told = posterior_of(prior, (shown.reshape(-1, CELLS), liked.reshape(-1, CELLS)), settings, priors.tiers)
    testing = np.full(len(told.tried), TrialState.TESTING)
    ends = []
    for likes in LENGTHS:
        spent = (told.tried * told.threshold / likes).reshape(every)
        spent[-1] = 1.0
        rules = msgspec.structs.replace(settings, likes=likes)
        ends.append(_ended(works, judge(told, spent.ravel(), testing, rules).step.reshape(every)))
    return Curve(*np.array(ends).T)


def _counts(works: Works, chosen: bool, settings: Trials, rng: np.random.Generator) -> tuple[Array, Array]:
    """People and likes of each work up to each look, one after another: int64 (works, looks, CELLS) each."""
    people, n = works.likes.shape
    lots = rng.gumbel(size=(people, n))
    if chosen:
        tier = np.where(np.isnan(works.ahead), 1, np.searchsorted(settings.audience, works.ahead))
        wanted = rng.choice(3, size=(MOST, n), p=np.array(settings.mix) / sum(settings.mix))
        # Of one tier who matches better comes the sooner, as the source `trials` has it.
        lots = lots - np.where(tier < 2, np.nan_to_num(works.ahead), 0.0) * (np.log(2) / HALVES)
    else:
        tier, wanted = np.zeros((people, n), np.int64), np.zeros((MOST, n), np.int64)
    shown, liked = np.zeros((2, n, MOST, CELLS), np.int64)
    position = rng.integers(POSITIONS, size=(MOST, n))
    eye, each = examination(POSITIONS), np.arange(MOST)
    for work in range(n):
        queue = np.argsort(-lots[:, work], kind="stable")
        who = np.empty(MOST, np.int64)
        for kind in range(3):
            turns, own = wanted[:, work] == kind, queue[tier[queue, work] == kind]
            who[turns] = own[np.arange(turns.sum()) % len(own)] if len(own) else rng.integers(people, size=turns.sum())
        cell = wanted[:, work] * POSITIONS + position[:, work]
        shown[work, each, cell] = 1
        liked[work, each, cell] = rng.random(MOST) < works.likes[who, work] * eye[position[:, work]]
    at = np.unique(looks(np.arange(MOST + 1), settings))[1:] - 1
    return shown.cumsum(axis=1)[:, at], liked.cumsum(axis=1)[:, at]


def _ended(works: Works, step: Ints) -> tuple[float, float, float]:
    """Impressions until the end, the good that stopped and the bad that graduated; step: (looks, times, works)."""
    at = np.unique(looks(np.arange(MOST + 1), Trials()))[1:]
    first = ((step == TrialState.STOPPED) | (step == TrialState.GRADUATED)).argmax(axis=0)
    end = np.take_along_axis(step, first[None], axis=0)[0]
    stopped, graduated = end == TrialState.STOPPED, end == TrialState.GRADUATED
    return float(at[first].mean()), float(stopped[:, works.good].mean()), float(graduated[:, works.bad].mean())
