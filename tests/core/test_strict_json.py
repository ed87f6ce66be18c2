"""Strict JSON: a text is JSON or an error of one kind; a flaw inside spoils its own record alone."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.strict_json import DEEPEST, Flaw, StrictJSONError, flaw_in, parse

sound = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(sound)
def test_what_is_sound_comes_back_without_a_flaw(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False).encode()):
        assert parse(text) == value
    assert flaw_in(value) is None


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)))
def test_any_text_is_json_or_a_strict_json_error(text):
    with contextlib.suppress(StrictJSONError):
        flaw_in(parse(text))


@given(sound, st.data())
def test_cut_or_changed_json_raises_nothing_else(value, data):
    raw = bytearray(json.dumps(value).encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    for text in (bytes(raw), bytes(raw[:place])):
        with contextlib.suppress(StrictJSONError):
            flaw_in(parse(text))


FLAWS = {
    "NaN": "is NaN, not a finite number",
    "Infinity": "is Infinity, not a finite number",
    "-Infinity": "is -Infinity, not a finite number",
    "1e400": "is not a finite number",
    "-1e400": "is not a finite number",
    "9223372036854775808": "is an integer beyond 64 bits",
    "-9223372036854775809": "is an integer beyond 64 bits",
    "1" + "0" * 400: "is an integer beyond 64 bits",
    "1" + "0" * 5000: "is an integer beyond 64 bits",
    '{"a": 1, "a": 1}': "the name 'a' occurs twice",
    '{"\\ud800": 1, "\\ud800": 2}': "the name '\\ud800' occurs twice",
    '"\\ud800"': "holds a lone surrogate",
    '"a\\udc00\\ud800"': "holds a lone surrogate",
    '{"\\udfff": 1}': "has a name with a lone surrogate",
}


@pytest.mark.parametrize(("text", "reason"), FLAWS.items(), ids=[text[:20] for text in FLAWS])
def test_a_flaw_is_found_at_any_depth_and_spoils_its_own_record_alone(text, reason):
    assert flaw_in(parse(text)) == ("", reason)
    records = parse('[{"good": 1}, {"a": {"b": [0, ' + text + "]}}]")
    assert flaw_in(records[0]) is None
    assert flaw_in(records[1]) == ("a.b.1", reason)


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808", "1.7976931348623157e308", "-0"])
def test_the_largest_numbers_are_sound(number):
    assert flaw_in(parse(number)) is None
    assert parse(number) == json.loads(number)


def test_nesting_is_bounded_by_the_record_not_by_the_text():
    def nested(levels: int) -> Any:
        return parse("[" * levels + "]" * levels)

    assert flaw_in(nested(DEEPEST)) is None
    path, reason = flaw_in(nested(DEEPEST + 1)) or ("", "")
    assert reason == f"nested more than {DEEPEST} levels deep"
    assert path.count(".") == DEEPEST - 1


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("levels", [1_000, 100_000])
def test_a_hundred_thousand_levels_are_an_error_not_a_crash(opening, levels):
    closing = "".join("]" if bracket == "[" else "}" for bracket in reversed(opening) if bracket in "[{")
    for text in (opening * levels, opening * levels + "1" + closing * levels):
        try:
            found = flaw_in(parse(text))
        except StrictJSONError:
            continue
        assert found is not None


@pytest.mark.parametrize(
    "text", [b"\xff", b'"\xed\xa0\x80"', b'"\xc0\x80"', b"\xef\xbb\xbf{}", b"", b"{'a': 1}", b"01", b"1 2"]
)
def test_what_is_not_json_is_said_to_be_none(text):
    with pytest.raises(StrictJSONError, match=r"^not "):
        parse(text)


UNSPEAKABLE = [float("nan"), float("inf"), 2**63, -(10**400), b"x", {1}, object(), {1: 2}, {"a": {None: 1}}, 1j]


@pytest.mark.parametrize("value", UNSPEAKABLE, ids=range(len(UNSPEAKABLE)))
def test_values_that_json_has_none_of_are_flaws_also_where_no_text_was_parsed(value):
    assert flaw_in(value) is not None
    assert flaw_in({"attributes": [0, value]}) is not None
    assert flaw_in(("a", value)) is not None


def test_a_flaw_given_as_a_value_names_its_place():
    assert flaw_in({"a": [Flaw("is odd")]}) == ("a.0", "is odd")
