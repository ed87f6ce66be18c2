"""What Prometheus may know: counts and seconds, never an id of a person or a key."""

import os
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from fairshot.core.answers import Receipt
from fairshot.core.slate import Slate

if TYPE_CHECKING:
    from fairshot.app import App

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.016, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)

_requests = Histogram("fairshot_http_request_seconds", "Seconds to answer", ["method", "route"], buckets=_SECONDS)
_answers = Counter("fairshot_http_answers", "Answers by status", ["method", "route", "status"])
_slate = Histogram("fairshot_slate_seconds", "Seconds of a slate in the pipeline", buckets=_SECONDS)
_stage = Summary("fairshot_stage_seconds", "Seconds of a stage of the pipeline", ["stage"])
_stage_errors = Counter("fairshot_stage_errors", "Times a stage failed and was left out", ["stage"])
_records = Counter("fairshot_records", "Records taken in, by what became of them", ["kind", "outcome"])
_seq = Gauge("fairshot_log_seq", "The log's number that is applied", multiprocess_mode="livemin")
_lag = Gauge("fairshot_log_lag", "Events in the log that are not applied yet", multiprocess_mode="livemax")
_degraded = Gauge("fairshot_degraded_parts", "Models that should be loaded and are not", multiprocess_mode="livemax")
_snapshot = Gauge("fairshot_snapshot", "1 for the snapshot in service", ["version"], multiprocess_mode="livemax")
_serving: list[str] = []


def observe_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """An answered request; route is its template, not the path, None where no route knows it.

    What is not known shares one name: a stranger must not be able to make up series.
    """
    method = method if method in _METHODS else "other"
    route = route or "unknown"
    _requests.labels(method, route).observe(seconds)
    _answers.labels(method, route, str(status)).inc()


def observe_slate(slate: Slate) -> None:
    """A slate, from its trace."""
    if slate.trace is None:
        return
    _slate.observe(slate.trace.seconds)
    for step in slate.trace.steps:
        _stage_of(step.kind, step.name).observe(step.seconds)
        if step.error is not None:
            _stage_errors.labels(f"{step.kind}.{step.name}").inc()


@cache
def _stage_of(kind: str, name: str) -> Summary:
    return _stage.labels(f"{kind}.{name}")


def observe_receipt(kind: str, receipt: Receipt) -> None:
    """What became of the records of a call."""
    _records.labels(kind, "accepted").inc(receipt.accepted)
    _records.labels(kind, "duplicate").inc(receipt.duplicate)
    _records.labels(kind, "rejected").inc(len(receipt.rejected))


def observe_status(app: "App") -> None:
    """Where the process stands."""
    _seq.set(app.live.seq)
    _lag.set(app.log.head() - app.live.seq)
    artifacts = app.live.snapshot.artifacts
    _degraded.set(len(artifacts.missing))
    version = artifacts.version or "none"
    if _serving != [version]:
        for former in _serving:
            _snapshot.labels(former).set(0)
        _snapshot.labels(version).set(1)
        _serving[:] = [version]


def exposition() -> bytes:
    """Everything in Prometheus' text format; of all API processes where there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
