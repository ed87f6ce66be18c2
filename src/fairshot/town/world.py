"""The world: people, creators and items as they are in truth. The application never sees any of it.

Everything is drawn before the first day, from the seed alone, items that are never published included: so all policies
meet the same people, and what a creator publishes next is the same whatever was shown before.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fairshot.core.arrays import DAY, Array, Bools, Floats, Ints
from fairshot.core.randomness import stream
from fairshot.core.records import iso
from fairshot.town.scenarios import Scenario

START = 20_454 * DAY
"""The first moment of every run, 2026-01-01, in microseconds since 1970."""
WORDS, COMMON = 200, 400
LABELLED, RIGHT = 0.8, 0.85
"""The share of items that an expert labelled, and of those the share whose label is the main topic."""
LOVE = np.array([[0.8, 0.5, 0.3], [1.0, 0.8, 0.6]])
"""From how much to how much a person cares for the topic they love first, second and third."""
CROSSED, CROSSED_QUALITY = 0.8, 0.75
"""The main topic's share of crossed works before their creator's usual mix, and the least quality of such a creator."""


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who may ever come.

    cares: float64 (people, topics) in [0, 1], how much each topic means; visits: a day; phase: hour of the day they
    like best; patience: see `looked_at`; expects: mean utility of what they look at, below which they come less; joins:
    microseconds.
    """

    cares: Floats
    visits: Floats
    phase: Floats
    patience: Floats
    expects: Floats
    joins: Ints


@dataclass(frozen=True, slots=True)
class Creators:
    """Everybody who may ever publish.

    joins: microseconds; output: items a day; needs: views within a few days below which they leave; new: joins during
    the run; steady: make the same whether they are liked or not; quality: the mean of their items'.
    """

    joins: Ints
    output: Floats
    needs: Floats
    new: Bools
    steady: Bools
    quality: Floats


@dataclass(frozen=True, slots=True)
class Items:
    """Everything that may ever be published, the works of one creator together in their order.

    creator: (items,); mix: float64 (items, topics), the truth; told: (items,), the topic of text and label, which of
    crossed works is not the main topic (also where records bring neither); quality: (items,) in [0, 1]; created_at:
    microseconds, for those that exist at the beginning, else 0; effort: the creator's work, in items, from which on it
    is published; records: as the application is told, without a time.
    """

    creator: Ints
    mix: Floats
    told: Ints
    quality: Floats
    created_at: Ints
    effort: Floats
    first: Ints
    records: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.creator)


@dataclass(frozen=True, slots=True)
class World:
    """One town in truth."""

    scenario: Scenario
    seed: int
    people: People
    creators: Creators
    items: Items

    def rng(self, *names: object) -> np.random.Generator:
        """A stream of this town alone."""
        return stream("town", str(self.seed), *map(str, names))


def make_world(scenario: Scenario, seed: int) -> World:
    """Draw a town."""
    creators, topics, crossed = _creators(scenario, seed)
    items = _items(scenario, seed, creators, topics, crossed)
    return World(scenario, seed, _people(scenario, seed, items), creators, items)


def _creators(scenario: Scenario, seed: int) -> tuple[Creators, Floats, Ints]:
    """Creators, the topic mixes of their works (creators, topics), and the topic crossed ones speak of, else -1."""
    rng, n = stream("town", str(seed), "creators"), scenario.creators
    old = n - scenario.new_creators
    joins = np.full(n, START - 40 * DAY, np.int64)
    joins[:old] += (rng.random(old) * 35 * DAY).astype(np.int64)
    joins[old - scenario.late_creators : old] = START
    joins[old:] = START + (np.arange(n - old) / max(1, n - old) * 0.75 * scenario.days * DAY).astype(np.int64)
    output = scenario.output * rng.gamma(2.0, 0.5, n)
    output = np.maximum(output, 0.1)
    quality = rng.beta(2.0, 3.0, n)
    main = rng.integers(0, scenario.topics, n)
    topics = rng.dirichlet(np.full(scenario.topics, 0.15), n) * 0.4
    topics[np.arange(n), main] += 0.6
    steady = np.zeros(n, bool)
    if scenario.prolific_output:
        steady[old] = True
        output[old] = scenario.prolific_output
        joins[old] = START
    needs = scenario.nature.least_views * rng.lognormal(0.0, 0.5, n)
    crossed = np.full(n, -1)
    chosen = old + rng.permutation(n - old)[: scenario.crossed_creators]
    crossed[chosen] = (main[chosen] + rng.integers(1, scenario.topics, len(chosen))) % scenario.topics
    quality[chosen] = CROSSED_QUALITY + (1 - CROSSED_QUALITY) * quality[chosen]
    return Creators(joins, output, needs, np.arange(n) >= old, steady, quality), topics, crossed


def _items(scenario: Scenario, seed: int, creators: Creators, topics: Floats, crossed: Ints) -> Items:
    rng, n = stream("town", str(seed), "items"), scenario.creators
    before = np.where(creators.joins < START - scenario.past_days * DAY, creators.output, 0.0)
    existing = np.round(before / max(before.sum(), 1e-9) * scenario.present).astype(np.int64)
    existing = np.maximum(existing, before > 0)
    days = scenario.days + scenario.past_days
    brought = np.where(creators.new, scenario.first_works, 0)
    room = (
        existing + brought + np.ceil(creators.output * days * np.where(creators.steady, 1.1, 2.0) + 4).astype(np.int64)
    )
    creator = np.repeat(np.arange(n), room)
    first = np.concatenate([[0], np.cumsum(room)[:-1]])
    number = np.arange(len(creator)) - first[creator]
    exists = number < existing[creator]
    waits = np.where(number < (existing + brought)[creator], 0.0, rng.exponential(1.0, len(creator)))
    total = np.cumsum(waits)
    effort = total - (total[first] - waits[first])[creator]
    past = START - scenario.past_days * DAY
    born = creators.joins[creator] + (rng.random(len(creator)) * (past - creators.joins[creator])).astype(np.int64)
    mix, told = _mixes(rng, topics[creator], crossed[creator])
    spread = rng.beta(6.0, 6.0, len(creator)) - 0.5
    quality = np.clip(creators.quality[creator] + 0.7 * spread, 0.02, 1.0)
    records = _records(scenario, rng, creator, mix, told)
    return Items(creator, mix, told, quality, np.where(exists, born, 0), effort, first, records)


def _mixes(rng: np.random.Generator, topics: Floats, crossed: Ints) -> tuple[Floats, Ints]:
    """The true topic mix of each item, and the topic that its words are of.

    Crossed works are of little but their creator's main topic: then those who love it first like them clearly more
    than those who love it second or third.
    """
    noise = np.minimum(rng.gamma(1.0, 1.0, topics.shape), 8.0)
    mix = topics * noise
    mix /= mix.sum(axis=1, keepdims=True)
    told = np.argmax(mix, axis=1)
    of = np.flatnonzero(crossed >= 0)
    mix[of] *= 1 - CROSSED
    mix[of, np.argmax(topics[of], axis=1)] += CROSSED
    told[of] = crossed[of]
    return mix, told


def _records(scenario: Scenario, rng: np.random.Generator, creator: Ints, mix: Floats, told: Ints) -> tuple[Any, ...]:
    n, length = len(creator), 24
    shares = np.where((np.argmax(mix, axis=1) == told)[:, None], mix, 0.0)
    shares[np.arange(n), told] += 0.3
    shares /= shares.sum(axis=1, keepdims=True)
    below = np.cumsum(shares, axis=1)
    topic = np.minimum((rng.random((n, length))[:, :, None] > below[:, None, :]).sum(axis=2), scenario.topics - 1)
    word = rng.integers(0, WORDS, (n, length))
    common, plain = rng.random((n, length)) < 0.4, rng.integers(0, COMMON, (n, length))
    labelled, right = rng.random(n) < LABELLED, rng.random(n) < RIGHT
    label = np.where(right, told, rng.integers(0, scenario.topics, n))
    found = []
    for row in range(n):
        words = [
            f"common{p}" if c else f"topic{t}word{w}"
            for t, w, c, p in zip(*(a[row].tolist() for a in (topic, word, common, plain)), strict=True)
        ]
        record: dict[str, Any] = {"id": f"i{row}", "creator_id": f"c{creator[row]}"}
        if scenario.described:
            record |= {"title": " ".join(words[:4]), "text": " ".join(words[4:])}
        if scenario.described and labelled[row]:
            record["labels"] = [f"topic{label[row]}"]
        found.append(record)
    return tuple(found)


def _people(scenario: Scenario, seed: int, items: Items) -> People:
    rng, n = stream("town", str(seed), "people"), scenario.all_people
    topics = scenario.topics
    cares = rng.uniform(0.02, 0.12, (n, topics))
    popular = rng.dirichlet(np.full(topics, 2.0))
    for person in range(n):
        loved = rng.choice(topics, scenario.loves, replace=False, p=popular)
        cares[person, loved] = rng.uniform(*LOVE[:, : scenario.loves])
    joins = np.full(n, START - 60 * DAY, np.int64)
    wave = scenario.new_people
    joins[n - wave :] = START + ((0.25 + 0.25 * rng.random(wave)) * scenario.days * DAY).astype(np.int64)
    return People(
        cares=cares,
        visits=scenario.visits * rng.gamma(3.0, 1 / 3.0, n),
        phase=rng.normal(19.0, 3.0, n) % 24,
        patience=scenario.nature.patience * rng.lognormal(0.0, 0.3, n),
        expects=_expects(cares, items) * rng.uniform(0.8, 1.2, n),
        joins=joins,
    )


EXPECTS_OF_BEST = 0.45
"""What people expect, as a share of the mean utility of the best tenth of what there is for them."""


def _expects(cares: Floats, items: Items) -> Floats:
    there = items.created_at > 0
    worth = cares @ (items.mix[there] * items.quality[there, None]).T
    tenth = max(1, worth.shape[1] // 10)
    best: Array = np.partition(worth, -tenth, axis=1)[:, -tenth:].mean(axis=1)
    return EXPECTS_OF_BEST * best


def record_of(world: World, item: int, at: int) -> dict[str, Any]:
    """What the application is told of an item published at a moment."""
    return {**world.items.records[item], "created_at": iso(at)}


def own_likes(world: World) -> list[tuple[int, int, int]]:
    """What people liked before there were slates, found by themselves: person, item and time in microseconds, by time.

    Drawn with chances in proportion to affinity^2 * quality * fame of the creator, log-normal.
    """
    scenario, people, items = world.scenario, world.people, world.items
    rng = world.rng("own likes")
    beginning = START - scenario.past_days * DAY
    there = np.flatnonzero(items.created_at > 0)
    fame = rng.lognormal(0.0, 1.0, len(world.creators.output))[items.creator[there]]
    found: list[tuple[int, int, int]] = []
    for person in np.flatnonzero(people.joins < beginning).tolist():
        affinity = items.mix[there] @ people.cares[person]
        chance = affinity * affinity * items.quality[there] * fame
        count = min(int(rng.poisson(scenario.own_likes)), len(there))
        rows = there[rng.choice(len(there), count, replace=False, p=chance / chance.sum())]
        at = items.created_at[rows] + rng.random(count) * (beginning - items.created_at[rows])
        found += [(person, item, int(when)) for item, when in zip(rows.tolist(), at.tolist(), strict=True)]
    return sorted(found, key=lambda one: one[2])
