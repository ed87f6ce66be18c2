"""What `fairshot serve` runs: API processes under Granian, one worker beside them, and an end to both."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from fairshot.app import build_pipeline
from fairshot.config import load_config
from fairshot.core.errors import ConfigError, FairshotError
from fairshot.service.access import is_loopback
from fairshot.service.logs import log, set_up_logging
from fairshot.stores.keys import Keys

FOLDER = "FAIRSHOT_DATA"
_DRAIN = 5
"""Seconds in which requests may end after the signal to stop."""
_PATIENCE = 120.0
_RESTARTS = 3
"""A worker process that dies so often within a minute ends the service."""


class ServiceError(FairshotError):
    """The service cannot start, or had to end."""


def serve(
    folder: Path,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> int:
    """Serve a data directory until SIGINT or SIGTERM; returns the exit status.

    What is None comes from the configuration; port 0 is any free one. on_ready is told the address; without
    it the address is printed. Raises ConfigError or ServiceError where it cannot start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = load_config(folder)
    # Here, once and in clear words, and not in every process that would then fail over and over.
    build_pipeline(config)
    serving = config.serving
    host, port, workers = host or serving.host, serving.port if port is None else port, workers or serving.workers
    set_up_logging()
    with only_one(folder):
        _refuse_open_door(folder, host)
        with reserved(host, port) as port:
            return Supervisor(folder, host, port, workers, on_ready or _announce).run()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the data directory's lock; it goes with the process that holds it, however that ends."""
    with (folder / "service.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ServiceError(f"another service already runs on {folder}") from error
        yield


@contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """Keep a port for the API processes, each of which listens on it itself; 0 finds a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe, socket.socket(family, socket.SOCK_STREAM) as held:
        try:
            # Without SO_REUSEPORT: with it a second service would quietly share the port of the first.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            port = int(probe.getsockname()[1])
            probe.close()
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((host, port))
        except OSError as error:
            raise ServiceError(
                f"cannot listen on {host} port {port}: {error.strerror}; choose another --port"
            ) from error
        yield port


def _refuse_open_door(folder: Path, host: str) -> None:
    keys = Keys(folder / "fairshot.db")
    try:
        if not is_loopback(host) and not keys.any():
            raise ConfigError(
                f"without keys only this machine is served: make one with `fairshot keys create` before listening "
                f"on {host}, or listen on 127.0.0.1"
            )
    finally:
        keys.close()


def _announce(address: str) -> None:
    print(address, flush=True)  # noqa: T201


class Supervisor:
    """Starts the processes, watches them, and ends them together."""

    def __init__(self, folder: Path, host: str, port: int, workers: int, on_ready: Callable[[str], None]) -> None:
        self.folder = folder
        self.host = host
        self.port = port
        self.on_ready = on_ready
        self._figures = tempfile.mkdtemp(prefix="fairshot-metrics-") if workers > 1 else None
        self._worker: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._failure: str | None = None
        self.granian = Granian(
            "fairshot.service.api:create_service",
            address=host,
            port=port,
            interface=Interfaces.ASGI,
            workers=workers,
            http=HTTPModes.http1,
            websockets=False,
            factory=True,
            respawn_failed_workers=True,
            workers_kill_timeout=_DRAIN,
            log_level=LogLevels.warning,
        )

    def run(self) -> int:
        """Serve until a signal; the exit status."""
        os.environ[FOLDER] = str(self.folder.resolve())
        if self._figures is not None:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = self._figures
        self.granian.on_startup(self._start_threads)
        status = 0
        try:
            self.granian.serve()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        finally:
            self._end()
        if self._failure is not None:
            raise ServiceError(self._failure)
        if status:
            raise ServiceError("the API process ended again right after its start; see the messages above")
        return 0

    def _start_threads(self) -> None:
        for work in (self._watch_worker, self._await_ready):
            threading.Thread(target=work, name=work.__name__, daemon=True).start()

    def _end(self) -> None:
        self._ending.set()
        worker = self._worker
        if worker is not None and worker.poll() is None:
            worker.terminate()
            try:
                worker.wait(_DRAIN)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        if self._figures is not None:
            shutil.rmtree(self._figures, ignore_errors=True)

    def _watch_worker(self) -> None:
        deaths: list[float] = []
        while not self._ending.is_set():
            command = [sys.executable, "-m", "fairshot.service.worker", str(self.folder), str(os.getpid())]
            self._worker = subprocess.Popen(command)  # noqa: S603  our own module
            status = self._worker.wait()
            if self._ending.is_set() or self.granian.interrupt_signal:
                return
            now = time.monotonic()
            deaths = [at for at in deaths if now - at < 60] + [now]
            log.error("the worker process ended and is started anew", status=status)
            if len(deaths) >= _RESTARTS:
                self._failure = f"the worker process ended {len(deaths)} times within a minute"
                self._interrupt()
                return

    def _interrupt(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._ending.is_set() and time.monotonic() < deadline:
            if self._answers():
                shown = f"[{self.host}]" if ":" in self.host else self.host
                self.on_ready(f"http://{shown}:{self.port}")
                return
            time.sleep(0.02)

    def _answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        with suppress(OSError):
            connection = HTTPConnection(host, self.port, timeout=1.0)
            try:
                connection.request("GET", "/readyz", headers={"Host": "localhost"})
                return connection.getresponse().status == 200
            finally:
                connection.close()
        return False
