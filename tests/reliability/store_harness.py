"""Kills a process in the middle of appends, again and again, and keeps the ledger of what it acknowledged.

python store_harness.py DIR CYCLES SEED prints the outcome as JSON. Writers are forked from this process,
which has everything imported already, so that a cycle costs a tenth of a second.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from fairshot.config import load_config
from fairshot.core.events import Draft, Kind
from fairshot.core.ids import Ids
from fairshot.stores.log import Log
from fairshot.stores.writer import Writer

THREADS = 3
SIZES = (1, 7, 60)
KINDS = load_config().kinds


@dataclass(slots=True)
class Outcome:
    """What the cycles showed."""

    cycles: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    unacknowledged_found: int = 0
    kills_in_flight: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    slowest_open: float = 0.0
    integrity: str = ""


def names(cycle: int, thread: int, number: int) -> list[str]:
    """The ids of one append."""
    return [f"{cycle}-{thread}-{number}-{k}" for k in range(SIZES[thread])]


def write(path: Path, cycle: int, pipe: int) -> None:
    """What the victim does: append from several threads, and say so before and after."""
    writer = Writer(lambda: Log(path, Ids(), KINDS))

    def work(thread: int) -> None:
        for number in range(10**9):
            drafts = [
                Draft(kind=Kind.FEEDBACK, at=1, id=name, action="like", user=f"u{thread}", item=f"i{number % 50}")
                for name in names(cycle, thread, number)
            ]
            os.write(pipe, f"S {thread} {number}\n".encode())
            writer.append(drafts).result()
            os.write(pipe, f"A {thread} {number}\n".encode())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run_and_kill(path: Path, cycle: int, pause: float) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """One victim; the appends that it began, and those that it acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write(path, cycle, writing)
        os._exit(0)
    os.close(writing)
    seen = b""
    while b"A" not in seen:
        seen += os.read(reading, 65536)
    time.sleep(pause)
    os.kill(child, signal.SIGKILL)
    while more := os.read(reading, 65536):
        seen += more
    os.close(reading)
    os.waitpid(child, 0)
    began: set[tuple[int, int]] = set()
    acknowledged: set[tuple[int, int]] = set()
    for line in seen.decode().splitlines():
        word, thread, number = line.split()
        (began if word == "S" else acknowledged).add((int(thread), int(number)))
    return began, acknowledged


def check(path: Path, cycle: int, began: set[tuple[int, int]], acknowledged: set[tuple[int, int]], to: Outcome) -> None:
    """Compare the ledger with what is in the log after a new start."""
    started = time.perf_counter()
    log = Log(path, Ids(), KINDS)
    log.head()
    to.slowest_open = max(to.slowest_open, time.perf_counter() - started)
    log.close()
    db = sqlite3.connect(path)
    rows = [name for (name,) in db.execute("SELECT id FROM log WHERE id >= ? AND id < ?", (f"{cycle}-", f"{cycle}."))]
    db.close()
    present = set(rows)
    to.doubled += len(rows) - len(present)
    for append in began:
        ids = names(cycle, *append)
        found = sum(name in present for name in ids)
        if append in acknowledged:
            to.acknowledged += len(ids)
            to.lost += len(ids) - found
        else:
            to.unacknowledged += 1
            to.unacknowledged_found += found > 0
            to.torn += 0 < found < len(ids)
    to.kills_in_flight += bool(began - acknowledged)
    to.cycles += 1


def main(folder: Path, cycles: int, seed: int) -> Outcome:
    """All cycles on one database."""
    draw = random.Random(seed)
    path = folder / "fairshot.db"
    outcome = Outcome()
    for cycle in range(cycles):
        began, acknowledged = run_and_kill(path, cycle, draw.uniform(0.0, 0.04))
        check(path, cycle, began, acknowledged, outcome)
    db = sqlite3.connect(path)
    (outcome.integrity,) = db.execute("PRAGMA integrity_check").fetchone()
    (doubled,) = db.execute("SELECT count(*) - count(DISTINCT id) FROM log").fetchone()
    outcome.doubled += doubled
    db.close()
    return outcome


if __name__ == "__main__":
    json.dump(asdict(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))), sys.stdout)
