"""Evaluation: how good and how fair the whole pipeline would have been on feedback it has not seen.

Full ranking: nobody is ranked against a sample; every item of the catalogue that a person had not met can
be in their slate. Relevant is every item of the held-out part, whatever was said of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np

from fairshot.app import App, build_pipeline
from fairshot.config import Config
from fairshot.core.arrays import Array, Bools, Floats
from fairshot.core.errors import FairshotError
from fairshot.core.events import EventBatch, Kind, concatenate
from fairshot.core.randomness import stream
from fairshot.core.request import Context, Request
from fairshot.core.snapshot import Snapshot
from fairshot.core.tables import views
from fairshot.learning.interactions import grouped, impressions_of, later_of
from fairshot.training import Protocol, Trainer

PROTOCOLS: Mapping[Protocol, str] = {
    "random": "a random quarter of each person's reactions is held out; the rest trains",
    "latest": "the latest quarter of each person's reactions is held out; the rest trains",
}
HELD_OUT = 0.25
UNPOPULAR = 0.8
"""The share of items, by reactions in training, whose exposure is reported; likewise of creators."""
FAIRNESS_TERMS = ("creator", "contribution")


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of one arm: mean over people (or a share), with a 95 % interval where it has one."""

    arm: str
    name: str
    value: float
    low: float | None = None
    high: float | None = None


def evaluate(
    app: App,
    protocol: Protocol = "random",
    *,
    seed: int = 42,
    k: int = 10,
    progress: Callable[[str, float], None] | None = None,
) -> list[Measured]:
    """Hold out, train, and rank for everybody: the pipeline without its fairness terms, and as configured.

    nDCG@k is binary, its ideal capped at k, a mean over people with anything held out; intervals are 95 %
    bootstrap intervals over people. The ranking net's own held-out share is drawn in the manner of the
    protocol. Exposure shares count every position alike.
    """
    if protocol not in PROTOCOLS:
        raise FairshotError(f"no protocol {protocol!r}; there are: {', '.join(PROTOCOLS)}")
    report = progress or (lambda _phase, _share: None)
    events = concatenate(list(app.log.batches()))
    held = held_out(events, protocol, seed)
    if not held.any():
        raise FairshotError("nothing can be held out: people need reactions to at least three items each")
    if not events.of(Kind.ITEM).any():
        raise FairshotError("no item has a record, so nothing can be shown; import the items too")
    lost = held | impressions_of(events)
    if protocol == "latest":
        lost |= later_of(events, held)
    trained = events.where(~lost)
    trainer = Trainer(app.config, app.live.folds, app.pipeline, app.live.ids, protocol, report)
    fitted = trainer.fit(trained)
    states = {name: fold.add(fold.empty(), trained) for name, fold in app.live.folds.items()}
    seen = views(states)
    snapshot = Snapshot(
        seq=0,
        ids=app.live.ids,
        users=seen["users"],
        items=seen["items"],
        creators=seen["creators"],
        labels=seen["labels"],
        world=seen["world"],
        feedback=app.config.kinds,
        impressions=app.config.impressions,
        artifacts=fitted.artifacts("evaluation"),
    )
    told = np.flatnonzero(held)
    found = grouped(events.user[told], np.arange(events.sizes.users))
    truth = [np.unique(events.item[told[index]]) for index in found]
    now = int(trained.at[trained.of(Kind.FEEDBACK)].max())
    results: list[Measured] = []
    for arm, config in arms(app.config).items():
        slates = _slates(config, snapshot, truth, k, now, partial(report, arm))
        results += accuracy(arm, slates, truth, k) + exposure(arm, slates, trained)
    return results


def arms(config: Config) -> dict[str, Config]:
    """The configurations that are compared: without the fairness terms, and as they are."""
    weights = {name: 0.0 if name in FAIRNESS_TERMS else weight for name, weight in config.pipeline.value.items()}
    plan = msgspec.structs.replace(
        config.pipeline, value=weights, blenders=[name for name in config.pipeline.blenders if name != "random_slot"]
    )
    return {"fairness off": msgspec.structs.replace(config, pipeline=plan), "defaults": config}


def held_out(events: EventBatch, protocol: str, seed: int) -> Bools:
    """Which events are held out: bool (n,). A person with m reacted items keeps round(0.75 m) of them."""
    told = np.flatnonzero(events.of(Kind.FEEDBACK) & (events.item >= 0) & (events.user >= 0))
    pairs, index = np.unique(np.stack([events.user[told], events.item[told]]), axis=1, return_inverse=True)
    index = index.ravel()
    if protocol == "random":
        rank = stream("evaluation", str(seed)).permutation(pairs.shape[1])
    else:
        rank = np.zeros(pairs.shape[1], dtype=np.int64)
        np.maximum.at(rank, index, events.at[told])
    order = np.lexsort((rank, pairs[0]))
    _, counts = np.unique(pairs[0], return_counts=True)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = np.zeros(pairs.shape[1], dtype=bool)
    chosen[order] = place >= np.repeat(np.round((1 - HELD_OUT) * counts), counts)
    held = np.zeros(len(events), dtype=bool)
    held[told] = chosen[index]
    return held


def _slates(
    config: Config, snapshot: Snapshot, truth: list[Array], k: int, now: int, report: Callable[[float], None]
) -> list[Array]:
    pipeline = build_pipeline(config)
    slates: list[Array] = []
    for row, relevant in enumerate(truth):
        if row % 100 == 0:
            report(row / len(truth))
        if len(relevant) == 0:
            slates.append(relevant)
            continue
        user = snapshot.ids.users.id(row)
        request = Request(id=f"evaluation/{user}", user=user, row=row, limit=k, now=now)
        slates.append(pipeline(Context(request, snapshot)).rows)
    report(1.0)
    return slates


def accuracy(arm: str, slates: list[Array], truth: list[Array], k: int) -> list[Measured]:
    """NDCG@k and recall@k over people with anything held out."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    ndcg, recall = [], []
    for slate, relevant in zip(slates, truth, strict=True):
        if len(relevant) == 0:
            continue
        hits = np.isin(slate, relevant)
        ndcg.append((hits * discount[: len(slate)]).sum() / discount[: min(k, len(relevant))].sum())
        recall.append(hits.sum() / len(relevant))
    return [_mean(arm, f"nDCG@{k}", np.array(ndcg)), _mean(arm, f"recall@{k}", np.array(recall))]


def exposure(arm: str, slates: list[Array], trained: EventBatch) -> list[Measured]:
    """Who was shown: shares of positions, and how unequal they are."""
    shown = np.concatenate(slates)
    told = trained.where(trained.of(Kind.FEEDBACK) & (trained.item >= 0))
    records = trained.where(trained.of(Kind.ITEM))
    creator = np.full(trained.sizes.items, -1)
    creator[records.item] = records.creator
    listed = np.unique(records.item)
    by_item = np.bincount(told.item, minlength=trained.sizes.items)
    creators = np.unique(creator[listed])
    by_creator = np.bincount(creator[listed], by_item[listed], minlength=trained.sizes.creators)
    impressions = np.bincount(shown, minlength=trained.sizes.items)
    creator_impressions = np.bincount(creator[listed], impressions[listed], minlength=trained.sizes.creators)
    return [
        Measured(arm, "exposure of the least popular 80 % of items", _share(impressions[listed], by_item[listed])),
        Measured(
            arm,
            "exposure of the 80 % of creators with fewest reactions",
            _share(creator_impressions[creators], by_creator[creators]),
        ),
        Measured(arm, "Gini of exposure over items", gini(impressions[listed])),
        Measured(arm, "Gini of exposure over creators", gini(creator_impressions[creators])),
        Measured(arm, "share of items shown at all", float((impressions[listed] > 0).mean())),
    ]


def _share(impressions: Array, popularity: Array) -> float:
    """The share of impressions that goes to the least popular, ties by place."""
    order = np.argsort(popularity, kind="stable")
    least = order[: int(UNPOPULAR * len(order))]
    return float(impressions[least].sum() / max(impressions.sum(), 1))


def gini(amounts: Array) -> float:
    """Gini coefficient of amounts (n,): 0 for equal shares, towards 1 where one has all."""
    ordered = np.sort(amounts)
    n, total = len(ordered), ordered.sum()
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total)) if total > 0 else 0.0


def _mean(arm: str, name: str, values: Floats) -> Measured:
    draws = stream("bootstrap", name).integers(0, len(values), (1000, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return Measured(arm, name, float(values.mean()), float(low), float(high))
