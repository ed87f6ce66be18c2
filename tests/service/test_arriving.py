"""Bodies on their way in: early answers do not break connections, and nobody may dawdle for ever."""

import asyncio
import socket
from typing import Any

import httpx
import pytest

from fairshot.service import arriving
from fairshot.service.arriving import Arriving
from fairshot.service.problems import ProblemError
from fairshot.service.process import ServiceProcess


def test_early_refusals_keep_the_connection(server: ServiceProcess) -> None:
    refusals = (
        ({"content-encoding": "gzip"}, 415),
        ({"host": "elsewhere"}, 403),
        ({"content-type": "text/plain"}, 415),
    )
    with httpx.Client(base_url=server.address, timeout=30) as client:
        for n in range(300):
            headers, status = refusals[n % 3]
            given = {"content-type": "application/json", **headers}
            assert client.post("/v1/items", content=b"x" * 50_000, headers=given).status_code == status


def test_an_endless_unwanted_body_ends_the_connection(server: ServiceProcess) -> None:
    with socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(b"POST /v1/items HTTP/1.1\r\nhost: elsewhere\r\ncontent-length: 1000\r\n\r\nx")
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"connection: close" in answer.lower()


def test_a_body_that_takes_too_long_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "PATIENCE", 0.05)
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        body = Arriving({"headers": [(b"content-length", b"9")]}, never, send)
        with pytest.raises(ProblemError) as refusal:
            await body.receive()
        assert refusal.value.status == 408
        await body.send({"type": "http.response.start", "status": 408, "headers": []})

    asyncio.run(ask())
    assert sent[0]["headers"] == [(b"connection", b"close")]
