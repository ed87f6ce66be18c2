"""How often the 95 % interval of each off-policy estimator holds the truth, where the truth can be enumerated.

Set-up: 3 contexts, 3 positions, 4 items to choose from at each, so 64 slates in each context, all of which are gone
through for the true value of the target policy. Logging from Dirichlet(1) mixed with the uniform policy (.6 and
.4), the target from Dirichlet(.5) mixed likewise (.8 and .2). Each estimator is asked in a world whose assumption it
makes: clicks that do not influence each other; a cascade, in which people stop at what they click; one reward for
the whole slate; single decisions. Reward models are wrong by noise of sd .15. 200 logs of 2,000 slates.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fairshot.algorithms import off_policy
from fairshot.algorithms.arguments import Floats, Ints
from fairshot.algorithms.off_policy import Estimate
from fairshot.reproductions.figure import Figure

CONTEXTS, POSITIONS, ITEMS = 3, 3, 4
LOW, HIGH = 0.90, 0.99
SOURCE = "share of {} simulated logs of {:,} slates whose 95 % interval holds the truth, of all slates enumerated"


@dataclass(frozen=True, slots=True)
class World:
    """Policies and appeals, each [contexts, positions, items]; a model of the appeals that is somewhat wrong."""

    logging: Floats
    target: Floats
    appeal: Floats
    model: Floats

    def truth(self) -> dict[str, float]:
        """The mean reward of the target policy in each world, over all contexts and slates."""
        slates = np.array(list(itertools.product(range(ITEMS), repeat=POSITIONS)))
        at = np.arange(POSITIONS), slates
        found = dict.fromkeys(("independent", "cascade", "slate", "single"), 0.0)
        for context in range(CONTEXTS):
            clicks = self.appeal[context][at]
            chances = self.target[context][at].prod(axis=1) / CONTEXTS
            above = np.cumprod(np.column_stack([np.ones(len(slates)), 1 - clicks[:, :-1]]), axis=1)
            found["independent"] += float(chances @ clicks.sum(axis=1))
            found["cascade"] += float(chances @ (clicks * above).sum(axis=1))
            found["slate"] += float(chances @ clicks.mean(axis=1))
            found["single"] += float(chances @ clicks[:, 0])
        return found


def draw_world(rng: np.random.Generator) -> World:
    """Policies, appeals and a model, at random."""
    shape = CONTEXTS, POSITIONS, ITEMS
    logging = rng.dirichlet(np.ones(ITEMS), shape[:2]) * 0.6 + 0.4 / ITEMS
    target = rng.dirichlet(np.full(ITEMS, 0.5), shape[:2]) * 0.8 + 0.2 / ITEMS
    appeal = rng.uniform(0.1, 0.6, shape)
    return World(logging, target, appeal, np.clip(appeal + rng.normal(0, 0.15, shape), 0, 1))


@dataclass(frozen=True, slots=True)
class SlateLog:
    """Logged slates: context [n]; items, clicks (independent), target, logging, model of each click, all [n, L]."""

    context: Ints
    items: Ints
    clicks: Floats
    target: Floats
    logging: Floats
    model: Floats
    expected: Floats
    """The model's mean over the target's choice."""


def draw_log(world: World, slates: int, rng: np.random.Generator) -> SlateLog:
    """A log of slates that the logging policy drew."""
    context = rng.integers(0, CONTEXTS, slates)
    chosen = rng.random((slates, POSITIONS, 1)) > np.cumsum(world.logging, axis=2)[context]
    at = context[:, None], np.arange(POSITIONS), np.minimum(chosen.sum(axis=2), ITEMS - 1)
    clicks = (rng.random((slates, POSITIONS)) < world.appeal[at]).astype(np.float64)
    expected = (world.target * world.model).sum(axis=2)[context]
    return SlateLog(context, at[2], clicks, world.target[at], world.logging[at], world.model[at], expected)


def still_to_come(world: World, log: SlateLog) -> tuple[Floats, Floats]:
    """The model's rewards from each position on, in a cascade: for the logged item there, and the target's mean.

    U_l = sum_a target_l(a) (c + (1 - c) U_l+1); from l on, given who is still there: alive_l (c_l + (1 - c_l) U_l+1).
    """
    rest = np.zeros((CONTEXTS, POSITIONS + 1))
    for position in reversed(range(POSITIONS)):
        click = world.model[:, position]
        values = click + (1 - click) * rest[:, position + 1, None]
        rest[:, position] = (world.target[:, position] * values).sum(axis=1)
    alive = np.cumprod(np.column_stack([np.ones(len(log.items)), 1 - log.model[:, :-1]]), axis=1)
    after = rest[log.context]
    return alive * (log.model + (1 - log.model) * after[:, 1:]), alive * after[:, :-1]


def estimates(world: World, log: SlateLog, rng: np.random.Generator) -> Iterator[tuple[str, str, Estimate]]:
    """Every estimator in each world whose assumption it makes: world, name, estimate."""
    weights = log.target, log.logging
    no_click_above = np.cumprod(np.column_stack([np.ones(len(log.items)), 1 - log.clicks[:, :-1]]), axis=1)
    for assumed, rewards in (("independent", log.clicks), ("cascade", log.clicks * no_click_above)):
        yield assumed, "SIPS", off_policy.slate_ips(rewards, *weights)
        yield assumed, "RIPS", off_policy.cascade_ips(rewards, *weights)
        if assumed == "cascade":
            model = still_to_come(world, log)
            yield assumed, "cascade-DR", off_policy.cascade_doubly_robust(rewards, *weights, *model)
        else:
            yield assumed, "IIPS", off_policy.independent_ips(rewards, *weights)
            yield assumed, "SNIPS by position", off_policy.independent_snips(rewards, *weights)
            model = log.model, log.expected
            yield assumed, "DR by position", off_policy.independent_doubly_robust(rewards, *weights, *model)
    once = rng.random(len(log.items)) < world.appeal[log.context[:, None], np.arange(POSITIONS), log.items].mean(axis=1)
    yield "slate", "PI", off_policy.pseudo_inverse(once.astype(np.float64), *weights)
    first = log.clicks[:, 0], log.target[:, 0], log.logging[:, 0]
    yield "single", "IPS", off_policy.ips(*first)
    yield "single", "SNIPS", off_policy.snips(*first)
    yield "single", "DR", off_policy.doubly_robust(*first, log.model[:, 0], log.expected[:, 0])
    # Where weights are cut off the model alone speaks, so it has to be right.
    right = world.appeal[log.context, 0, log.items[:, 0]], (world.target * world.appeal).sum(axis=2)[log.context, 0]
    yield "single", "switch-DR, right model", off_policy.doubly_robust(*first, *right, switch=2.0)


def coverage(logs: int = 200, slates: int = 2000, seed: int = 0) -> dict[tuple[str, str], float]:
    """The share of logs whose interval holds the truth, by world and estimator."""
    rng = np.random.default_rng(seed)
    held: dict[tuple[str, str], int] = {}
    for _ in range(logs):
        world = draw_world(rng)
        truth = world.truth()
        for assumed, name, estimate in estimates(world, draw_log(world, slates, rng), rng):
            low, high = estimate.interval(0.95)
            held[assumed, name] = held.get((assumed, name), 0) + (low <= truth[assumed] <= high)
    return {key: count / logs for key, count in held.items()}


def figures(data: Path | None, logs: int = 200, slates: int = 2000) -> list[Figure]:  # noqa: ARG001 - simulated
    """Coverage of each estimator, which must lie within 90 and 99 %."""
    source = SOURCE.format(logs, slates)
    return [
        Figure(f"{name} ({assumed})", share, f"{LOW:g} to {HIGH:g}", 0.0, source, LOW <= share <= HIGH)
        for (assumed, name), share in coverage(logs, slates).items()
    ]
