"""API keys: shown once when made; only their SHA-256 is kept."""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

from fairshot.core.errors import ConfigError
from fairshot.stores.log import connect

Scope = Literal["ingest", "serve", "moderate", "creator", "analyst", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_PREFIX = "fs_"
_STAMP = "SELECT count(*), coalesce(max(created), 0), count(revoked) FROM keys"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; created and revoked: microseconds since 1970, UTC."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: int
    revoked: int | None


class Keys:
    """The keys of a data directory. Follows what other processes change. Not thread-safe."""

    def __init__(self, database: Path) -> None:
        self._db = connect(database)
        self._version: tuple[int, ...] | None = None
        self._known: dict[bytes, Key] = {}

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def create(self, name: str, scopes: Iterable[str]) -> tuple[Key, str]:
        """Make a key; the second value is the key itself, never to be seen again."""
        chosen = tuple(dict.fromkeys(scopes))
        unknown = [scope for scope in chosen if scope not in SCOPES]
        if unknown or not chosen:
            wrong = f"{unknown[0]!r} is no scope" if unknown else "a key needs at least one scope"
            raise ConfigError(f"{wrong}; there are {', '.join(SCOPES)}")
        secret = _PREFIX + secrets.token_urlsafe(32)
        key = Key(secrets.token_hex(4), name, chosen, time.time_ns() // 1000, None)
        self._db.execute(
            "INSERT INTO keys (id, digest, name, scopes, created) VALUES (?, ?, ?, ?, ?)",
            (key.id, _digest(secret), name, " ".join(chosen), key.created),
        )
        return key, secret

    def revoke(self, key_id: str) -> bool:
        """End a key; False where there is none of this id that still holds."""
        query = "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL"
        return self._db.execute(query, (time.time_ns() // 1000, key_id)).rowcount > 0

    def list(self) -> list[Key]:
        """All keys ever made, oldest first."""
        self._refresh()
        return sorted(self._known.values(), key=lambda key: (key.created, key.id))

    def find(self, secret: str) -> Key | None:
        """The key that this is and that was not revoked.

        Only digests are compared, so how long it takes says nothing about the key.
        """
        self._refresh()
        key = self._known.get(_digest(secret))
        return None if key is None or key.revoked is not None else key

    def any(self) -> bool:
        """Whether a key was ever made. Revoked ones count: ending the last key must not open the door."""
        self._refresh()
        return bool(self._known)

    def _refresh(self) -> None:
        # A handful of rows: microseconds. SQLite's own change counter would move with every slate that is logged.
        version = self._db.execute(_STAMP).fetchone()
        if version == self._version:
            return
        rows = self._db.execute("SELECT digest, id, name, scopes, created, revoked FROM keys")
        self._known = {row[0]: Key(row[1], row[2], tuple(row[3].split()), row[4], row[5]) for row in rows}
        self._version = version


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
