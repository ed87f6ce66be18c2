"""Group commit: one thread owns the writing connection, and one fsync acknowledges everybody who waits."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeAlias

from fairshot.core.errors import StoreError
from fairshot.core.events import Draft
from fairshot.stores.log import Log, Receipt

_MOST = 20_000
"""Drafts in one transaction: enough to hide the fsync, few enough to keep the wait short."""


class Writer:
    """Appends to the log from any thread; a future resolves after the fsync.

    After the disk has refused a write nothing more is acknowledged: every later append fails at once, and
    `failed` says why, so that the service can stop and be started anew on what is really there. Drafts that
    no log could hold are not the disk's fault: they are refused to their sender alone.
    """

    def __init__(self, open_log: Callable[[], Log]) -> None:
        """open_log is called in the writer's thread."""
        self.failed: StoreError | None = None
        self._closed = False
        # Keeps an append from slipping in behind the end of the queue, where nobody would answer it.
        self._door = threading.Lock()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(open_log,), name="log-writer", daemon=True)
        self._thread.start()

    def append(self, drafts: Sequence[Draft]) -> "Future[Receipt]":
        """Hand drafts over; the future gives their receipt, or the StoreError that refused them."""
        future: Future[Receipt] = Future()
        with self._door:
            if self.failed is not None:
                future.set_exception(self.failed)
            elif self._closed:
                future.set_exception(StoreError("the log is closed"))
            else:
                self._queue.put((drafts, future))
        return future

    def close(self) -> None:
        """Write what is waiting, then end the thread."""
        with self._door:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self, open_log: Callable[[], Log]) -> None:
        log = None
        try:
            log = open_log()
        except Exception as error:  # noqa: BLE001  a dead writer would leave everybody waiting for ever
            self.failed = _as_store_error(error)
        while (waiting := self._take()) is not None:
            # Whoever gave up before the write began gets none; from here on nobody can give up any more.
            self._commit(log, [one for one in waiting if one[1].set_running_or_notify_cancel()])
        if log is not None:
            log.close()

    def _take(self) -> "list[_Waiting] | None":
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

    def _commit(self, log: Log | None, waiting: "list[_Waiting]") -> None:
        try:
            if log is None or self.failed is not None:
                raise self.failed or StoreError("the log is not open")
            receipt = log.append([draft for drafts, _ in waiting for draft in drafts])
        except _UNWRITABLE as error:
            if len(waiting) == 1:
                waiting[0][1].set_exception(error)
            else:
                for one in waiting:
                    self._commit(log, [one])
            return
        except Exception as error:  # noqa: BLE001  a dead writer would leave everybody waiting for ever
            self.failed = _as_store_error(error)
            for _, future in waiting:
                future.set_exception(self.failed)
            return
        start = 0
        for drafts, future in waiting:
            future.set_result(Receipt(receipt.accepted[start : start + len(drafts)], receipt.seq))
            start += len(drafts)


_Waiting: TypeAlias = tuple[Sequence[Draft], "Future[Receipt]"]
_UNWRITABLE = (TypeError, ValueError, OverflowError)
"""What packing raises for a draft that the log has no form for; the transaction is then rolled back whole."""


def _as_store_error(error: Exception) -> StoreError:
    return error if isinstance(error, StoreError) else StoreError(f"writing failed: {error!r}")
