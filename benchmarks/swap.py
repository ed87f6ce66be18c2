"""Swapping models under load: 200 swaps under 100 requests/s; no request fails, and slates hardly notice.

Phases with swaps and without take turns in one run, so both see the same machine. A swap is a verdict in the
log, as `fairshot train` and `fairshot rollback` write it; it has happened when a slate comes from the version.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.service import Connection, Figure, people, prepared

from fairshot.app import open_app
from fairshot.config import load_config
from fairshot.core.events import Draft, Kind
from fairshot.decisions.history import PROMOTE, ROLL_BACK
from fairshot.service.process import start_service
from fairshot.stores.writer import Writer

RATE = 100
SWAPS = 200
PHASES = 20
"""Every other one with swaps, each of them with an equal share of the swaps."""
SECONDS = 5.0
"""Of a phase."""
PATIENCE = 10.0
IDLE = 5.0
"""Seconds after which a client opens a new connection: a server closes those that nobody uses for long."""
LIMIT = 1.3


def measure() -> list[Figure]:
    """200 swaps between two versions trained on the same log."""
    with prepared() as folder:
        return swapping(folder, versions(folder))


def versions(folder: Path) -> tuple[str, str]:
    """The two versions: the one in service, and one trained beside it."""
    with open_app(folder, config=load_config()) as app:
        first = app.live.promoted
        report = app.train()
        assert first is not None
        assert report.promoted, report.reasons
        app.checkpoint()
    return first, report.version


class Load:
    """Feed requests at a fixed rate, whether or not earlier ones were answered."""

    def __init__(self, address: Callable[[], Connection], users: list[str]) -> None:
        self._connect, self._users = address, users
        self._idle: list[tuple[float, Connection]] = []
        self._asked = 0
        self.failed = 0
        self.degraded = 0
        self.version = ""
        self._changed = asyncio.Event()

    async def run(self, rate: float, seconds: float) -> list[float]:
        """Seconds of each answered request."""
        begin = time.perf_counter()
        tasks: list[asyncio.Task[float | None]] = []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            tasks.append(asyncio.create_task(self._ask()))
        return [taken for taken in await asyncio.gather(*tasks) if taken is not None]

    async def _ask(self) -> float | None:
        connection = self._connection()
        user = self._users[self._asked % len(self._users)]
        self._asked += 1
        start = time.perf_counter()
        try:
            answer = await connection.post("/v1/feed", {"user_id": user})
        except (RuntimeError, OSError, asyncio.IncompleteReadError):
            self.failed += 1
            return None
        taken = time.perf_counter() - start
        self.degraded += answer["degraded"]
        if answer["snapshot"] != self.version:
            self.version = answer["snapshot"]
            self._changed.set()
        self._idle.append((time.perf_counter(), connection))
        return taken

    def _connection(self) -> Connection:
        """The one used last, or a new one; those that nobody used for long are closed."""
        while self._idle and time.perf_counter() - self._idle[0][0] > IDLE:
            self._idle.pop(0)[1].close()
        return self._idle.pop()[1] if self._idle else self._connect()

    async def until(self, version: str) -> bool:
        """Wait for a slate of the version; False where none came in time."""
        deadline = time.perf_counter() + PATIENCE
        while self.version != version:
            if time.perf_counter() > deadline:
                return False
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), 0.5)
            except TimeoutError:
                continue
        return True

    def close(self) -> None:
        for _, connection in self._idle:
            connection.close()


def swapping(folder: Path, both: tuple[str, str]) -> list[Figure]:
    """Latency with swaps beside latency without."""
    users = people(folder)
    with open_app(folder) as app, start_service(folder) as service:
        load = Load(lambda: Connection(service), users)
        swapped, quiet, busy = asyncio.run(_phases(load, app.writer, both))
    p99 = [sorted(taken)[int(0.99 * len(taken))] * 1e3 for taken in (quiet, busy)]
    p50 = [sorted(taken)[len(taken) // 2] * 1e3 for taken in (quiet, busy)]
    ratio = p99[1] / p99[0]
    return [
        Figure("swaps that happened", swapped, "", f"{SWAPS}", swapped == SWAPS),
        Figure(f"failed requests of {len(quiet) + len(busy)}", load.failed, "", "0", load.failed == 0),
        Figure("degraded slates", load.degraded, "", "0", load.degraded == 0),
        Figure("slate over HTTP, p50, without swaps", p50[0], "ms"),
        Figure("slate over HTTP, p50, with swaps", p50[1], "ms"),
        Figure("slate over HTTP, p99, without swaps", p99[0], "ms"),
        Figure("slate over HTTP, p99, with swaps", p99[1], "ms"),
        Figure("p99 with swaps over p99 without", ratio, "", f"<= {LIMIT}", ratio <= LIMIT),
    ]


async def _phases(load: Load, writer: Writer, both: tuple[str, str]) -> tuple[int, list[float], list[float]]:
    """Swaps that happened, and seconds of the requests of the phases without and with them."""
    await load.run(RATE, 3.0)
    quiet: list[float] = []
    busy: list[float] = []
    swapped, share = 0, SWAPS // (PHASES // 2)
    for phase in range(PHASES):
        if phase % 2 == 0:
            quiet += await load.run(RATE, SECONDS)
        else:
            taken, done = await asyncio.gather(
                load.run(RATE, SECONDS), _swap(load, writer, both, (swapped, swapped + share))
            )
            busy += taken
            swapped += done
    load.close()
    return swapped, quiet, busy


async def _swap(load: Load, writer: Writer, both: tuple[str, str], numbers: tuple[int, int]) -> int:
    """Swap evenly over a phase, each after the one before was seen; how many were."""
    begin, (first, last) = time.perf_counter(), numbers
    pause = 0.9 * SECONDS / (last - first)
    done = 0
    for number in range(first, last):
        await asyncio.sleep(max(0.0, begin + (number - first) * pause - time.perf_counter()))
        version = both[number % 2]
        data = {"decision": PROMOTE if number % 2 else ROLL_BACK, "snapshot": version, "reasons": ["a benchmark"]}
        draft = Draft(kind=Kind.VERDICT, at=time.time_ns() // 1000, id=f"verdict/{time.time_ns()}", data=data)
        writer.append([draft])
        done += await load.until(version)
    return done


def show(figures: list[Figure]) -> None:
    for figure in figures:
        missed = "" if figure.holds else "MISSED"
        print(f"{figure.name:45} {figure.value:10.2f} {figure.unit:5} {figure.goal:8} {missed}")


if __name__ == "__main__":
    show(measure())
