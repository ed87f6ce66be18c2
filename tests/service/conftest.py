"""Fixtures of the service's tests."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairshot.app import App, open_app
from fairshot.service.api import Service, create_api


class InProcess:
    """The ASGI application driven without a server: fast enough for thousands of requests."""

    def __init__(self, folder: Path) -> None:
        self.app: App = open_app(folder)
        self.peer, self.host = "127.0.0.1", "localhost"
        self._litestar = create_api(self.app, pages=())
        self._service = Service(self._litestar)
        self._runner = asyncio.Runner()
        self._runner.run(self._start())

    async def _start(self) -> None:
        """The lifespan in a task of its own, as a server keeps it."""
        self._orders: asyncio.Queue[Any] = asyncio.Queue()
        self._news: asyncio.Queue[Any] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._life = asyncio.create_task(self._service(scope, self._orders.get, self._news.put))
        await self._tell("lifespan.startup")

    async def _tell(self, order: str) -> None:
        await self._orders.put({"type": order})
        news = await self._news.get()
        assert news["type"] == f"{order}.complete", news

    async def _end(self) -> None:
        await self._tell("lifespan.shutdown")
        await self._life

    def __call__(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """One request; parts as httpx takes them."""
        return self._runner.run(self._request(method, path, **parts))

    async def _request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._service, raise_app_exceptions=False, client=(self.peer, 1234))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{self.host}") as client:
            return await client.request(method, path, **parts)

    @property
    def runtime(self) -> Any:
        """The application inside the service."""
        return self._litestar.state.runtime

    def run(self, work: Callable[[], Any]) -> Any:
        """Run a coroutine function on the loop."""
        return self._runner.run(work())

    @property
    def routes(self) -> list[Any]:
        """Every handler with its path."""
        return [handler for route in self._litestar.routes for handler in getattr(route, "route_handlers", ())]

    def close(self) -> None:
        """End the lifespan and the loop."""
        self._runner.run(self._end())
        self._runner.close()


@pytest.fixture
def inside(data: Path) -> Iterator[InProcess]:
    """A new service in this process."""
    service = InProcess(data)
    yield service
    service.close()


@pytest.fixture(scope="session")
def in_process() -> type[InProcess]:
    """For services on a data directory made beforehand; whoever makes one closes it."""
    return InProcess
