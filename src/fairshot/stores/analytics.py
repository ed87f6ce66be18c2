"""Analytics: a DuckDB of our own for each piece of work, seen through Ibis."""

import os
import tempfile
from pathlib import Path
from typing import Any

import ibis

THREADS = 2
MEMORY = "4GiB"


def connect(*, threads: int = THREADS, memory: str = MEMORY, spill: Path | None = None) -> Any:
    """An empty DuckDB in memory as an Ibis backend; close it with `disconnect()`.

    threads and memory are its limits; what does not fit goes to files in `spill`, by default in the system's
    folder for such. It loads no extension: nothing that it runs may reach the network.
    """
    spill = spill or Path(tempfile.gettempdir()) / f"fairshot-{os.getpid()}.duckdb"
    limits = {"threads": threads, "memory_limit": memory, "temp_directory": str(spill)}
    closed = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return ibis.duckdb.connect(**limits, **closed)
