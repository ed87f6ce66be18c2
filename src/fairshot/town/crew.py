"""A crew: processes that serve one town side by side, as several API processes serve one log.

Each has the application open on the same folder and lives through the same ticks; of the people who come within a tick
each serves its part, and then all tell one another what came of it. The lead alone writes the log and trains.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Crew:
    """One process's place in it: 0 leads. others: of the lead to everybody else, of everybody else to the lead."""

    place: int = 0
    size: int = 1
    others: tuple["Connection[Any, Any]", ...] = ()

    @property
    def leads(self) -> bool:
        """Whether this process writes and trains."""
        return self.place == 0

    def share(self, given: Sequence[T]) -> Sequence[T]:
        """The part of this process."""
        return given[self.place :: self.size]

    def exchange(self, mine: list[T], told: Callable[[T], T]) -> list[T]:
        """What came of everybody's part, in the order in which it was shared out.

        The lead has all of it, everybody else what `told` makes of each.
        """
        if self.size == 1:
            return mine
        if not self.leads:
            self.others[0].send(mine)
            found: list[T] = self.others[0].recv()
            return found
        parts = [mine, *(other.recv() for other in self.others)]
        merged = [parts[n % self.size][n // self.size] for n in range(sum(map(len, parts)))]
        others = [told(one) for one in merged]
        for other in self.others:
            other.send(others)
        return merged

    def once(self, work: Callable[[], object]) -> None:
        """Let the lead do what only one may do; the others wait for it."""
        if not self.leads:
            self.others[0].recv()
            return
        work()
        for other in self.others:
            other.send(None)


@contextmanager
def crew_of(size: int, work: Callable[..., None], *arguments: object) -> Iterator[Crew]:
    """The lead's place in a crew whose other processes do `work(place, *arguments)`.

    work and arguments are sent to processes that start anew, for training starts threads, and then nobody may fork.
    """
    context = get_context("spawn")
    pairs = [context.Pipe() for _ in range(size - 1)]
    places = [Crew(n, size, (theirs,)) for n, (_, theirs) in enumerate(pairs, start=1)]
    processes = [context.Process(target=work, args=(place, *arguments), daemon=True) for place in places]
    for process in processes:
        process.start()
    for _, theirs in pairs:
        theirs.close()
    try:
        yield Crew(0, size, tuple(own for own, _ in pairs))
    finally:
        # Whoever still waits for the lead finds the line dead, and ends.
        for own, _ in pairs:
            own.close()
        for process in processes:
            process.join()
