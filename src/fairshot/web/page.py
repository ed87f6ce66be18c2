"""Serves the page and its files from memory, with headers that let nothing foreign in."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

AnyRequest = Request[Any, Any, Any]
FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": MediaType.HTML,
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
VERSION_MARK = b"@version"
"""Stands in index.html where the version of the files belongs."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    # The browser itself refuses to make markup of a string: titles come from strangers.
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {whence}" for what, whence in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
ASK_EACH_TIME = "no-cache"
KEEP_FOR_A_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent, plain or packed."""

    plain: bytes
    packed: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, name: str, body: bytes) -> "File":
        """The file with its media type and the tag of its content."""
        etag = hashlib.sha256(body).hexdigest()[:16]
        return cls(body, gzip.compress(body, mtime=0), MEDIA_TYPES[Path(name).suffix], etag)


@dataclass(frozen=True, slots=True)
class Site:
    """All files by name, and the version that their content gives them."""

    version: str
    files: Mapping[str, File]


def read_site(folder: Path = FOLDER) -> Site:
    """Read the files; their version is part of their address, so that browsers may keep them for good."""
    bodies = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in MEDIA_TYPES}
    digest = hashlib.sha256()
    for name, body in bodies.items():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(body), body))
    version = digest.hexdigest()[:12]
    bodies["index.html"] = bodies["index.html"].replace(VERSION_MARK, version.encode())
    return Site(version, {name: File.of(name, body) for name, body in bodies.items()})


def answer(request: AnyRequest, file: File, cache: str) -> Response[bytes]:
    """The file, packed where the browser can unpack it, or 304 where it has it already."""
    packed = "gzip" in request.headers.get("accept-encoding", "")
    etag = f'"{file.etag}-gzip"' if packed else f'"{file.etag}"'
    headers = {**HEADERS, "Cache-Control": cache, "ETag": etag, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if packed else file.plain, headers=headers, media_type=file.media_type)


def handlers() -> list[HTTPRouteHandler]:
    """The routes of the page: `/` and `/static/...`; they need no key, for they tell nothing of anybody."""
    site = read_site()

    @get("/", sync_to_thread=False)
    def page(request: AnyRequest) -> Response[bytes]:
        return answer(request, site.files["index.html"], ASK_EACH_TIME)

    @get("/static/{version:str}/{name:str}", sync_to_thread=False)
    def static(request: AnyRequest) -> Response[bytes]:
        version, name = request.path_params["version"], request.path_params["name"]
        file = site.files.get(name)
        if file is None or name == "index.html":
            raise NotFoundException(detail="the page has no such file")
        return answer(request, file, KEEP_FOR_A_YEAR if version == site.version else ASK_EACH_TIME)

    return [page, static]
