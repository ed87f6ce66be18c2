"""Arms: the configurations that are compared on the same models and the same people."""

import msgspec

from fairshot.config import Config
from fairshot.core.events import EventBatch, Kind

FAIRNESS_TERMS = ("creator", "contribution", "fairness")
"""Value terms of the defaults that serve others than the person who asks."""


def arms(config: Config) -> dict[str, Config]:
    """The configurations that are compared: without the fairness terms, and as they are."""
    return {"fairness off": without_fairness(config), "defaults": config}


def without_fairness(config: Config) -> Config:
    """The same without fairness terms and without the lot."""
    weights = {name: 0.0 if name in FAIRNESS_TERMS else weight for name, weight in config.pipeline.value.items()}
    blenders = [name for name in config.pipeline.blenders if name != "random_slot"]
    return _planned(config, value=weights, blenders=blenders)


def accuracy_alone(config: Config, occurring: list[str]) -> Config:
    """What these protocols judge, and nothing else: any reaction alike, the most likely first.

    Every kind that occurs weighs 1 and all others 0; of the value terms only engagement is left, and neither
    re-rankers nor blenders.
    """
    feedback = {
        name: msgspec.structs.replace(kind, weight=float(name in occurring)) for name, kind in config.feedback.items()
    }
    plan = _planned(config, value={"engagement": 1.0}, rerankers=[], blenders=[])
    return msgspec.structs.replace(plan, feedback=feedback)


def weighted(config: Config, term: str, weight: float) -> Config:
    """The same with one value term at a weight; added where it was not."""
    return _planned(config, value={**config.pipeline.value, term: weight})


def occurring_kinds(events: EventBatch, config: Config) -> list[str]:
    """The feedback kinds among reactions to items."""
    codes = set(events.action[events.of(Kind.FEEDBACK) & (events.item >= 0)].tolist())
    return [name for code, name in enumerate(config.feedback) if code in codes]


def _planned(config: Config, **changes: object) -> Config:
    return msgspec.structs.replace(config, pipeline=msgspec.structs.replace(config.pipeline, **changes))
