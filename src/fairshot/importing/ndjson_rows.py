"""Rows of an NDJSON file: one JSON object a line, as strict as over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairshot.core.strict_json import Flaw, StrictJSONError, parse
from fairshot.importing import ImportFileError
from fairshot.importing.lines import Lines, UnreadableLineError
from fairshot.importing.rows import Row


class NdjsonRows(Lines):
    """An open NDJSON file."""

    tabular = False

    def __init__(self, path: Path) -> None:
        with Lines(path) as first:
            self.columns = _first_columns(first, path)
        super().__init__(path)

    def rows(self) -> Iterator[Row]:
        """All rows, broken ones too."""
        while True:
            number = self.begin()
            try:
                text = next(self)
            except StopIteration:
                return
            except UnreadableLineError as error:
                yield Row(number, None, str(error), self.give_back_rest())
                continue
            if text.strip():
                yield _row(number, text)


def _row(number: int, text: str) -> Row:
    raw = text.rstrip("\r\n")
    try:
        value: Any = parse(text)
    except StrictJSONError as error:
        return Row(number, None, str(error).replace(" at line 1, column", " at column"), raw)
    if isinstance(value, Flaw):
        return Row(number, None, value.reason, raw)
    if not isinstance(value, dict):
        return Row(number, None, "is not a JSON object", raw)
    return Row(number, value, "", raw)


def _first_columns(lines: Lines, path: Path) -> list[str]:
    """The names in the first record; none where it cannot be read."""
    try:
        text = next((line for line in lines if line.strip()), None)
    except UnreadableLineError:
        return []
    if text is None:
        raise ImportFileError(f"{path} is empty; it must hold one JSON object a line")
    if text.lstrip().startswith("["):
        raise ImportFileError(f"{path} is a JSON array; NDJSON has one object a line (jq -c '.[]' makes it so)")
    return list(_row(1, text).values or {})
