"""The event log on SQLite: what is appended and acknowledged has been fsynced and is never lost or doubled.

Write-ahead logging with synchronous=FULL; one transaction holds as many appends as are waiting (see
`writer`). Any process may append: rows are given out under SQLite's write lock.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ContextDecorator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fairshot.core.errors import StoreError
from fairshot.core.events import Draft, EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import SIDES, Ids, Side
from fairshot.core.slate import SLATE_PREFIX, LoggedSlate
from fairshot.stores.bulk import insert, update
from fairshot.stores.decoding import SlateHead, decode

RECORDS: dict[Kind, Side] = {Kind.ITEM: "items", Kind.CREATOR: "creators", Kind.USER: "users"}
_SELECT = "SELECT seq, kind, action, at, user, item, creator, value, data FROM log"
_STANDS = """UPDATE ids SET record = new.column1, creator = new.column2 FROM {rows} AS new
    WHERE ids.side = new.column3 AND ids.row = new.column4"""
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class SlateCore(SlateHead, kw_only=True):
    """And the part that says what was asked for, and of which moment."""

    seq: int
    limit: int
    exclude: tuple[str, ...]
    snapshot: str | None
    surface: str
    mode: str
    context: dict[str, Any]


_slate_core = msgspec.msgpack.Decoder(SlateCore).decode


class Perturbed(msgspec.Struct):
    """The part of a logged slate that tuning needs: log factors on the weights of feedback, by kind."""

    perturbation: dict[str, float] = {}


_perturbed = msgspec.msgpack.Decoder(Perturbed).decode


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an append: for each draft whether it was new, and the log's number after it."""

    accepted: list[bool]
    seq: int


def connect(path: Path) -> sqlite3.Connection:
    """Open the database durably; creates it and its schema where it is new."""
    for attempt in range(_ATTEMPTS):
        try:
            return _opened(path)
        except sqlite3.Error as error:
            # The change to write-ahead logging does not wait for others who open a new log at the same moment.
            busy = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            if not busy or attempt == _ATTEMPTS - 1:
                raise StoreError(f"cannot open the log {path}: {error}") from error
            time.sleep(0.02)
    raise AssertionError("the last attempt returns or raises")


_ATTEMPTS = 50


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=30.0, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA fullfsync=ON")
        db.execute("PRAGMA cache_size=-32768")
        db.executescript(files("fairshot.stores").joinpath("schema.sql").read_text("utf-8"))
    except BaseException:
        db.close()
        raise
    return db


class _Reading(ContextDecorator):
    """What the database refuses is told as a StoreError; it holds nothing, so one serves all."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _at: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"cannot read the log: {error}") from error


_reading = _Reading()


class Log:
    """One connection to the log. Not thread-safe: each thread opens its own."""

    def __init__(self, path: Path, ids: Ids, feedback: FeedbackKinds, *, durable: bool = True) -> None:
        """`ids` is filled as far as has been read; several logs of one process may share it for reading.

        durable: whether an append waits for the disk; without, the death of the machine may lose what was acknowledged,
        or the whole log: for simulations alone.
        """
        self.path = path
        self._ids = ids
        self._actions = {name: code for code, name in enumerate(feedback.names)}
        self._db = connect(path)
        if not durable:
            self._db.execute("PRAGMA synchronous=OFF")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    # Writing

    def append(self, drafts: Sequence[Draft]) -> Receipt:
        """Append in one durable transaction; returns after the fsync.

        A draft whose id is already in the log, or a record equal to the one that stands, is a duplicate
        and changes nothing. Raises StoreError when the disk refuses; then nothing of it was written.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                receipt = self._append(drafts)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreError(f"cannot write the log: {error}") from error
        return receipt

    def _append(self, drafts: Sequence[Draft]) -> Receipt:
        fresh = self._fresh(drafts)
        seq = self.head()
        new = [draft for draft, keep in zip(drafts, fresh, strict=True) if keep]
        rows = _RowFinder(self._db, self._ids)
        rows.find("users", (d.user for d in new))
        rows.find("items", (d.item for d in new))
        rows.find("creators", (d.creator for d in new))
        rows.find("labels", (label for d in new if d.kind == Kind.ITEM for label in _labels(d)))
        authors = self._authors(rows.get("items", d.item) for d in new if d.kind not in RECORDS)
        entries: list[tuple[Any, ...]] = []
        records: dict[tuple[Side, int | None], tuple[Any, ...]] = {}
        for number, draft in enumerate(new, start=seq + 1):
            user, item = rows.get("users", draft.user), rows.get("items", draft.item)
            # Who made an item is what its record says, whatever feedback on it names.
            said = item is not None and draft.kind != Kind.ITEM
            creator = authors.get(item) if said else rows.get("creators", draft.creator)
            if draft.kind == Kind.ITEM:
                authors[item] = creator
            data = None if draft.data is None else _pack(draft.data)
            entries.append(
                (number, draft.id, draft.kind, draft.action, draft.at, user, item, creator, draft.value, data)
            )
            if draft.kind in RECORDS:
                side = RECORDS[draft.kind]
                row = {"items": item, "creators": creator, "users": user}[side]
                author = creator if side == "items" else None
                records[side, row] = (number, author, side, row)
        insert(self._db, "log", entries)
        update(self._db, _STANDS, list(records.values()))
        return Receipt(fresh, seq + len(new))

    def _fresh(self, drafts: Sequence[Draft]) -> list[bool]:
        """Which drafts are new: not in the log, and the first of their id among themselves."""
        known = self._present([draft.id for draft in drafts if draft.id is not None])
        standing = self._standing(drafts)
        fresh = []
        for draft in drafts:
            if draft.kind in RECORDS:
                key = (RECORDS[draft.kind], _subject(draft))
                packed = _pack(draft.data)
                keep = standing.get(key) != packed
                standing[key] = packed
            else:
                keep = draft.id is None or draft.id not in known
                if draft.id is not None:
                    known.add(draft.id)
            fresh.append(keep)
        return fresh

    def _present(self, names: list[str]) -> set[str]:
        query = "SELECT log.id FROM json_each(?) AS j CROSS JOIN log ON log.id = j.value"
        return {name for (name,) in self._db.execute(query, (json.dumps(names),))} if names else set()

    def _standing(self, drafts: Sequence[Draft]) -> dict[tuple[Side, str], bytes]:
        """The packed record that stands now for each subject that the drafts would change."""
        found: dict[tuple[Side, str], bytes] = {}
        query = """SELECT ids.id, log.data FROM json_each(?) AS j
            CROSS JOIN ids ON ids.side = ? AND ids.id = j.value JOIN log ON log.seq = ids.record"""
        for kind, side in RECORDS.items():
            names = [_subject(draft) for draft in drafts if draft.kind == kind]
            if names:
                rows = self._db.execute(query, (json.dumps(names), side))
                found.update({(side, name): data for name, data in rows})
        return found

    def _authors(self, items: Iterable[int | None]) -> dict[int | None, int | None]:
        """The creator of each item that has a record."""
        names = sorted({item for item in items if item is not None})
        query = """SELECT ids.row, ids.creator FROM json_each(?) AS j
            CROSS JOIN ids ON ids.side = 'items' AND ids.row = j.value"""
        return dict(self._db.execute(query, (json.dumps(names),))) if names else {}

    # Reading

    @_reading
    def head(self) -> int:
        """The number of the latest event, 0 for an empty log."""
        (seq,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
        return int(seq)

    @_reading
    def version(self) -> int:
        """Changes whenever another connection has committed: microseconds to ask."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        return int(version)

    @_reading
    def read(self, after: int, limit: int = 50_000) -> EventBatch:
        """The next events after a number, at most `limit`; vocabularies are extended as far as needed."""
        self._db.execute("BEGIN")
        try:
            entries = self._db.execute(f"{_SELECT} WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)).fetchall()
            self._refresh_ids()
        finally:
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        return decode(entries, self._actions, self._ids)

    def batches(self, after: int = 0, limit: int = 50_000) -> Iterator[EventBatch]:
        """The whole log after a number, in batches."""
        while len(batch := self.read(after, limit)):
            yield batch
            before, after = after, int(batch.seq[-1])
            # Fewer numbers than entries were asked for: there were no more.
            if after - before < limit:
                return

    def slates(self, after: int = 0) -> Iterator[LoggedSlate]:
        """Every slate that was served after a number of the log, in its order."""
        query = "SELECT seq, id, at, user, data FROM log WHERE seq > ? AND kind = ? ORDER BY seq"
        # Not as a decorator, which would cover making the generator and none of its reading.
        with _reading:
            for served, name, at, user, data in self._db.execute(query, (after, Kind.SLATE)):
                yield _logged_slate(served, name, at, user, data)

    @_reading
    def record(self, side: Side, name: str) -> dict[str, Any] | None:
        """The record that stands for an id, None where there is none."""
        query = "SELECT data FROM log WHERE seq = (SELECT record FROM ids WHERE side = ? AND id = ?)"
        found = self._db.execute(query, (side, name)).fetchone()
        return None if found is None else _unpack(found[0])

    @_reading
    def records(self, side: Side, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The records of many rows; those without one are left out."""
        query = """SELECT ids.row, log.data FROM json_each(?) AS j
            CROSS JOIN ids ON ids.side = ? AND ids.row = j.value JOIN log ON log.seq = ids.record"""
        return {row: _unpack(data) for row, data in self._db.execute(query, (json.dumps(list(rows)), side))}

    @_reading
    def event(self, name: str) -> dict[str, Any] | None:
        """The data of the event with this id, with its time and user: how a request is explained."""
        found = self._db.execute("SELECT at, user, data FROM log WHERE id = ?", (name,)).fetchone()
        if found is None or found[2] is None:
            return None
        return {**_unpack(found[2]), "at": found[0], "user": found[1]}

    @_reading
    def perturbations(self, since: int = 0) -> list[tuple[int, int, dict[str, float]]]:
        """The user's row, the time and the perturbation of every slate after a time that had one, oldest first."""
        query = "SELECT user, at, data FROM log WHERE kind = ? AND at > ? AND user IS NOT NULL ORDER BY seq"
        slates = ((user, at, _perturbed(data)) for user, at, data in self._db.execute(query, (Kind.SLATE, since)))
        return [(user, at, slate.perturbation) for user, at, slate in slates if slate.perturbation]

    @_reading
    def verdicts(self, family: str) -> list[tuple[int, dict[str, Any]]]:
        """Time and data of the verdicts whose id begins with `family/`, oldest first."""
        query = "SELECT at, data FROM log WHERE id >= ? AND id < ? AND kind = ? ORDER BY seq"
        found = self._db.execute(query, (f"{family}/", f"{family}0", Kind.VERDICT))
        return [(at, _unpack(data)) for at, data in found]

    def _refresh_ids(self) -> None:
        for side in SIDES:
            vocabulary = self._ids[side]
            query = "SELECT id FROM ids WHERE side = ? AND row >= ? ORDER BY row"
            names = [name for (name,) in self._db.execute(query, (side, len(vocabulary)))]
            if names:
                vocabulary.extend(names)


def _logged_slate(served: int, name: str, at: int, user: int, data: bytes) -> LoggedSlate:
    core = _slate_core(data)
    return LoggedSlate(
        request=name.removeprefix(SLATE_PREFIX),
        served=served,
        seq=core.seq,
        at=at,
        user=user,
        limit=core.limit,
        surface=core.surface,
        mode=core.mode,
        snapshot=core.snapshot,
        exclude=core.exclude,
        context=core.context,
        rows=np.frombuffer(core.rows, np.int32),
        propensity=np.frombuffer(core.propensity),
    )


class _RowFinder:
    """Gives every id of a transaction its row, new ones the next free."""

    def __init__(self, db: sqlite3.Connection, ids: Ids) -> None:
        self._db = db
        self._ids = ids
        self._found: dict[Side, dict[str, int]] = {side: {} for side in SIDES}

    def find(self, side: Side, names: Iterable[str | None]) -> None:
        unknown = {n: None for n in names if n is not None and self._ids[side].row(n) < 0}
        if not unknown:
            return
        query = "SELECT ids.id, ids.row FROM json_each(?) AS j CROSS JOIN ids ON ids.side = ? AND ids.id = j.value"
        found = dict(self._db.execute(query, (json.dumps(list(unknown)), side)).fetchall())
        new = [name for name in unknown if name not in found]
        if new:
            (last,) = self._db.execute("SELECT coalesce(max(row), -1) FROM ids WHERE side = ?", (side,)).fetchone()
            rows = range(last + 1, last + 1 + len(new))
            insert(self._db, "ids (side, row, id)", [(side, *pair) for pair in zip(rows, new, strict=True)])
            found.update(zip(new, rows, strict=True))
        self._found[side].update(found)

    def get(self, side: Side, name: str | None) -> int | None:
        if name is None:
            return None
        row = self._ids[side].row(name)
        return row if row >= 0 else self._found[side][name]


def _subject(draft: Draft) -> str:
    name = {Kind.ITEM: draft.item, Kind.CREATOR: draft.creator, Kind.USER: draft.user}[draft.kind]
    if name is None:
        raise StoreError(f"a record of kind {draft.kind.name} without its id")
    return name


def _labels(draft: Draft) -> list[str]:
    labels = (draft.data or {}).get("labels") or ()
    return list(labels)
