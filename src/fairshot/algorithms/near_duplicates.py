"""Near-duplicates: texts that are copies but for a few edits, found without comparing each with each.

A text is casefolded and stripped of all but letters and digits, so that spacing, punctuation and case hide nothing.
Its shingles are all runs of eight signs. Two texts are alike by the Jaccard index of their shingles, J; the minima
of random hash functions over the shingles agree with probability J each. r minima make a band; with b bands

    P(at least one band agrees) = 1 - (1 - J^r)^b,

a steep curve: with r = 4, b = 10 it is .998 at J = .8, .48 at .5, .016 at .2 and .001 at .1.
Source: Broder, "On the resemblance and containment of documents", 1997; Indyk and Motwani, "Approximate nearest
neighbors", STOC 1998 (bands).
"""

import re
from collections.abc import Sequence
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

BANDS, MINIMA = 10, 4
SHINGLE = 8
LONGEST = 4000
"""Signs of a text that are looked at: what a text costs is bounded."""
LEAST = 40
"""Letters and digits, about eight words, below which texts agree by chance."""
TOGETHER = 500
"""Texts whose shingles are hashed at once."""
_OTHER = re.compile(r"[\W_]+")
_OTHER_BYTES = bytes(sign for sign in range(128) if not chr(sign).isalnum())
Words = NDArray[np.uint32]
Keys = NDArray[np.uint64]


def plain(text: str) -> str:
    """The letters and digits of a text, casefolded, in the compatible form of Unicode: at most LONGEST signs.

    >>> plain("The ½ Ｃat, again_and AGAIN!")
    'the12catagainandagain'
    """
    known = text[: 2 * LONGEST]
    if known.isascii():
        return known.lower().encode().translate(None, _OTHER_BYTES)[:LONGEST].decode()
    return _OTHER.sub("", normalize("NFKC", known).casefold())[:LONGEST]


def band_keys(text: str) -> Keys | None:
    """What to look a text up by: one number for each band; near-duplicates share at least one.

    text: as `plain` gives it. Shapes: uint64 [BANDS]; None for a text of fewer than LEAST signs.
    Formula: band j is a hash of the MINIMA minima j r .. j r + r - 1 of h_k(x) = a_k mix(x) + b_k mod 2^32 over all
    shingles x.

    >>> one = band_keys(plain("A quick brown fox jumps over the lazy dog, again and again."))
    >>> two = band_keys(plain("a quick brown fox jumps over the LAZY dog again & again"))
    >>> band_keys("too short") is None, int((one == two).sum()) > 0
    (True, True)
    """
    keys, readable = keys_of([text])
    return keys[0] if readable[0] else None


def keys_of(texts: Sequence[str]) -> tuple[Keys, NDArray[np.bool_]]:
    """The keys of many texts at once, see `band_keys`, and which of them are long enough to have any.

    Shapes: uint64 [n, BANDS], whose rows of texts that are too short say nothing; bool [n].

    >>> keys, readable = keys_of([plain("A quick brown fox jumps over the lazy dog, again and again."), "too short"])
    >>> keys.shape, readable.tolist()
    ((2, 10), [True, False])
    """
    readable = np.array([len(text) >= LEAST for text in texts], bool)
    keys = np.zeros((len(texts), BANDS), np.uint64)
    of = np.flatnonzero(readable)
    for start in range(0, len(of), TOGETHER):
        part = of[start : start + TOGETHER]
        keys[part] = _banded(_minima(*_shingles([texts[n] for n in part.tolist()])))
    return keys, readable


def _shingles(texts: Sequence[str]) -> tuple[Words, NDArray[np.int64]]:
    """Hashes of all runs of SHINGLE signs of each text, by Horner's rule, mixed; and where each text's begin."""
    signs = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    count = len(signs) - SHINGLE + 1
    found = signs[:count].copy()
    for offset in range(1, SHINGLE):
        found *= _BASE
        found += signs[offset : offset + count]
    lengths = np.array([len(text) for text in texts])
    ends = np.cumsum(lengths)
    # Runs that reach into the next text are of neither.
    within = np.arange(count) <= np.repeat(ends, lengths)[:count] - SHINGLE
    return _mixed(found[within]), np.cumsum(lengths - SHINGLE + 1) - (lengths - SHINGLE + 1)


def _minima(shingles: Words, starts: NDArray[np.int64]) -> Words:
    """The least value of each hash function over each text's shingles: [n, BANDS * MINIMA]."""
    least = np.empty((len(starts), len(_FACTORS)), np.uint32)
    for number, (factor, shift) in enumerate(zip(_FACTORS, _SHIFTS, strict=True)):
        least[:, number] = np.minimum.reduceat(factor * shingles + shift, starts)
    return least


def _banded(minima: Words) -> Keys:
    """One key for each band of each text: [n, BANDS]."""
    keys = np.broadcast_to(np.arange(BANDS, dtype=np.uint64), (len(minima), BANDS))
    for column in np.moveaxis(minima.reshape(-1, BANDS, MINIMA), 2, 0):
        keys = _split_mix(keys ^ column)
    return keys


def _mixed(words: Words) -> Words:
    """A bijection of 32 bits after which near numbers are far apart (the finaliser of MurmurHash3)."""
    words ^= words >> np.uint32(16)
    words *= np.uint32(0x85EBCA6B)
    words ^= words >> np.uint32(13)
    words *= np.uint32(0xC2B2AE35)
    words ^= words >> np.uint32(16)
    return words


def _split_mix(keys: Keys) -> Keys:
    """One step of SplitMix64 for each key."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


_BASE = np.uint32(0x01000193)
_DRAWN = _split_mix(np.arange(2 * BANDS * MINIMA, dtype=np.uint64)).astype(np.uint32)
_FACTORS, _SHIFTS = _DRAWN[: BANDS * MINIMA] | np.uint32(1), _DRAWN[BANDS * MINIMA :]
