"""What requests carry beside records: the bodies and queries of each route."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from fairshot.core.records import MOST_RECORDS, Creator, Decision, Event, Id, Item, User

MOST_AT_ONCE = 200
"""Records that one GET may ask for."""
_Records = Meta(max_length=MOST_RECORDS)


class ItemsBody(Struct, forbid_unknown_fields=True):
    """Items to take in."""

    items: Annotated[list[Item], _Records]


class CreatorsBody(Struct, forbid_unknown_fields=True):
    """Creators to take in."""

    creators: Annotated[list[Creator], _Records]


class UsersBody(Struct, forbid_unknown_fields=True):
    """Users to take in."""

    users: Annotated[list[User], _Records]


class EventsBody(Struct, forbid_unknown_fields=True):
    """Events to take in."""

    events: Annotated[list[Event], _Records]


class DecisionsBody(Struct, forbid_unknown_fields=True):
    """Moderators' decisions to take in."""

    decisions: Annotated[list[Decision], _Records]


class Restrictions(Struct, forbid_unknown_fields=True):
    """What a slate is restricted to; nothing where nothing is named. label: items that hold it, alone."""

    label: Id | UnsetType = UNSET


class FeedRequest(Struct, forbid_unknown_fields=True):
    """Whose slate, and how. after: a log number, as receipts carry it, that must be in force first."""

    user_id: Id
    limit: Annotated[int, Meta(ge=1)] | None = None
    surface: Annotated[str, Meta(min_length=1, max_length=64)] = "home"
    mode: Literal["personal", "nonprofiling"] = "personal"
    exclude: Annotated[list[Id], _Records] = []
    context: Restrictions = field(default_factory=Restrictions)
    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


class TrendingQuery(Struct, forbid_unknown_fields=True):
    """How many rising items."""

    limit: Annotated[int, Meta(ge=1, le=MOST_AT_ONCE)] = 20


class UsersQuery(Struct, forbid_unknown_fields=True):
    """Which users: those whose id begins so, at most so many."""

    limit: Annotated[int, Meta(ge=1, le=MOST_AT_ONCE)] = 20
    prefix: Annotated[str, Meta(max_length=256)] = ""


class IdsQuery(Struct, forbid_unknown_fields=True):
    """Which records: one `id` for each."""

    id: Annotated[list[Id], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Items(Struct, frozen=True):
    """The records found, in the order asked for; ids without a record are left out."""

    items: list[dict[str, Any]]


class Creators(Struct, frozen=True):
    """The records found, in the order asked for; ids without a record are left out."""

    creators: list[dict[str, Any]]


class Users(Struct, frozen=True):
    """Ids of users."""

    users: list[str]


class Trending(Struct, frozen=True):
    """Items that rise now, strongest first."""

    trending: list["RisingItem"]


class RisingItem(Struct, frozen=True):
    """An item that rises now."""

    item_id: str
    creator_id: str | None
    strength: float


class Health(Struct, frozen=True):
    """Whether the process is alive, or ready to answer."""

    status: Literal["ok", "starting"]
