"""Bad input over real HTTP: a clear 4xx, or a rejected record with its field; the rest is kept; never a 500."""

import gzip
import itertools
import json
from collections.abc import Iterator

import httpx
import pytest

from fairshot.service.process import ServiceProcess

PROBLEM = "application/problem+json"
COUNTER = itertools.count()

# For each route that takes records: the name of the list, and a good record.
GOOD = {
    "/v1/items": ("items", '{"id": "%s", "creator_id": "c", "title": "T"}'),
    "/v1/creators": ("creators", '{"id": "%s", "name": "N"}'),
    "/v1/users": ("users", '{"id": "%s"}'),
    "/v1/events": ("events", '{"event_id": "%s", "kind": "like", "user_id": "u", "item_id": "item1"}'),
    "/v1/moderation": ("decisions", '{"item_id": "%s", "decision": "flag", "reason": "r"}'),
}
ROUTES = [*GOOD, "/v1/feed"]
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client(server: ServiceProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=30) as client:
        yield client


def good(path: str) -> str:
    return GOOD[path][1] % f"good{next(COUNTER)}"


def is_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]


NOT_JSON = {
    "empty": b"",
    "no JSON": b"{",
    "two values": b"{} {}",
    "not UTF-8": b'{"x": "\xff\xfe"}',
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a string": b'"x"',
    "NaN": b"NaN",
    "1e400": b"1e400",
    "nesting of lists": b"[" * 100_000,
    "closed nesting of lists": b"[" * 100_000 + b"]" * 100_000,
    "nesting of objects": b'{"x":' * 100_000,
    "empty object": b"{}",
    "unknown field": b'{"user_id": "u", "items": [], "nonsense": 1}',
}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_a_body_that_is_no_envelope_is_refused(client: httpx.Client, path: str, body: bytes) -> None:
    is_problem(client.post(path, content=body, headers=JSON), 400)


@pytest.mark.parametrize("path", GOOD)
def test_envelopes_are_strict(client: httpx.Client, path: str) -> None:
    name, record = GOOD[path][0], good(path)
    for body in (
        f'{{"{name}": [{record}], "{name}": [{record}]}}',
        f'{{"{name}": [{record}], "more": 1}}',
        f'{{"{name}": {record}}}',
        f'{{"{name}": null}}',
        f'{{"{name}": NaN}}',
        f'{{"{name.upper()}": [{record}]}}',
        f'{{"{name}": [{record}], "\\ud800": 1}}',
    ):
        is_problem(client.post(path, content=body, headers=JSON), 400)


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_of_nine_mebibytes_is_refused(client: httpx.Client, path: str) -> None:
    is_problem(client.post(path, content=b" " * (9 * 2**20), headers=JSON), 413)


def test_a_question_may_be_a_mebibyte_long(client: httpx.Client) -> None:
    for size, status in ((2**20, 200), (2**20 + 1, 413)):
        body = b'{"user_id": "u", "exclude": ["i"]}'
        assert client.post("/v1/feed", content=body.ljust(size), headers=JSON).status_code == status


@pytest.mark.parametrize("path", ROUTES)
def test_a_large_body_of_unknown_length_is_refused(client: httpx.Client, path: str) -> None:
    chunks = (b" " * 2**20 for _ in range(9))
    is_problem(client.post(path, content=chunks, headers=JSON), 413)


@pytest.mark.parametrize("path", GOOD)
def test_ten_thousand_records_are_taken_and_one_more_is_not(client: httpx.Client, path: str) -> None:
    name = GOOD[path][0]
    records = ",".join(["1"] * 10_000)
    answer = client.post(path, content=f'{{"{name}": [{records}]}}', headers=JSON)
    assert len(answer.json()["rejected"]) == 10_000
    is_problem(client.post(path, content=f'{{"{name}": [{records},1]}}', headers=JSON), 400)


@pytest.mark.parametrize("path", ROUTES)
def test_other_media_types_and_encodings_are_refused(client: httpx.Client, path: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    body = b'{"user_id": "u"}'
    for headers, content in (
        ({"content-type": "text/plain"}, body),
        ({"content-type": "application/x-www-form-urlencoded"}, body),
        ({"content-type": "multipart/form-data; boundary=x"}, body),
        ({}, body),
        ({**JSON, "content-encoding": "gzip"}, bomb),
        ({**JSON, "content-encoding": "br"}, body),
        ({**JSON, "content-encoding": "gzip, gzip"}, bomb),
    ):
        is_problem(client.post(path, content=content, headers=headers), 415)


def bad_values() -> Iterator[tuple[str, str]]:
    """JSON texts that no string, number or time may be."""
    yield from {
        "NaN": "NaN",
        "Infinity": "-Infinity",
        "1e400": "1e400",
        "2 to the 64": str(2**64),
        "minus 2 to the 63 less 1": str(-(2**63) - 1),
        "4,000 digits": "9" * 4000,
        "lone surrogate": '"\\ud800"',
        "deep": "[" * 200 + "]" * 200,
        "an object": '{"a": 1}',
        "a list": "[1]",
        "true": "true",
        "names twice": '{"a": 1, "a": 2}',
    }.items()


# Fields of each kind of value, on each route.
FIELDS = {
    "/v1/items": ["id", "creator_id", "title", "text", "labels", "embedding", "created_at", "durable", "price"],
    "/v1/creators": ["id", "name", "joined_at"],
    "/v1/users": ["id", "joined_at"],
    "/v1/events": ["event_id", "kind", "user_id", "item_id", "creator_id", "value", "at", "exposure"],
    "/v1/moderation": ["item_id", "decision", "reason", "severity"],
}
# What is legitimate after all.
FINE = {("durable", "true"), ("embedding", "a list")}
CASES = [
    (path, field, label, text)
    for path, fields in FIELDS.items()
    for field in fields
    for label, text in bad_values()
    if (field, label) not in FINE
]


def with_field(record: str, field: str, text: str) -> str:
    """The record with one field replaced by a raw JSON text."""
    fields = {name: json.dumps(value) for name, value in json.loads(record).items()}
    fields[field] = text
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


def reject_one(client: httpx.Client, path: str, bad: str) -> dict[str, str]:
    """Post a bad record between two good ones; the rejection, once the good ones are seen to be kept."""
    name = GOOD[path][0]
    body = f'{{"{name}": [{good(path)}, {bad}, {good(path)}]}}'
    answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["accepted"] == 2, receipt
    rejection: dict[str, str]
    (rejection,) = receipt["rejected"]
    assert receipt["rejected"][0]["index"] == 1
    assert rejection["reason"]
    return rejection


@pytest.mark.parametrize(("path", "field", "label", "text"), CASES, ids=lambda value: str(value)[:24])
def test_a_bad_value_spoils_its_record_alone(
    client: httpx.Client, path: str, field: str, label: str, text: str
) -> None:
    rejection = reject_one(client, path, with_field(good(path), field, text))
    assert rejection["field"].split(".")[0].split("[")[0] == field


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("raw", ["1", "null", "[]", '"x"', "NaN", "1e999", '"\\udfff"', "{}"])
def test_a_record_that_is_no_object_is_rejected(client: httpx.Client, path: str, raw: str) -> None:
    reject_one(client, path, raw)


@pytest.mark.parametrize("path", GOOD)
def test_unknown_and_repeated_fields_are_rejected(client: httpx.Client, path: str) -> None:
    assert reject_one(client, path, with_field(good(path), "nonsense", "1"))["field"] == "nonsense"
    record = good(path)
    assert "twice" in reject_one(client, path, record[:-1] + "," + record[1:])["reason"]


IDS = {
    "empty": '""',
    "null character": '"a\\u0000b"',
    "newline": '"a\\nb"',
    "delete": '"\\u007f"',
    "C1 control": '"\\u0085"',
    "257 bytes": '"' + "a" * 257 + '"',
    "258 bytes in 86 characters": '"' + "€" * 86 + '"',
    "a mebibyte": '"' + "a" * 2**20 + '"',
}


@pytest.mark.parametrize("path", GOOD)
@pytest.mark.parametrize("text", IDS.values(), ids=IDS)
def test_bad_ids_are_rejected(client: httpx.Client, path: str, text: str) -> None:
    for field in FIELDS[path]:
        if field.endswith("id"):
            assert reject_one(client, path, with_field(good(path), field, text))["field"] == field


@pytest.mark.parametrize("text", IDS.values(), ids=IDS)
def test_bad_labels_are_rejected(client: httpx.Client, text: str) -> None:
    reject_one(client, "/v1/items", with_field(good("/v1/items"), "labels", f'["fine", {text}]'))


TIMES = [
    '"0001-01-01T00:00:00Z"',
    '"1969-12-31T23:59:59Z"',
    '"9999-12-31T23:59:59Z"',
    '"2101-01-01T00:00:00Z"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"',
    '"yesterday"',
    '""',
    "-1",
    "-0.001",
    "1e18",
    "9223372036854775807",
]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/items", "created_at"), ("/v1/creators", "joined_at"), ("/v1/users", "joined_at"), ("/v1/events", "at")],
)
@pytest.mark.parametrize("text", TIMES)
def test_times_out_of_range_are_rejected(client: httpx.Client, path: str, field: str, text: str) -> None:
    assert reject_one(client, path, with_field(good(path), field, text))["field"] == field


def test_free_attributes_are_bounded_in_depth_and_finite(client: httpx.Client) -> None:
    for text in ('{"a": NaN}', '{"a": [1e400]}', '{"a": "\\ud800"}', '{"\\ud800": 1}', "[]", '{"a": 1, "a": 1}'):
        reject_one(client, "/v1/items", with_field(good("/v1/items"), "attributes", text))
    deep = '{"a": ' * 70 + "1" + "}" * 70
    assert "deep" in reject_one(client, "/v1/items", with_field(good("/v1/items"), "attributes", deep))["reason"]


def test_events_name_what_they_need(client: httpx.Client) -> None:
    for record, field in (
        ('{"event_id": "n1", "kind": "like", "user_id": "u"}', "item_id"),
        ('{"event_id": "n2", "kind": "follow", "user_id": "u", "item_id": "i"}', "creator_id"),
        ('{"event_id": "n3", "kind": "LIKE", "user_id": "u", "item_id": "i"}', "kind"),
        ('{"event_id": "n4", "kind": "like", "user_id": "u", "item_id": "item1", "exposure": "forged"}', "exposure"),
    ):
        assert reject_one(client, "/v1/events", record)["field"] == field


FEED = {
    "no user": "{}",
    "unknown field": '{"user_id": "u", "limits": 3}',
    "empty user": '{"user_id": ""}',
    "long user": '{"user_id": "' + "a" * 257 + '"}',
    "long user in bytes": '{"user_id": "' + "€" * 86 + '"}',
    "control in user": '{"user_id": "a\\u0000"}',
    "surrogate in user": '{"user_id": "\\ud800"}',
    "limit 0": '{"user_id": "u", "limit": 0}',
    "limit -1": '{"user_id": "u", "limit": -1}',
    "limit 201": '{"user_id": "u", "limit": 201}',
    "limit 2 to the 63": f'{{"user_id": "u", "limit": {2**63}}}',
    "limit 1e400": '{"user_id": "u", "limit": 1e400}',
    "limit 1.5": '{"user_id": "u", "limit": 1.5}',
    "limit as text": '{"user_id": "u", "limit": "5"}',
    "limit NaN": '{"user_id": "u", "limit": NaN}',
    "unknown mode": '{"user_id": "u", "mode": "magic"}',
    "bad exclude": '{"user_id": "u", "exclude": ["a\\u0001"]}',
    "exclude no list": '{"user_id": "u", "exclude": "i1"}',
    "exclude too long": '{"user_id": "u", "exclude": [' + ",".join(['"i"'] * 10_001) + "]}",
    "context of objects": '{"user_id": "u", "context": {"a": {}}}',
    "long context": '{"user_id": "u", "context": {' + ",".join(f'"{n}": 1' for n in range(33)) + "}}",
    "unknown restriction": '{"user_id": "u", "context": {"labels": "Comedy"}}',
    "label no string": '{"user_id": "u", "context": {"label": 1}}',
    "label null": '{"user_id": "u", "context": {"label": null}}',
    "labels": '{"user_id": "u", "context": {"label": ["Comedy"]}}',
    "control in label": '{"user_id": "u", "context": {"label": "a\\u0001"}}',
    "context null": '{"user_id": "u", "context": null}',
    "context no object": '{"user_id": "u", "context": []}',
    "NaN in context": '{"user_id": "u", "context": {"x": NaN}}',
    "deep context": '{"user_id": "u", "context": ' + '{"a":' * 100 + "1" + "}" * 101,
    "after negative": '{"user_id": "u", "after": -1}',
    "after 2 to the 63": f'{{"user_id": "u", "after": {2**63}}}',
    "user twice": '{"user_id": "u", "user_id": "v"}',
}


@pytest.mark.parametrize("body", FEED.values(), ids=FEED)
def test_bad_feed_requests_are_refused(client: httpx.Client, body: str) -> None:
    is_problem(client.post("/v1/feed", content=body, headers=JSON), 400)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/trending?limit=0",
        "/v1/trending?limit=201",
        "/v1/trending?limit=9223372036854775808",
        "/v1/trending?limit=x",
        "/v1/trending?limit=1&limit=2",
        "/v1/trending?nonsense=1",
        "/v1/items",
        "/v1/items?id=",
        "/v1/items?id=%00",
        "/v1/items?" + "&".join(f"id={n}" for n in range(201)),
        "/v1/users?limit=-1",
        "/v1/users/%01",
        "/v1/items/" + "a" * 257,
    ],
)
def test_bad_queries_are_refused(client: httpx.Client, path: str) -> None:
    is_problem(client.get(path), 400)


def test_what_is_not_there_is_a_problem_too(client: httpx.Client) -> None:
    is_problem(client.get("/v1/items/nobody"), 404)
    is_problem(client.get("/v1/requests/nobody"), 404)
    is_problem(client.get("/nowhere"), 404)
    is_problem(client.get("/v1/items/item1/audience"), 404)
    answer = client.request("DELETE", "/v1/items")
    is_problem(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/items", "GET, POST"), ("/v1/items/x", "GET"), ("/v1/feed", "POST")]
)
def test_options_are_not_answered(client: httpx.Client, path: str, allowed: str) -> None:
    for method in ("OPTIONS", "DELETE"):
        answer = client.request(method, path)
        is_problem(answer, 405)
        assert sorted(answer.headers["allow"].split(", ")) == allowed.split(", ")
