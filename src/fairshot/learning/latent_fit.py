"""Fitting latent clusters: k-means over items and over people, and how much each type likes each cluster."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, diags_array
from scipy.special import gammaln
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from fairshot.config import Learning
from fairshot.core.arrays import DAY, Bools, Floats, Ints, Rows
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.randomness import stream
from fairshot.learning.attribution import Mode
from fairshot.learning.interactions import Feedback, strengths
from fairshot.learning.latent_cluster import LatentCluster

BEST = 100
"""Items of each cluster that are kept at hand."""
LARGEST = 20_000
"""So many items or people, drawn by lot, form clusters; the others join the nearest."""
ITEMS, PEOPLE = 15, 25
"""Items of a cluster, and people of a type, on average at least: where there are fewer, there are fewer clusters."""
PROFILE, STRENGTH = 5.0, 10.0
"""Approvals, spread as everybody's, that draw a person's profile; and occasions that draw an item's rate."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Who approved of what, and who could have: what lately happened counts more.

    approval: sparse (users, items), 0 to 1 times the weight of the pair; shown: sparse (users, items), weights of
    the pairs of who was ever shown anything; free: float64 (users,), the weight of those who never were, for whom
    every item was an occasion, and 0 for all others.
    """

    approval: csr_matrix
    shown: csr_matrix
    free: Floats


def fit_latent_cluster(
    reception: Reception, items: Floats, recorded: Bools, settings: Learning
) -> LatentCluster | None:
    """Learn types, clusters and how they get on; None where there are too few of either.

    items: float32 (n, d), vectors; recorded: bool (n,), which have a record. Deterministic.
    """
    lengths = np.linalg.norm(items, axis=1)
    known = np.flatnonzero(recorded & (lengths > 0))
    active = np.flatnonzero(np.asarray(reception.approval.sum(axis=1)).ravel() > 0)
    arms, types = min(settings.item_clusters, len(known) // ITEMS), min(settings.person_types, len(active) // PEOPLE)
    if arms < 1 or types < 1:
        return None
    directions = items[known] / lengths[known, None]
    arm = np.full(len(items), -1, np.int32)
    arm[known], centres = _clustered(directions, arms, "arms")
    arms = len(centres)
    into = csr_matrix((np.ones(len(known)), (known, arm[known])), shape=(len(items), arms))
    one, other = (part @ into for part in _halves(reception.approval))
    kind, profiles = _clustered(_profiles(one.toarray()), types, "types", among=active)
    types = len(profiles)
    rate = _rates(reception)
    known_rates = diags_array(rate) @ into
    expected = (reception.shown @ known_rates).toarray() + reception.free[:, None] * known_rates.sum(axis=0)
    lift = _lifts(_summed(other.toarray(), kind, types), _summed(expected, kind, types) / 2)
    prior = np.bincount(kind[active], minlength=types) + 1.0
    return LatentCluster(
        centres=centres.astype(np.float32),
        arm=arm,
        rate=rate.astype(np.float32),
        lift=lift.astype(np.float32),
        prior=(prior / prior.sum()).astype(np.float32),
        typical=np.array([np.median(rate[arm == one]) for one in range(arms)], np.float32),
        best=_best(arm, rate, arms),
        trust=settings.type_trust,
        draws=settings.type_draws,
    )


def reception_of(
    events: EventBatch, feedback: Feedback, kinds: FeedbackKinds, mode: Mode, half_life_days: float
) -> Reception:
    """What the log says of who approved of what they were shown; what is half_life_days older counts half.

    A pair counts as of what last happened between person and item, somebody who was never shown anything as of the
    last that they did.
    """
    sizes = events.sizes
    shape = (sizes.users, sizes.items)
    met = events.of(Kind.SLATE if mode == "served" else Kind.IMPRESSION) & (events.item >= 0) & (events.user >= 0)
    shown = np.zeros(sizes.users, bool)
    shown[events.user[met]] = True
    user, item = np.concatenate([events.user[met], feedback.user]), np.concatenate([events.item[met], feedback.item])
    at = np.concatenate([events.at[met], feedback.at])
    end = int(at.max(initial=0))
    last = np.zeros(sizes.users, np.int64)
    np.maximum.at(last, user, at)
    when = np.where(shown[user], at, last[user])
    order = np.argsort(when, kind="stable")
    pairs, first = np.unique((user.astype(np.int64) << 32 | item)[order][::-1], return_index=True)
    weight = 0.5 ** ((end - when[order][::-1][first]) / (half_life_days * DAY))
    weights = csr_matrix((weight, (pairs >> 32, pairs & 0xFFFFFFFF)), shape=shape)
    approval = strengths(feedback, kinds, shape)
    approval.data = np.clip(approval.data, 0, 1).astype(np.float64)
    approval = approval.multiply(weights).tocsr()
    approval.eliminate_zeros()
    seen = csr_matrix(weights.multiply(shown[:, None].astype(np.float64)))
    seen.eliminate_zeros()
    acted = np.zeros(sizes.users, bool)
    acted[feedback.user] = True
    free = np.where(acted & ~shown, 0.5 ** ((end - last) / (half_life_days * DAY)), 0.0)
    return Reception(approval, seen, free)


def _profiles(liked: Floats) -> Floats:
    """Square roots of the smoothed shares of each person's approval, float64 (people, arms).

    Between square roots of shares the Euclidean distance is Hellinger's: rare tastes count beside common ones.
    """
    overall = liked.sum(axis=0) / max(liked.sum(), 1e-9)
    smoothed = liked + PROFILE * overall
    return np.asarray(np.sqrt(smoothed / smoothed.sum(axis=1, keepdims=True)))


def _rates(reception: Reception) -> Floats:
    """The smoothed chance that anybody approves of an item, float64 (items,)."""
    approved = np.asarray(reception.approval.sum(axis=0)).ravel()
    occasions = np.asarray(reception.shown.sum(axis=0)).ravel() + reception.free.sum()
    overall = approved.sum() / max(occasions.sum(), 1e-9)
    return np.asarray((approved + STRENGTH * overall) / (occasions + STRENGTH))


def _halves(approval: csr_matrix) -> tuple[csr_matrix, csr_matrix]:
    """Two parts of all approvals, by lot: types judged by what formed them would seem to differ more than they do."""
    lot = stream("latent clusters", "halves").random(approval.nnz) < 0.5
    parts = approval.copy(), approval.copy()
    for part, chosen in zip(parts, (lot, ~lot), strict=True):
        part.data = np.where(chosen, part.data, 0.0)
    return parts


def _summed(of_people: Floats, kind: Rows, types: int) -> Floats:
    """Sums over the people of each type: (people, arms) to float64 (types, arms)."""
    result = np.zeros((types, of_people.shape[1]))
    np.add.at(result, kind, of_people)
    return result


def _lifts(observed: Floats, expected: Floats) -> Floats:
    """The posterior mean of each lift, float64 (types, arms), where observed ~ Poisson(lift * expected).

    Lifts are Gamma with mean 1 and shape K, fitted by maximum likelihood: (observed + K) / (expected + K).
    """

    def loss(log_shape: float) -> float:
        k = np.exp(log_shape)
        of_cell = gammaln(observed + k) - gammaln(k) + k * log_shape - (observed + k) * np.log(expected + k)
        return -float(of_cell.sum())

    k = np.exp(minimize_scalar(loss, bounds=(np.log(0.1), np.log(1e4)), method="bounded").x)
    return np.asarray((observed + k) / (expected + k))


def _best(arm: Rows, rate: Floats, arms: int) -> Rows:
    found = np.full((arms, BEST), -1, np.int32)
    for one in range(arms):
        rows = np.flatnonzero(arm == one)
        rows = rows[np.lexsort((rows, -rate[rows]))][:BEST]
        found[one, : len(rows)] = rows
    return found


def _clustered(points: Floats, k: int, name: str, among: Ints | None = None) -> tuple[Rows, Floats]:
    """The cluster of every point, int32 (n,), and the centres, fewer than k where fewer points differ.

    They are formed by the points `among`, at most LARGEST of them.
    """
    among = np.arange(len(points)) if among is None else among
    if len(among) > LARGEST:
        among = np.sort(stream("latent clusters", name).choice(among, LARGEST, replace=False))
    # Points that differ by rounding alone are one point.
    points = np.round(points, 6)
    different = len(np.unique(points[among], axis=0))
    # On one thread sums come in one order, and the clusters are the same wherever they are formed.
    with threadpool_limits(1):
        fitted = KMeans(min(k, different), n_init=4, random_state=0).fit(points[among])
        return fitted.predict(points).astype(np.int32), fitted.cluster_centers_
