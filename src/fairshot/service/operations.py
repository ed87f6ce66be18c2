"""An operation: one method on one path, and all that it promises. Routes, access, OpenAPI and tests read it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from fairshot.service.access import PUBLIC
from fairshot.stores.keys import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a route takes and gives.

    scopes: any one suffices, none at all means anybody; body, query: Structs; answer: a Struct, or the media
    type of what is no JSON; problems: the statuses it may end with beside those of access and query.
    """

    method: str
    path: str
    summary: str
    answer: Any
    scopes: frozenset[Scope] = PUBLIC
    body: Any = None
    query: Any = None
    problems: tuple[int, ...] = ()

    def __call__(self, handler: Callable[..., Awaitable[ASGIResponse]]) -> HTTPRouteHandler:
        """Bind the function that answers."""
        decorator = get if self.method == "GET" else post
        path = self.path.replace("{id}", "{id:str}")
        route: HTTPRouteHandler = decorator(
            path, status_code=200, opt={"operation": self, "scopes": self.scopes}, name=self.name
        )(handler)
        return route

    @property
    def name(self) -> str:
        """The operation's id: get_v1_items_id."""
        words = self.path.strip("/").replace("{", "").replace("}", "").replace(".", "_").replace("/", "_")
        return f"{self.method.lower()}_{words}"

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status of failure that it may answer with."""
        found = {*self.problems, 403}
        if self.scopes:
            found.add(401)
        if self.body is not None:
            found |= {400, 408, 413, 415, 503}
        if self.query is not None:
            found.add(400)
        return tuple(sorted(found))


def answer(value: Any) -> ASGIResponse:
    """A Struct or plain value as JSON."""
    return ASGIResponse(body=msgspec.json.encode(value), media_type="application/json")
