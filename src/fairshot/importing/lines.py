"""Lines of a text file as UTF-8, one at a time, however broken the file is."""

import codecs
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from fairshot.importing import ImportFileError

LONGEST = 8 * 1024 * 1024
"""Bytes of a line; a record over HTTP is no longer either."""
MOST_LINES = 1000
"""Lines of one record; a quote that is open for longer was never meant to be."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableLineError(Exception):
    """A line that cannot be taken as text, and why."""


class Lines:
    """An iterator of lines that remembers those of the current record, so that they can be read again."""

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size
        self.number = 0
        """The line that was handed out last."""
        self._file = path.open("rb")
        self._taken: list[bytes] = []
        self._again: deque[bytes] = deque()
        start = self._file.read(3)
        if start.startswith(_UTF16):
            self._file.close()
            raise ImportFileError(f"{path} is UTF-16; save it as UTF-8")
        if start != codecs.BOM_UTF8:
            self._file.seek(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._taken) >= MOST_LINES:
            raise UnreadableLineError("a quote is opened here and never closed")
        raw = self._again.popleft() if self._again else self._file.readline(LONGEST)
        if not raw:
            raise StopIteration
        self.number += 1
        self._taken.append(raw)
        return self._text(raw)

    def position(self) -> int:
        """Bytes read so far."""
        return self._file.tell()

    def begin(self) -> int:
        """A new record begins; returns the number of its first line."""
        self._taken.clear()
        return self.number + 1

    def record_text(self) -> str:
        """The text of the current record as it stood."""
        return b"".join(self._taken)[:10_000].decode("utf-8", "backslashreplace").rstrip("\r\n")

    def give_back_rest(self) -> str:
        """Keep only the first line of the current record, which is returned; the others will be read again."""
        if not self._taken:
            return ""
        first, rest = self._taken[0], self._taken[1:]
        self._again.extendleft(reversed(rest))
        self.number -= len(rest)
        return first[:10_000].decode("utf-8", "backslashreplace").rstrip("\r\n")

    def _text(self, raw: bytes) -> str:
        if len(raw) >= LONGEST and not raw.endswith(b"\n"):
            while (more := self._file.readline(LONGEST)) and not more.endswith(b"\n"):
                pass
            raise UnreadableLineError(f"the line is longer than {LONGEST // 1024**2} MiB")
        if b"\0" in raw:
            raise UnreadableLineError(f"holds a NUL byte at byte {raw.index(0) + 1} of the line")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            raise UnreadableLineError(
                f"is not UTF-8: byte 0x{byte:02x} at byte {error.start + 1} of the line; save the file as UTF-8"
            ) from error
