"""What `fairshot doctor` looks at: each check says what it found and whether that is well."""

import fcntl
import hashlib
import os
import shutil
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fairshot.app import Folder, build_pipeline, open_app
from fairshot.config import Config
from fairshot.core.errors import FairshotError
from fairshot.stores.artifacts import ArtifactStore
from fairshot.stores.checkpoint import read_checkpoint
from fairshot.stores.keys import Keys
from fairshot.stores.secret import load_secret

LEAST_SPACE = 1 << 30
"""Bytes that should be free on the disk."""
SLOWEST_FSYNC = 0.05
"""Seconds that writing a block durably may take: every acknowledgement waits for one."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ALWAYS = ("moderated", "listed")
"""Filters that no pipeline should be without."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and what was found or what to do."""

    name: str
    state: Literal["well", "missing", "unhealthy"]
    found: str


def run_checks(folder: Path, config: Config) -> list[Check]:
    """Every check on a data directory; one that fails itself is unhealthy, the others still run."""
    checks: tuple[Callable[[Folder, Config], Iterator[Check]], ...] = (
        _pipeline,
        _log,
        _state,
        _checkpoints,
        _artifacts,
        _keys,
        _secret,
        _address,
        _disk,
    )
    found: list[Check] = []
    for check in checks:
        try:
            found += check(Folder(folder), config)
        except (FairshotError, OSError, sqlite3.Error) as error:
            found.append(Check(check.__name__.strip("_"), "unhealthy", str(error)))
    return found


def _pipeline(_folder: Folder, config: Config) -> Iterator[Check]:
    stages = build_pipeline(config)
    for name in _ALWAYS:
        if name not in config.pipeline.filters:
            advice = f"pipeline.filters leaves {name!r} out, so that items that must not be shown can be: put it back"
            yield Check("filters", "unhealthy", advice)
    number = sum(len(getattr(stages, kind)) for kind in ("sources", "filters", "features", "value", "rerankers"))
    yield Check("pipeline", "well", f"{number + len(stages.blenders)} stages load")


def _log(folder: Folder, _config: Config) -> Iterator[Check]:
    if not folder.log.exists():
        yield Check("log", "missing", "there is none yet: `fairshot import` something")
        return
    with sqlite3.connect(f"{folder.log.absolute().as_uri()}?mode=ro", uri=True) as db:
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    db.close()
    if said == "ok":
        yield Check("log", "well", f"{folder.log.stat().st_size / 1e6:.1f} MB, sound")
    else:
        yield Check("log", "unhealthy", f"is damaged ({said}): restore a copy of {folder.log}")


def _state(folder: Folder, config: Config) -> Iterator[Check]:
    if not folder.log.exists():
        return
    with open_app(folder.root, config=config) as app:
        status, promoted, tuned = app.status(), app.live.promoted, app.live.snapshot.tuned
    yield Check("state", "well", f"{status.items} items, {status.creators} creators, {status.users} users")
    if tuned:
        found = (f"{name} {weight:g} (configured {config.feedback[name].weight:g})" for name, weight in tuned.items())
        yield Check("weights", "well", f"decided by tuning: {', '.join(found)}; `fairshot tune --history` says why")
    if not status.events.get("feedback"):
        yield Check("feedback", "missing", "there is none, so nothing can be learned: `fairshot import` events")
    if promoted is None:
        yield Check("models", "missing", "none were trained yet: `fairshot train`")
    elif status.degraded:
        yield Check("models", "unhealthy", f"{promoted}: {'; '.join(status.degraded)}: `fairshot train`")
    else:
        yield Check("models", "well", f"{promoted} is in service")


def _checkpoints(folder: Folder, _config: Config) -> Iterator[Check]:
    manifests = sorted(folder.checkpoints.glob("*.json"))
    damaged = [path.name for path in manifests if read_checkpoint(path) is None]
    if damaged:
        yield Check(
            "checkpoints", "unhealthy", f"{', '.join(damaged)} cannot be read: remove it; the log replays instead"
        )
    elif manifests:
        yield Check("checkpoints", "well", f"{len(manifests)}, the newest as of event {int(manifests[-1].stem)}")
    else:
        yield Check("checkpoints", "missing", "none yet; a start replays the whole log")


def _artifacts(folder: Folder, _config: Config) -> Iterator[Check]:
    store = ArtifactStore(folder.artifacts)
    versions = store.versions()
    if not versions:
        return
    for version in versions:
        digests = store.manifest(version)["sha256"]
        wrong = [name for name, digest in digests.items() if not _is(folder.artifacts / version / name, digest)]
        if wrong:
            yield Check(
                "snapshot", "unhealthy", f"{version}: {', '.join(wrong)} is missing or changed: `fairshot train`"
            )
        else:
            yield Check("snapshot", "well", f"{version}: {len(digests)} files are as written")


def _is(path: Path, digest: str) -> bool:
    return path.exists() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keys(folder: Folder, config: Config) -> Iterator[Check]:
    valid = 0
    if folder.log.exists():
        keys = Keys(folder.log)
        try:
            valid = sum(key.revoked is None for key in keys.list())
        finally:
            keys.close()
    if valid == 0 and config.serving.host not in _LOOPBACK:
        advice = f"none, so {config.serving.host} will not be listened on: `fairshot keys create`"
        yield Check("keys", "unhealthy", advice)
    else:
        yield Check("keys", "well", f"{valid} valid" if valid else "none: this machine alone is served, without a key")


def _secret(folder: Folder, _config: Config) -> Iterator[Check]:
    path = folder.root / "secret"
    if not path.exists():
        yield Check("secret", "missing", "there is none yet; the first use makes it")
        return
    load_secret(path)
    if path.stat().st_mode & 0o077:
        yield Check("secret", "unhealthy", f"others can read it: chmod 600 {path}")
    else:
        yield Check("secret", "well", "exposure tokens can be signed")


def _address(folder: Folder, config: Config) -> Iterator[Check]:
    serving = config.serving
    if _is_served(folder.root / "service.lock"):
        yield Check("address", "well", "a service is running on this data directory")
        return
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((serving.host, serving.port))
        except OSError as error:
            place = f"{serving.host} port {serving.port}"
            yield Check("address", "unhealthy", f"{place}: {error.strerror}; set another [serving] port or --port")
        else:
            yield Check("address", "well", f"{serving.host} port {serving.port} is free")


def _is_served(lock: Path) -> bool:
    if not lock.exists():
        return False
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _disk(folder: Folder, _config: Config) -> Iterator[Check]:
    free = shutil.disk_usage(folder.root).free
    roomy = free >= LEAST_SPACE
    yield Check("disk space", _state_of(roomy), f"{free / 1e9:.1f} GB free, {LEAST_SPACE / 1e9:.1f} should be")
    median = statistics.median(_fsync_times(folder.root))
    quick = median <= SLOWEST_FSYNC
    yield Check("fsync", _state_of(quick), f"{median * 1e3:.2f} ms, up to {SLOWEST_FSYNC * 1e3:.0f} is well")


def _state_of(well: bool) -> Literal["well", "unhealthy"]:
    return "well" if well else "unhealthy"


def _fsync_times(folder: Path, blocks: int = 20) -> list[float]:
    """Seconds that each of some durable writes of 4 KiB takes."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(blocks):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return times
