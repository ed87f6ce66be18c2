"""Candidates: the rows under consideration and what is known of each, as a frozen struct of arrays."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from fairshot.core.arrays import Array, Ints, Rows


@dataclass(frozen=True, slots=True)
class Candidates:
    """n rows of one side with named columns of length n; entity-neutral, so users can be candidates too.

    Wide things (embeddings) stay in the snapshot and are indexed by row.
    """

    rows: Rows
    columns: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def with_columns(self, columns: Mapping[str, Array]) -> "Candidates":
        """The same rows with columns added or replaced."""
        return Candidates(self.rows, {**self.columns, **columns})

    def take(self, order: Ints | Array) -> "Candidates":
        """The chosen rows, in the chosen order; order: indices or a mask."""
        return Candidates(self.rows[order], _Taken(self.columns, order))

    @property
    def arm(self) -> Ints:
        """The audience tier of the trial that each is brought for, int8 (n,): 0 where a source says nothing of it."""
        return self.columns["trial_arm"] if "trial_arm" in self.columns else np.zeros(len(self), dtype=np.int8)

    def places(self, rows: Rows) -> Ints:
        """Where each of these rows stands, int64 (m,); the number of candidates for those that are not among them."""
        if len(self) == 0:
            return np.zeros(len(rows), dtype=np.int64)
        order = np.argsort(self.rows)
        found = order[np.minimum(np.searchsorted(self.rows[order], rows), len(self) - 1)]
        return np.where(self.rows[found] == rows, found, len(self))


@dataclass(frozen=True, slots=True)
class _Taken(Mapping[str, Array]):
    """Columns of chosen rows, each copied when somebody first asks for it: a re-ranker reads two of forty."""

    columns: Mapping[str, Array]
    order: Ints | Array
    _copied: dict[str, Array] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Array:
        if name not in self._copied:
            self._copied[name] = self.columns[name][self.order]
        return self._copied[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


def no_candidates() -> Candidates:
    """Nothing to choose from."""
    return Candidates(np.empty(0, dtype=np.int32))
