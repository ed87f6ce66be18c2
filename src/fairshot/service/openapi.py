"""OpenAPI 3.1 of the routes, from the same Structs that check what comes in and shape what goes out."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

import fairshot
from fairshot.core.records import Id
from fairshot.service.operations import Operation
from fairshot.service.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{name}"


def document(operations: Iterable[Operation], longest_slate: int) -> dict[str, Any]:
    """The whole description. longest_slate: the configured bound of `limit` in a feed request."""
    found = list(operations)
    shapes = {shape for op in found for shape in (op.answer, op.body, op.query) if _is_struct(shape)}
    ordered = sorted(shapes | {Problem}, key=lambda shape: str(shape.__name__))
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for op in found:
        paths.setdefault(op.path, {})[op.method.lower()] = _operation(op, schemas)
    for op in found:
        if _is_struct(op.query):
            schemas.pop(op.query.__name__, None)
    for choice in schemas["FeedRequest"]["properties"]["limit"]["anyOf"]:
        if choice["type"] == "integer":
            choice["maximum"] = longest_slate
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fairshot",
            "version": fairshot.__version__,
            "description": (
                "Items, people and feedback in; slates out. A record that cannot be taken is named in the receipt "
                "with its index, field and reason, and the rest of its call is kept."
            ),
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key made by `fairshot keys create`"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def _is_struct(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)


def _operation(op: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.summary,
        "responses": {"200": _response("Answer", *_answer(op))},
    }
    for status in op.statuses:
        content = {MEDIA_TYPE: {"schema": _reference(Problem)}}
        described["responses"][str(status)] = _response(HTTPStatus(status).phrase, content)
    parameters = [*_path_parameters(op), *_query_parameters(op, schemas)]
    if parameters:
        described["parameters"] = parameters
    if op.body is not None:
        described["requestBody"] = {"required": True, "content": _json(_reference(op.body))}
    if op.scopes:
        # The empty choice: without any key the service answers its own machine.
        described["security"] = [{"bearer": []}, {"header": []}, {}]
        described["x-scopes"] = sorted(op.scopes)
    return described


def _answer(op: Operation) -> tuple[dict[str, Any]]:
    if isinstance(op.answer, str):
        return ({op.answer: {"schema": {"type": "string"}}},)
    return (_json(_reference(op.answer) if _is_struct(op.answer) else {"type": "object"}),)


def _path_parameters(op: Operation) -> list[dict[str, Any]]:
    if "{id}" not in op.path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": msgspec.json.schema(Id)}]


def _query_parameters(op: Operation, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if op.query is None:
        return []
    schema = schemas[op.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": inner}
        for name, inner in schema["properties"].items()
    ]


def _reference(shape: Any) -> dict[str, str]:
    return {"$ref": _REF.format(name=shape.__name__)}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _response(description: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": content}
