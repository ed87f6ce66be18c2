"""Figures of one run: pure functions of what was recorded and of the truth."""

import numpy as np

from fairshot.core.arrays import DAY, HOUR, Array, Bools, Floats, Ints
from fairshot.town.behaviour import examination
from fairshot.town.records import Run
from fairshot.town.trial_figures import trial_figures
from fairshot.town.truth import Truth

FOUND_LIKES, FOUND_DAYS = 10, 7
"""A good item is found when it has so many likes within so many days of its publication (half the run, if shorter)."""
ENOUGH, SOON = 100, 3
"""Impressions that a new item needs, and the days in which it should have them."""
FIRST_SLATES = 10
"""Slates of a person that count as the first ones."""


def figures(run: Run, truth: Truth) -> dict[str, float]:
    """All figures of a run by name; NaN where there is nothing to measure."""
    return {
        **people_figures(run, truth),
        **item_figures(run, truth),
        **creator_figures(run, truth),
        **feed_figures(run),
        **trial_figures(run, truth),
    }


def people_figures(run: Run, truth: Truth) -> dict[str, float]:
    """What people got out of it.

    utility: the sum of the true utility of everything looked at, for each person there is; return rate: of those who
    came in the first quarter the share that also came in the last; visits: a person a day; likes in the first ten
    slates: of people who came for the first time during the run, the mean over those with at least ten slates.
    """
    got = np.where(run.looked, run.worth, 0.0).sum(axis=1)
    quarter = _quarters(run)
    early, late = (np.unique(run.person[quarter == q]) for q in (0, 3))
    days = (run.end - run.start) / DAY
    return {
        "utility": float(got.sum()) / truth.people,
        "utility, last quarter": float(got[quarter == 3].sum()) / truth.people,
        "utility of a look": _ratio(got.sum(), run.looked.sum()),
        "return rate": _ratio(np.isin(early, late).sum(), len(early)),
        "visits": float((run.page == 0).sum()) / truth.people / days,
        "likes": float(run.liked.sum()) / truth.people,
        "likes in the first ten slates": first_likes(run, truth.people_joins > run.start),
    }


def item_figures(run: Run, truth: Truth) -> dict[str, float]:
    """What became of items that were published during the run.

    Of items that are out for a whole window before the end. hours to 100 impressions: the median, those that never had
    them counted as the longest, NaN where the median is one of these; good newcomers found: truly good items of
    creators who joined during the run, with at least 10 likes within the window.
    """
    window = min(FOUND_DAYS * DAY, (run.end - run.start) // 2)
    out = (run.published > run.start) & (run.published <= run.end - window)
    hundredth = _time_of(run, ENOUGH)[out] - run.published[out]
    median = float(np.median(hundredth)) if out.any() else np.nan
    newcomers = out & truth.good & truth.new[truth.creator]
    found = likes_within(run, window) >= FOUND_LIKES
    return {
        "hours to 100 impressions": median / HOUR if median < _NEVER / 2 else np.nan,
        "new items with 100 impressions in 3 days": _ratio((hundredth <= SOON * DAY).sum(), out.sum()),
        "good newcomers found": float((found & newcomers).sum()),
        "share of good newcomers found": _ratio((found & newcomers).sum(), newcomers.sum()),
        "Gini over items": gini(_shown_of(run)[run.published > 0]),
    }


def creator_figures(run: Run, truth: Truth) -> dict[str, float]:
    """Who stayed. Kept: of those who joined at least four days before the end, the share still there.

    prolific exposure: see `flood_exposure`.
    """
    settled = truth.joins <= run.end - 4 * DAY
    stays = run.left == 0
    shown = np.bincount(truth.creator, _shown_of(run), minlength=len(stays))
    there = truth.joins < run.end
    return {
        "creators kept": _ratio((stays & settled).sum(), settled.sum()),
        "new creators kept": _ratio((stays & settled & truth.new).sum(), (settled & truth.new).sum()),
        "Gini over creators": gini(shown[there]),
        "prolific exposure": flood_exposure(run, truth),
    }


def feed_figures(run: Run) -> dict[str, float]:
    """What slates are like.

    Kendall tau between the order of a slate and recency, the mean over slates; exploring: the share of impressions at
    positions filled for the item's sake; its cost: the examination-weighted true utility that slates lose by it, as a
    share of all they give.
    """
    shown = run.item >= 0
    eye = examination(run.item.shape[1])
    return {
        "Kendall tau with recency": float(np.nanmean(recency_tau(run.item, run.published))) if len(run.at) else np.nan,
        "exploring": _ratio((run.explored & shown).sum(), shown.sum()),
        "cost of exploring": _ratio(run.cost.sum(), (run.worth * shown @ eye).sum()),
    }


def first_likes(run: Run, newcomers: Bools) -> float:
    """Likes in a newcomer's first ten slates, the mean over newcomers who had so many; newcomers: (people,)."""
    order = np.lexsort((run.page, run.at, run.person))
    person, likes = run.person[order], run.liked.sum(axis=1)[order]
    slates = np.bincount(person, minlength=len(newcomers))
    number = np.arange(len(person)) - (np.cumsum(slates) - slates)[person]
    first = np.bincount(person, np.where(number < FIRST_SLATES, likes, 0), minlength=len(newcomers))
    counted = newcomers & (slates >= FIRST_SLATES)
    return _ratio(first[counted].sum(), counted.sum())


def flood_exposure(run: Run, truth: Truth) -> float:
    """Impressions a day of whoever floods the platform, over the mean of others who joined before or with them.

    Days and impressions while each creator is there; NaN where nobody floods.
    """
    gone = np.where(run.left > 0, run.left, run.end)
    since = np.maximum(truth.joins, run.start)
    shown = run.item >= 0
    creator = truth.creator[run.item[shown]]
    counted = np.broadcast_to(run.at[:, None], run.item.shape)[shown] < gone[creator]
    rate = np.bincount(creator[counted], minlength=len(gone)) / np.maximum((gone - since) / DAY, 1e-9)
    others = ~truth.flood & (truth.joins <= truth.joins[truth.flood].max(initial=run.start)) & (gone > since)
    return _ratio(rate[truth.flood].sum(), rate[others].mean()) if truth.flood.any() and others.any() else np.nan


def gini(amounts: Array) -> float:
    """How unequal amounts are, (n,): 0 for equal ones, 1 - 1/n for all with one; sum of |a_i - a_j| / (2 n sum a)."""
    ordered, total = np.sort(amounts), float(np.sum(amounts))
    n = len(ordered)
    if n == 0 or total == 0:
        return float("nan")
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def recency_tau(item: Ints, published: Ints) -> Floats:
    """Kendall's tau-a between the order of each slate and the newest first, float64 (s,); NaN of a single item.

    item (s, k), -1 for none; published (n,). 1: a "new" sort; ties of time count as neither.
    """
    above, below = np.triu_indices(item.shape[1], 1)
    pairs = (item[:, above] >= 0) & (item[:, below] >= 0)
    newer = np.sign(published[item[:, above]] - published[item[:, below]])
    counts = pairs.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(pairs, newer, 0).sum(axis=1) / np.where(counts > 0, counts, np.nan))


def likes_within(run: Run, window: int) -> Ints:
    """Likes of each item within so many microseconds of its publication, int (n,)."""
    item, at = run.item[run.liked], np.broadcast_to(run.at[:, None], run.item.shape)[run.liked]
    soon = at <= run.published[item] + window
    return np.bincount(item[soon], minlength=len(run.published))


_NEVER = np.iinfo(np.int64).max // 2


def _time_of(run: Run, number: int) -> Ints:
    """When each item had its impression of this number, int64 (n,); far in the future where it never had."""
    shown = run.item >= 0
    item, at = run.item[shown], np.broadcast_to(run.at[:, None], run.item.shape)[shown]
    order = np.lexsort((at, item))
    counts = np.bincount(item, minlength=len(run.published))
    place = np.concatenate([[0], np.cumsum(counts)[:-1]]) + number - 1
    enough = counts >= number
    found = np.full(len(counts), _NEVER)
    found[enough] = at[order][place[enough]]
    return found


def _shown_of(run: Run) -> Ints:
    return np.bincount(run.item[run.item >= 0], minlength=len(run.published))


def _quarters(run: Run) -> Ints:
    return np.asarray(np.minimum((run.at - run.start) * 4 // (run.end - run.start), 3))


def _ratio(part: float | Bools, whole: float | Ints) -> float:
    return float(part) / float(whole) if whole else float("nan")
