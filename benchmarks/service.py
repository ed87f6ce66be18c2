"""The service over HTTP: latency of slates at a fixed rate, ingestion beside raw SQLite, restart, memory.

Figures are of one machine at one time: they mean something beside the raw SQLite of the same run, and with
the machine's load beside them. FAIRSHOT_BENCH_DATA names a data directory to measure on (a copy is used);
without it ML-100K is fetched, imported and trained first.
"""

import asyncio
import itertools
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairshot.app import open_app
from fairshot.service.process import ServiceProcess, start_service

RATE = 100
SECONDS = 20
TRIALS = 1000
EVENTS = 50_000
SINGLES = 4000
CONNECTIONS = 32
QUIET = "[learning]\nleast_examples = 1000000000\n"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure; goal: what it should be, None where it is only told."""

    name: str
    value: float
    unit: str
    goal: str = ""
    holds: bool = True


def measure() -> list[Figure]:
    """Everything, on ML-100K or on the data directory of FAIRSHOT_BENCH_DATA."""
    with prepared() as folder:
        figures = [Figure("load average before", os.getloadavg()[0], "processes")]
        for part in (restart, slates, engine_share, ingestion, read_your_writes):
            figures += part(folder)
        figures.append(Figure("load average after", os.getloadavg()[0], "processes"))
    return figures


@contextmanager
def prepared() -> Iterator[Path]:
    """A data directory that may be written to, whose worker does not train in between."""
    with tempfile.TemporaryDirectory(prefix="fairshot-bench-") as root:
        folder = Path(root) / "data"
        given = os.environ.get("FAIRSHOT_BENCH_DATA")
        if given is not None:
            shutil.copytree(given, folder)
        else:
            _ml_100k(folder, Path(root) / "files")
        (folder / "fairshot.toml").write_text(QUIET)
        with open_app(folder) as app:
            app.checkpoint()
        yield folder


def _ml_100k(folder: Path, files: Path) -> None:
    def command(*words: str) -> None:
        subprocess.run([sys.executable, "-m", "fairshot.cli", *words], check=True, stdout=subprocess.DEVNULL)

    command("data", "ml-100k", "--into", str(files))
    command("import", *map(str, sorted(files.glob("*.csv"))), "--data", str(folder))
    command("train", "--data", str(folder))


# The client


class Connection:
    """A bare HTTP/1.1 connection: the client should cost as little as it can, for it shares the machine."""

    def __init__(self, service: ServiceProcess) -> None:
        host, _, port = service.address.removeprefix("http://").partition(":")
        self._at = host, int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Any) -> Any:
        """The decoded answer; raises where it is not 200."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._at)
        reader, writer = self._streams
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
        writer.write(f"{head}{len(data)}\r\n\r\n".encode() + data)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        text = await reader.readexactly(int(answer.partition(b"content-length: ")[2].partition(b"\r")[0]))
        if not answer.startswith(b"http/1.1 200"):
            raise RuntimeError(f"{path}: {text.decode()}")
        return json.loads(text)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def at_rate(service: ServiceProcess, bodies: Callable[[int], Any], rate: float, seconds: float) -> list[float]:
    """Seconds of each feed request, one sent every 1/rate seconds whether or not earlier ones were answered."""
    idle: list[Connection] = []
    taken: list[float] = []

    async def ask(number: int) -> None:
        connection = idle.pop() if idle else Connection(service)
        start = time.perf_counter()
        await connection.post("/v1/feed", bodies(number))
        taken.append(time.perf_counter() - start)
        idle.append(connection)

    for number in range(50):
        await ask(number)
    taken.clear()
    begin, tasks = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(ask(number)))
    await asyncio.gather(*tasks)
    for connection in idle:
        connection.close()
    return taken


async def in_parallel(service: ServiceProcess, count: int, work: Callable[[Connection, int], Awaitable[None]]) -> None:
    """The same work on so many connections at once."""
    connections = [Connection(service) for _ in range(count)]
    await asyncio.gather(*(work(connection, number) for number, connection in enumerate(connections)))
    for connection in connections:
        connection.close()


# The figures


def people(folder: Path) -> list[str]:
    db = sqlite3.connect(folder / "fairshot.db")
    found = [name for (name,) in db.execute("SELECT id FROM ids WHERE side = 'users' ORDER BY row LIMIT 10000")]
    db.close()
    return found


def slates(
    folder: Path, rate: float = RATE, seconds: float = SECONDS, goals: tuple[float, float] = (4.0, 15.0)
) -> list[Figure]:
    """Latency of slates of 20 at a fixed rate, the CPU of each, and the memory of the API process.

    goals: milliseconds at the median and at the 99th percentile.
    """
    users = people(folder)
    with start_service(folder) as service:
        api = _api_process(service)
        before = _cpu_seconds(api)
        taken = sorted(asyncio.run(at_rate(service, lambda n: {"user_id": users[n % len(users)]}, rate, seconds)))
        cpu = (_cpu_seconds(api) - before) / (len(taken) + 50)
        memory = _resident(api)
    p50, p99 = statistics.median(taken) * 1e3, taken[int(0.99 * len(taken))] * 1e3
    return [
        Figure(f"slate over HTTP at {rate:.0f}/s, p50", p50, "ms", f"<= {goals[0]:g}", p50 <= goals[0]),
        Figure(f"slate over HTTP at {rate:.0f}/s, p99", p99, "ms", f"<= {goals[1]:g}", p99 <= goals[1]),
        Figure("CPU of the API process for one slate, logging it included", cpu * 1e3, "ms"),
        Figure("resident memory of the API process", memory, "MiB", "<= 2048", memory <= 2048),
    ]


def engine_share(folder: Path, requests: int = 300) -> list[Figure]:
    """What the pipeline spends outside its stages, from the traces of an application in this process."""
    from threadpoolctl import threadpool_limits

    users, shares, totals = people(folder), [], []
    with threadpool_limits(1), open_app(folder) as app:

        def note(slate: Any) -> None:
            inside = sum(step.seconds for step in slate.trace.steps)
            shares.append(1 - inside / slate.trace.seconds)
            totals.append(slate.trace.seconds)

        for number in range(50):
            app.feed(users[number % len(users)])
        app.on_slate = note
        for number in range(requests):
            app.feed(users[number % len(users)])
    share = statistics.median(shares) * 100
    return [
        Figure("pipeline alone, p50", statistics.median(totals) * 1e3, "ms"),
        Figure("engine's share of the pipeline", share, "%", "<= 25", share <= 25),
    ]


def ingestion(folder: Path, events: int = EVENTS, singles: int = SINGLES) -> list[Figure]:
    """Acknowledged events a second, fsync included, beside raw SQLite in the same run."""
    users = people(folder)
    with start_service(folder) as service:
        batches = asyncio.run(_ingest(service, users, 1000, events // 1000, 2))
        alone = asyncio.run(_ingest(service, users, 1, singles // 4, 1))
        together = asyncio.run(_ingest(service, users, 1, singles, CONNECTIONS))
    raw_batches, raw_single = raw_sqlite(folder, 1000, events // 1000), raw_sqlite(folder, 1, singles // 4)
    return [
        Figure("events/s over HTTP, batches of 1,000", batches, "1/s", ">= 10000", batches >= 10_000),
        Figure("events/s raw SQLite, batches of 1,000", raw_batches, "1/s"),
        Figure("single events/s over HTTP, one connection", alone, "1/s"),
        Figure(
            f"single events/s over HTTP, {CONNECTIONS} connections",
            together,
            "1/s",
            ">= half of raw SQLite",
            together >= raw_single / 2,
        ),
        Figure("single events/s raw SQLite, synchronous=FULL", raw_single, "1/s"),
    ]


_run = itertools.count()


async def _ingest(service: ServiceProcess, users: list[str], size: int, calls: int, connections: int) -> float:
    run = f"{os.getpid()}.{next(_run)}"

    async def deliver(connection: Connection, number: int) -> None:
        for call in range(calls // connections):
            events = [
                {
                    "event_id": f"{run}.{number}.{call}.{k}",
                    "kind": "view",
                    "user_id": users[(call * 7 + k) % len(users)],
                    "item_id": str(1 + k % 1600),
                }
                for k in range(size)
            ]
            receipt = await connection.post("/v1/events", {"events": events})
            assert receipt["accepted"] == size, receipt

    start = time.perf_counter()
    await in_parallel(service, connections, deliver)
    return calls // connections * connections * size / (time.perf_counter() - start)


def raw_sqlite(folder: Path, size: int, calls: int) -> float:
    """Events a second into a bare table with the log's columns, in transactions of so many."""
    path = folder / "raw.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(
        "CREATE TABLE log (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, kind, action, at, user, item, creator, value, data)"
    )
    start = time.perf_counter()
    for call in range(calls):
        db.execute("BEGIN IMMEDIATE")
        rows = [(None, f"{call}.{k}", 6, "view", 1, k, k, k, None, None) for k in range(size)]
        db.executemany("INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?,?)", rows)
        db.execute("COMMIT")
    taken = time.perf_counter() - start
    db.close()
    for file in folder.glob("raw.db*"):
        file.unlink()
    return size * calls / taken


def read_your_writes(folder: Path, trials: int = TRIALS) -> list[Figure]:
    """How often a person's next slate did not know of the feedback acknowledged just before."""

    async def run(service: ServiceProcess) -> int:
        connection, stale = Connection(service), 0
        for trial in range(trials):
            user = f"trial{os.getpid()}.{trial}"
            first = (await connection.post("/v1/feed", {"user_id": user, "limit": 5}))["slate"][0]["item_id"]
            event = {"event_id": f"{user}.hide", "kind": "hide", "user_id": user, "item_id": first}
            await connection.post("/v1/events", {"events": [event]})
            again = (await connection.post("/v1/feed", {"user_id": user, "limit": 100}))["slate"]
            stale += first in [position["item_id"] for position in again]
        connection.close()
        return stale

    with start_service(folder) as service:
        stale = asyncio.run(run(service))
    return [Figure(f"stale slates of {trials} after acknowledged feedback", stale, "", "0", stale == 0)]


def restart(folder: Path, limit: float = 3.0) -> list[Figure]:
    """Seconds from the command to the first answer; limit: how many it may take."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        with start_service(folder):
            taken.append(time.perf_counter() - start)
    best = min(taken)
    return [Figure("restart with its data, best of 3", best, "s", f"<= {limit:g}", best <= limit)]


# The process


def _api_process(service: ServiceProcess) -> int:
    """The id of the API process: the supervisor's child that uses most memory."""
    table = subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout
    rows = [[int(cell) for cell in line.split()] for line in table.splitlines()[1:]]
    return max((rss, pid) for pid, parent, rss in rows if parent == service.process.pid)[1]


def _resident(pid: int) -> float:
    """MiB."""
    return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True).stdout) / 1024


def _cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    for figure in measure():
        missed = "" if figure.holds else "MISSED"
        print(f"{figure.name:60} {figure.value:12.2f} {figure.unit:10} {figure.goal:22} {missed}")
