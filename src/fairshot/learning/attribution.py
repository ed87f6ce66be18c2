"""Attribution: which feedback answers which impression, as one relational expression.

`attributed` maps two Ibis tables, of impressions and of feedback, to the table of training rows; it runs
unchanged wherever Ibis does (DuckDB here, Spark there). Its tables are those of the log's export:

    impressions  seq int64, user, item, at int64, position, propensity, seconds, reported bool
    feedback     seq int64, user, item, action string, at int64

seq: the log's number (positions of one slate share it); user, item: any type that compares; at: microseconds
since 1970. A position that was sent has reported = false; one that a client says was seen has reported = true
and its seconds in view, null where not told.

The rules.
- Last touch: feedback belongs to the last impression of the same item to the same person that is not later,
  if it lies within the window of its kind; at one time impressions come first, and among them the greater seq.
- Examined: in mode "reported" what the client reported, for at least one second where it says how long; only
  that can be touched. In mode "served" a position is examined if it or a lower one of its slate was answered.
- An examined position is a row, with label 1 for each kind that answered it and else 0: without feedback it
  is a true negative. Positions that were not examined are left out, for nothing is known of them.
- weight = 1 / max(p(examined | position), 0.05), the share of the positions sent that were examined.
- Organic: feedback that answers no impression is a row of its own, one for each person, item and day (UTC), at
  the time of its first, with position 0, weight 1 and no propensity. So is, in mode "reported", a report
  whose slate is not in the log, but it is not organic.

What this assumes, and where it errs, is told in docs/ideas/attribution.md. Source of the weights: Joachims,
Swaminathan, Schnabel, "Unbiased Learning-to-Rank with Biased Feedback", WSDM 2017; of the examined part of a
slate in mode "served": the cascade model, Craswell et al., WSDM 2008.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import ibis

from fairshot.core.arrays import DAY
from fairshot.core.feedback import FeedbackKinds

Table: TypeAlias = Any
"""A table of Ibis, which has no types of its own."""
Mode = Literal["served", "reported"]

LEAST_PROBABILITY = 0.05
LEAST_SECONDS = 1.0
PLACE = ("seq", "position")
"""What names an impression."""
SHOWN = ("seq", "user", "item", "at", "position", "propensity", "seconds")
"""The columns of an impression."""
_TYPES = {"seq": "int64", "at": "int64", "position": "int32", "propensity": "float64", "seconds": "float64"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What may differ between sites: the window of each kind in microseconds, and which impressions count."""

    windows: Mapping[str, int]
    mode: Mode = "served"

    @classmethod
    def of(cls, kinds: FeedbackKinds, mode: Mode) -> "Rule":
        """The rule of configured kinds."""
        return cls(dict(zip(kinds.names, kinds.windows.tolist(), strict=True)), mode)

    @property
    def longest(self) -> int:
        """The longest window: nothing further apart has to do with one another."""
        return max(self.windows.values())

    @property
    def labels(self) -> list[str]:
        """The names of the label columns, in the order of the kinds."""
        return [f"label_{kind}" for kind in self.windows]


def attributed(impressions: Table, feedback: Table, rule: Rule) -> Table:
    """The training rows: SHOWN, organic bool, label_<kind> int8 for each kind, weight float64; in no order."""
    rows = examined(impressions, feedback, rule)
    return weighted(rows, positions(impressions, rows))


def weighted(rows: Table, counts: Table) -> Table:
    """Rows of `examined` with their weights; counts: of `positions`, also those of several parts together."""
    of = counts.group_by("position").agg(shown=counts.shown.sum(), met=counts.met.sum())
    share = of.met.cast("float64") / of.shown.cast("float64")
    place = of.select(place=of.position, weight=1.0 / ibis.ifelse(share < LEAST_PROBABILITY, LEAST_PROBABILITY, share))
    joined = rows.left_join(place, rows.position == place.place)
    return joined.select(*rows.columns, weight=joined.weight.fill_null(1.0))


def positions(impressions: Table, rows: Table) -> Table:
    """For each day (since 1970) and position how many were sent (shown), how many of them examined (met).

    rows: of `examined`, from the same impressions.
    """
    sent, seen = _shown(impressions, reported=False), rows.filter(rows.position > 0)
    shown = sent.group_by("position", day=sent["at"] // DAY).agg(shown=sent.count())
    met = seen.group_by("position", day=seen["at"] // DAY).agg(met=seen.count())
    both = shown.left_join(met, ["day", "position"])
    return both.select("day", "position", "shown", met=both.met.fill_null(0))


def examined(impressions: Table, feedback: Table, rule: Rule) -> Table:
    """All training rows but for their weights: SHOWN, organic and labels."""
    sent, reports = _shown(impressions, reported=False), _shown(impressions, reported=True)
    told = _told(feedback, rule)
    if rule.mode == "reported":
        shown = _reported(sent, reports, rule)
        touches = _touches(shown, told)
        answers = _labels(touches, rule, "seq", "position")
    else:
        touches = _touches(sent, told)
        answers = _labels(touches, rule, "seq", "position")
        shown = _above_answers(sent, answers)
        shown = shown.drop("seconds").left_join(_views(_report_touches(sent, reports, rule)), PLACE).select(*SHOWN)
    rows = shown.left_join(answers, PLACE)
    labels = {name: rows[name].fill_null(0).cast("int8") for name in rule.labels}
    met = rows.select(*SHOWN, organic=ibis.literal(False), **labels)
    return met.union(_organic(told.anti_join(touches, told.seq == touches.source), rule))


def _shown(impressions: Table, *, reported: bool) -> Table:
    """SHOWN of the impressions that name a person and an item."""
    known = impressions.filter(impressions.user.notnull() & impressions.item.notnull())
    kept = known.filter(known.reported) if reported else known.filter(~known.reported)
    return kept.select(**{name: kept[name].cast(_TYPES[name]) if name in _TYPES else kept[name] for name in SHOWN})


def _told(feedback: Table, rule: Rule) -> Table:
    """Feedback of the rule's kinds on items: seq, user, item, at, told (its kind), window."""
    kept = feedback.filter(feedback.user.notnull() & feedback.item.notnull() & feedback.action.isin(list(rule.windows)))
    windows = ((kept.action == kind, ibis.literal(window, "int64")) for kind, window in rule.windows.items())
    at = kept["at"].cast("int64")
    return kept.select("user", "item", seq=kept.seq.cast("int64"), at=at, told=kept.action, window=ibis.cases(*windows))


def _touches(shown: Table, told: Table) -> Table:
    """For what was told (its seq as source, and told) the seq and position of its last impression.

    What has none within its window is left out. A join on equality and one aggregate: of the forms that run
    everywhere the fastest that was found.
    """
    before = shown.select("user", "item", shown_at="at", shown_seq="seq", shown_position="position")
    pairs = told.join(before, ["user", "item"])
    near = pairs.filter((pairs.shown_at <= pairs["at"]) & (pairs["at"] - pairs.shown_at <= pairs.window))
    place = ibis.struct({"at": near.shown_at, "seq": near.shown_seq, "position": near.shown_position})
    last = near.group_by(source=near.seq, told=near.told).agg(place=place.max())
    return last.select("source", "told", seq=last.place["seq"], position=last.place["position"])


def _labels(told: Table, rule: Rule, *by: str, **also: Any) -> Table:
    """For each group 1 for the kinds that were told in it, else 0."""
    labels = {f"label_{kind}": (told.told == kind).cast("int8").max() for kind in rule.windows}
    return told.group_by(*by).agg(**also, **labels)


def _above_answers(sent: Table, answers: Table) -> Table:
    """The positions that were answered, or have one below them that was."""
    deepest = answers.group_by("seq").agg(deepest=answers.position.max())
    met = sent.join(deepest, "seq")
    return met.filter(met.position <= met.deepest).drop("deepest")


def _report_touches(sent: Table, reports: Table, rule: Rule) -> Table:
    """Reports, told being their seconds, with the position sent that they speak of."""
    window = ibis.literal(rule.longest, "int64")
    return _touches(sent, reports.select("seq", "user", "item", "at", told="seconds", window=window))


def _views(touches: Table) -> Table:
    """Seconds in view of each position that was reported, all its reports together; null where one is."""
    unknown = touches.told.isnull().any()
    seconds = ibis.ifelse(unknown, ibis.null("float64"), touches.told.sum())
    return touches.group_by("seq", "position").agg(seconds=seconds)


def _reported(sent: Table, reports: Table, rule: Rule) -> Table:
    """The impressions that were reported long enough; a report without its slate stands for itself."""
    touches = _report_touches(sent, reports, rule)
    of_slates = sent.drop("seconds").join(_views(touches), PLACE).select(*SHOWN)
    alone = reports.anti_join(touches, reports.seq == touches.source).mutate(position=ibis.literal(0, "int32"))
    both = of_slates.union(alone.select(*SHOWN))
    return both.filter(both.seconds.isnull() | (both.seconds >= LEAST_SECONDS))


def _organic(told: Table, rule: Rule) -> Table:
    """Feedback that answers nothing, a row for each person, item and day."""
    days = told.mutate(day=told["at"] // DAY)
    first = ibis.struct({"at": days["at"], "seq": days.seq}).min()
    rows = _labels(days, rule, "user", "item", "day", first=first)
    rows = rows.mutate(seq=rows["first"]["seq"], at=rows["first"]["at"])
    nothing = {
        "position": ibis.literal(0, "int32"),
        "propensity": ibis.null("float64"),
        "seconds": ibis.null("float64"),
    }
    return rows.mutate(organic=ibis.literal(True), **nothing).select(*SHOWN, "organic", *rule.labels)
