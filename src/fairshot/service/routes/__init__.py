"""The routes of the HTTP interface: every handler in the files of this folder."""

from litestar.handlers import HTTPRouteHandler

from fairshot.service.routes import feed, health, ingest, records

ROUTES: list[HTTPRouteHandler] = [
    found
    for module in (ingest, records, feed, health)
    for found in vars(module).values()
    if isinstance(found, HTTPRouteHandler)
]
