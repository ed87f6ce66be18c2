"""Rows of a CSV file: its first line names the columns; a row that is broken spoils itself alone."""

import csv
from collections.abc import Iterator
from pathlib import Path

from fairshot.importing import ImportFileError
from fairshot.importing.lines import Lines, UnreadableLineError
from fairshot.importing.rows import Row

_DELIMITERS = (",", ";", "\t")
_REASONS = {
    "unexpected end of data": "a quote is opened here and never closed",
    "expected after": "a quote inside a quoted cell must be doubled",
    "new-line character": "holds a carriage return outside of quotes",
    "field larger": "holds a cell that is too long",
}


class CsvRows(Lines):
    """An open CSV file, separated by commas, semicolons or tabs: whichever its header holds most of."""

    tabular = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            header = self._header(path)
            delimiter = max(_DELIMITERS, key=header.count)
            cells = next(csv.reader([header], strict=True, delimiter=delimiter))
        except (csv.Error, UnreadableLineError) as error:
            self.close()
            raise ImportFileError(f"{path}, line {self.number}, the header: {_reason(error)}") from error
        except ImportFileError:
            self.close()
            raise
        self.columns = [name.strip() for name in cells]
        self._reader = csv.reader(self, strict=True, delimiter=delimiter)

    def _header(self, path: Path) -> str:
        for line in self:
            if line.strip():
                if "\r" in line.rstrip("\r\n"):
                    raise ImportFileError(f"{path}: its lines end with carriage returns alone; save it with LF")
                return line
            self.begin()
        raise ImportFileError(f"{path} is empty; its first line must name the columns")

    def rows(self) -> Iterator[Row]:
        """All rows, broken ones too."""
        width = len(self.columns)
        while True:
            line = self.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, UnreadableLineError) as error:
                yield Row(line, None, _reason(error), self.give_back_rest())
                continue
            if not cells:
                continue
            if len(cells) == width:
                yield Row(line, dict(zip(self.columns, cells, strict=True)))
            else:
                reason = f"has {len(cells)} cell{'s' * (len(cells) != 1)} where the header has {width}"
                yield Row(line, None, reason, self.record_text())


def _reason(error: Exception) -> str:
    said = str(error)
    return next((reason for key, reason in _REASONS.items() if key in said), said)
