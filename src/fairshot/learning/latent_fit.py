"""Fitting latent clusters: k-means over items, a mixture of types of people, and how good items are."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, diags_array
from scipy.special import gammaln, softmax
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from fairshot.config import Learning
from fairshot.core.arrays import DAY, Floats, Ints, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.randomness import stream
from fairshot.learning.attribution import Mode
from fairshot.learning.interactions import Feedback, strengths
from fairshot.learning.latent_cluster import HIGHEST, LatentCluster

BEST = 100
"""Items of each cluster that are kept at hand."""
LARGEST = 20_000
"""So many items, drawn by lot, form clusters, and the others join the nearest; so many people teach types."""
ITEMS, PEOPLE = 15, 25
"""Items of a cluster, and people of a type, on average at least: where there are fewer, there are fewer clusters."""
PROFILE, STRENGTH, WORKS = 5.0, 5.0, 2.0
"""Approvals: those, spread as everybody's, that draw a person's profile, an item's rate and a creator's rate."""
ASKED = 10.0
"""An approval of what was shown tells as much of how good an item is as so many of what was found without."""
NO_RECORD = -2
"""In place of the creator, of an item that nothing is known of."""
ROUNDS = 20
"""Of expectation and maximization, in which types settle."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Who approved of what: of what they were shown, and of what they found by themselves; what is older counts less.

    All sparse (users, items). shown: the weights of the pairs that were shown; answered: the approval of these, 0 to 1,
    times their weight; sought: that of all other pairs.
    """

    shown: csr_matrix
    answered: csr_matrix
    sought: csr_matrix

    @property
    def approval(self) -> csr_matrix:
        """All of it together."""
        return csr_matrix(self.answered + self.sought)

    @property
    def unasked(self) -> float:
        """How much what was sought has to say, in [0, 1]: 1 where nothing was answered, little where much was."""
        sought = float(self.sought.sum())
        return sought / max(sought + ASKED * float(self.answered.sum()), 1e-9)


def fit_latent_cluster(reception: Reception, items: Floats, creator: Rows, settings: Learning) -> LatentCluster | None:
    """Learn types, clusters and how they get on; None where there are too few of either.

    items: float32 (n, d), vectors; creator: int32 (n,), of each item, -1 where it is not known, NO_RECORD of items
    without a record. Deterministic.
    """
    lengths = np.linalg.norm(items, axis=1)
    known = np.flatnonzero((creator > NO_RECORD) & (lengths > 0))
    approval = reception.approval
    active = np.flatnonzero(np.asarray(approval.sum(axis=1)).ravel() > 0)
    arms, types = min(settings.item_clusters, len(known) // ITEMS), min(settings.person_types, len(active) // PEOPLE)
    if arms < 1 or types < 1:
        return None
    directions = items[known] / lengths[known, None]
    arm = np.full(len(items), -1, np.int32)
    arm[known], centres = _clustered(directions, arms, "arms")
    arms = len(centres)
    into = csr_matrix((np.ones(len(known)), (known, arm[known])), shape=(len(items), arms))
    people = _drawn(active, "types")
    rate = rates(reception, creator)
    expected = _expected(reception, rate, people, into)
    lift, prior = _types(approval[people], expected, into, types)
    return LatentCluster(
        centres=centres.astype(np.float32),
        arm=arm,
        rate=rate.astype(np.float32),
        lift=lift.astype(np.float32),
        prior=prior.astype(np.float32),
        typical=np.array([np.median(rate[arm == one]) for one in range(arms)], np.float32),
        best=_best(arm, rate, arms),
        trust=settings.type_trust,
        draws=settings.type_draws,
        unasked=reception.unasked,
    )


def reception_of(
    events: EventBatch, feedback: Feedback, kinds: FeedbackKinds, mode: Mode, half_life_days: float
) -> Reception:
    """What the log says of who approved of what; what is half_life_days older counts half.

    A pair counts as of what last happened between person and item.
    """
    sizes = events.sizes
    shape = (sizes.users, sizes.items)
    met = events.of(Kind.SLATE if mode == "served" else Kind.IMPRESSION) & (events.item >= 0) & (events.user >= 0)
    user, item = np.concatenate([events.user[met], feedback.user]), np.concatenate([events.item[met], feedback.item])
    at = np.concatenate([events.at[met], feedback.at])
    order = np.argsort(at, kind="stable")[::-1]
    pairs, first = np.unique((user.astype(np.int64) << 32 | item)[order], return_index=True)
    weight = 0.5 ** ((int(at.max(initial=0)) - at[order][first]) / (half_life_days * DAY))
    weights = csr_matrix((weight, (pairs >> 32, pairs & 0xFFFFFFFF)), shape=shape)
    shown = csr_matrix((np.ones(met.sum()), (events.user[met], events.item[met])), shape=shape)
    shown.data[:] = 1.0
    approval = strengths(feedback, kinds, shape)
    approval.data = np.clip(approval.data, 0, 1).astype(np.float64)
    approval = csr_matrix(approval.multiply(weights))
    answered = csr_matrix(approval.multiply(shown))
    sought = csr_matrix(approval - answered)
    for part in (answered, sought):
        part.eliminate_zeros()
    return Reception(csr_matrix(weights.multiply(shown)), answered, sought)


def _types(approval: csr_matrix, expected: Floats, into: csr_matrix, types: int) -> tuple[Floats, Floats]:
    """How much each type likes each cluster, float64 (types, arms), and how frequent it is, float64 (types,).

    approval: sparse (people, items); expected: float64 (people, arms), by `_expected`; into: sparse (items, arms).
    A mixture of types s with approval of cluster a ~ Poisson(lift[s, a] * expected), by expectation and maximization,
    with lifts ~ Gamma(K, K). K says how much types differ, and is fitted before: types formed by one half of all
    approvals are judged by the other.
    """
    one, other = ((part @ into).toarray() for part in _halves(approval))
    kind, _ = _clustered(_profiles(one), types, "types")
    share = np.eye(kind.max() + 1)[kind]
    shape = _shape(share.T @ other, share.T @ expected / 2)
    observed = one + other
    for _ in range(ROUNDS):
        lift = (share.T @ observed + shape) / (share.T @ expected + shape)
        prior = (share.sum(axis=0) + 1) / (len(share) + share.shape[1])
        share = softmax(observed @ np.log(lift).T - expected @ lift.T + np.log(prior), axis=1)
    # To somebody unknown each cluster is worth what it is to everybody.
    return lift / (prior @ lift), prior


def _expected(reception: Reception, rate: Floats, people: Ints, into: csr_matrix) -> Floats:
    """The approval of each cluster to be expected of people if all were alike, float64 (people, arms).

    Of what they were shown by the items' rates; what they sought by its shares in what everybody sought, for how much
    somebody seeks says nothing of taste.
    """
    found: Floats = (reception.shown[people] @ (diags_array(rate) @ into)).toarray()
    everybody = reception.sought.sum(axis=0) @ into
    own = np.asarray(reception.sought[people].sum(axis=1)).ravel()
    return np.asarray(found + np.outer(own, everybody) / max(float(np.sum(everybody)), 1e-9))


def _profiles(liked: Floats) -> Floats:
    """Square roots of the smoothed shares of each person's approval, float64 (people, arms).

    Between square roots of shares the Euclidean distance is Hellinger's: rare tastes count beside common ones.
    """
    overall = liked.sum(axis=0) / max(liked.sum(), 1e-9)
    smoothed = liked + PROFILE * overall
    return np.asarray(np.sqrt(smoothed / smoothed.sum(axis=1, keepdims=True)))


def rates(reception: Reception, creator: Rows) -> Floats:
    """The smoothed chance that anybody who is shown an item approves of it, float64 (items,).

    overall * (approved + S of_creator) / (expected + S), of_creator the same quotient of all works of the creator,
    drawn towards 1. Evidence is what was answered, and what was sought at a weight: who seeks follows fame, so it
    counts in full only where nothing was shown, and the less the more was answered.
    """
    sought, answered, shown = (
        np.asarray(part.sum(axis=0)).ravel() for part in (reception.sought, reception.answered, reception.shown)
    )
    seekers = np.count_nonzero(np.asarray(reception.sought.sum(axis=1)))
    by_seeking = sought.sum() / max(seekers * len(sought), 1)
    overall = answered.sum() / shown.sum() if answered.any() else by_seeking
    weight = reception.unasked
    approved, expected = answered + weight * sought, overall * shown + weight * sought.mean()
    known = creator >= 0
    works = np.maximum(creator, 0)
    sums = (np.bincount(works[known], part[known], minlength=works.max() + 1) + WORKS for part in (approved, expected))
    of_creator = np.where(known, np.divide(*sums)[works], 1.0)
    # What was sought is no share of what was shown: fame would make a chance of more than 1.
    found: Floats = np.minimum(overall * (approved + STRENGTH * of_creator) / (expected + STRENGTH), HIGHEST)
    return found


def _halves(approval: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
    """Two parts of all approvals, by lot: types judged by what formed them would seem to differ more than they do."""
    lot = stream("latent clusters", "halves").random(approval.nnz) < 0.5
    parts = approval.copy(), approval.copy()
    for part, chosen in zip(parts, (lot, ~lot), strict=True):
        part.data = np.where(chosen, part.data, 0.0)
    return parts


def _shape(observed: Floats, expected: Floats) -> float:
    """The shape K, by maximum likelihood, where observed ~ Poisson(lift * expected), lift ~ Gamma(K, K): of mean 1."""

    def loss(log_shape: float) -> float:
        k = np.exp(log_shape)
        of_cell = gammaln(observed + k) - gammaln(k) + k * log_shape - (observed + k) * np.log(expected + k)
        return -float(of_cell.sum())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.1), np.log(1e4)), method="bounded").x))


def _best(arm: Rows, rate: Floats, arms: int) -> Rows:
    found = np.full((arms, BEST), -1, np.int32)
    for one in range(arms):
        rows = np.flatnonzero(arm == one)
        rows = rows[np.lexsort((rows, -rate[rows]))][:BEST]
        found[one, : len(rows)] = rows
    return found


def _drawn(rows: Ints, name: str) -> Ints:
    """At most LARGEST of the rows, by lot, ascending."""
    if len(rows) <= LARGEST:
        return rows
    return np.sort(stream("latent clusters", name).choice(rows, LARGEST, replace=False))


def _clustered(points: Floats, k: int, name: str) -> tuple[Rows, Floats]:
    """The cluster of every point, int32 (n,), and the centres, fewer than k where fewer points differ.

    They are formed by at most LARGEST of the points.
    """
    # Points that differ by rounding alone are one point.
    points = np.round(points, 6)
    formed = points[_drawn(np.arange(len(points)), name)]
    different = len(np.unique(formed, axis=0))
    # On one thread sums come in one order, and the clusters are the same wherever they are formed.
    with threadpool_limits(1):
        fitted = KMeans(min(k, different), n_init=4, random_state=0).fit(formed)
        return fitted.predict(points).astype(np.int32), fitted.cluster_centers_
