"""Public data sets, fetched and written as the files that `fairshot import` reads.

One module a data set, each with `prepare(folder, report) -> Prepared`; `report(phase, share)` hears how far it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from fairshot.core.errors import FairshotError

NAMES = ("ml-100k",)
Report: TypeAlias = Callable[[str, float], None]


class DatasetError(FairshotError):
    """A data set cannot be had; the message says what would help."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The files of a data set in the order in which to import them, and the terms of its use."""

    files: tuple[Path, ...]
    licence: str


def prepare(name: str, folder: Path, report: Report = lambda _phase, _share: None) -> Prepared:
    """Fetch a data set, or take it from the cache, and write its files into a folder."""
    if name not in NAMES:
        raise DatasetError(f"no data set {name!r}; there are: {', '.join(NAMES)}")
    module = import_module(f"fairshot.datasets.{name.replace('-', '_')}")
    prepared: Prepared = module.prepare(folder, report)
    return prepared
