"""Values made up by machines: whatever is sent, no answer is a 5xx, and what is wrong is refused with a reason."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ENVELOPES = {
    "/v1/items": (
        "items",
        ["id", "creator_id", "title", "text", "labels", "embedding", "created_at", "price", "attributes"],
    ),
    "/v1/creators": ("creators", ["id", "name", "joined_at", "attributes"]),
    "/v1/users": ("users", ["id", "joined_at", "attributes"]),
    "/v1/events": ("events", ["event_id", "kind", "user_id", "item_id", "creator_id", "value", "at", "exposure"]),
    "/v1/moderation": ("decisions", ["item_id", "decision", "reason", "severity"]),
}
FEED = ["user_id", "limit", "surface", "mode", "exclude", "context", "after"]
JSON = {"content-type": "application/json"}
BUDGET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, in_process: Any) -> Iterator[Any]:
    service = in_process(tmp_path_factory.mktemp("fuzz"))
    yield service
    service.close()


def texts() -> st.SearchStrategy[str]:
    """JSON texts of strings, with everything that a careless client can write."""
    nasty = st.sampled_from(
        ['"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"' + "a" * 300 + '"', '"\\u202e"', '"NaN"', '"😀"', '""', '" "']
    )
    return (
        nasty
        | st.text(max_size=20).map(json.dumps)
        | st.text(max_size=20).map(lambda t: json.dumps(t, ensure_ascii=False))
    )


def numbers() -> st.SearchStrategy[str]:
    huge = st.sampled_from(
        [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1e400",
            "1e-400",
            "-0",
            "-0.0",
            "1E5",
            str(2**63),
            str(-(2**63)),
            "9" * 5000,
        ]
    )
    return huge | st.integers(-(2**70), 2**70).map(str) | st.floats().map(json.dumps)


def values() -> st.SearchStrategy[str]:
    """JSON texts of any value, some of them no JSON in the strict sense."""
    plain = texts() | numbers() | st.sampled_from(["true", "false", "null"])
    return st.recursive(
        plain,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda parts: "[" + ",".join(parts) + "]")
            | st.lists(st.tuples(texts(), inner), max_size=3).map(
                lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
            )
        ),
        max_leaves=6,
    )


def objects(fields: list[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from([json.dumps(field) for field in fields]) | texts()
    pairs = st.lists(st.tuples(names, values()), max_size=6)
    return pairs.map(lambda found: "{" + ",".join(f"{name}:{value}" for name, value in found) + "}")


def is_sound(answer: httpx.Response, records: int | None = None) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    elif records is not None:
        receipt = answer.json()
        assert receipt["accepted"] + receipt["duplicate"] + len(receipt["rejected"]) == records
        assert all(rejection["reason"] for rejection in receipt["rejected"])


@pytest.mark.parametrize("path", ENVELOPES)
def test_records_of_anything(service: Any, path: str) -> None:
    name, fields = ENVELOPES[path]

    @BUDGET
    @given(st.lists(objects(fields) | values(), max_size=5))
    def run(records: list[str]) -> None:
        body = f'{{"{name}": [{",".join(records)}]}}'.encode("utf-8", "surrogatepass")
        is_sound(service("POST", path, content=body, headers=JSON), len(records))

    run()


@pytest.mark.parametrize("path", [*ENVELOPES, "/v1/feed"])
def test_bodies_of_anything(service: Any, path: str) -> None:
    @BUDGET
    @given(st.binary(max_size=200) | values().map(lambda text: text.encode("utf-8", "surrogatepass")))
    def run(body: bytes) -> None:
        is_sound(service("POST", path, content=body, headers=JSON))

    run()


@BUDGET
@given(body=objects(FEED))
def test_feed_requests_of_anything(service: Any, body: str) -> None:
    is_sound(service("POST", "/v1/feed", content=body.encode("utf-8", "surrogatepass"), headers=JSON))


@BUDGET
@given(
    path=st.sampled_from(["/v1/items", "/v1/users", "/v1/trending"]),
    query=st.lists(st.tuples(st.sampled_from(["id", "limit", "prefix"]) | st.text(max_size=5), st.text(max_size=10))),
)
def test_queries_of_anything(service: Any, path: str, query: list[tuple[str, str]]) -> None:
    is_sound(service("GET", path, params=query))


@BUDGET
@given(
    path=st.sampled_from(["/v1/items/", "/v1/users/", "/v1/creators/", "/v1/requests/"]),
    rest=st.binary(max_size=20).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw))
    | st.text("ab/%.\\", max_size=9),
)
def test_paths_of_anything(service: Any, path: str, rest: str) -> None:
    is_sound(service("GET", path + rest))


@BUDGET
@given(
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-api-key", "content-type", "content-encoding", "host"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    )
)
def test_headers_of_anything(service: Any, headers: dict[str, str]) -> None:
    is_sound(service("POST", "/v1/feed", content=b'{"user_id": "u"}', headers=headers))


def test_the_service_is_none_the_worse(service: Any) -> None:
    answer = service("POST", "/v1/items", json={"items": [{"id": "fine", "creator_id": "c"}]})
    assert answer.json()["accepted"] == 1
    assert service("POST", "/v1/feed", json={"user_id": "u"}).status_code == 200
