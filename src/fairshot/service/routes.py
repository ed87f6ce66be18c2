"""The routes of the HTTP interface."""

from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from fairshot.core import records
from fairshot.core.answers import Explanation, Feed, Receipt, Status
from fairshot.core.ids import Side
from fairshot.core.records import valid_id
from fairshot.service import metrics, shapes
from fairshot.service.access import scopes
from fairshot.service.bodies import AnyRequest, query, read_body, structure
from fairshot.service.operations import Operation, answer
from fairshot.service.problems import ProblemError
from fairshot.service.runtime import Runtime

SLASH = "\x00"
"""Stands for an escaped slash inside an id of a path; see `api.keep_slashes`."""


def _runtime(request: AnyRequest) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


# What comes in


async def _take(request: AnyRequest, kind: str) -> ASGIResponse:
    return answer(await _runtime(request).take(kind, await read_body(request)))


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


# Records


def _id(request: AnyRequest) -> str:
    """The id in the path."""
    name: str = request.path_params["id"]
    return valid_id("id", name.replace(SLASH, "/"))


def _record(request: AnyRequest, side: Side) -> ASGIResponse:
    found = _runtime(request).app.record(side, _id(request))
    if found is None:
        raise ProblemError(404, "there is no such record")
    return answer(found)


@Operation(
    method="GET",
    path="/v1/items/{id}",
    summary="An item's record",
    scopes=scopes("ingest", "serve", "moderate"),
    answer=records.Item,
    problems=(400, 404),
)
async def get_item(request: AnyRequest) -> ASGIResponse:
    """The record as it stands."""
    return _record(request, "items")


@Operation(
    method="GET",
    path="/v1/creators/{id}",
    summary="A creator's record",
    scopes=scopes("ingest", "serve", "moderate"),
    answer=records.Creator,
    problems=(400, 404),
)
async def get_creator(request: AnyRequest) -> ASGIResponse:
    """The record as it stands."""
    return _record(request, "creators")


@Operation(
    method="GET",
    path="/v1/users/{id}",
    summary="A user's record",
    scopes=scopes("ingest", "serve"),
    answer=records.User,
    problems=(400, 404),
)
async def get_user(request: AnyRequest) -> ASGIResponse:
    """The record as it stands."""
    return _record(request, "users")


def _records(request: AnyRequest, side: Side) -> ASGIResponse:
    app = _runtime(request).app
    names = [valid_id("id", name) for name in query(request, shapes.IdsQuery).id]
    found = [app.record(side, name) for name in names]
    return answer({side: [record for record in found if record is not None]})


@Operation(
    method="GET",
    path="/v1/items",
    summary="The records of many items",
    scopes=scopes("ingest", "serve", "moderate"),
    query=shapes.IdsQuery,
    answer=shapes.Items,
)
async def get_items(request: AnyRequest) -> ASGIResponse:
    """The records as they stand; unknown ids are left out."""
    return _records(request, "items")


@Operation(
    method="GET",
    path="/v1/creators",
    summary="The records of many creators",
    scopes=scopes("ingest", "serve", "moderate"),
    query=shapes.IdsQuery,
    answer=shapes.Creators,
)
async def get_creators(request: AnyRequest) -> ASGIResponse:
    """The records as they stand; unknown ids are left out."""
    return _records(request, "creators")


@Operation(
    method="GET",
    path="/v1/users",
    summary="Ids of some users",
    scopes=scopes("analyst"),
    query=shapes.UsersQuery,
    answer=shapes.Users,
)
async def get_users(request: AnyRequest) -> ASGIResponse:
    """Ids that begin with a prefix, in order of arrival."""
    wanted = query(request, shapes.UsersQuery)
    return answer({"users": _runtime(request).user_ids(wanted.prefix, wanted.limit)})


# What goes out


@Operation(
    method="POST",
    path="/v1/feed",
    summary="A slate for a person",
    scopes=scopes("serve"),
    body=shapes.FeedRequest,
    answer=Feed,
)
async def post_feed(request: AnyRequest) -> ASGIResponse:
    """A slate for anybody, known or not."""
    wanted = structure(await read_body(request), shapes.FeedRequest)
    valid_id("user_id", wanted.user_id)
    for name in wanted.exclude:
        valid_id("exclude", name)
    return answer(await _runtime(request).feed(wanted))


@Operation(
    method="GET",
    path="/v1/requests/{id}",
    summary="The funnel of a request, and why each position",
    scopes=scopes("serve", "analyst"),
    answer=Explanation,
    problems=(400, 404, 503),
)
async def get_request(request: AnyRequest) -> ASGIResponse:
    """What became of every candidate."""
    found = await _runtime(request).explain(_id(request))
    if found is None:
        raise ProblemError(404, "there is no such request")
    return answer(found)


@Operation(
    method="GET",
    path="/v1/trending",
    summary="What rises now",
    scopes=scopes("serve"),
    query=shapes.TrendingQuery,
    answer=shapes.Trending,
)
async def get_trending(request: AnyRequest) -> ASGIResponse:
    """Rising items, strongest first."""
    return answer({"trending": _runtime(request).app.trending(query(request, shapes.TrendingQuery).limit)})


@Operation(
    method="GET",
    path="/v1/status",
    summary="Counts, snapshot, lag, what is degraded",
    scopes=scopes("serve", "ingest", "analyst", "moderate"),
    answer=Status,
)
async def get_status(request: AnyRequest) -> ASGIResponse:
    """What the service holds and how it does."""
    return answer(_runtime(request).app.status())


@Operation(method="GET", path="/healthz", summary="Whether the process is alive", answer=shapes.Health)
async def get_healthz(request: AnyRequest) -> ASGIResponse:  # noqa: ARG001
    """Answers as long as the process runs."""
    return answer(shapes.Health("ok"))


@Operation(
    method="GET", path="/readyz", summary="Whether the process can do its work", answer=shapes.Health, problems=(503,)
)
async def get_readyz(request: AnyRequest) -> ASGIResponse:
    """Ready once the log is applied and can be written."""
    if not _runtime(request).ready():
        raise ProblemError(503, "the log is not applied yet or cannot be written", {"retry-after": "1"})
    return answer(shapes.Health("ok"))


@Operation(
    method="GET",
    path="/metrics",
    summary="Figures for Prometheus",
    scopes=scopes("analyst"),
    answer="text/plain",
)
async def get_metrics(request: AnyRequest) -> ASGIResponse:  # noqa: ARG001
    """Prometheus' text format."""
    return ASGIResponse(body=metrics.exposition(), headers={"content-type": metrics.CONTENT_TYPE})


@Operation(method="GET", path="/openapi.json", summary="This description", answer=dict[str, Any])
async def get_openapi(request: AnyRequest) -> ASGIResponse:
    """OpenAPI 3.1, made once at the start."""
    return ASGIResponse(body=request.app.state.openapi, media_type="application/json")


ROUTES: list[HTTPRouteHandler] = [found for found in list(globals().values()) if isinstance(found, HTTPRouteHandler)]
