"""Reading what a request carries: JSON of a bounded size, decoded strictly, in the expected envelope."""

from typing import Any, TypeVar

import msgspec
from litestar import Request
from msgspec import Struct

from fairshot.core.records import MOST_RECORDS, Refused, checked, valid_id
from fairshot.core.strict_json import Flaw, StrictJSONError, parse
from fairshot.service.problems import ProblemError

LARGEST_BODY = 8 * 1024 * 1024
LARGEST_QUESTION = 1024 * 1024
"""Bytes of a body that brings no records."""
LARGE = 64 * 1024
"""Bodies from this size on are decoded in a thread, so that slates need not wait behind them."""

SLASH = "\x00"
"""Stands for an escaped slash inside an id of a path; see `api.keep_slashes`."""
AnyRequest = Request[Any, Any, Any]
T = TypeVar("T", bound=Struct)


def path_id(request: AnyRequest) -> str:
    """The id in the path; raises Refused where it can be none."""
    name: str = request.path_params["id"]
    return valid_id("id", name.replace(SLASH, "/"))


async def read_body(request: AnyRequest, largest: int = LARGEST_BODY) -> bytes:
    """The body; refuses media types other than JSON (415) and more bytes than the largest may have (413)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ProblemError(415, "the body must be application/json, and its Content-Type must say so")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(415, "compressed bodies are not accepted", {"accept-encoding": "identity"})
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            raise ProblemError(400, "the body ended early")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > largest:
            raise ProblemError(413, f"the body is larger than {largest} bytes")
        more = message.get("more_body", False)
    return b"".join(chunks)


def json_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; what is no JSON, or repeats a name at the top, is refused (400)."""
    try:
        value = parse(body)
    except StrictJSONError as error:
        raise ProblemError(400, f"the body is {error}") from error
    if isinstance(value, Flaw):
        raise ProblemError(400, f"the body is not acceptable: {value.reason}")
    if not isinstance(value, dict):
        raise ProblemError(400, "the body must be a JSON object")
    return value


def records(body: bytes, name: str) -> list[Any]:
    """The records of an envelope `{name: [...]}`, unchecked."""
    envelope = json_object(body)
    unknown = sorted(envelope.keys() - {name})
    if unknown:
        raise ProblemError(400, f"unknown field {unknown[0]!a:.100}: the body is an object with {name!r} alone")
    found = envelope.get(name)
    if not isinstance(found, list):
        raise ProblemError(400, f"the body must hold {name!r}, a list of records")
    if len(found) > MOST_RECORDS:
        raise ProblemError(400, f"{len(found)} records in one call; at most {MOST_RECORDS} are accepted")
    return found


def structure(body: bytes, shape: type[T]) -> T:
    """The body in its shape; raises Refused with field and reason."""
    # JSON knows one kind of number: 20.0 is as whole as 20.
    whole = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in json_object(body).items()
    }
    return checked(whole, shape)


def query(request: AnyRequest, shape: type[T]) -> T:
    """The query string in its shape; raises Refused with field and reason."""
    lists = {field.name for field in msgspec.structs.fields(shape) if "list" in str(field.type)}
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise Refused(name, "is given twice")
        else:
            given[name] = value
    return checked(given, shape, strict=False)
