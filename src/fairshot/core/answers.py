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


class TrialTier(Struct, frozen=True):
    """One audience tier of a trial. rate: of likes, corrected for position, with its 90 % interval."""

    tier: str
    impressions: int
    likes: int
    rate: float
    low: float
    high: float


class TrialDecision(Struct, frozen=True):
    """One step of a trial, with the numbers that it rests on and the reason in words."""

    at: str
    step: str
    reason: str
    numbers: dict[str, float]


class Trial(Struct, frozen=True):
    """An item's test card.

    state: waiting, testing, expanding, graduated or stopped; impressions and likes: accounts, each counted once;
    rate: expected of the first tier at the top position, with its 90 % interval; expected: the rate that is good
    enough; chance: that it is reached.
    """

    item_id: str
    state: str
    tiers: list[TrialTier]
    impressions: int
    likes: int
    rate: float
    low: float
    high: float
    expected: float
    chance: float
    decisions: list[TrialDecision]
    next: str
