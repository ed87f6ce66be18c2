"""The key of exposure tokens: made once for a data directory, however many processes open it at once."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from fairshot.core.errors import StoreError
from fairshot.stores.files import sync_folder

LENGTH = 32


def load_secret(path: Path) -> bytes:
    """The secret, made where there is none; raises StoreError where what is there can be none."""
    if not path.exists():
        _make(path)
    secret = path.read_bytes()
    if len(secret) != LENGTH:
        raise StoreError(
            f"{path} holds {len(secret)} bytes and not {LENGTH}: restore it from a copy, or remove it; "
            "exposure tokens given out before are then no longer accepted"
        )
    return secret


def _make(path: Path) -> None:
    """Write it beside and link it into place: whoever comes first wins, and nobody sees half of it."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(beside)
    finally:
        beside.unlink()
    sync_folder(path.parent)
