"""A service as a child process: for the demo, benchmarks and tests."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from fairshot.core.errors import FairshotError


@dataclass(slots=True)
class ServiceProcess:
    """A running service; address: its URL without a path. Ends with the `with` block."""

    folder: Path
    address: str
    process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> int:
        """End it as a terminal would; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self._ended()

    def kill(self) -> None:
        """End it at once, with all its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self._ended()

    def _ended(self) -> int:
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.wait(30)


def start_service(folder: Path, *arguments: str, log: Path | None = None) -> ServiceProcess:
    """Serve a data directory on a free port of this machine; returns when it is ready.

    arguments: more options of `python -m fairshot.service`; log: where its messages go, by default nowhere.
    """
    command = [sys.executable, "-m", "fairshot.service", "--data", str(folder), "--port", "0", *arguments]
    # A session of its own, so that `kill` reaches the whole group and a terminal's Ctrl-C does not.
    with (log or Path(os.devnull)).open("ab") as messages:
        process = subprocess.Popen(  # noqa: S603  our own module
            command, stdout=subprocess.PIPE, stderr=messages, text=True, start_new_session=True
        )
    address = process.stdout.readline().strip() if process.stdout else ""
    service = ServiceProcess(folder, address, process)
    if not address.startswith("http"):
        raise FairshotError(f"the service on {folder} did not start; status {service.stop()}")
    return service
