"""Errors as RFC 9457 problem documents."""

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import Meta, Struct

from fairshot.core.errors import StoreError
from fairshot.core.records import Refused
from fairshot.service.logs import log

MEDIA_TYPE = "application/problem+json"


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong with a request. field: the part of the body or query that was refused."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    field: str | None = None


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


def problem_response(
    status: int, detail: str, field: str | None = None, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """The answer of a request that failed."""
    problem = Problem("about:blank", HTTPStatus(status).phrase, status, detail, field)
    return Response(msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE, headers=headers or {})


def _on_problem(_: Any, error: ProblemError) -> Response[bytes]:
    return problem_response(error.status, error.detail, headers=error.headers)


def _on_refused(_: Any, error: Refused) -> Response[bytes]:
    return problem_response(400, str(error).removeprefix(": "), error.field or None)


def _on_http(_: Any, error: HTTPException) -> Response[bytes]:
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    allowed = {name: value.replace(", OPTIONS", "") for name, value in headers.items()}
    detail = error.detail or HTTPStatus(error.status_code).phrase
    return problem_response(error.status_code, detail, headers=allowed)


def _on_store(_: Any, error: StoreError) -> Response[bytes]:
    log.error("the log refused a request", reason=str(error))
    return problem_response(503, "the log cannot be written or read at the moment", headers={"retry-after": "1"})


def _on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # The route and not the path or the headers: ids of people and keys stay out of the logs.
    log.error("a request failed", route=request.scope.get("path_template"), exc_info=error)
    return problem_response(500, "fairshot failed to answer; its log says why")


HANDLERS: dict[Any, Any] = {
    ProblemError: _on_problem,
    Refused: _on_refused,
    HTTPException: _on_http,
    StoreError: _on_store,
    Exception: _on_bug,
}
