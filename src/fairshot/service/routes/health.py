"""How the service does: status, health, figures, and the description of the interface."""

from typing import Any

from litestar.response.base import ASGIResponse

from fairshot.core.answers import Status
from fairshot.service import metrics, shapes
from fairshot.service.access import scopes
from fairshot.service.bodies import AnyRequest
from fairshot.service.operations import Operation, answer
from fairshot.service.problems import ProblemError
from fairshot.service.runtime import runtime_of


@Operation(
    method="GET",
    path="/v1/status",
    summary="Counts, snapshot, lag, what is degraded",
    scopes=scopes("serve", "ingest", "analyst", "moderate"),
    answer=Status,
)
async def get_status(request: AnyRequest) -> ASGIResponse:
    """What the service holds and how it does."""
    return answer(runtime_of(request).app.status())


@Operation(method="GET", path="/healthz", summary="Whether the process is alive", answer=shapes.Health)
async def get_healthz(request: AnyRequest) -> ASGIResponse:  # noqa: ARG001
    """Answers as long as the process runs."""
    return answer(shapes.Health("ok"))


@Operation(
    method="GET", path="/readyz", summary="Whether the process can do its work", answer=shapes.Health, problems=(503,)
)
async def get_readyz(request: AnyRequest) -> ASGIResponse:
    """Ready once the log is applied and can be written."""
    if not runtime_of(request).ready():
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
