"""Vocabularies: the one place where outside ids become dense row numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Side: TypeAlias = Literal["users", "items", "creators", "labels"]
SIDES: tuple[Side, ...] = ("users", "items", "creators", "labels")


class Vocabulary:
    """A bijection between outside ids and rows 0..n-1; rows are handed out in order and never change."""

    __slots__ = ("_ids", "_rows")

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids: list[str] = list(ids)
        self._rows: dict[str, int] = {name: row for row, name in enumerate(self._ids)}

    def __len__(self) -> int:
        return len(self._ids)

    def row(self, name: str) -> int:
        """Row of an id, -1 where it is unknown."""
        return self._rows.get(name, -1)

    def id(self, row: int) -> str:
        """Id of a row."""
        return self._ids[row]

    def ids(self, rows: Iterable[int]) -> list[str]:
        """Ids of rows."""
        return [self._ids[row] for row in rows]

    def extend(self, names: Sequence[str]) -> None:
        """Give the next rows to new names; the log alone decides the order."""
        start = len(self._ids)
        self._ids.extend(names)
        self._rows.update(zip(names, range(start, start + len(names)), strict=True))


@dataclass(frozen=True, slots=True)
class Ids:
    """The four vocabularies together."""

    users: Vocabulary = field(default_factory=Vocabulary)
    items: Vocabulary = field(default_factory=Vocabulary)
    creators: Vocabulary = field(default_factory=Vocabulary)
    labels: Vocabulary = field(default_factory=Vocabulary)

    def __getitem__(self, side: Side) -> Vocabulary:
        found: Vocabulary = getattr(self, side)
        return found

    def sizes(self) -> "Sizes":
        """How many rows each side has."""
        return Sizes(len(self.users), len(self.items), len(self.creators), len(self.labels))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows each side has."""

    users: int = 0
    items: int = 0
    creators: int = 0
    labels: int = 0

    def __or__(self, other: "Sizes") -> "Sizes":
        """The larger of both, side by side."""
        return Sizes(
            max(self.users, other.users),
            max(self.items, other.items),
            max(self.creators, other.creators),
            max(self.labels, other.labels),
        )
