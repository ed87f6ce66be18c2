"""What goes out: slates, why they are as they are, and what rises."""

import asyncio

from litestar.response.base import ASGIResponse

from fairshot.core.answers import Explanation, Feed, Trial
from fairshot.core.records import valid_id
from fairshot.service import shapes
from fairshot.service.access import scopes
from fairshot.service.bodies import LARGE, LARGEST_QUESTION, AnyRequest, path_id, query, read_body, structure
from fairshot.service.operations import Operation, answer
from fairshot.service.problems import ProblemError
from fairshot.service.runtime import runtime_of


@Operation(
    method="POST",
    path="/v1/feed",
    summary="A slate for a person",
    scopes=scopes("serve"),
    body=shapes.FeedRequest,
    answer=Feed,
    problems=(409,),
)
async def post_feed(request: AnyRequest) -> ASGIResponse:
    """A slate for anybody, known or not."""
    body = await read_body(request, LARGEST_QUESTION)
    wanted = await asyncio.to_thread(_wanted, body) if len(body) >= LARGE else _wanted(body)
    return answer(await runtime_of(request).feed(wanted))


def _wanted(body: bytes) -> shapes.FeedRequest:
    wanted = structure(body, shapes.FeedRequest)
    valid_id("user_id", wanted.user_id)
    if isinstance(wanted.context.label, str):
        valid_id("context.label", wanted.context.label)
    for name in wanted.exclude:
        valid_id("exclude", name)
    return wanted


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
    found = await runtime_of(request).explain(path_id(request))
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
    return answer({"trending": runtime_of(request).app.trending(query(request, shapes.TrendingQuery).limit)})


@Operation(
    method="GET",
    path="/v1/items/{id}/trial",
    summary="An item's test card",
    scopes=scopes("serve", "analyst"),
    answer=Trial,
    problems=(400, 404),
)
async def get_trial(request: AnyRequest) -> ASGIResponse:
    """How its trial stands: tiers, rates, every decision with its reason, and what happens next."""
    found = runtime_of(request).app.trial(path_id(request))
    if found is None:
        raise ProblemError(404, "there is no such item")
    return answer(found)
