"""Trials: at most one item on trial for a request, to a person who was well chosen for it."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.special import betaincc, ndtr

from fairshot.algorithms.beta_bandit import thompson_draw
from fairshot.core.arrays import Array, Bools, Floats, Ints, Rows, distinct
from fairshot.core.candidates import Candidates, no_candidates
from fairshot.core.request import Context
from fairshot.core.snapshot import Snapshot
from fairshot.core.trial import FOUND, STRETCH, TrialState, accounts_of, evidence_of
from fairshot.core.trial_posterior import Posterior, posteriors_of, priors_of
from fairshot.core.turns import being_searched, being_tried

AHEAD = 10
"""Impressions over which it is reckoned how much the next ones would change the decision,"""
BEST = 48
"""and so many of the best draws for which the person's tier is looked up."""
DOUBTED = 0.85
"""Below this chance that an item is good enough, strangers are asked for it first."""
HALVES = 0.02
"""The share of people, ordered by their match with an item, after which the next is half as likely to be asked."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Whether this request explores, for which tier, and with which item: three lots.

    It explores with probability min(1, share * limit) times how much exploring suits the person (`openness`), so
    that trials stay below their share of all impressions. The tier is drawn by the configured mix. Of `among` items
    on trial the one is brought, among those for which the person belongs to that tier (people of a segment that may be
    an item's audience: to any), with the largest

        theta_i * change_i,    theta_i ~ Beta(alpha_i, beta_i),

    a draw from the posterior of its rate times how much the next impressions can change what is decided on it, halved
    for each HALVES of all people who match it better. For a stretch, theta is drawn from what people of the same
    segment told, and what is doubted comes first. Nobody is brought an item that the person's segment plainly does not
    want.
    Source: Wang et al., KDD 2023 (arXiv 2306.01720) and RecSys 2025 (arXiv 2507.09423).
    """

    personal: ClassVar[bool] = True

    def __call__(self, ctx: Context) -> Candidates:
        """One row with its arm, or nothing."""
        rng, settings = ctx.rng("trials"), ctx.snapshot.trials
        if rng.random() >= min(1.0, settings.share * ctx.request.limit) * openness(ctx):
            return no_candidates()
        wanted = 1 + int(rng.choice(len(settings.mix), p=np.array(settings.mix) / sum(settings.mix)))
        prospects = self._prospects(ctx, rng)
        asked = self._asked(ctx, rng) if wanted == STRETCH else no_candidates().rows
        # Once for each account and item: a second impression would tell nothing.
        met, done = _met(ctx, prospects.rows), _met(ctx, asked)
        if met.all() and done.all():
            return no_candidates()
        known = prospects.known
        worth = thompson_draw(known.alpha[~met], known.beta[~met], rng) * prospects.changes[~met]
        doubted = doubted_of(known)[~met] if wanted == STRETCH else np.zeros(len(worth), bool)
        best = np.lexsort((-worth, ~doubted))[:BEST]
        none = np.zeros(int((~done).sum()))
        rows = np.concatenate([prospects.rows[~met][best], asked[~done]])
        bids = Bids(rows, np.append(worth[best], none), np.append(doubted[best], none > 0))
        return _first(ctx, bids, wanted, rng)

    def _prospects(self, ctx: Context, rng: np.random.Generator) -> "Prospects":
        """The items on trial of which one may be brought, at most `among`."""
        snapshot, among = ctx.snapshot, ctx.snapshot.trials.among
        rows = snapshot.once("on_trial", lambda: on_trial(snapshot))
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        if len(rows) > among:
            # With replacement: drawing without would shuffle all that are on trial.
            rows = rows[rng.integers(len(rows), size=among)]
        elif ctx.eligible is None:
            return snapshot.once("trial_prospects", lambda: prospects_of(snapshot, distinct(rows)))
        return prospects_of(snapshot, distinct(rows))

    def _asked(self, ctx: Context, rng: np.random.Generator) -> Rows:
        """Graduates that may have an audience of their own, or have one, at most BEST of them."""
        rows = ctx.snapshot.once("graduates_asked", lambda: graduates_asked(ctx.snapshot))
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        return rows if len(rows) <= BEST else distinct(rows[rng.integers(len(rows), size=BEST)])


def _met(ctx: Context, rows: Rows) -> Bools:
    return np.asarray(ctx.person.met[rows] | ctx.person.shown_before[rows])


class Prospects(NamedTuple):
    """Items on trial: int32 (n,), what is known of each, and how much more evidence may change, (n,)."""

    rows: Rows
    known: Posterior
    changes: Floats


class Bids(NamedTuple):
    """What one person may be brought: item rows, what each is worth trying, and whether strangers come first, (n,)."""

    rows: Rows
    worth: Floats
    doubted: Bools


def prospects_of(snapshot: Snapshot, rows: Rows) -> Prospects:
    """What is known of items on trial."""
    known = posteriors_of(snapshot, rows)
    return Prospects(rows, known, change(known.alpha, known.beta, known.threshold))


def doubted_of(known: Posterior) -> Bools:
    """Whether it is not likely yet that each is good enough, (n,): it may be for others, whom a stretch asks."""
    return np.asarray(betaincc(known.alpha, known.beta, known.threshold) < DOUBTED)


def openness(ctx: Context) -> float:
    """How much exploring suits a person, within (0, 1]: more the more they do here, less where trials disappointed.

    Formula: (n + 5) / (n + 10) for n reactions, times min(1, (w + 10 m) / (t + 10) / m), w of t trial impressions
    welcomed; m: half the rate at which the first tier likes what is tried, at least .01.
    """
    users, row = ctx.snapshot.users, ctx.request.row
    if row < 0:
        return 0.5
    reactions = len(ctx.person.history)
    tried, welcomed = float(users["trial_met"][row]), float(users["trial_welcomed"][row])
    mean = max(float(np.nan_to_num(ctx.snapshot.world["trial_tiers"][0, 0], nan=0.0)) / 2, 0.01)
    return (reactions + 5) / (reactions + 10) * min(1.0, (welcomed + 10 * mean) / (tried + 10) / mean)


def on_trial(snapshot: Snapshot) -> Rows:
    """The items that are tested or expanding: int32; those in their second round twice."""
    rows = snapshot.world.lists["on_trial"][0]["item"]
    found: Rows = rows[being_tried(snapshot, rows)]
    return found


def searched(snapshot: Snapshot) -> Rows:
    """The graduates whose audience is still looked for: int32."""
    rows = snapshot.world.lists["on_trial"][0]["item"]
    found: Rows = rows[being_searched(snapshot, rows)]
    return found


def graduates_asked(snapshot: Snapshot) -> Rows:
    """Those of `searched` of which an audience was found, or may be: int32, ascending."""
    rows, items = distinct(searched(snapshot)), snapshot.items
    return rows[(items["trial_asked"][rows] >= 0) | (items["trial_segment"][rows] >= 0)]


def change(alpha: Floats, beta: Floats, threshold: Floats) -> Floats:
    """How much the next AHEAD impressions may change a decision between a rate and a threshold, float64 (n,).

    Formula: s f(-|m - threshold| / s) / sd with f(z) = phi(z) + z Phi(z), m and sd of the posterior, and
    s = sd sqrt(AHEAD / (alpha + beta + AHEAD)), how far the mean will move (the knowledge gradient of a normal).
    """
    total = alpha + beta
    mean = alpha / total
    sd = np.sqrt(mean * (1 - mean) / (total + 1))
    moves = np.sqrt(AHEAD / (total + AHEAD))
    z = -np.abs(mean - threshold) / (sd * moves)
    return np.asarray(moves * (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) + z * ndtr(z)) + 1e-12)


def _first(ctx: Context, bids: Bids, wanted: int, rng: np.random.Generator) -> Candidates:
    """The best item for which the person belongs to the wanted tier, or else to the one nearest to it.

    Among those of one tier, worth counts half where HALVES more of all people match the item better. Whatever is
    wanted, first comes what the person may be the audience of, until that is known, and found people are the core of
    an audience. Nothing else is brought as a stretch but where one is wanted: graduates to their audience, then what
    is doubted.
    """
    best, worth = bids.rows, bids.worth
    ahead = ahead_of(ctx, best)
    tiers, refused = tiers_of(ctx, best, ahead), np.zeros(len(best), bool)
    found, graduated = tiers == FOUND, ctx.snapshot.items["trial_state"][best] == TrialState.GRADUATED
    distance = np.abs(tiers - wanted).astype(np.float64)
    distance[graduated] = np.inf
    if wanted == STRETCH:
        worth, refused = _by_segment(ctx, best, rng)
        distance[(tiers == STRETCH) & bids.doubted] = -1
        distance[found & ~graduated] = np.inf
        distance[found & graduated] = -2
    else:
        worth = worth * np.exp2(-np.where(found, 0.0, np.nan_to_num(ahead)) / HALVES)
        distance[tiers == STRETCH] = np.inf
        distance[found & ~graduated] = 0
    distance[_of_segment(ctx, best, "trial_asked")] = -2
    distance[refused] = np.inf
    chosen = np.lexsort((-worth, distance))[:1]
    if np.isinf(distance[chosen]).all():
        return no_candidates()
    return Candidates(best[chosen], {"trial_arm": tiers[chosen].astype(np.int8)})


def ahead_of(ctx: Context, rows: Rows) -> Floats:
    """The share of all people who match each item better than the person: float64 (n,).

    Match is the inner product of directions; all people are the audience's sample. 1 where nothing is known of the
    person, NaN where nothing is of what the item is, or before any training.
    """
    models = ctx.snapshot.artifacts
    if models.vectors is None or models.audience is None or len(models.audience) == 0:
        return np.full(len(rows), np.nan)
    if ctx.person.vector is None:
        return np.ones(len(rows))
    vectors = models.vectors.items[rows]
    match = vectors @ (ctx.person.vector / np.linalg.norm(ctx.person.vector))
    ahead = np.count_nonzero(models.audience @ vectors.T > match, axis=0) / len(models.audience)
    return np.where(vectors.any(axis=1), ahead, np.nan)


def tiers_of(ctx: Context, rows: Rows, ahead: Floats) -> Ints:
    """The person's audience tier for each item: arms 1 surely, 2 should be, 3 a stretch, 4 found, int64 (n,).

    ahead: of each item, see `ahead_of`; where it is not known all should be its audience.
    """
    ranked = 1 + np.searchsorted(ctx.snapshot.trials.audience, ahead, side="left")
    tiers = np.where(np.isnan(ahead), 2, ranked)
    tiers[_of_segment(ctx, rows, "trial_segment")] = FOUND
    return tiers


def _of_segment(ctx: Context, rows: Rows, column: str) -> Bools:
    """Whether the person is of the segment that a column names of each item, (n,)."""
    segment = ctx.snapshot.items[column][rows]
    return np.asarray((segment >= 0) & (segment[:, None] == ctx.person.segments).any(axis=1))


def _by_segment(ctx: Context, rows: Rows, rng: np.random.Generator) -> tuple[Floats, Array]:
    """Draws of each item's rate among people of the person's segment, and whether they plainly do not want it."""
    prior = priors_of(ctx.snapshot, rows)
    mean = prior[0] / (prior[0] + prior[1])
    segment = int(ctx.person.segments[0])
    shown, liked = np.array([told_by(ctx.snapshot, row, segment) for row in rows.tolist()]).reshape(-1, 2).T
    # Four impressions' worth of prior: a segment is small, and its first answers must be heard.
    alpha, beta = 4 * mean + liked, 4 * (1 - mean) + shown - liked
    return thompson_draw(alpha, beta, rng), (shown >= 8) & (liked == 0)


def told_by(snapshot: Snapshot, row: int, segment: int) -> tuple[int, int]:
    """How many people of a segment were shown an item, and how many of them liked it; none of segment -1."""
    if segment < 0:
        return 0, 0
    first, liked = snapshot.once(f"accounts of {row}", lambda: accounts_of(evidence_of(snapshot.items, row)))
    same = (first["segments"] == segment).any(axis=1)
    return int(same.sum()), int((same & liked).sum())
