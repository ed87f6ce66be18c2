"""Who may do what: every route with every kind of key, generated from the routes themselves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get

from fairshot.core.errors import ConfigError
from fairshot.service.api import refuse_unscoped
from fairshot.service.operations import Operation
from fairshot.service.process import start_service
from fairshot.service.routes import ROUTES
from fairshot.service.supervisor import serve
from fairshot.stores.keys import SCOPES, Keys

OPERATIONS: list[Operation] = [route.opt["operation"] for route in ROUTES]
CREDENTIALS = ["none", "unknown", "malformed", "revoked", *SCOPES]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, in_process: Any) -> Iterator[tuple[Any, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("guarded")
    store = Keys(folder / "fairshot.db")
    secrets: dict[str, str] = {scope: store.create(scope, [scope])[1] for scope in SCOPES}
    gone, secrets["revoked"] = store.create("gone", ["admin"])
    assert store.revoke(gone.id)
    store.close()
    service = in_process(folder)
    yield service, secrets
    service.close()


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory, in_process: Any) -> Iterator[Any]:
    service = in_process(tmp_path_factory.mktemp("unlocked"))
    yield service
    service.close()


def credentials(kind: str, secrets: dict[str, str]) -> dict[str, str]:
    given = {"none": "", "unknown": "Bearer fs_" + "A" * 43, "malformed": "Basic dTpw"}
    header = given.get(kind, f"Bearer {secrets.get(kind, '')}")
    return {"authorization": header} if header else {}


def expected(operation: Operation, kind: str) -> str:
    if not operation.scopes:
        return "in"
    if kind not in SCOPES:
        return "401"
    return "in" if kind in operation.scopes or kind == "admin" else "403"


@pytest.mark.parametrize("kind", CREDENTIALS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_each_route_lets_in_exactly_its_scopes(
    guarded: tuple[Any, dict[str, str]], operation: Operation, kind: str
) -> None:
    service, secrets = guarded
    answer = service(operation.method, operation.path.replace("{id}", "x"), headers=credentials(kind, secrets))
    shut = {401: "401", 403: "403"}.get(answer.status_code, "in")
    assert shut == expected(operation, kind), answer.text
    assert answer.status_code < 500
    if shut == "401":
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_may_come_in_either_header(guarded: tuple[Any, dict[str, str]]) -> None:
    service, secrets = guarded
    for headers in (
        {"x-api-key": secrets["serve"]},
        {"authorization": f"bearer  {secrets['serve']} "},
    ):
        assert service("GET", "/v1/status", headers=headers).status_code == 200
    assert service("GET", f"/v1/status?key={secrets['serve']}").status_code == 401


def test_with_keys_other_machines_are_answered(guarded: tuple[Any, dict[str, str]]) -> None:
    service, secrets = guarded
    service.peer, service.host = "203.0.113.9", "feed.example"
    try:
        assert service("GET", "/v1/status", headers={"x-api-key": secrets["serve"]}).status_code == 200
        assert service("GET", "/v1/status").status_code == 401
    finally:
        service.peer, service.host = "127.0.0.1", "localhost"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize(
    ("peer", "host"),
    [("203.0.113.9", "localhost"), ("127.0.0.1", "evil.example"), ("::2", "[::1]"), ("127.0.0.1", "localhost.evil")],
)
def test_without_keys_this_machine_alone_is_answered(unlocked: Any, operation: Operation, peer: str, host: str) -> None:
    unlocked.peer, unlocked.host = peer, host
    assert unlocked(operation.method, operation.path.replace("{id}", "x")).status_code == 403


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("127.0.0.1", "127.0.0.1:8000"),
        ("::1", "[::1]:80"),
        ("127.9.9.9", "LOCALHOST"),
        ("::1", "[::1]"),
        ("::1", "localhost:"),
    ],
)
def test_every_name_of_this_machine_will_do(unlocked: Any, peer: str, host: str) -> None:
    unlocked.peer, unlocked.host = peer, host
    assert unlocked("GET", "/v1/status").status_code == 200


@pytest.mark.parametrize("host", ["[::1]x", "localhost:1:2", "[::1]:x", "[localhost]", "localhost:80@evil", "::1", ""])
def test_a_malformed_host_is_no_name_of_this_machine(unlocked: Any, host: str) -> None:
    assert unlocked("GET", "/v1/status", headers={"host": host}).status_code == 403


def test_a_new_key_and_its_end_are_noticed_at_once(inside: Any, data: Path) -> None:
    assert inside("GET", "/v1/status").status_code == 200
    others = Keys(data / "fairshot.db")
    key, secret = others.create("new", ["serve"])
    headers = {"authorization": f"Bearer {secret}"}
    assert inside("GET", "/v1/status").status_code == 401
    assert inside("GET", "/v1/status", headers=headers).status_code == 200
    assert others.revoke(key.id)
    assert inside("GET", "/v1/status", headers=headers).status_code == 401
    # The last key is gone, and the door stays shut all the same.
    assert inside("GET", "/v1/status").status_code == 401
    others.close()


def test_every_route_says_who_may(inside: Any) -> None:
    assert len(OPERATIONS) >= 17
    for handler in inside.routes:
        assert "scopes" in handler.opt or handler.http_methods == {"OPTIONS"}, handler.paths


def test_a_route_without_scopes_keeps_the_service_from_starting() -> None:
    @get("/new")
    async def new() -> None: ...

    with pytest.raises(ConfigError, match="/new"):
        refuse_unscoped(Litestar([new], openapi_config=None))


def test_paths_of_the_contract_that_belong_to_later_work_are_absent(inside: Any) -> None:
    paths = {operation.path for operation in OPERATIONS}
    assert not any(word in path for path in paths for word in ("audience", "report"))


def test_keys_are_kept_as_digests_alone(data: Path) -> None:
    store = Keys(data / "fairshot.db")
    key, secret = store.create("canary", ["ingest", "serve", "ingest"])
    assert key.scopes == ("ingest", "serve")
    assert re.fullmatch(r"fs_[\w-]{43}", secret)
    assert store.find(secret) == key
    assert store.find(secret + "x") is None
    assert [known.id for known in store.list()] == [key.id]
    store.close()
    stored = b"".join(path.read_bytes() for path in data.iterdir())
    assert secret.encode() not in stored
    assert secret.removeprefix("fs_").encode() not in stored


@pytest.mark.parametrize("wrong", [[], ["root"], ["serve", "SERVE"]])
def test_keys_need_known_scopes(data: Path, wrong: list[str]) -> None:
    store = Keys(data / "fairshot.db")
    with pytest.raises(ConfigError, match="scope"):
        store.create("x", wrong)
    store.close()


def test_serving_other_machines_needs_a_key(data: Path) -> None:
    with pytest.raises(ConfigError, match="fairshot keys create"):
        serve(data, "0.0.0.0", 0)


def test_secrets_are_in_no_log_error_or_metric(data: Path) -> None:
    store = Keys(data / "fairshot.db")
    canaries = [store.create("canary", ["admin"])[1], "fs_" + "canary" * 7]
    store.close()
    seen = ""
    with start_service(data, log=data / "service.log") as service:
        for secret in canaries:
            for headers in ({"authorization": f"Bearer {secret}"}, {"x-api-key": secret}):
                for path in ("/v1/status", "/metrics", "/v1/items/none", f"/v1/{secret}", "/v1/feed"):
                    answer = httpx.get(service.address + path, headers=headers)
                    seen += answer.text + str(answer.headers)
                answer = httpx.post(f"{service.address}/v1/feed", content=b"{", headers=headers)
                seen += answer.text + str(answer.headers)
    seen += (data / "service.log").read_text()
    for secret in canaries:
        assert secret not in seen
        assert secret.removeprefix("fs_") not in seen
