"""The worker: watches the log, and trains and writes checkpoints when due, each in a process of its own."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fairshot.config import Worker as WorkerSettings
from fairshot.config import load_config
from fairshot.core.errors import FairshotError
from fairshot.service.lifeline import end_with
from fairshot.service.logs import log, set_up_logging
from fairshot.stores.progress import Progress

if TYPE_CHECKING:
    from fairshot.app import App

TICK = 2.0


@dataclass(slots=True)
class Schedule:
    """Decides what is due. Numbers are those of the log; times are seconds on a clock that never goes back."""

    settings: WorkerSettings
    trained_at: float | None = None
    tried: int = 0
    checkpoint: int = 0

    def due(self, now: float, seq: int, trained: int) -> list[str]:
        """The jobs to run, in order. trained: where a training last ended in a decision, 0 for never."""
        jobs = []
        if self._training_due(now, seq, trained):
            jobs.append("train")
        if seq - self.checkpoint >= self.settings.checkpoint_events:
            jobs.append("checkpoint")
        return jobs

    def _training_due(self, now: float, seq: int, trained: int) -> bool:
        if trained == 0:
            # The first one comes as soon as it can; where it could not, twice as much may be enough.
            return seq >= 2 * self.tried
        waited = self.trained_at is None or now - self.trained_at >= self.settings.train_minutes * 60
        return waited and seq - max(trained, self.tried) >= self.settings.train_events

    def done(self, job: str, now: float, seq: int) -> None:
        """Note that a job ended, well or not: one that fails is not tried again at once."""
        if job == "train":
            self.trained_at, self.tried = now, seq
        else:
            self.checkpoint = seq


class Worker:
    """One worker process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        checkpoints = [int(path.stem) for path in (folder / "checkpoints").glob("*.json") if path.stem.isdigit()]
        config = load_config(folder)
        self._least = config.learning.least_examples
        self._settings = config.worker
        self._app: App | None = None
        self._decided = -math.inf
        self._schedule = Schedule(config.worker, checkpoint=max(checkpoints, default=0))
        self._progress = Progress(folder / "fairshot.db")
        self._job: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()

    def run(self) -> None:
        """Work until told to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        while not self._ending.wait(TICK):
            self._tick()
        self._stop_job()
        self._progress.close()
        self._close_app()

    def _close_app(self) -> None:
        # A writer that failed once writes no more: the next look is for a new one.
        if self._app is not None:
            self._app.close()
            self._app = None

    def _decide_trials(self) -> None:
        if time.monotonic() - self._decided < self._settings.trial_seconds:
            return
        # Here, so that the worker is up before so much is loaded.
        from fairshot.app import open_app

        try:
            self._app = self._app or open_app(self.folder)
            steps = self._app.step_trials()
        except FairshotError as error:
            log.error("trials could not be decided; the log is opened anew", reason=str(error))
            self._close_app()
        else:
            if steps:
                log.info("trials were decided", steps=steps)
        # After the work, so that it never takes more than half of the time.
        self._decided = time.monotonic()

    def _tick(self) -> None:
        self._decide_trials()
        # With fewer reactions not one head of the ranking net could be taught.
        if not self._progress.has_feedback(self._least):
            return
        seq = self._progress.head()
        for job in self._schedule.due(time.monotonic(), seq, self._progress.trained()):
            started = time.monotonic()
            log.info("job started", job=job, seq=seq)
            status = self._run(job)
            if self._ending.is_set():
                return
            self._schedule.done(job, time.monotonic(), seq)
            tell = log.info if status == 0 else log.error
            tell("job ended", job=job, status=status, seconds=round(time.monotonic() - started, 2))

    def _run(self, job: str) -> int:
        # A process of its own: what training allocates goes back to the system when it ends.
        command = [sys.executable, "-m", "fairshot.service.jobs", job, str(self.folder), str(os.getpid())]
        self._job = subprocess.Popen(command)  # noqa: S603  our own module
        while (status := self._job.poll()) is None:
            if self._ending.wait(0.1):
                self._stop_job()
            else:
                self._decide_trials()
        return status

    def _stop_job(self) -> None:
        if self._job is not None and self._job.poll() is None:
            self._job.kill()
            self._job.wait()

    def _end(self) -> None:
        self._ending.set()


if __name__ == "__main__":
    end_with(int(sys.argv[2]))
    set_up_logging()
    Worker(Path(sys.argv[1])).run()
