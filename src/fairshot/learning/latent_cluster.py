"""Latent clusters: types of people and clusters of items, by which the taste of a new person is soon found out.

The arms of a latent bandit (`fairshot.algorithms.latent_bandit`) are clusters of items, by the directions of their
vectors; its states are types of people, by the shares of their approval that went to each cluster. The chance that
somebody of type s approves of item i, in cluster a, is

    mu[s, i] = rate[i] lift[s, a],    held within (0, 1);    lift[s, a] = (observed + K) / (expected + K),

rate: of anybody, smoothed; observed and expected: the approval of the cluster by people of the type, and what it would
be if all were alike, so that a lift speaks of taste and not of which items of a cluster they were shown.
Source: Hong et al., "Latent Bandits Revisited", NeurIPS 2020, for the recipe; rates of items within an arm are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fairshot.algorithms.latent_bandit import belief_from_counts, draw_states
from fairshot.core.arrays import Array, Floats, Ints, Rows
from fairshot.core.person import Person
from fairshot.core.request import Context
from fairshot.core.snapshot import Vectors

UNASKED = 5
"""A reaction to what was not shown hands over as much as so many others: it tells what somebody seeks by themselves,
and that what is popular and was not sought is not wanted, which types of people cannot tell."""
ENOUGH = 10
"""Observed items at which the bandit is heard half as much as it ever is."""
LOWEST, HIGHEST = 1e-4, 0.95
"""Chances of approval are never surer than this."""

TENSORS = ("centres", "arm", "rate", "lift", "prior", "typical", "best")


@dataclass(frozen=True, slots=True)
class LatentCluster:
    """The model of a latent bandit, learned from the log.

    centres: float32 (arms, d), directions of the clusters; arm: int32 (items,), -1 where an item has no vector;
    rate: float32 (items,), the chance that anybody approves of an item; lift: float32 (types, arms); prior: float32
    (types,), how frequent each type is; typical: float32 (arms,), the rate of the middle item of each cluster; best:
    int32 (arms, b), items by falling rate, -1 where there are fewer; trust: how much an observation counts, 1 as the
    model says, less because no model is quite right; draws: types drawn from the belief for a request;
    unasked: how far the log tells only of what people found by themselves, 1 where nothing was ever shown.
    """

    centres: Floats
    arm: Rows
    rate: Floats
    lift: Floats
    prior: Floats
    typical: Floats
    best: Rows
    trust: float = 0.5
    draws: int = 64
    unasked: float = 0.0

    def influence(self, person: Person, until: int) -> float:
        """How far the bandit decides for a person: max(0, 1 - n / until), n reactions; 0 without profiling.

        Each reaction beyond the impressions that the person had counts UNASKED times.
        """
        reactions = len(person.history)
        if not person.profile or reactions >= until:
            return 0.0
        return max(0.0, 1 - (reactions + (UNASKED - 1) * max(0, reactions - len(person.shown))) / until)

    def belief(self, person: Person) -> Floats:
        """Log belief over types, after what a person was shown and how they took it: float64 (types,).

        Without profiling, and where nothing is known, it is the prior.
        """
        prior = np.log(self.prior.astype(np.float64))
        items, reward = person.observed
        if len(items) == 0:
            return prior
        rate, arm = self.known(items, person.snapshot.artifacts.vectors)
        chances = _within(rate * self.lift[:, arm], LOWEST, HIGHEST)
        trials = np.full((1, len(items)), self.trust)
        found: Floats = belief_from_counts(prior[None], chances, self.trust * reward[None], trials)[0]
        return found

    def drawn_for(self, ctx: Context) -> Floats:
        """How much each cluster is liked by types drawn for a request, the same for every stage that asks."""
        belief = ctx.of_person("latent_cluster", lambda: self.belief(ctx.person))
        return ctx.once("latent_cluster", lambda: self.drawn(belief, ctx.rng("latent_cluster")))

    def drawn(self, log_belief: Floats, rng: np.random.Generator) -> Floats:
        """How much each cluster is liked by types drawn from a belief: the mean of their lifts, float64 (arms,)."""
        states = draw_states(np.asarray(log_belief[None], np.float64), rng, self.draws)
        lift: Floats = self.lift[states].mean(axis=0, dtype=np.float64)
        return lift

    def approval(self, rows: Rows, lift: Floats, vectors: Vectors | None) -> Floats:
        """The chance of approval of items (n,), by somebody who likes clusters so: float64 (n,)."""
        return self.chances(*self.known(rows, vectors), lift)

    def chances(self, rate: Floats, arm: Ints, lift: Floats) -> Floats:
        """The same of items whose rate and cluster are known, see `known`."""
        return _within(rate * lift[arm], LOWEST, HIGHEST)

    def best_known(self) -> tuple[Rows, Floats, Ints]:
        """The best items of all clusters, and the rate and the cluster of each: (b,)."""
        rows: Rows = self.best[self.best >= 0]
        return rows, *self.known(rows, None)

    def told(self, person: Person) -> float:
        """How much the bandit has to say beside the ranker, in [0, 1]: m / (m + ENOUGH) after m observed items.

        At least `unasked`: a ranker taught by nothing but what people sought knows little of what they would make of
        things that they are shown.
        """
        n = len(person.observed[0])
        return max(n / (n + ENOUGH), self.unasked)

    def known(self, rows: Rows, vectors: Vectors | None) -> tuple[Floats, Ints]:
        """The rate and the arm of each item; of those that came later, the typical one of the nearest cluster."""
        inside = np.minimum(rows, len(self.arm) - 1)
        arm, rate = self.arm[inside], self.rate[inside]
        late = np.flatnonzero((rows >= len(self.arm)) | (arm < 0))
        if len(late) and vectors is not None:
            found = np.minimum(rows[late], len(vectors.items) - 1)
            arm[late] = (vectors.items[found] @ self.centres.T).argmax(axis=1)
            rate[late] = self.typical[arm[late]]
        return rate, arm

    def dump(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Tensors and description for storage."""
        tensors = {name: getattr(self, name) for name in TENSORS}
        return tensors, {"trust": self.trust, "draws": self.draws, "unasked": self.unasked}

    @classmethod
    def load(cls, tensors: Mapping[str, Array], description: Mapping[str, Any]) -> Self:
        """The model from what `dump` gave."""
        parts: dict[str, Any] = {name: tensors[name] for name in TENSORS}
        return cls(**parts, **description)


def _within(values: Floats, low: float, high: float) -> Floats:
    """Each held between two bounds."""
    result: Floats = np.minimum(np.maximum(values, low), high)
    return result
