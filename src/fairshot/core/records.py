"""What may come in: items, creators, users, events and decisions, and why a record is refused."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from fairshot.core.arrays import DAY, MICROSECONDS
from fairshot.core.events import VERDICT_FAMILIES, Draft, Kind
from fairshot.core.exposure import verify
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.slate import SLATE_PREFIX
from fairshot.core.strict_json import Flaw, flaw_in

MOST_RECORDS = 10_000
LONGEST_ID = 256
RESERVED = (SLATE_PREFIX, *(f"{family}/" for family in VERDICT_FAMILIES))
"""How the ids of fairshot's own entries in the log begin."""
_YEAR_2100 = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * MICROSECONDS

Id = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_ID,
        description="1 to 256 bytes of UTF-8, no control characters",
        extra_json_schema={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$"},
    ),
]
Time = Annotated[
    str | int | float,
    Meta(description="ISO 8601 (UTC where no zone is given) or seconds since 1970; not more than a day ahead"),
]
Text = Annotated[str, Meta(max_length=100_000)]
# Far beyond any sensible figure, and still safe in single precision, squared and summed.
Number = Annotated[float, Meta(ge=-1e12, le=1e12)]
# Models compute in float32 with sums of squares over a whole catalogue: one larger number would spoil them all.
Component = Annotated[float, Meta(ge=-1e6, le=1e6)]


class Item(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Something that can be shown."""

    id: Id
    creator_id: Id
    title: Annotated[str, Meta(max_length=1_000)] | None = None
    text: Text | None = None
    labels: Annotated[list[Id], Meta(max_length=100)] | None = None
    embedding: Annotated[list[Component], Meta(min_length=1, max_length=4096)] | None = None
    created_at: Time | None = None
    durable: bool | None = None
    price: Number | None = None
    attributes: dict[str, Any] | None = None


class Creator(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who makes items."""

    id: Id
    name: Annotated[str, Meta(max_length=1_000)] | None = None
    joined_at: Time | None = None
    attributes: dict[str, Any] | None = None


class User(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody for whom slates are made."""

    id: Id
    joined_at: Time | None = None
    attributes: dict[str, Any] | None = None


class Event(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Something that somebody did: a configured kind of feedback, or an impression that a client saw."""

    event_id: Id
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    user_id: Id
    item_id: Id | None = None
    creator_id: Id | None = None
    value: Number | None = None
    at: Time | None = None
    exposure: Annotated[str, Meta(max_length=512)] | None = None


class Decision(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a moderator decided on an item; severity (0 to 1) belongs to a flag."""

    item_id: Id
    decision: Literal["remove", "flag", "restore"]
    reason: Annotated[str, Meta(min_length=1, max_length=10_000)]
    severity: Annotated[float, Meta(ge=0, le=1)] | None = None


Record = Item | Creator | User | Event | Decision
RECORD_TYPES: Mapping[str, type[Record]] = {
    "items": Item,
    "creators": Creator,
    "users": User,
    "events": Event,
    "decisions": Decision,
}


class Rejection(Struct, frozen=True):
    """Which record was refused, for which field, and why."""

    index: int
    field: str
    reason: str


class Refused(Exception):  # noqa: N818  a verdict on one record, not a failure
    """A record that cannot be taken."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Reader:
    """Turns decoded JSON into drafts for the log, or says why not."""

    def __init__(self, feedback: FeedbackKinds, secret: bytes) -> None:
        """secret: the key of exposure tokens."""
        self._kinds = frozenset(feedback.names)
        self._secret = secret

    def read(self, kind: str, records: Iterable[Any], now: int) -> tuple[list[Draft], list[int], list[Rejection]]:
        """Drafts, the index of the record that each came from, and the rejections."""
        drafts, index, rejected = [], [], []
        shape = RECORD_TYPES[kind]
        for number, raw in enumerate(records):
            try:
                drafts.append(self._draft(checked(raw, shape), now))
                index.append(number)
            except Refused as refused:
                rejected.append(Rejection(number, refused.field, refused.reason))
        return drafts, index, rejected

    def _draft(self, record: Record, now: int) -> Draft:
        match record:
            case Event():
                return self._event(record, now)
            case Decision():
                return _decision(record, now)
            case Item():
                valid_id("creator_id", record.creator_id)
                for label in record.labels or ():
                    valid_id("labels", label)
                at = _normal_time(record, "created_at", now)
                return Draft(kind=Kind.ITEM, at=at, item=record.id, creator=record.creator_id, data=_plain(record))
            case Creator():
                at = _normal_time(record, "joined_at", now)
                return Draft(kind=Kind.CREATOR, at=at, creator=record.id, data=_plain(record))
            case User():
                at = _normal_time(record, "joined_at", now)
                return Draft(kind=Kind.USER, at=at, user=record.id, data=_plain(record))

    def _event(self, event: Event, now: int) -> Draft:
        valid_id("event_id", event.event_id)
        if event.event_id.startswith(RESERVED):
            raise Refused("event_id", f"begins with one of {', '.join(RESERVED)}, which are fairshot's own")
        valid_id("user_id", event.user_id)
        kind = self._kind(event)
        at = now if event.at is None else microseconds("at", event.at, now)
        draft = Draft(
            kind=kind,
            at=at,
            id=event.event_id,
            action=event.kind if kind == Kind.FEEDBACK else None,
            user=event.user_id,
            item=None if event.item_id is None else valid_id("item_id", event.item_id),
            creator=None if event.creator_id is None else valid_id("creator_id", event.creator_id),
            value=event.value,
        )
        if event.exposure is not None:
            draft.data = self._exposure(event)
        return draft

    def _kind(self, event: Event) -> Kind:
        if event.kind == "impression":
            kind, needs = Kind.IMPRESSION, event.item_id
        elif event.kind not in self._kinds:
            known = ", ".join(sorted(self._kinds | {"impression"}))
            raise Refused("kind", f"is not one of {known}")
        elif event.kind == "follow":
            if event.creator_id is None:
                raise Refused("creator_id", "is missing: a follow names a creator")
            return Kind.FOLLOW
        else:
            kind, needs = Kind.FEEDBACK, event.item_id
            if event.kind in ("hide", "report"):
                needs = event.item_id or event.creator_id
        if needs is None:
            raise Refused("item_id", f"is missing: {event.kind} names an item")
        return kind

    def _exposure(self, event: Event) -> dict[str, Any]:
        said = None
        if event.item_id is not None and event.exposure is not None:
            said = verify(self._secret, event.exposure, event.user_id, event.item_id)
        if said is None:
            raise Refused("exposure", "was not handed out by this feed for this person and item")
        answered = {"request": said.request, "position": said.position, "propensity": said.propensity}
        return answered | ({"arm": said.arm} if said.arm else {})


def _decision(decision: Decision, now: int) -> Draft:
    valid_id("item_id", decision.item_id)
    if decision.severity is not None and decision.decision != "flag":
        raise Refused("severity", "belongs to a flag only")
    data = {"decision": decision.decision, "reason": decision.reason}
    return Draft(kind=Kind.MODERATION, at=now, item=decision.item_id, value=decision.severity, data=data)


R = TypeVar("R")


def checked(raw: Any, shape: type[R], *, strict: bool = True) -> R:
    """The record in its shape; raises Refused with the field and the reason.

    strict=False reads numbers written as text too: query strings have nothing else.
    """
    if isinstance(raw, Flaw):
        raise Refused("", raw.reason)
    flaw = flaw_in(raw)
    if flaw is not None:
        raise Refused(*flaw)
    try:
        record = msgspec.convert(raw, shape, strict=strict)
    except msgspec.ValidationError as error:
        raise Refused(*_where(str(error))) from error
    except OverflowError as error:
        raise Refused("", "holds a number that is too large") from error
    identity = getattr(record, "id", None)
    if isinstance(identity, str):
        valid_id("id", identity)
    return record


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


def _where(message: str) -> tuple[str, str]:
    """Field and reason of a validation message."""
    place = _PLACE.search(message)
    field = place[1] if place else ""
    reason = message[: place.start()] if place else message
    unknown = _UNKNOWN.search(reason)
    if unknown:
        return f"{field}.{unknown[1]}".lstrip("."), "is not a known field"
    missing = re.search(r"missing required field `(.*)`", reason)
    if missing:
        return f"{field}.{missing[1]}".lstrip("."), "is missing"
    return field, reason[:1].lower() + reason[1:]


def valid_id(field: str, name: str) -> str:
    """The id as it is; raises Refused where it is empty, too long in bytes, or holds a control character."""
    if not name:
        raise Refused(field, "is empty")
    if len(name) > LONGEST_ID or (not name.isascii() and len(name.encode("utf-8")) > LONGEST_ID):
        raise Refused(field, f"is longer than {LONGEST_ID} bytes")
    if not name.isprintable() and _CONTROL.search(name):
        raise Refused(field, "holds a control character")
    return name


def microseconds(field: str, value: str | float, now: int) -> int:
    """A time as microseconds since 1970; raises Refused outside 1970 to 2100 or more than a day ahead."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(field, "is not an ISO 8601 time, such as 2026-01-31T12:00:00Z") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        try:
            seconds = moment.timestamp()
        except (OverflowError, ValueError):
            raise Refused(field, "lies outside the years 1970 to 2100") from None
    else:
        seconds = value
    if not 0 <= seconds <= _YEAR_2100 / MICROSECONDS:
        raise Refused(field, "lies outside the years 1970 to 2100")
    at = round(seconds * MICROSECONDS)
    if at > now + DAY:
        raise Refused(field, "lies more than a day ahead")
    return at


def iso(at: int) -> str:
    """A time in microseconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / MICROSECONDS, UTC).isoformat().replace("+00:00", "Z")


def _normal_time(record: Item | Creator | User, field: str, now: int) -> int:
    """Check the record's own time and write it in one form; the event's time is always now."""
    value = getattr(record, field)
    if value is not None:
        setattr(record, field, iso(microseconds(field, value, now)))
    return now


def _plain(record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain
