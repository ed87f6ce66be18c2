"""From the columns of a file to the fields of a record."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from fairshot.core.records import RECORD_TYPES, Refused
from fairshot.core.strict_json import Flaw, StrictJSONError, parse
from fairshot.importing import ImportFileError
from fairshot.pipeline.stages import nearest

KINDS = ("creators", "items", "users", "events")
IGNORED = "-"
"""As the target of a mapping: this column is left out."""
_REQUIRED = {"creators": ("id",), "items": ("id", "creator_id"), "users": ("id",), "events": ("kind", "user_id")}
_IDS = ("id", "creator_id", "user_id", "item_id", "event_id")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guess_kind(path: Path, fields: Iterable[str]) -> str:
    """What a file holds, by its name, then by its fields; raises ImportFileError where neither tells."""
    for word in reversed(re.split(r"[^a-z]+", path.name.lower())):
        for kind in KINDS:
            if word in (kind, kind.removesuffix("s")):
                return kind
    names = set(fields)
    if "user_id" in names:
        return "events"
    if {"id", "creator_id"} <= names:
        return "items"
    raise ImportFileError(f"{path}: cannot tell what it holds; say --kind {'|'.join(KINDS)}")


class Columns:
    """Which column is which field; cells of text become what the field holds."""

    def __init__(self, kind: str, mapping: Mapping[str, str], constants: Mapping[str, str]) -> None:
        """mapping: column -> field; constants: field -> text that every record gets."""
        self.kind = kind
        self.fields = RECORD_TYPES[kind].__struct_fields__
        for field in (*mapping.values(), *constants):
            if field != IGNORED and not self._is_field(field):
                raise ImportFileError(f"{kind} have no field {field!r}{nearest(field, list(self.fields))}")
        self._mapping = mapping
        self._constants = {field: _from_text(field, text) for field, text in constants.items()}

    def _is_field(self, name: str) -> bool:
        return name in self.fields or (name.startswith("attributes.") and "attributes" in self.fields)

    def field(self, column: str) -> str:
        """The field that a column fills."""
        if column.startswith("rejected_"):
            return IGNORED
        return self._mapping.get(column, column)

    def check(self, path: Path, columns: list[str], *, fixed: bool) -> None:
        """Raise ImportFileError where the columns cannot make records; `fixed`: there will be no others."""
        missing = [column for column in self._mapping if column not in columns]
        if missing and fixed:
            raise ImportFileError(f"{path} has no column {missing[0]!r}{nearest(missing[0], columns)}")
        if not fixed:
            return
        targets = [self.field(column) for column in columns]
        known = [field for field in targets if self._is_field(field)]
        if not known:
            raise ImportFileError(
                f"{path}: the first line is not a header of {self.kind} ({', '.join(columns)[:80]}); it must name "
                f"columns ({', '.join(self.fields)}), others can be mapped with --map COLUMN=FIELD"
            )
        twice = {field for field in known if known.count(field) > 1}
        if twice:
            raise ImportFileError(f"{path}: two columns fill {min(twice)}")
        self._check_unknown(path, columns)
        lacking = [field for field in _REQUIRED[self.kind] if field not in known and field not in self._constants]
        if lacking:
            raise ImportFileError(
                f"{path}: {self.kind} need {' and '.join(lacking)}; name the column with --map COLUMN={lacking[0]}, "
                f"or give all rows the same with --set {lacking[0]}=VALUE"
            )

    def _check_unknown(self, path: Path, columns: list[str]) -> None:
        unknown = [c for c in columns if self.field(c) != IGNORED and not self._is_field(self.field(c))]
        if unknown:
            first = unknown[0]
            raise ImportFileError(
                f"{path}: unknown columns: {', '.join(unknown)}{nearest(first, list(self.fields))}; "
                f"keep it with --map '{first}=attributes.{first}', or leave it out with --map '{first}={IGNORED}'"
            )

    def record(self, values: Mapping[str, Any], *, text: bool) -> dict[str, Any]:
        """The record of a row; `text`: empty cells are absent and texts are read as what the field holds.

        Raises Refused where a cell cannot be.
        """
        record: dict[str, Any] = dict(self._constants)
        attributes: dict[str, Any] = {}
        for column, cell in values.items():
            field = self.field(column)
            if field == IGNORED or cell is None or (text and cell == ""):
                continue
            if field.startswith("attributes."):
                attributes[field[11:]] = cell
            elif text and cell.__class__ is str:
                record[field] = _from_text(field, cell)
            elif field in _IDS and cell.__class__ is int:
                record[field] = str(cell)
            else:
                record[field] = cell
        if attributes:
            whole = record.get("attributes", {})
            record["attributes"] = {**whole, **attributes} if isinstance(whole, dict) else whole
        return record


def _from_text(field: str, cell: str) -> Any:
    convert = _CONVERTERS.get(field)
    return convert(field, cell) if convert else cell


def _number(field: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise Refused(field, f"is not a number: {cell[:40]!r}") from None
    if not isfinite(value):
        raise Refused(field, "is not a finite number")
    return value


def _boolean(field: str, cell: str) -> bool:
    word = cell.strip().lower()
    if word not in _BOOLEANS:
        raise Refused(field, f"is neither true nor false: {cell[:40]!r}")
    return _BOOLEANS[word]


def _labels(_field: str, cell: str) -> list[str]:
    return [label for part in cell.split("|") if (label := part.strip())]


def _embedding(field: str, cell: str) -> Any:
    if cell.lstrip().startswith("["):
        return _json(field, cell)
    return [_number(field, part) for part in cell.split()]


def _time(_field: str, cell: str) -> str | float:
    return float(cell) if _NUMBER.fullmatch(cell) else cell


def _json(field: str, cell: str) -> Any:
    try:
        return parse(cell)
    except StrictJSONError as error:
        raise Refused(field, str(error)) from error


_BOOLEANS = {"true": True, "yes": True, "1": True, "t": True, "y": True} | {
    "false": False, "no": False, "0": False, "f": False, "n": False,
}  # fmt: skip
_CONVERTERS: dict[str, Callable[[str, str], Any]] = {
    "value": _number,
    "price": _number,
    "durable": _boolean,
    "labels": _labels,
    "embedding": _embedding,
    "attributes": _json,
    "created_at": _time,
    "joined_at": _time,
    "at": _time,
}


def printable(value: Any) -> str:
    """A value as JSON text for a file of rejected rows."""
    return json.dumps(value, default=lambda v: v.reason if isinstance(v, Flaw) else str(v))
