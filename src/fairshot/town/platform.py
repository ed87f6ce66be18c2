"""The platform: the real application, opened on a folder of its own with a clock that the town turns.

Nothing is passed by: records and feedback come in by `submit`, slates go out by `feed`. Only the waiting differs from a
service: entries of slates and feedback are appended once a tick, so people who come within one tick see the state of
its beginning.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import numpy as np

import fairshot
from fairshot.app import App
from fairshot.core.answers import Feed
from fairshot.core.arrays import Bools, Ints, marked
from fairshot.core.events import Draft
from fairshot.core.slate import Slate
from fairshot.core.trial import of_trial
from fairshot.fitting import Whole
from fairshot.town.policies import EXPLORED, Policy

BATCH = 5000
LOT = "random_slot: drawn by lot"
"""How the note of a position begins that went to a lot."""


@dataclass(slots=True)
class Clock:
    """The town's time, in microseconds since 1970."""

    now: int

    def __call__(self) -> int:
        """Now."""
        return self.now


@dataclass(slots=True)
class Platform:
    """One application at work."""

    policy: Policy
    seed: int
    app: App
    clock: Clock
    trainings: list[tuple[float, bool]] = field(default_factory=list)
    slate: Slate | None = None
    """The last one, as the pipeline made it: what a client never sees and figures ask for."""
    _entries: list[Draft] = field(default_factory=list)
    _waiting: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    _served: list[Draft] = field(default_factory=list)
    _person: int = -1

    @classmethod
    def open(cls, folder: Path, policy: Policy, seed: int, now: int) -> Self:
        """Open the application on a folder."""
        clock = Clock(now)
        found = cls(policy, seed, fairshot.open(str(folder), config=policy.config, clock=clock, durable=False), clock)
        found.app.on_entry = found._entries.append
        found.app.on_slate = found._made
        found.app.new_request_id = found._request_id
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.app.close()

    def feed(self, person: int, limit: int, exclude: list[str]) -> tuple[Feed, Draft]:
        """A slate for a person as of now, and its entry for the log, which is to be given to `serve`."""
        self._person = person
        feed = self.app.feed(f"p{person}", limit, exclude=exclude)
        return feed, self._entries.pop()

    def serve(self, entry: Draft) -> None:
        """Hand a slate's entry over; it comes in at the end of the tick."""
        self._served.append(entry)

    def tell(self, kind: str, record: Mapping[str, Any]) -> None:
        """Hand a record over; it comes in at the end of the tick."""
        self._waiting.setdefault(kind, []).append(record)

    def commit(self) -> None:
        """Append what waits: records, slates as they were served, then feedback on them."""
        waiting, entries = self._waiting, self._served
        self.forget()
        futures = [self.app.submit(kind, waiting[kind]) for kind in ("creators", "users", "items") if kind in waiting]
        served = self.app.writer.append(entries)
        if "events" in waiting:
            futures.append(self.app.submit("events", waiting["events"]))
        for receipt in [wait() for wait in futures]:
            if receipt.rejected:
                raise AssertionError(f"the town told what nobody may tell: {receipt.rejected[0]}")
        served.result()

    def forget(self) -> None:
        """Drop what waits: another process hands it over too."""
        self._waiting, self._served = {}, []

    def train(self, whole: Callable[[], Whole] | None = None) -> None:
        """Fit a new snapshot; whole: see `App.train`."""
        started = perf_counter()
        report = self.app.train(whole=whole)
        self.trainings.append((perf_counter() - started, report.promoted))

    def tried(self) -> Bools:
        """Of the last slate: which positions a trial or the policy's own rule filled, bool (k,); lots are neither."""
        assert self.slate is not None
        ruled = _noted(self.slate, EXPLORED) & ~_noted(self.slate, LOT)
        return ruled | of_trial(self.slate.arm)

    def explored(self) -> tuple[Bools, Ints]:
        """Of the last slate: which positions were filled for the sake of the item, and what would stand there else.

        bool (k,); int (k,): item rows of the slate without them, the best of the pool that were left out at its end.
        """
        slate = self.slate
        assert slate is not None
        explored = _noted(slate, EXPLORED) | _noted(slate, LOT) | of_trial(slate.arm)
        if not explored.any():
            return explored, slate.rows
        left = slate.pool.rows[~marked(len(self.app.live.ids.items), slate.rows)[slate.pool.rows]]
        return explored, np.concatenate([slate.rows[~explored], left])[: len(slate)]

    def _made(self, slate: Slate) -> None:
        self.slate = slate

    def _request_id(self) -> str:
        name = f"{self.seed}/{self._person}/{self.clock.now}"
        return blake2b(name.encode(), digest_size=16).hexdigest()


def _noted(slate: Slate, beginning: str) -> Bools:
    return np.array([any(note.startswith(beginning) for note in notes) for notes in slate.notes], bool)
