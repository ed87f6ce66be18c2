"""Configuration: defaults.toml, then the data directory's fairshot.toml, then the environment; strict throughout."""

import hashlib
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from fairshot.core.errors import ConfigError
from fairshot.core.feedback import FeedbackKind, FeedbackKinds, Impressions
from fairshot.core.perturbation import Tuning
from fairshot.core.trial import Trials
from fairshot.pipeline.stages import KINDS, known_stages, nearest

FILE = "fairshot.toml"
Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


_STRENGTHS = {"none": 1000.0, "scale": 4.0, "gen": 1000.0, "magnitude": 1.0}
"""The greatest strength that each correction of new items' vectors can have."""


class PipelineSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The stages in order; value: the terms with their weights."""

    sources: list[str]
    filters: list[str]
    features: list[str]
    value: dict[str, float]
    rerankers: list[str]
    blenders: list[str]


class Learning(Struct, frozen=True, forbid_unknown_fields=True):
    """How models are fitted; see defaults.toml."""

    factors: Annotated[int, Meta(ge=2, le=1024)]
    iterations: Positive
    confidence: Annotated[float, Meta(gt=0)]
    activity: Annotated[float, Meta(ge=0)]
    regularization: Annotated[float, Meta(gt=0)]
    text_dimensions: Annotated[int, Meta(ge=2, le=1024)]
    content_weight: Annotated[float, Meta(ge=0)]
    cold_start_fairness: Literal["none", "scale", "gen", "magnitude"]
    cold_start_strength: Annotated[float, Meta(ge=0, le=1000)]
    neighbours: Annotated[int, Meta(ge=0, le=20_000)]
    neighbours_reach: Annotated[float, Meta(gt=0)]
    neighbours_ridge: Annotated[float, Meta(gt=0)]
    item_clusters: Positive
    person_types: Positive
    type_half_life_days: Annotated[float, Meta(gt=0)]
    type_trust: Annotated[float, Meta(gt=0, le=1)]
    type_draws: Positive
    holdout: Annotated[float, Meta(gt=0, lt=1)]
    occasions: Positive
    negatives: Positive
    as_new: Share
    hidden: list[Positive]
    epochs: Positive
    decay: Annotated[float, Meta(ge=0)]
    least_examples: Positive
    tolerance: Share
    calibration_tolerance: Share
    drift_tolerance: Annotated[float, Meta(ge=0)]
    drift_exempt: list[str]
    off_policy_slates: Positive
    causal_slates: Positive


class Worker(Struct, frozen=True, forbid_unknown_fields=True):
    """When the worker acts; see defaults.toml."""

    train_events: Positive
    train_minutes: Annotated[float, Meta(ge=0)]
    checkpoint_events: Positive
    trial_seconds: Annotated[float, Meta(gt=0)]
    keep_snapshots: Positive


class Serving(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the service listens, and the length of a slate."""

    host: str
    port: Annotated[int, Meta(ge=0, le=65535)]
    workers: Positive
    limit: Positive
    most: Annotated[int, Meta(ge=1, le=10_000)]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration, resolved."""

    feedback: Annotated[dict[str, FeedbackKind], Meta(max_length=100)]
    impressions: Impressions
    pipeline: PipelineSettings
    learning: Learning
    worker: Worker
    serving: Serving
    tuning: Tuning
    trials: Trials
    sources: dict[str, dict[str, Any]] = {}
    filters: dict[str, dict[str, Any]] = {}
    features: dict[str, dict[str, Any]] = {}
    value: dict[str, dict[str, Any]] = {}
    rerankers: dict[str, dict[str, Any]] = {}
    blenders: dict[str, dict[str, Any]] = {}

    @property
    def kinds(self) -> FeedbackKinds:
        """The feedback kinds as arrays."""
        return FeedbackKinds.of(self.feedback)

    def options(self, kind: str, stage: str) -> Mapping[str, Any]:
        """The options of a stage."""
        options: Mapping[str, Any] = getattr(self, kind).get(stage, {})
        return options

    def hash(self) -> str:
        """Twelve hexadecimal digits that change with any option."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:12]


def load_config(folder: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Resolve the configuration of a data directory; raises ConfigError that says where and what instead."""
    settings = tomllib.loads(files("fairshot").joinpath("defaults.toml").read_text("utf-8"))
    if folder is not None and (folder / FILE).exists():
        settings = merged(settings, _read(folder / FILE))
    for name, (section, key, cast) in _ENVIRONMENT.items():
        if name in environment:
            try:
                settings[section][key] = cast(environment[name])
            except ValueError as error:
                raise ConfigError(f"{name}={environment[name]!r} is not acceptable: {error}") from error
    return configured(settings)


def configured(settings: Mapping[str, Any]) -> Config:
    """Check resolved settings and give them their types."""
    for place in _not_finite(settings):
        raise ConfigError(f"{place} is not a finite number")
    try:
        config = msgspec.convert(settings, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"configuration: {error}") from error
    method, strength = config.learning.cold_start_fairness, config.learning.cold_start_strength
    most = _STRENGTHS[method]
    if strength > most:
        raise ConfigError(f"learning.cold_start_strength: at most {most:g} for {method!r}, not {strength:g}")
    for kind in KINDS:
        terms = getattr(config.pipeline, kind)
        for stage in getattr(config, kind):
            if stage not in terms and stage not in known_stages(kind):
                raise ConfigError(f"[{kind}.{stage}]: there is no such stage{nearest(stage, list(terms))}")
    return config


def _not_finite(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where a section holds nan or inf, which TOML can write."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _not_finite(value, f"{path}{name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{path}{name}"


def merged(below: Mapping[str, Any], above: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Lay one level of settings over another; unknown names and changed types are errors."""
    result = dict(below)
    for name, value in above.items():
        place, known = f"{path}{name}", below.get(name)
        allowed = _names(path)
        if known is None and allowed is not None and name not in allowed:
            raise ConfigError(f"unknown option {place}{nearest(name, sorted({*below, *allowed}))}")
        if known is not None and isinstance(known, dict) != isinstance(value, dict):
            raise ConfigError(f"{place} is {'a section' if isinstance(known, dict) else 'an option'}")
        result[name] = merged(known or {}, value, f"{place}.") if isinstance(value, dict) else value
    return result


def _names(path: str) -> tuple[str, ...] | None:
    """The names that may be added below a path; None where any may (stages are checked when loaded)."""
    head, _, rest = path.partition(".")
    if head == "feedback" and rest:
        return FeedbackKind.__struct_fields__
    return None if head in KINDS or path in ("feedback.", "pipeline.value.") else ()


_ENVIRONMENT: dict[str, tuple[str, str, Any]] = {
    "FAIRSHOT_HOST": ("serving", "host", str),
    "FAIRSHOT_PORT": ("serving", "port", int),
    "FAIRSHOT_WORKERS": ("serving", "workers", int),
}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}") from error
