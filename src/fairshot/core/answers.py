"""What goes out: the shapes of answers, the same over HTTP and from the library."""

from typing import Any

from msgspec import Struct

from fairshot.core.records import Rejection


class Receipt(Struct, frozen=True):
    """What became of the records of one call; seq: the log's number from which they are in force."""

    accepted: int
    duplicate: int
    rejected: list[Rejection]
    seq: int


class Position(Struct, frozen=True):
    """One position of a slate; exposure: the token that feedback on it should carry."""

    position: int
    item_id: str
    creator_id: str | None
    source: str
    score: float
    exposure: str
    sponsored: bool = False


class Feed(Struct, frozen=True):
    """A slate as handed out; degraded: something that should have helped was not there."""

    request_id: str
    snapshot: str | None
    degraded: bool
    slate: list[Position]


class ExplainedPosition(Struct, frozen=True):
    """Why an item stood where it stood."""

    position: int
    item_id: str
    creator_id: str | None
    source: str
    score: float
    propensity: float
    value: dict[str, float]
    rules: list[str]


class Explanation(Struct, frozen=True):
    """The funnel of a request and the reasons of each position."""

    request_id: str
    user_id: str
    at: str
    surface: str
    mode: str
    snapshot: str | None
    degraded: bool
    problems: list[str]
    candidates: int
    removed: dict[str, int]
    funnel: list[dict[str, Any]]
    slate: list[ExplainedPosition]


class Rising(Struct, frozen=True):
    """An item that rises now."""

    item_id: str
    creator_id: str | None
    strength: float


class Status(Struct, frozen=True):
    """What the service holds and how it does. lag: events in the log that are not applied yet."""

    version: str
    snapshot: str | None
    seq: int
    lag: int
    users: int
    items: int
    creators: int
    events: dict[str, int]
    degraded: list[str]
