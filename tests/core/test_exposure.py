"""Exposure tokens: only what the feed itself handed out, to this person, for this item, counts."""

import string
from base64 import urlsafe_b64encode

from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.exposure import Exposure, sign, verify

SECRET = b"s" * 32
shown = st.builds(
    Exposure,
    request=st.binary(min_size=16, max_size=16).map(bytes.hex),
    position=st.integers(1, 10_000),
    propensity=st.floats(0, 1, exclude_min=True),
    at=st.integers(0, 2**52),
)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(shown, names, names)
def test_a_token_says_what_was_signed(exposure, user, item):
    assert verify(SECRET, sign(SECRET, exposure, user, item), user, item) == exposure


@given(shown, names, names, names)
def test_a_token_is_of_one_person_and_one_item(exposure, user, item, other):
    token = sign(SECRET, exposure, user, item)
    assert (verify(SECRET, token, other, item) is None) == (other != user)
    assert (verify(SECRET, token, user, other) is None) == (other != item)
    assert verify(b"t" * 32, token, user, item) is None


@given(shown, names, names, st.integers(0, 99))
def test_shifting_letters_between_person_and_item_makes_another_token(exposure, user, item, cut):
    joined = user + item
    cut %= len(joined) + 1
    token = sign(SECRET, exposure, user, item)
    found = verify(SECRET, token, joined[:cut], joined[cut:])
    assert (found is None) == (cut != len(user))


@given(shown, names, names, st.integers(0, 10_000), st.integers(0, 6))
def test_one_flipped_bit_of_the_text_refuses(exposure, user, item, place, bit):
    token = sign(SECRET, exposure, user, item)
    place %= len(token)
    flipped = token[:place] + chr(ord(token[place]) ^ (1 << bit)) + token[place + 1 :]
    assert verify(SECRET, flipped, user, item) is None


@given(shown, st.integers(0, 65), st.sampled_from(string.punctuation.replace("-", "").replace("_", "") + " \n="))
def test_a_token_has_one_spelling(exposure, place, noise):
    token = sign(SECRET, exposure, "u", "i")
    for other in (token[:place] + noise + token[place:], token + noise, noise + token, token + "=="):
        assert verify(SECRET, other, "u", "i") is None


@given(st.text(max_size=120))
def test_garbage_refuses_and_never_raises(text):
    assert verify(SECRET, text, "u", "i") is None


@given(st.binary(min_size=40, max_size=60))
def test_well_formed_garbage_refuses(raw):
    assert verify(SECRET, urlsafe_b64encode(raw).decode().rstrip("="), "u", "i") is None


def test_a_person_without_an_encoding_has_no_token():
    token = sign(SECRET, Exposure("00" * 16, 1, 1.0, 0), "u", "i")
    assert verify(SECRET, token, "\ud800", "i") is None
    assert verify(SECRET, token, "u", "\udfff") is None
