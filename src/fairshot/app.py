"""The application: the one place that knows every room; service, commands and library share it.

Opened by `app = fairshot.open("fairshot-data")`, asked by `app.feed("u1", limit=10)`.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

import fairshot
from fairshot.config import Config, load_config
from fairshot.core.answers import Explanation, Feed, Receipt, Rising, Status, Trial
from fairshot.core.events import Draft, Kind
from fairshot.core.ids import Ids, Side
from fairshot.core.records import Reader, Refused, checked, valid_id
from fairshot.core.request import Context, Request
from fairshot.core.slate import Slate
from fairshot.core.snapshot import Artifacts
from fairshot.decisions.history import Decision
from fairshot.decisions.promotion import TrainingReport
from fairshot.learning.loading import load_artifacts
from fairshot.live import Live, Recorded, encode_lacking, signature
from fairshot.pipeline.engine import Pipeline
from fairshot.pipeline.sources.trending import moment, strongest
from fairshot.pipeline.stages import load_stage
from fairshot.slates import answer_of, entry_id, entry_of, explanation_of
from fairshot.state import load_folds
from fairshot.stores.artifacts import ArtifactStore
from fairshot.stores.checkpoint import load_checkpoint, save_checkpoint
from fairshot.stores.log import Log
from fairshot.stores.log import Receipt as LogReceipt
from fairshot.stores.secret import load_secret
from fairshot.stores.writer import Writer
from fairshot.trial_card import card
from fairshot.trials import FAMILY, Decider
from fairshot.versions import Versions

if TYPE_CHECKING:
    from fairshot.fitting import Whole

Mode = Literal["personal", "nonprofiling"]


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a data directory keeps what."""

    root: Path

    @property
    def log(self) -> Path:
        """The database of log, ids and keys."""
        return self.root / "fairshot.db"

    @property
    def artifacts(self) -> Path:
        """The versions of the models."""
        return self.root / "artifacts"

    @property
    def checkpoints(self) -> Path:
        """The checkpoints of the state."""
        return self.root / "checkpoints"

    def secret(self) -> bytes:
        """The key of exposure tokens, made when first asked for; readable by the owner alone."""
        return load_secret(self.root / "secret")


def now_microseconds() -> int:
    """The time: microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def open_app(
    folder: Path | str,
    *,
    config: Config | None = None,
    clock: Callable[[], int] = now_microseconds,
    durable: bool = True,
) -> "App":
    """Open a data directory, made where it is new; `clock` gives microseconds since 1970, UTC.

    durable: False for a simulation, whose log nobody needs after the machine has died: no write waits for the disk.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    return App(Folder(root), config or load_config(root), clock, durable=durable)


def build_pipeline(config: Config) -> Pipeline:
    """The configured stages; raises ConfigError where one cannot be found or set up."""
    plan = config.pipeline

    def stages(kind: str, names: Iterable[str]) -> tuple[Any, ...]:
        return tuple(load_stage(kind, name, config.options(kind, name)) for name in names)

    return Pipeline(
        sources=stages("sources", plan.sources),
        filters=stages("filters", plan.filters),
        features=stages("features", plan.features),
        value=stages("value", plan.value),
        rerankers=stages("rerankers", plan.rerankers),
        blenders=stages("blenders", plan.blenders),
        weights=plan.value,
    )


class App:
    """fairshot on one data directory. One thread uses it; its writer has a thread of its own."""

    def __init__(self, folder: Folder, config: Config, clock: Callable[[], int], *, durable: bool = True) -> None:
        self.folder = folder
        self.config = config
        self.clock = clock
        self.pipeline = build_pipeline(config)
        self.artifacts = ArtifactStore(folder.artifacts)
        self._durable = durable
        self._secret = folder.secret()
        ids = Ids()
        self.log = Log(folder.log, ids, config.kinds)
        folds = load_folds(config.kinds)
        self._signature = signature(folds, config)
        self.live = Live(self.log, ids, config, folds)
        self.reader = Reader(config.kinds, self._secret)
        self.writer = self.open_writer()
        self.new_request_id: Callable[[], str] = lambda: secrets.token_hex(16)
        """Names a request, by 32 hexadecimal digits; a simulation counts instead, so that it can be repeated."""
        self.on_slate: Callable[[Slate], None] = lambda _slate: None
        """Told of every slate with its trace: metrics."""
        self.on_entry: Callable[[Draft], None] = self._append
        """Told to log a slate; the service does so after the answer is out."""
        self.on_promoted: Callable[[], None] = self.swap
        """Called while the log's snapshot is not the one in service; the service loads it off its thread."""
        self._restore()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits, and close the log."""
        self.writer.close()
        self.log.close()

    # What comes in

    def ingest(
        self,
        events: Iterable[Mapping[str, Any]] = (),
        *,
        items: Iterable[Mapping[str, Any]] = (),
        creators: Iterable[Mapping[str, Any]] = (),
        users: Iterable[Mapping[str, Any]] = (),
        decisions: Iterable[Mapping[str, Any]] = (),
    ) -> Receipt:
        """Take records in and wait until they are on disk; refused ones are named in the receipt.

        Records are plain dicts as in the HTTP interface. Indices of rejections count through the kinds in
        the order creators, users, items, events, decisions.
        """
        total, offset = Receipt(0, 0, [], self.live.seq), 0
        parts = (
            ("creators", creators),
            ("users", users),
            ("items", items),
            ("events", events),
            ("decisions", decisions),
        )
        for kind, records in parts:
            given = list(records)
            if given:
                part = self.submit(kind, given)()
                moved = [type(r)(r.index + offset, r.field, r.reason) for r in part.rejected]
                total = Receipt(
                    total.accepted + part.accepted,
                    total.duplicate + part.duplicate,
                    total.rejected + moved,
                    part.seq,
                )
            offset += len(given)
        return total

    def submit(self, kind: str, records: Sequence[Any]) -> "Submission":
        """Check records and hand the good ones to the writer; call the result to wait for the receipt."""
        drafts, _, rejected = self.reader.read(kind, records, self.clock())
        return Submission(self.writer.append(drafts) if drafts else None, self.live.seq, rejected)

    # What goes out

    def feed(
        self,
        user_id: str,
        limit: int | None = None,
        *,
        surface: str = "home",
        mode: Mode = "personal",
        exclude: Iterable[str] = (),
        context: Mapping[str, Any] | None = None,
    ) -> Feed:
        """A slate for a person, known or not; it is logged as served."""
        self.catch_up()
        request = self.request(user_id, limit, surface=surface, mode=mode, exclude=exclude, context=context)
        ctx = Context(request, self.live.snapshot)
        slate = self.pipeline(ctx)
        self.on_slate(slate)
        answer = answer_of(request, slate, ctx.snapshot, self._secret)
        self.on_entry(entry_of(ctx, slate))
        return answer

    def _append(self, draft: Draft) -> None:
        # Waited for: the next slate must not repeat this one, and a decision is in force when it is told.
        self.writer.append([draft]).result()

    def request(
        self,
        user_id: str,
        limit: int | None = None,
        *,
        surface: str = "home",
        mode: Mode = "personal",
        exclude: Iterable[str] = (),
        context: Mapping[str, Any] | None = None,
    ) -> Request:
        """A request as of now, with an id of its own; raises ValueError for an id or a context that none can have."""
        ids = self.live.ids
        if mode not in ("personal", "nonprofiling"):
            raise ValueError(f'mode must be "personal" or "nonprofiling", not {mode!r}')
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        try:
            valid_id("user_id", checked(user_id, str))
            checked(dict(context or {}), dict[str, Any])
        except Refused as refused:
            raise ValueError(str(refused)) from refused
        rows = [ids.items.row(name) for name in exclude]
        return Request(
            id=self.new_request_id(),
            user=user_id,
            row=ids.users.row(user_id),
            limit=min(self.config.serving.limit if limit is None else limit, self.config.serving.most),
            now=self.clock(),
            surface=surface,
            profile=mode == "personal",
            exclude=np.array([row for row in rows if row >= 0], dtype=np.int32),
            context=context or {},
        )

    def explain(self, request_id: str) -> Explanation | None:
        """The funnel and the reasons of a logged request; None where there is no such request."""
        self.flush()
        return self.explained(request_id)

    def explained(self, request_id: str) -> Explanation | None:
        """The same without waiting for what is on its way to the disk."""
        logged = self.log.event(entry_id(request_id))
        if logged is None or "funnel" not in logged:
            return None
        self.catch_up()
        return explanation_of(request_id, logged, self.live.snapshot)

    def record(self, side: Side, name: str) -> dict[str, Any] | None:
        """The record of an item, creator or user; None where there is none."""
        return self.log.record(side, name)

    def trending(self, limit: int = 20) -> list[Rising]:
        """What rises now, strongest first; removed items are not among it."""
        self.catch_up()
        snapshot, ids = self.live.snapshot, self.live.ids
        rows, strength = strongest(snapshot, moment(self.clock()))
        listed = (snapshot.items["record"][rows] > 0) & ~snapshot.items["removed"][rows]
        creators = snapshot.items["creator"][rows]
        return [
            Rising(
                ids.items.id(int(rows[n])),
                ids.creators.id(int(creators[n])) if creators[n] >= 0 else None,
                float(strength[n]),
            )
            for n in np.flatnonzero(listed)[:limit]
        ]

    def trial(self, item_id: str) -> Trial | None:
        """How the trial of an item stands: its test card; None where there is no such item."""
        self.catch_up()
        row = self.live.ids.items.row(item_id)
        if row < 0 or self.live.snapshot.items["record"][row] == 0:
            return None
        told = [(at, data) for at, data in self.log.verdicts(f"{FAMILY}/{item_id}") if data.get("item") == item_id]
        return card(self.live.snapshot, item_id, row, told, self.clock())

    def step_trials(self) -> int:
        """Decide on every trial as of now, and admit waiting items; returns how many decisions were written.

        Nothing is admitted where the pipeline has no source `trials`: what nothing would show must not be kept for it.
        """
        self.catch_up()
        drafts = Decider(self.live.snapshot, self.clock(), "trials" in self.config.pipeline.sources).drafts()
        if not drafts:
            return 0
        written = sum(self.writer.append(drafts).result().accepted)
        self.catch_up()
        return written

    def status(self) -> Status:
        """Counts, snapshot, lag, and what is degraded."""
        self.catch_up()
        sizes = self.live.ids.sizes()
        counts = self.live.snapshot.world["event_counts"][0]
        return Status(
            version=fairshot.__version__,
            snapshot=self.live.snapshot.version,
            seq=self.live.seq,
            lag=self.log.head() - self.live.seq,
            users=sizes.users,
            items=int((self.live.snapshot.items["record"] > 0).sum()),
            creators=sizes.creators,
            events={kind.name.lower(): int(count) for kind, count in zip(Kind, counts, strict=True) if count},
            degraded=list(self.live.snapshot.artifacts.missing),
        )

    # Keeping up

    def catch_up(self) -> None:
        """Apply what was committed, and load the models that the log says are in service."""
        self.live.catch_up()
        if self.live.promoted != self.live.snapshot.version:
            self.on_promoted()

    def load(self, version: str | None, recorded: Recorded | None = None) -> Artifacts:
        """The models of a version; what cannot be loaded is named in `missing`. Changes nothing, in any thread.

        recorded: what is on record; items that came since the training get their vectors and labels here, so that
        the swap has little left to do.
        """
        artifacts = load_artifacts(self.artifacts, version, self.pipeline)
        if recorded is not None:
            log = Log(self.folder.log, Ids(), self.config.kinds)
            try:
                encode_lacking(artifacts, recorded, log)
            finally:
                log.close()
        return artifacts

    def swap(self, artifacts: Artifacts | None = None) -> None:
        """Serve the promoted models, or those given."""
        self.live.swap(self.load(self.live.promoted) if artifacts is None else artifacts)

    def open_writer(self) -> Writer:
        """A writer on a connection of its own."""
        return Writer(lambda: Log(self.folder.log, self.live.ids, self.config.kinds, durable=self._durable))

    def flush(self) -> None:
        """Wait until everything handed to the writer is on disk."""
        self.writer.append([]).result()

    def checkpoint(self) -> int:
        """Write the state as of now; returns its log number."""
        self.live.catch_up()
        extra = self.live.promoted
        save_checkpoint(self.folder.checkpoints, self.live.seq, self._signature, self.live.states, extra)
        return self.live.seq

    def _restore(self) -> None:
        states = {name: fold.empty() for name, fold in self.live.folds.items()}
        seq, promoted = load_checkpoint(self.folder.checkpoints, self._signature, states)
        # A log restored from an older copy ends before its checkpoints; then it alone counts.
        if 0 < seq <= self.log.head():
            self.live.restore(states, seq, promoted)
        self.catch_up()

    # Models

    @property
    def versions(self) -> Versions:
        """Training, decisions on what it gives, and the way back."""
        return Versions(self.config, self.pipeline, self.live, self.artifacts, self.clock, self._append, self.catch_up)

    def train(
        self, progress: Callable[[str, float], None] | None = None, whole: "Callable[[], Whole] | None" = None
    ) -> TrainingReport:
        """Fit and check a new snapshot, and promote it where its checks hold; every decision is an event.

        whole: gives what `fit_whole` of another process, with the same log, found meanwhile; it is asked for when it is
        needed. Raises TrainingError where there is nothing to learn from; what serves then stays.
        """
        self.flush()
        return self.versions.train(progress or (lambda _phase, _share: None), whole)

    def fit_whole(self) -> "Whole":
        """The half of a training that needs no ranking net, for a `train` in another process that has read as much."""
        self.flush()
        return self.versions.whole()

    def roll_back(self, version: str | None = None) -> str:
        """Put a version back into service, the one before the present where None is named; returns its name.

        Running servers follow, and a restart remembers. Raises RollBackError where there is none, or its files
        are not whole; what serves then stays.
        """
        self.flush()
        return self.versions.roll_back(version)

    def decisions(self) -> list[Decision]:
        """Every decision on a snapshot, oldest first."""
        return self.versions.decisions()


class Submission:
    """Records on their way to the disk."""

    __slots__ = ("_rejected", "_seq", "future")

    def __init__(self, future: "Future[LogReceipt] | None", seq: int, rejected: list[Any]) -> None:
        self.future = future
        self._seq = seq
        self._rejected = rejected

    def __call__(self) -> Receipt:
        """Wait for the disk; raises StoreError where it refused."""
        if self.future is None:
            return Receipt(0, 0, self._rejected, self._seq)
        done = self.future.result()
        accepted = sum(done.accepted)
        return Receipt(accepted, len(done.accepted) - accepted, self._rejected, done.seq)
