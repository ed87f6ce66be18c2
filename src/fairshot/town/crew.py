"""A crew: processes that serve one town side by side, as several API processes serve one log.

Each has the application open on the same folder and lives through the same ticks; of the people who come within a tick
each serves whom it is free for, and then all tell one another what came of it. The lead alone writes the log and
trains. Who served whom changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Crew:
    """One process's place in it: 0 leads. others: of the lead to everybody else, of everybody else to the lead.

    dealt: how many numbers were dealt out since the last exchange; None where nobody else is there.
    """

    place: int = 0
    size: int = 1
    others: tuple["Connection[Any, Any]", ...] = ()
    dealt: "Synchronized[int] | None" = None

    @property
    def leads(self) -> bool:
        """Whether this process writes and trains."""
        return self.place == 0

    def deal(self, count: int) -> Iterator[int]:
        """Numbers below count, each to the process that is free first; an `exchange` must follow."""
        if self.dealt is None:
            yield from range(count)
            return
        while True:
            with self.dealt.get_lock():
                number = self.dealt.value
                self.dealt.value += 1
            if number >= count:
                return
            yield number

    def exchange(self, shared: S, told: Mapping[int, T]) -> tuple[list[S], list[T]]:
        """What came of everybody's part: `shared` of each process for all, and all that was `told`, to the lead alone.

        told: by the numbers that were dealt; what comes back is in their order.
        """
        if not self.leads:
            self.others[0].send((shared, told))
            return self.others[0].recv(), []
        parts = [(shared, told), *(other.recv() for other in self.others)]
        if self.dealt is not None:
            self.dealt.value = 0
        for other in self.others:
            other.send([part for part, _ in parts])
        found = dict(sorted(pair for _, part in parts for pair in part.items()))
        return [part for part, _ in parts], list(found.values())

    def once(self, work: Callable[[], object]) -> None:
        """When all are there, let the lead do what only one may do; the others wait for it."""
        self._meet()
        if self.leads:
            work()
        self._meet()

    def helped(self, work: Callable[[Callable[[], T] | None], object], part: Callable[[], T]) -> None:
        """As `once`, but another does `part` meanwhile: work is given what waits for it, None where nobody else is."""
        self._meet()
        if self.leads:
            work(self.others[0].recv if self.others else None)
        elif self.place == 1:
            self.others[0].send(part())
        self._meet()

    def _meet(self) -> None:
        """Wait until all are there."""
        if not self.leads:
            self.others[0].send(None)
            self.others[0].recv()
            return
        for other in self.others:
            other.recv()
        for other in self.others:
            other.send(None)


@contextmanager
def crew_of(size: int, work: Callable[..., None], *arguments: object) -> Iterator[Crew]:
    """The lead's place in a crew whose other processes do `work(place, *arguments)`.

    work and arguments are sent to processes that start anew, for training starts threads, and then nobody may fork.
    """
    context = get_context("spawn")
    pairs = [context.Pipe() for _ in range(size - 1)]
    dealt = context.Value("q", 0) if pairs else None
    places = [Crew(n, size, (theirs,), dealt) for n, (_, theirs) in enumerate(pairs, start=1)]
    processes = [context.Process(target=work, args=(place, *arguments), daemon=True) for place in places]
    for process in processes:
        process.start()
    for _, theirs in pairs:
        theirs.close()
    try:
        yield Crew(0, size, tuple(own for own, _ in pairs), dealt)
    finally:
        # Whoever still waits for the lead finds the line dead, and ends.
        for own, _ in pairs:
            own.close()
        for process in processes:
            process.join()
