"""Group commit: one thread owns the writing connection, and one fsync acknowledges everybody who waits."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from fairshot.core.errors import StoreError
from fairshot.core.events import Draft
from fairshot.stores.log import Log, Receipt

_MOST = 20_000
"""Drafts in one transaction: enough to hide the fsync, few enough to keep the wait short."""


class Writer:
    """Appends to the log from any thread; a future resolves after the fsync.

    After the disk has refused a write nothing more is acknowledged: every later append fails at once, and
    `failed` says why, so that the service can stop and be started anew on what is really there.
    """

    def __init__(self, open_log: Callable[[], Log], committed: Callable[[int], None] | None = None) -> None:
        """open_log is called in the writer's thread; committed(seq) is called there after each commit."""
        self.failed: StoreError | None = None
        self._committed = committed or (lambda _seq: None)
        self._queue: queue.SimpleQueue[tuple[Sequence[Draft], Future[Receipt]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(open_log,), name="log-writer", daemon=True)
        self._thread.start()

    def append(self, drafts: Sequence[Draft]) -> "Future[Receipt]":
        """Hand drafts over; the future gives their receipt, or the StoreError that refused them."""
        future: Future[Receipt] = Future()
        if self.failed is not None:
            future.set_exception(self.failed)
        else:
            self._queue.put((drafts, future))
        return future

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self, open_log: Callable[[], Log]) -> None:
        log = open_log()
        try:
            while (waiting := self._take()) is not None:
                self._commit(log, waiting)
        finally:
            log.close()

    def _take(self) -> list[tuple[Sequence[Draft], "Future[Receipt]"]] | None:
        """Everything that waits, at least one; None when the writer is to end."""
        first = self._queue.get()
        if first is None:
            return None
        waiting, size = [first], len(first[0])
        while size < _MOST:
            try:
                another = self._queue.get_nowait()
            except queue.Empty:
                break
            if another is None:
                self._queue.put(None)
                break
            waiting.append(another)
            size += len(another[0])
        return waiting

    def _commit(self, log: Log, waiting: list[tuple[Sequence[Draft], "Future[Receipt]"]]) -> None:
        # Whoever gave up before the write began gets none; from here on nobody can give up any more.
        waiting = [(drafts, future) for drafts, future in waiting if future.set_running_or_notify_cancel()]
        if self.failed is None:
            try:
                receipt = log.append([draft for drafts, _ in waiting for draft in drafts])
            except Exception as error:  # noqa: BLE001  a dead writer would leave everybody waiting for ever
                self.failed = error if isinstance(error, StoreError) else StoreError(f"writing failed: {error!r}")
        if self.failed is not None:
            for _, future in waiting:
                future.set_exception(self.failed)
            return
        self._committed(receipt.seq)
        start = 0
        for drafts, future in waiting:
            future.set_result(Receipt(receipt.accepted[start : start + len(drafts)], receipt.seq))
            start += len(drafts)
