"""A request's body on its way in: not for ever, and read to its end before an early answer goes out.

An answer sent while the client still writes would break the connection before the client has seen it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fairshot.service.problems import ProblemError

PATIENCE = 15.0
"""Seconds in which a body must be complete."""
_DRAINED = 64 * 1024 * 1024
_DRAINING = 2.0
"""Bytes and seconds up to which an unwanted body is read; a longer one ends the connection."""
_CLOSE = (b"connection", b"close")


class Arriving:
    """ASGI's receive and send of one request, with the two rules above."""

    __slots__ = ("_deadline", "_ended", "_given_up", "_receive", "_send")

    def __init__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self._receive = receive
        self._send = send
        self._ended = not _has_body(scope["headers"])
        self._given_up = False
        self._deadline = asyncio.get_running_loop().time() + PATIENCE

    async def receive(self) -> Any:
        """The next message; raises a problem where the body takes too long."""
        if self._ended:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._next()
        except TimeoutError as error:
            self._given_up = True
            raise ProblemError(408, f"the body was not complete within {PATIENCE:g} seconds") from error

    async def send(self, message: Any) -> None:
        """Send on; before the answer begins the rest of the body is read."""
        if message["type"] == "http.response.start" and not self._ended:
            await self._drain()
            if not self._ended:
                message["headers"] = [*message["headers"], _CLOSE]
        await self._send(message)

    async def _next(self) -> Any:
        message = await self._receive()
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def _drain(self) -> None:
        if self._given_up:
            return
        size = 0
        try:
            async with asyncio.timeout(_DRAINING):
                while not self._ended and size <= _DRAINED:
                    size += len((await self._next()).get("body", b""))
        except TimeoutError:
            self._given_up = True


def _has_body(headers: Any) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0") for name, value in headers
    )
