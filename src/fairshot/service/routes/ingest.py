"""What comes in: items, creators, users, events and decisions."""

from litestar.response.base import ASGIResponse

from fairshot.core.answers import Receipt
from fairshot.service import shapes
from fairshot.service.access import scopes
from fairshot.service.bodies import AnyRequest, read_body
from fairshot.service.operations import Operation, answer
from fairshot.service.runtime import runtime_of


async def _take(request: AnyRequest, kind: str) -> ASGIResponse:
    return answer(await runtime_of(request).take(kind, await read_body(request)))


@Operation(
    method="POST",
    path="/v1/items",
    summary="Take items in",
    scopes=scopes("ingest"),
    body=shapes.ItemsBody,
    answer=Receipt,
)
async def post_items(request: AnyRequest) -> ASGIResponse:
    """Add or change items."""
    return await _take(request, "items")


@Operation(
    method="POST",
    path="/v1/creators",
    summary="Take creators in",
    scopes=scopes("ingest"),
    body=shapes.CreatorsBody,
    answer=Receipt,
)
async def post_creators(request: AnyRequest) -> ASGIResponse:
    """Add or change creators."""
    return await _take(request, "creators")


@Operation(
    method="POST",
    path="/v1/users",
    summary="Take users in",
    scopes=scopes("ingest"),
    body=shapes.UsersBody,
    answer=Receipt,
)
async def post_users(request: AnyRequest) -> ASGIResponse:
    """Add or change users."""
    return await _take(request, "users")


@Operation(
    method="POST",
    path="/v1/events",
    summary="Take feedback and impressions in",
    scopes=scopes("ingest"),
    body=shapes.EventsBody,
    answer=Receipt,
)
async def post_events(request: AnyRequest) -> ASGIResponse:
    """Add events; a known event_id is a duplicate."""
    return await _take(request, "events")


@Operation(
    method="POST",
    path="/v1/moderation",
    summary="Take moderators' decisions in",
    scopes=scopes("moderate"),
    body=shapes.DecisionsBody,
    answer=Receipt,
)
async def post_moderation(request: AnyRequest) -> ASGIResponse:
    """Remove, flag or restore items."""
    return await _take(request, "decisions")
