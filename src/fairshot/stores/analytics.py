"""Analytics: a DuckDB of our own for each piece of work, seen through Ibis."""

from pathlib import Path
from typing import Any

import ibis

THREADS = 2
MEMORY = "4GiB"


def connect(*, threads: int = THREADS, memory: str = MEMORY, spill: Path | None = None) -> Any:
    """An empty DuckDB in memory as an Ibis backend; close it with `disconnect()`.

    threads and memory are its limits; what does not fit goes to files in `spill`, DuckDB's own choice where
    none is given. It loads no extension: nothing that it runs may reach the network.
    """
    limits = {"threads": threads, "memory_limit": memory}
    closed = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    place = {} if spill is None else {"temp_directory": str(spill)}
    return ibis.duckdb.connect(**limits, **closed, **place)
