"""The application inside an API process: the event loop's thread owns its state.

A slate is computed on the loop, in one piece, so no request sees half an update. Taking records in waits
for the writer's fsync without holding the loop, and one fsync serves everybody who waits.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec

from fairshot.app import App, Submission
from fairshot.core.answers import Explanation, Feed, Receipt
from fairshot.core.errors import StoreError
from fairshot.core.events import Draft
from fairshot.core.snapshot import Artifacts
from fairshot.service import metrics
from fairshot.service.bodies import LARGE, AnyRequest, records
from fairshot.service.logs import log
from fairshot.service.problems import ProblemError
from fairshot.service.shapes import FeedRequest

TICK = 0.2
PATIENCE = 5.0
"""Seconds that a feed request waits for what it wants applied."""
_POLL = 0.005
_GATHER = 0.004
"""Seconds in which slates gather before they are logged together."""
# After these SQLite has rolled back cleanly, and trying again is sound; after a failed fsync it is not.
_PASSING = ("SQLITE_FULL", "SQLITE_BUSY")


class Runtime:
    """What the routes use."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._refused: str | None = None
        self._loading: asyncio.Task[None] | None = None
        self._loader = ThreadPoolExecutor(1, "loader", _give_way)
        self._ticking: asyncio.Task[None] | None = None
        self._parent = os.getppid()
        self._entries: list[Draft] = []
        self._unlogged: dict[str, asyncio.Future[Any] | None] = {}
        """People whose latest slate is not in the log yet, and what will tell when it is."""
        app.on_slate = metrics.observe_slate
        app.on_entry = self._log_soon
        app.on_promoted = self._load_promoted

    async def start(self) -> None:
        """Begin to follow the log."""
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Write what waits and close."""
        for task in (self._ticking, self._loading):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._log_entries()
        await asyncio.to_thread(self._loader.shutdown)
        await asyncio.to_thread(self.app.writer.close)
        self.app.log.close()

    # Requests

    async def take(self, kind: str, body: bytes) -> Receipt:
        """Take a body of records in; returns after the fsync."""
        if len(body) >= LARGE:
            submission = await asyncio.to_thread(self._submit, kind, body)
        else:
            submission = self._submit(kind, body)
        if submission.future is not None:
            await asyncio.wrap_future(submission.future)
        receipt = submission()
        metrics.observe_receipt(kind, receipt)
        return receipt

    def _submit(self, kind: str, body: bytes) -> Submission:
        return self.app.submit(kind, records(body, kind))

    async def feed(self, wanted: FeedRequest) -> Feed:
        """A slate, after the log's number `after` has been applied."""
        if wanted.limit is not None and wanted.limit > self.app.config.serving.most:
            raise ProblemError(400, f"limit: at most {self.app.config.serving.most} positions are given")
        if wanted.after is not None:
            await self._applied(wanted.after)
        if wanted.user_id in self._unlogged:
            await self._settled(wanted.user_id)
        return self.app.feed(
            wanted.user_id,
            wanted.limit,
            surface=wanted.surface,
            mode=wanted.mode,
            exclude=wanted.exclude,
            context=msgspec.to_builtins(wanted.context),
        )

    async def explain(self, request_id: str) -> Explanation | None:
        """The funnel of a request, logged or just being logged."""
        self._log_entries()
        await asyncio.wrap_future(self.app.writer.append([]))
        return self.app.explained(request_id)

    def _log_soon(self, entry: Draft) -> None:
        """Log a slate once its answer is out: the writer would want the interpreter just then."""
        if not self._entries:
            asyncio.get_running_loop().call_later(_GATHER, self._log_entries)
        self._entries.append(entry)
        if entry.user is not None:
            self._unlogged[entry.user] = None

    def _log_entries(self) -> None:
        if self._entries:
            logged = asyncio.wrap_future(self.app.writer.append(self._entries))
            for entry in self._entries:
                if entry.user is not None:
                    self._unlogged[entry.user] = logged
            logged.add_done_callback(self._follow)
            self._entries = []

    async def _settled(self, user: str) -> None:
        """Wait until what the person was just shown is known, lest they are shown it again."""
        self._log_entries()
        logged = self._unlogged.get(user)
        if logged is not None:
            await asyncio.wait([logged])

    def _follow(self, logged: "asyncio.Future[Any]") -> None:
        self._unlogged = {user: entry for user, entry in self._unlogged.items() if entry is not logged}
        # Between two requests, so that the next one need not: folding a slate costs as much as a stage.
        if not logged.cancelled() and logged.exception() is None:
            self._guarded(self.app.catch_up)

    def user_ids(self, prefix: str, limit: int) -> list[str]:
        """Ids of known users that begin so, in order of arrival."""
        self.app.catch_up()
        users = self.app.live.ids.users
        found = (name for row in range(len(users)) if (name := users.id(row)).startswith(prefix))
        return list(islice(found, limit))

    def ready(self) -> bool:
        """Whether what was committed is applied and more can be written."""
        self.app.catch_up()
        return self.app.writer.failed is None and self.app.live.seq >= self.app.log.head()

    async def _applied(self, seq: int) -> None:
        # The end of the log, not what is applied here: another API process may have acknowledged it.
        if seq > max(self.app.live.seq, self.app.log.head()):
            raise ProblemError(409, f"after: number {seq} is beyond the end of the log")
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while self.app.live.seq < seq:
            self.app.catch_up()
            if self.app.live.seq >= seq:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise ProblemError(503, f"number {seq} of the log is not applied yet", {"retry-after": "1"})
            await asyncio.sleep(_POLL)

    # Keeping up

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            if os.getppid() != self._parent:
                log.error("the supervisor is gone; the service ends")
                os._exit(1)
            self._guarded(self.app.catch_up)
            if self.app.live.promoted != self._refused:
                self._refused = None
            self._guarded(lambda: metrics.observe_status(self.app))
            if self.app.writer.failed is not None:
                self._replace_writer(self.app.writer.failed)

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001  whatever it was, the next tick tries again
            log.exception("following the log failed")

    def _replace_writer(self, failure: StoreError) -> None:
        reason = getattr(failure.__cause__, "sqlite_errorname", "")
        if reason not in _PASSING:
            log.critical("the log cannot be written; the service starts anew on what is on disk", reason=str(failure))
            os._exit(1)
        log.error("the log could not be written; trying again", reason=str(failure))
        self.app.writer.close()
        self.app.writer = self.app.open_writer()

    def _load_promoted(self) -> None:
        """Start loading the promoted snapshot, once for each version."""
        if self._loading is None and self.app.live.promoted != self._refused:
            self._loading = asyncio.get_running_loop().create_task(self._load())

    async def _load(self) -> None:
        version, recorded = self.app.live.promoted, self.app.live.recorded()
        try:
            loop = asyncio.get_running_loop()
            artifacts = await loop.run_in_executor(self._loader, self.app.load, version, recorded)
            self._swap(version, artifacts)
        except Exception:  # noqa: BLE001  no file on disk may end the service
            self._refused = version
            log.exception("a snapshot could not be loaded; the present one stays", snapshot=version)
        finally:
            self._loading = None

    def _swap(self, version: str | None, artifacts: Artifacts) -> None:
        present = self.app.live.snapshot.artifacts
        if present.version is not None and _is_poorer(artifacts, present):
            self._refused = version
            log.error("a snapshot is damaged; the present one stays", snapshot=version, missing=artifacts.missing)
            return
        self.app.swap(artifacts)
        log.info("a snapshot is in service", snapshot=artifacts.version, missing=artifacts.missing)


def _give_way() -> None:
    """Let the thread that serves go first, where the system tells threads apart."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def _is_poorer(artifacts: Artifacts, present: Artifacts) -> bool:
    """Whether more is missing or damaged than of the present models, or something that serves now."""
    lost = any(
        getattr(present, name) is not None and getattr(artifacts, name) is None for name in ("vectors", "engagement")
    )
    return len(artifacts.missing) > len(present.missing) or (lost and bool(artifacts.missing))


def runtime_of(request: AnyRequest) -> Runtime:
    """The runtime that answers a request."""
    runtime: Runtime = request.app.state.runtime
    return runtime
