"""The worker's jobs: `python -m fairshot.service.jobs train|checkpoint DIR [PARENT]`; one ends with its parent."""

import os
import signal
import sys
from pathlib import Path

from fairshot.app import open_app
from fairshot.core.errors import FairshotError
from fairshot.service.lifeline import end_with
from fairshot.service.logs import log, set_up_logging


def main(job: str, folder: Path) -> int:
    """Run one job; the exit status."""
    # Ctrl-C reaches every process of the terminal; whether the job ends is the worker's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    set_up_logging()
    try:
        with open_app(folder) as app:
            if job == "train":
                report = app.train()
                log.info("trained", snapshot=report.version, promoted=report.promoted, reasons=report.reasons)
            else:
                log.info("checkpoint written", seq=app.checkpoint())
    except FairshotError as error:
        log.error("the job failed", job=job, reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 3:
        end_with(int(sys.argv[3]))
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
