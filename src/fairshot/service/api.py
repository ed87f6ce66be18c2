"""The ASGI application of one API process."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import unquote

import msgspec
from litestar import Litestar, Router
from litestar.config.app import AppConfig
from litestar.handlers import BaseRouteHandler
from threadpoolctl import threadpool_limits

from fairshot.app import App, open_app
from fairshot.core.errors import ConfigError
from fairshot.service import metrics
from fairshot.service.access import PUBLIC, Access, guard
from fairshot.service.arriving import Arriving
from fairshot.service.bodies import SLASH
from fairshot.service.logs import log, set_up_logging
from fairshot.service.openapi import document
from fairshot.service.problems import HANDLERS
from fairshot.service.routes import ROUTES
from fairshot.service.runtime import Runtime
from fairshot.stores.keys import Keys

FOLDER = "FAIRSHOT_DATA"


def create_service() -> "Service":
    """What Granian calls in each API process; the data directory is in the environment."""
    set_up_logging()
    # Slates are computed one at a time: threads inside BLAS would only wait for one another.
    threadpool_limits(1)
    # The loop answers while the writer and decoders work in threads: it should get the interpreter back soon.
    sys.setswitchinterval(0.0005)
    return Service(create_api(open_app(Path(os.environ[FOLDER]))))


def create_api(app: App, pages: Iterable[BaseRouteHandler] | None = None) -> Litestar:
    """The routes on an open application, which is closed with them."""
    shown = list(_pages() if pages is None else pages)
    routers: list[Any] = [*ROUTES]
    if shown:
        routers.append(Router("/", route_handlers=shown, opt={"scopes": PUBLIC}))
    litestar = Litestar(
        route_handlers=routers,
        lifespan=[_lifespan],
        guards=[guard],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
        on_app_init=[_lean],
    )
    litestar.state.fairshot = app
    operations = [route.opt["operation"] for route in ROUTES]
    litestar.state.openapi = msgspec.json.encode(document(operations, app.config.serving.most))
    refuse_unscoped(litestar)
    return litestar


def _lean(config: AppConfig) -> AppConfig:
    """Everything that a request does not need is left out."""
    config.request_max_body_size = None
    return config


def refuse_unscoped(litestar: Litestar) -> None:
    """Raise ConfigError where a route does not say who may use it."""
    for route in litestar.routes:
        for handler in getattr(route, "route_handlers", ()):
            automatic = getattr(handler, "http_methods", set()) == {"OPTIONS"}
            if not automatic and "scopes" not in handler.opt:
                raise ConfigError(f"the route {route.path} declares no scopes")


@asynccontextmanager
async def _lifespan(litestar: Litestar) -> AsyncIterator[None]:
    app: App = litestar.state.fairshot
    keys = Keys(app.folder.log)
    runtime = Runtime(app)
    litestar.state.access = Access(keys)
    litestar.state.runtime = runtime
    await runtime.start()
    # What is alive now stays: the collector need not walk over it again.
    gc.collect()
    gc.freeze()
    log.info("ready", seq=app.live.seq, snapshot=app.live.snapshot.version)
    try:
        yield
    finally:
        await runtime.stop()
        keys.close()


def _pages() -> list[BaseRouteHandler]:
    # By name: rooms that lie side by side do not import one another.
    found: list[BaseRouteHandler] = import_module("fairshot.web").handlers()
    return found


class Service:
    """ASGI around the routes: measures each request, and keeps escaped slashes inside ids."""

    def __init__(self, litestar: Litestar) -> None:
        self._litestar = litestar

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, or the lifespan."""
        if scope["type"] != "http":
            await self._litestar(scope, receive, send)
            return
        status = 500

        async def measured(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await arriving.send(message)

        arriving = Arriving(scope, receive, send)
        keep_slashes(scope)
        start = perf_counter()
        try:
            await self._litestar(scope, arriving.receive, measured)
        finally:
            metrics.observe_request(scope["method"], scope.get("path_template"), status, perf_counter() - start)


def keep_slashes(scope: Any) -> None:
    """Let an id in a path hold a slash, escaped as %2F: unescaped as usual it would be two segments."""
    raw = scope.get("raw_path") or b""
    if b"%2f" in raw.lower():
        segments = raw.decode("latin-1").split("/")
        scope["path"] = "/".join(unquote(segment).replace("/", SLASH) for segment in segments)
