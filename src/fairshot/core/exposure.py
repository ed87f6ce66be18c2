"""Exposure tokens: a signed word of the feed that it showed this item to this person at this position.

A token is the request, position, propensity, time and trial arm, with a keyed BLAKE2b over these and the ids of person
and item; the ids themselves are not in it, for whoever reports feedback names them anyway.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import blake2b

_FIELDS = struct.Struct("<16sHdqB")
_MAC = 16


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a valid token says. at: microseconds since 1970, UTC; arm: see `core.trial`, 0 for none."""

    request: str
    position: int
    propensity: float
    at: int
    arm: int = 0


def sign(secret: bytes, exposure: Exposure, user: str, item: str) -> str:
    """The token of one shown position; exposure.request is 32 hexadecimal digits."""
    said = exposure.position, exposure.propensity, exposure.at, exposure.arm
    fields = _FIELDS.pack(bytes.fromhex(exposure.request), *said)
    return _text(fields + _mac(secret, fields, user, item))


def verify(secret: bytes, token: str, user: str, item: str) -> Exposure | None:
    """What the token says if it is ours and of this person and item, else None."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        fields, mac = raw[: _FIELDS.size], raw[_FIELDS.size :]
        # Decoding overlooks stray characters and spare bits, so a token could be spelt in many ways.
        if len(mac) != _MAC or _text(raw) != token:
            return None
        if not hmac.compare_digest(mac, _mac(secret, fields, user, item)):
            return None
    except (Base64Error, ValueError):
        return None
    request, *said = _FIELDS.unpack(fields)
    return Exposure(request.hex(), *said)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _mac(secret: bytes, fields: bytes, user: str, item: str) -> bytes:
    name = user.encode("utf-8")
    # The length keeps (ab, c) and (a, bc) apart.
    message = b"%s%d:%s%s" % (fields, len(name), name, item.encode("utf-8"))
    return blake2b(message, key=secret, digest_size=_MAC).digest()
