"""Processes that end with the one that started them."""

import os
import threading
import time

_LOOK = 0.2
"""Seconds between two looks at whether the parent still lives."""


def end_with(parent: int) -> None:
    """From now on end this process at once, whatever it is at, when the process that started it is gone.

    parent: its number, told by itself: it may be gone before this one could ask. Nothing is lost: what was
    acknowledged is on disk.
    """
    threading.Thread(target=_watch, args=(parent,), name="lifeline", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
