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
from fairshot.core.trial import CORE, FOUND, STRETCH, TrialState, accounts_of, core_of, evidence_of
from fairshot.core.trial_posterior import Posterior, posteriors_of, priors_of
from fairshot.core.turns import being_searched, being_tried, waits_for_strangers

AHEAD = 10
"""Impressions over which it is reckoned how much the next ones would change the decision,"""
BEST = 48
"""and so many of the best draws for which the person's tier is looked up."""
DOUBTED = 0.85
"""Below this chance that an item is good enough, strangers are asked for it first; below 1 less it, before others."""
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
    for each HALVES of all people who match it better. As a stretch comes what is doubted (`strangers_wanted`), and of
    that first the item of which fewest of the person's segment were asked, and none that their segment plainly does
    not want.
    Source: Wang et al., KDD 2023 (arXiv 2306.01720) and RecSys 2025 (arXiv 2507.09423).
    """

    personal: ClassVar[bool] = True

    def __call__(self, ctx: Context) -> Candidates:
        """One row with its arm, or nothing."""
        rng, settings = ctx.rng("trials"), ctx.snapshot.trials
        if rng.random() >= min(1.0, settings.share * ctx.request.limit) * openness(ctx):
            return no_candidates()
        tier = 1 + int(rng.choice(len(settings.mix), p=np.array(settings.mix) / sum(settings.mix)))
        prospects = self._prospects(ctx, rng)
        sought = self._sought(ctx, rng) if tier == STRETCH else no_candidates().rows
        # Once for each account and item: a second impression would tell nothing.
        met, done = _met(ctx, prospects.rows), _met(ctx, sought)
        if met.all() and done.all():
            return no_candidates()
        known = prospects.known
        worth = thompson_draw(known.alpha[~met], known.beta[~met], rng) * prospects.changes[~met]
        strangers = prospects.wanted[~met] if tier == STRETCH else np.zeros(len(worth))
        best = np.lexsort((-worth, -strangers))[:BEST]
        rows = np.concatenate([prospects.rows[~met][best], sought[~done]])
        more = len(rows) - len(best)
        bids = Bids(rows, np.append(worth[best], np.zeros(more)), np.append(strangers[best], np.ones(more)))
        return _first(ctx, bids, tier, rng)

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

    def _sought(self, ctx: Context, rng: np.random.Generator) -> Rows:
        """Graduates whose audience is looked for, or was found, at most BEST of them."""
        rows = ctx.snapshot.once("searched", lambda: distinct(searched(ctx.snapshot)))
        if ctx.eligible is not None:
            rows = rows[np.isin(rows, ctx.eligible)]
        return rows if len(rows) <= BEST else distinct(rows[rng.integers(len(rows), size=BEST)])


def _met(ctx: Context, rows: Rows) -> Bools:
    return np.asarray(ctx.person.met[rows] | ctx.person.shown_before[rows])


class Prospects(NamedTuple):
    """Items on trial: int32 (n,), what is known of each, how much more evidence may change, and `strangers_wanted`."""

    rows: Rows
    known: Posterior
    changes: Floats
    wanted: Floats


class Bids(NamedTuple):
    """What one person may be brought: item rows, what each is worth trying, and how much strangers are wanted, (n,)."""

    rows: Rows
    worth: Floats
    wanted: Floats


def prospects_of(snapshot: Snapshot, rows: Rows) -> Prospects:
    """What is known of items on trial."""
    known = posteriors_of(snapshot, rows)
    wanted = strangers_wanted(known, waits_for_strangers(snapshot, rows))
    return Prospects(rows, known, change(known.alpha, known.beta, known.threshold), wanted)


def strangers_wanted(known: Posterior, waits: Bools) -> Floats:
    """How much strangers are wanted: 1 where it is not likely yet that an item is good enough, else 0, float64 (n,).

    It may be for others, whom a stretch asks. 2 where it seems not to be, and few were asked: it waits for them.
    """
    chance = betaincc(known.alpha, known.beta, known.threshold)
    return np.where(chance >= DOUBTED, 0.0, np.where(waits & (chance < 1 - DOUBTED), 2.0, 1.0))


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


def _first(ctx: Context, bids: Bids, tier: int, rng: np.random.Generator) -> Candidates:
    """The best item for which the person belongs to the tier, or else to the one nearest to it.

    Among those of one tier, worth counts half where HALVES more of all people match the item better. Whatever the
    tier, first comes what the person may be the audience of, until that is known, and found people are the core of
    an audience. Nothing else is brought as a stretch but where one was drawn: graduates to their audience, then what
    waits for strangers before it may be stopped, then what is doubted and graduates whose audience is looked for.
    """
    best, worth = bids.rows, bids.worth
    ahead = ahead_of(ctx, best)
    tiers, refused = tiers_of(ctx, best, ahead), np.zeros(len(best), bool)
    found, graduated = tiers == FOUND, ctx.snapshot.items["trial_state"][best] == TrialState.GRADUATED
    distance = np.abs(tiers - tier).astype(np.float64)
    distance[graduated] = np.inf
    if tier == STRETCH:
        worth, refused = _by_segment(ctx, best, rng)
        distance = np.where(tiers == STRETCH, -bids.wanted, distance)
        distance[found & ~graduated] = np.inf
        distance[found & graduated] = -3
    else:
        worth = worth * np.exp2(-np.where(found, 0.0, np.nan_to_num(ahead)) / HALVES)
        distance[tiers == STRETCH] = np.inf
        distance[found & ~graduated] = 0
    distance[_of_segment(ctx, best, "trial_asked")] = -3
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
    """Whether the person is of the core of the segment that a column names of each item, (n,)."""
    return core_of(ctx.person.segments, ctx.snapshot.items[column][rows])


def _by_segment(ctx: Context, rows: Rows, rng: np.random.Generator) -> tuple[Floats, Array]:
    """What each item is worth asking a stranger about, and whether people of their segment plainly do not want it.

    The fewer of the segment were asked the more, and among equals a draw of the rate at which they like it.
    """
    prior = priors_of(ctx.snapshot, rows)
    mean = prior[0] / (prior[0] + prior[1])
    segment = int(ctx.person.segments[0])
    shown, liked = np.array([told_by(ctx.snapshot, row).get(segment, (0, 0)) for row in rows.tolist()]).reshape(-1, 2).T
    # Four impressions' worth of prior: a segment is small, and its first answers must be heard.
    alpha, beta = 4 * mean + liked, 4 * (1 - mean) + shown - liked
    return thompson_draw(alpha, beta, rng) - shown, (shown >= 8) & (liked == 0)


def told_by(snapshot: Snapshot, row: int) -> dict[int, tuple[int, int]]:
    """How many people of each segment's core were shown an item, and how many of them liked it."""
    return snapshot.once(f"told by segments {row}", lambda: _told(evidence_of(snapshot.items, row)))


def _told(entries: Array) -> dict[int, tuple[int, int]]:
    first, liked = accounts_of(entries)
    core = first["segments"][:, :CORE]
    names, index = np.unique(core, return_inverse=True)
    shown = np.bincount(index.ravel(), minlength=len(names))
    likes = np.bincount(index.reshape(core.shape)[liked].ravel(), minlength=len(names))
    return {name: (s, x) for name, s, x in zip(*(a.tolist() for a in (names, shown, likes)), strict=True) if name >= 0}
