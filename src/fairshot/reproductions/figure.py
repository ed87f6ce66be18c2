"""A published figure beside the one recomputed here."""

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One recomputed figure: what was published, how far off is still the same, and whether it holds.

    ``target`` is a number to meet within ``tolerance``, or a bound in words (">= 0.005");
    ``source`` says where the target was published and on which set-up.
    """

    name: str
    figure: float
    target: float | str
    tolerance: float
    source: str
    holds: bool


class MissingData(Exception):  # noqa: N818 - the name says the reason, not that it is an error
    """A reproduction cannot run because a data set is not there; the message says which and where."""


def near(name: str, figure: float, target: float, tolerance: float, source: str) -> Figure:
    """Hold a figure that must equal its target within an absolute tolerance."""
    holds = math.isfinite(figure) and abs(figure - target) <= tolerance
    return Figure(name, float(figure), float(target), tolerance, source, holds)


def at_least(name: str, figure: float, bound: float, source: str) -> Figure:
    """Hold a figure that must reach a bound from below."""
    return Figure(name, float(figure), f">= {bound:g}", 0.0, source, bool(figure >= bound))


def at_most(name: str, figure: float, bound: float, source: str) -> Figure:
    """Hold a figure that must stay under a bound."""
    return Figure(name, float(figure), f"<= {bound:g}", 0.0, source, bool(figure <= bound))


def data_set(data: Path | None, folder: str, *files: str) -> Path:
    """Return the folder of one data set; ``MissingData`` names what is not there."""
    if data is None:
        raise MissingData(f"needs the data set {folder!r}: no folder of data sets was given")
    found = data / folder
    lacking = [name for name in ("", *files) if not (found / name).exists()]
    if lacking:
        raise MissingData(f"needs {', '.join(name or 'the folder' for name in lacking)} in {found}")
    return found
