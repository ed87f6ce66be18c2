"""JSON as it must be: no repeated keys, no numbers that are not, no strings that no encoding can hold.

A flaw inside a record spoils that record alone: parsing puts a `Flaw` in its place, and whoever validates
the record reports it. Only a text that is not JSON at all is an error.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

from fairshot.core.errors import FairshotError

DEEPEST = 64
"""Levels of nesting that a record may have."""
_INT64 = 1 << 63


class StrictJSONError(FairshotError):
    """The text is not JSON."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong where a value should stand."""

    reason: str


def parse(text: bytes | str) -> Any:
    """Parse JSON; what no record may hold becomes a Flaw. Raises StrictJSONError for anything else."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return _decoder.decode(text)
    except UnicodeDecodeError as error:
        raise StrictJSONError(f"not UTF-8: byte {error.start} cannot be read") from error
    except json.JSONDecodeError as error:
        raise StrictJSONError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise StrictJSONError("not acceptable: nested too deeply") from error


def flaw_in(value: Any, path: str = "", depth: int = 0) -> tuple[str, str] | None:
    """The first flaw inside a value as (path, reason); None where all is well."""
    if not isinstance(value, dict | list | tuple):
        reason = _flaw_of(value)
        return None if reason is None else (path, reason)
    if depth >= DEEPEST:
        return path, f"nested more than {DEEPEST} levels deep"
    if isinstance(value, dict):
        reason = _flaw_of_names(value)
        if reason is not None:
            return path, reason
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        # Most values are plain: they are passed over before anything is paid for their place.
        if inner.__class__ in _CONTAINERS or _flaw_of(inner) is not None:
            found = flaw_in(inner, f"{path}.{key}" if path else str(key), depth + 1)
            if found is not None:
                return found
    return None


_CONTAINERS = (dict, list, tuple)


def _flaw_of(value: Any) -> str | None:
    """What is wrong with a value that holds no others; values need not have come from a text."""
    kind = value.__class__
    if kind is str:
        return None if value.isascii() or _encodable(value) else "holds a lone surrogate"
    if kind is float:
        return None if math.isfinite(value) else "is not a finite number"
    if kind is int:
        return None if -_INT64 <= value < _INT64 else "is an integer beyond 64 bits"
    if value is None or kind is bool:
        return None
    return value.reason if isinstance(value, Flaw) else f"is a {kind.__name__}, which JSON has none of"


def _flaw_of_names(value: dict[Any, Any]) -> str | None:
    for name in value:
        if name.__class__ is not str:
            return f"has a name that is no string but a {type(name).__name__}"
        if not (name.isascii() or _encodable(name)):
            return "has a name with a lone surrogate"
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return Flaw(f"the name {twice!r:.80} occurs twice")
    return made


def _integer(digits: str) -> int | Flaw:
    if len(digits) < 19:
        return int(digits)
    if len(digits) > 20 or not -_INT64 <= int(digits) < _INT64:
        return Flaw("is an integer beyond 64 bits")
    return int(digits)


def _number(text: str) -> float | Flaw:
    value = float(text)
    return value if math.isfinite(value) else Flaw("is not a finite number")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=lambda name: Flaw(f"is {name}, not a finite number"),
)
