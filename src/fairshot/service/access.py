"""Who may: keys with scopes; without any key, this machine alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from fairshot.service.problems import ProblemError
from fairshot.stores.keys import Keys, Scope

PUBLIC: frozenset[Scope] = frozenset()
"""The scopes of what needs no key."""


def scopes(*names: Scope) -> frozenset[Scope]:
    """Any one of these suffices; admin always does."""
    return frozenset({*names, "admin"})


@dataclass(frozen=True, slots=True)
class Access:
    """Decides each request before its body is read."""

    keys: Keys

    def check(self, peer: str | None, headers: Mapping[str, str], allowed: frozenset[Scope]) -> None:
        """Raise the problem that keeps a request out."""
        if not self.keys.any():
            _check_loopback(peer, headers.get("host", ""))
        elif allowed:
            self._check_key(headers, allowed)

    def _check_key(self, headers: Mapping[str, str], allowed: frozenset[Scope]) -> None:
        secret = _presented(headers)
        key = None if secret is None else self.keys.find(secret)
        if key is None:
            wrong = "a key is needed" if secret is None else "the key is not known or was revoked"
            raise ProblemError(401, f"{wrong}: send Authorization: Bearer KEY", {"www-authenticate": "Bearer"})
        if allowed.isdisjoint(key.scopes):
            raise ProblemError(403, f"the key lacks the scope: one of {', '.join(sorted(allowed))}")


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar's hook before every handler; one that does not say who may is open to nobody."""
    if connection.scope.get("method") == "OPTIONS":
        # Litestar answers it by itself, and would tell anybody.
        raise ProblemError(405, "this method is not for this route", {"allow": _methods(connection)})
    allowed = handler.opt.get("scopes")
    if allowed is None:
        raise ProblemError(403, "this route declares no scope")
    access: Access = connection.app.state.access
    client = connection.scope["client"]
    access.check(client[0] if client else None, connection.headers, allowed)


def _methods(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """What the route of a request does answer, as the Allow header says it."""
    here = connection.scope["path_template"]
    routes = (route for route in connection.app.routes if route.path_format == here)
    return ", ".join(sorted({method for route in routes for method in getattr(route, "methods", ())} - {"OPTIONS"}))


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_loopback(peer: str | None, host: str) -> None:
    # The Host header too: a page elsewhere can point its own name at this machine (DNS rebinding).
    if peer is None or not is_loopback(peer) or not is_loopback(_host_name(host)):
        raise ProblemError(403, "there are no keys yet, so only this machine is answered; see `fairshot keys create`")


_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::[0-9]*)?", re.IGNORECASE)


def _host_name(host: str) -> str:
    """The name in a Host header, without port and brackets; nothing where it is malformed."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _presented(headers: Mapping[str, str]) -> str | None:
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return headers.get("x-api-key") or None
