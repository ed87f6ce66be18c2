"""Records as they stand."""

from litestar.response.base import ASGIResponse

from fairshot.core import records
from fairshot.core.ids import Side
from fairshot.core.records import valid_id
from fairshot.service import shapes
from fairshot.service.access import scopes
from fairshot.service.bodies import AnyRequest, path_id, query
from fairshot.service.operations import Operation, answer
from fairshot.service.problems import ProblemError
from fairshot.service.runtime import runtime_of


def _record(request: AnyRequest, side: Side) -> ASGIResponse:
    found = runtime_of(request).app.record(side, path_id(request))
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
    app = runtime_of(request).app
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
    return answer({"users": runtime_of(request).user_ids(wanted.prefix, wanted.limit)})
