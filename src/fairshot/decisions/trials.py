"""Decisions on trials: who is admitted, what the evidence allows to decide, and the sentence that says why.

Everything reads arrays and returns arrays or words; the application gathers them and writes each step as an event.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincc, betaincinv

from fairshot.algorithms.best_arm import falling_confidence
from fairshot.algorithms.beta_bandit import fit_beta_prior
from fairshot.core.arrays import Array, Floats, Ints
from fairshot.core.trial import POSITIONS, TIERS, Trials, TrialState
from fairshot.core.trial_posterior import Posterior, successes

FEWEST_ITEMS = 20
"""Items with evidence from which a prior is fitted; a category's own rate counts its impressions besides as many."""
PULL = 50.0
"""Impressions that draw a tier's, or a category's, own rate towards that of all."""
GROWTH = 1.25
"""From one look at a trial to the next."""
FEWEST_COUNTED = 5
"""People of a segment of whom a card tells how many liked the item."""
FAILURE = 0.25
"""So much of a place in the queue each item of the creator that was stopped lately costs,"""
MOST_FAILURES = 2.0
"""and at most so many places."""


@dataclass(frozen=True, slots=True)
class Priors:
    """What is expected before a trial: a and b of all items, the rate of each tier (4,), and of labels (row, a, b)."""

    everywhere: tuple[float, float]
    tiers: Floats
    labels: tuple[tuple[int, float, float], ...]

    def of(self, category: Ints) -> tuple[Floats, Floats]:
        """The prior of each item, a and b, float64 (n,) each; category (n,): label rows."""
        known = {row: (a, b) for row, a, b in self.labels}
        a, b = np.array([known.get(row, self.everywhere) for row in category.tolist()]).reshape(-1, 2).T
        return a, b


@dataclass(frozen=True, slots=True)
class Judged:
    """What the evidence on items allows: arrays of length n. step: the state to go to, the present one for none."""

    step: Ints
    chance: Floats
    """That the rate is good enough."""
    rate: Floats
    low: Floats
    high: Floats
    """Of the 90 % interval of the rate."""
    spent: Floats
    """The share of the trial's impressions that are spent."""


def fit_priors(shown: Array, liked: Array, label: Ints, settings: Trials) -> Priors | None:
    """Priors from what all trials have told, None as long as too few have.

    Formula: rate(tier) as `tier_rates` has it; a and b of all items by maximum likelihood over those with at least
    `least` impressions (`fit_beta_prior`); of a category the same strength and its own mean, drawn towards that of all
    by PULL impressions.
    Shapes: shown and liked (n, CELLS) accounts, label (n,) rows, -1 for none.
    """
    told = shown.sum(axis=1) >= settings.least
    if told.sum() < FEWEST_ITEMS or liked[told].sum() == 0:
        return None
    tiers = tier_rates(shown, liked, settings)
    won, tried = successes(shown, liked, settings, tiers)
    if not 0 < won[told].sum() < tried[told].sum():
        return None
    a, b = fit_beta_prior(won[told], tried[told])
    strength, mean = float(np.clip(a + b, 2.0, 200.0)), a / (a + b)
    labels = []
    for row in np.unique(label[label >= 0]).tolist():
        of = label == row
        own = float((won[of].sum() + PULL * mean) / (tried[of].sum() + PULL))
        labels.append((row, strength * own, strength * (1 - own)))
    return Priors((strength * mean, strength * (1 - mean)), tiers, tuple(labels))


def tier_rates(shown: Array, liked: Array, settings: Trials) -> Floats:
    """The rate at which each tier likes what is tried, at the top position: float64 (4,).

    Formula: rate(t) = r1 (sum_i x_it n_i1 / m_it + PULL r) / (sum_i x_i1 n_it / m_it + PULL r), m_it = n_it + n_i1, for
    x_it likes of n_it examined impressions of item i in tier t, r1 and r the rates of the first tier and of all (Mantel
    and Haenszel, 1959). Tiers are compared item by item: strangers are asked most of what the first does not like.
    Shapes: shown and liked (n, CELLS) accounts.
    """
    examined = (shown.reshape(-1, len(TIERS), POSITIONS) * settings.looked_at).sum(axis=2)
    likes = liked.reshape(-1, len(TIERS), POSITIONS).sum(axis=2)
    overall = likes.sum() / max(examined.sum(), 1e-9)
    if examined[:, 0].sum() < PULL:
        # Nothing to compare with: what each tier told is all there is.
        return np.asarray((likes.sum(axis=0) + PULL * overall) / (examined.sum(axis=0) + PULL))
    first = (likes[:, 0].sum() + PULL * overall) / (examined[:, 0].sum() + PULL)
    both = np.maximum(examined + examined[:, :1], 1e-9)
    ours, theirs = (likes * examined[:, :1] / both).sum(axis=0), (likes[:, :1] * examined / both).sum(axis=0)
    ratio = (ours + PULL * overall) / (theirs + PULL * overall)
    ratio[0] = 1.0
    return np.asarray(np.minimum(first * ratio, 1.0))


def looks(people: Ints, settings: Trials) -> Ints:
    """How many of the people who were shown an item its latest look took in: int64 (n,), 0 before the first.

    A trial is looked at after `least` people, and then whenever there are a quarter more: a decision that was tried
    after each of them would find chance on its side far too often.
    """
    grown = np.maximum(people / settings.least, 1e-9)
    turn = np.floor(np.log(grown) / np.log(GROWTH) + 1e-9)
    size = np.ceil(settings.least * GROWTH ** np.maximum(turn, 0) - 1e-9)
    return np.where(people >= settings.least, np.minimum(size, people), 0).astype(np.int64)


def judge(posterior: Posterior, spent: Floats, state: Ints, settings: Trials) -> Judged:
    """Expand, stop or graduate each item by the chance that its rate is good enough.

    Formula: P = P(rate >= threshold), rate ~ Beta(alpha, beta); graduated where P > c, stopped where P < 1 - c, and
    expanding where P > 1/2. c falls from the first of `confidence` to the second as the trial's impressions are spent
    (`falling_confidence`), so that the last look decides; nothing changes where nothing was spent. How often it errs
    hangs on `likes`, how long a trial is: docs/ideas/trials.md.
    Shapes: all (n,); spent: share of the trial's impressions, as its look had them.
    """
    alpha, beta, threshold, _ = posterior
    chance = np.asarray(betaincc(alpha, beta, threshold))
    first, last = settings.confidence
    needed = falling_confidence(np.minimum(spent, 1.0), first, last)
    step = np.where(chance > 0.5, TrialState.EXPANDING, state)
    step = np.where(chance < 1 - needed, TrialState.STOPPED, step)
    step = np.where((chance > needed) | ((spent >= 1) & (chance >= 0.5)), TrialState.GRADUATED, step)
    step = np.where((spent >= 1) & (chance < 0.5), TrialState.STOPPED, step)
    step = np.where(spent > 0, step, state)
    low, high = betaincinv(alpha, beta, 0.05), betaincinv(alpha, beta, 0.95)
    return Judged(step, chance, alpha / (alpha + beta), low, high, spent)


def admitted(
    account: Ints, arrived: tuple[Ints, Floats], held: tuple[Ints, Ints], failures: Floats, room: int, most: int
) -> Ints:
    """Which waiting items are admitted now, in order: indices, at most `room`.

    Whose account had the fewest trials lately comes first: the second item of an account, counting those that were
    tried, queues behind everybody's first. Among equals the newest comes first, for what waits grows old, and of what
    came together whose lot is smallest; items of the creator that were stopped lately cost up to two places. Neither
    fame nor likes of the creator are read. No account has more than `most` on trial at once.
    Shapes: account (n,) any integers; arrived: when, and a lot, (n,) each; held: items of the item's account on
    trial already, and its trials that began lately, (n,) each; failures (n,): of its creator, decayed.
    """
    (came, lot), (going, lately) = arrived, held
    turn = np.empty(len(account), np.int64)
    counts = Counter[int]()
    for index in np.lexsort((lot, -came)).tolist():
        turn[index] = counts[int(account[index])]
        counts[int(account[index])] += 1
    allowed = np.flatnonzero(going + turn < most)
    place = lately + turn + np.minimum(FAILURE * failures, MOST_FAILURES)
    queue: Ints = allowed[np.lexsort((lot[allowed], -came[allowed], place[allowed]))][: max(room, 0)]
    return queue


def rates_of(shown: Array, liked: Array, settings: Trials) -> list[tuple[int, int, float, float, float]]:
    """Each tier of one item: impressions, likes, rate corrected for position, and its 90 % interval (Jeffreys).

    shown, liked: (CELLS,) accounts.
    """
    found = []
    for tier in range(len(TIERS)):
        cells = slice(tier * POSITIONS, (tier + 1) * POSITIONS)
        likes, examined = float(liked[cells].sum()), float(shown[cells] @ settings.looked_at)
        alpha, beta = likes + 0.5, max(examined - likes, 0.0) + 0.5
        limits = (float(betaincinv(alpha, beta, 0.05)), float(betaincinv(alpha, beta, 0.95)))
        rate = min(likes / examined, 1.0) if examined else 0.0
        found.append((int(shown[cells].sum()), int(likes), rate, *limits))
    return found


def sentence(step: str, impressions: int, likes: int, chance: float, expected: float) -> str:
    """Why, in words that the creator of the item can read."""
    told = f"{likes} of the {impressions} people who were shown it liked it"
    bar = f"{expected:.0%} of the first audience, which is asked of its category"
    match step:
        case "waiting":
            return f"{told}: too few came to decide anything in time. It takes part in everybody's ranking, undecided."
        case "expanding":
            return f"{told}: it is more likely than not that it reaches {bar}, so more people are asked."
        case "graduated":
            return (
                f"{told}: the chance that it reaches {bar}, is {chance:.0%}. It takes part in everybody's ranking now."
            )
        case "stopped":
            return f"{told}: the chance that it reaches {bar}, is {chance:.0%}. It rests, and may be tried again later."
    return "Its turn has come: it is shown near the top to a few people whom it should suit."


def segment_sentence(step: str, label: str, shown: int, likes: int) -> str:
    """Why part of its people is asked for an item, in words that its creator can read.

    Of few people no counts are told, by which one of them might be known.
    """
    if step == "asking":
        return f"People who like {label} best may like it more than others do: more of them are asked."
    if step == "asked":
        return f"People who like {label} best do not clearly like it more than others do after all."
    told = f"{likes} of the {shown} people who like {label} best, and who were shown it, liked it, clearly"
    told = told if shown >= FEWEST_COUNTED else f"People who like {label} best clearly like it"
    return f"{told} more than others: they are shown it from now on. Does the label {label} belong to it?"
