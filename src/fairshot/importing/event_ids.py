"""Ids for events that have none: the same event gets the same id, whichever file it comes in."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fairshot.core.records import Refused, microseconds

_CONTENT = ("kind", "user_id", "item_id", "creator_id")
_LATEST = 1 << 62


class EventIds:
    """Gives ids of one file: a hash of what happened, with how often the file has said so before.

    Two equal rows of a file are two events, so the second gets another id; importing the file again gives
    both of them the same ids as before. Memory: eight bytes an event.
    """

    def __init__(self) -> None:
        self._seen = Occurrences()

    def fill(self, events: Sequence[dict[str, Any]]) -> None:
        """Give each event without an event_id one."""
        nameless = [event for event in events if event.get("event_id") is None]
        if not nameless:
            return
        digests = [hashlib.sha256(_content(event)).digest() for event in nameless]
        earlier = self._seen.add(np.frombuffer(b"".join(d[:8] for d in digests), np.uint64))
        for event, digest, count in zip(nameless, digests, earlier.tolist(), strict=True):
            event["event_id"] = f"import-{digest[:16].hex()}" + (f"-{count}" if count else "")


class Occurrences:
    """Counts how often each hash has come before: sorted runs, the smaller merged into the larger."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def add(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Count the earlier occurrences of each hash, those in the same batch included, and remember them."""
        order = np.argsort(hashes, kind="stable")
        run = hashes[order]
        count = np.arange(len(run)) - np.searchsorted(run, run)
        for past in self._runs:
            count += np.searchsorted(past, run, "right") - np.searchsorted(past, run, "left")
        earlier = np.empty(len(run), np.int64)
        earlier[order] = count
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)
        return earlier


def _content(event: dict[str, Any]) -> bytes:
    parts: Iterable[Any] = (*(event.get(name) for name in _CONTENT), _number(event.get("value")), _at(event.get("at")))
    return repr(tuple(parts)).encode("utf-8", "surrogatepass")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) else value


def _at(value: Any) -> Any:
    """One form for one moment; what is no time is refused later, under any id."""
    if isinstance(value, str | int | float):
        try:
            return microseconds("at", value, _LATEST)
        except Refused:
            return value
    return value
