"""The six kinds of stage: what each is given, what it must return, and how one is found by its name.

A stage is a frozen dataclass: its fields are its options, calling it is its behaviour. It reads only its
arguments, changes nothing, and draws randomness only from `ctx.rng(name)`.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import msgspec

from fairshot.core.arrays import Array, Bools, Floats, Ints
from fairshot.core.candidates import Candidates
from fairshot.core.errors import ConfigError
from fairshot.core.request import Context
from fairshot.core.slate import Slate

KINDS = ("sources", "filters", "features", "value", "rerankers", "blenders")


class Source(Protocol):
    """Brings candidates, best first; `personal = True` when it needs to know the person."""

    def __call__(self, ctx: Context) -> Candidates: ...


class Filter(Protocol):
    """Says for each candidate whether it may stay; `fails_closed = True` removes all when it fails."""

    def __call__(self, batch: Candidates, ctx: Context) -> Bools: ...


class Feature(Protocol):
    """Adds columns of length n."""

    def __call__(self, batch: Candidates, ctx: Context) -> Mapping[str, Array]: ...


class ValueTerm(Protocol):
    """Says what showing each candidate is worth, in its own unit; configuration holds its weight."""

    def __call__(self, batch: Candidates, ctx: Context) -> Floats: ...


class Reranker(Protocol):
    """Orders a batch that comes best first; what it leaves out is outranked."""

    def __call__(self, batch: Candidates, ctx: Context) -> Ints: ...


class Blender(Protocol):
    """Changes a finished slate without losing or doubling a row.

    One that draws by lot stands last and also has `probabilities(slate)`: float64 (pool, positions), with
    which each candidate comes to stand at each position; what a log is judged by.
    """

    def __call__(self, slate: Slate, ctx: Context) -> Slate: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage with the name by which configuration, trace and metrics know it."""

    kind: str
    name: str
    call: Any

    @property
    def fails_closed(self) -> bool:
        """Whether a failure must remove every candidate."""
        return bool(getattr(self.call, "fails_closed", False))

    @property
    def by_lot(self) -> bool:
        """Whether a blender draws by lot, and says with which probabilities."""
        return hasattr(self.call, "probabilities")

    @property
    def personal(self) -> bool:
        """Whether the stage is left out of a feed without profiling."""
        return bool(getattr(self.call, "personal", False))


def known_stages(kind: str) -> list[str]:
    """The names of the stages that the folder of a kind holds."""
    return sorted(p.stem for p in (Path(__file__).parent / kind).glob("*.py") if p.stem != "__init__")


def load_stage(kind: str, name: str, options: Mapping[str, Any]) -> Stage:
    """Find a stage by its name, or as `package.module:Class`, and configure it.

    Raises ConfigError that names the nearest known stage or option.
    """
    factory = _factory(kind, name)
    known = [f.name for f in fields(factory)]
    for option in options:
        if option not in known:
            raise ConfigError(f"[{kind}.{name}] has no option {option!r}{nearest(option, known)}")
    try:
        return Stage(kind, name, msgspec.convert(dict(options), factory))
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigError(f"[{kind}.{name}]: {error}") from error


def nearest(name: str, known: list[str]) -> str:
    """A hint for a misspelt name."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known) or 'none'}"


def _factory(kind: str, name: str) -> Any:
    module_name, _, class_name = name.partition(":")
    if not class_name:
        if name not in known_stages(kind):
            raise ConfigError(f"no stage {name!r} in {kind}{nearest(name, known_stages(kind))}")
        module_name = f"fairshot.pipeline.{kind}.{name}"
        class_name = "".join(word.capitalize() for word in name.split("_"))
    try:
        factory = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"cannot load the stage {name!r} of {kind}: {error}") from error
    if not is_dataclass(factory):
        raise ConfigError(f"the stage {name!r} of {kind} is not a dataclass")
    return factory
