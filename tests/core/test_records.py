"""Records: a bad one is refused with its field and a reason, never an exception of another kind."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairshot.core.arrays import DAY, MICROSECONDS
from fairshot.core.events import Draft, Kind
from fairshot.core.exposure import Exposure, sign
from fairshot.core.feedback import FeedbackKind, FeedbackKinds
from fairshot.core.records import RECORD_TYPES, Reader, Refused, checked, iso, microseconds, valid_id
from fairshot.core.strict_json import StrictJSONError, parse

NOW = 1_750_000_000 * MICROSECONDS
SECRET = b"k" * 32
FAR = 2**61
YEAR_2100 = 4_102_444_800
reader = Reader(FeedbackKinds.of({n: FeedbackKind() for n in ("like", "hide", "report", "follow", "purchase")}), SECRET)

GOOD: dict[str, dict[str, Any]] = {
    "items": {
        "id": "i1",
        "creator_id": "c1",
        "title": "T",
        "text": "words",
        "labels": ["a", "b"],
        "embedding": [0.5, 1],
        "created_at": "2024-01-01T00:00:00Z",
        "durable": True,
        "price": 2,
        "attributes": {"any": [1, {"x": None}]},
    },
    "creators": {"id": "c1", "name": "N", "joined_at": 0, "attributes": {}},
    "users": {"id": "u1", "joined_at": 1.5, "attributes": {"a": 1}},
    "events": {
        "event_id": "e1",
        "kind": "like",
        "user_id": "u1",
        "item_id": "i1",
        "creator_id": "c1",
        "value": 2.5,
        "at": "2024-01-01",
    },
    "decisions": {"item_id": "i1", "decision": "flag", "reason": "why", "severity": 0.5},
}
FIELDS = {kind: list(shape.__struct_fields__) for kind, shape in RECORD_TYPES.items()}


def one(kind: str, record: Any) -> Draft:
    drafts, index, rejected = reader.read(kind, [record], NOW)
    assert not rejected, rejected
    assert index == [0]
    return drafts[0]


def refusal(kind: str, record: Any) -> tuple[str, str]:
    drafts, _, rejected = reader.read(kind, [record], NOW)
    assert not drafts, drafts
    assert rejected[0].index == 0
    return rejected[0].field, rejected[0].reason


wild = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, -(2**63), 2**64])
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["\ud800", "a\x00", "é" * 128, "é" * 129, "x" * 257, "like", "i1", "2024-01-01"])
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
        | st.dictionaries(st.integers(), inner, max_size=2)
    ),
    max_leaves=6,
)
kinds = st.sampled_from(sorted(RECORD_TYPES))


def storable(draft: Draft) -> None:
    """What passes can be written: packed for the log and read back, its ids as UTF-8, its time within int64."""
    packed = msgspec.msgpack.encode(draft.data)
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(packed)) == packed
    for name in (draft.id, draft.user, draft.item, draft.creator):
        assert name is None or 1 <= len(name.encode()) <= 256
    assert 0 <= draft.at <= NOW + DAY
    assert draft.value is None or abs(draft.value) < float("inf")


@given(kinds, wild)
def test_any_value_in_place_of_a_record_is_taken_or_refused(kind, value):
    drafts, index, rejected = reader.read(kind, [value, GOOD[kind], value], NOW)
    assert 1 in index, "a bad neighbour cost a good record"
    assert len(drafts) + len(rejected) == 3
    for draft in drafts:
        storable(draft)


@given(kinds, st.data(), wild)
def test_any_value_in_any_field_is_taken_or_refused_at_that_field(kind, data, value):
    field = data.draw(st.sampled_from([*FIELDS[kind], "unknown"]))
    drafts, _, rejected = reader.read(kind, [{**GOOD[kind], field: value}], NOW)
    for refused in rejected:
        assert refused.field.split(".")[0].startswith(field), (field, value, refused)
        assert refused.reason
        refused.reason.encode()
    for draft in drafts:
        storable(draft)
    assert len(drafts) + len(rejected) == 1


@given(kinds, st.text(st.characters(), max_size=40))
def test_any_text_as_a_record_raises_only_that_it_is_no_json(kind, text):
    try:
        records = parse("[" + text + "]")
    except StrictJSONError:
        return
    reader.read(kind, records if isinstance(records, list) else [records], NOW)


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_good_record_is_taken_whole_and_alone(kind):
    storable(one(kind, GOOD[kind]))
    drafts, index, rejected = reader.read(kind, [GOOD[kind], {}, GOOD[kind]], NOW)
    assert (len(drafts), index, [r.index for r in rejected]) == (2, [0, 2], [1])


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_field_that_must_be_there_is_named_when_it_is_missing(kind):
    for field in RECORD_TYPES[kind].__struct_fields__:
        rest = {name: value for name, value in GOOD[kind].items() if name != field}
        drafts, _, rejected = reader.read(kind, [rest], NOW)
        if rejected:
            assert (rejected[0].field, rejected[0].reason.split(":")[0]) == (field, "is missing")
        else:
            assert field in ("creator_id", "value", "at", "exposure") or kind != "events"
            storable(drafts[0])


ID_FIELDS = [
    ("items", "id"),
    ("items", "creator_id"),
    ("creators", "id"),
    ("users", "id"),
    ("events", "event_id"),
    ("events", "user_id"),
    ("events", "item_id"),
    ("events", "creator_id"),
    ("decisions", "item_id"),
]


@pytest.mark.parametrize(("kind", "field"), ID_FIELDS)
def test_an_id_has_1_to_256_bytes_and_no_control_character(kind, field):
    for good in ("x", " ", "x" * 256, "é" * 128, "😀" * 64, "a/b?c=d&e", "\u00a0", "\ufffd", "'; DROP TABLE log; --"):
        storable(one(kind, {**GOOD[kind], field: good}))
    for bad in ("", "x" * 257, "é" * 129, "😀" * 65, "\x00", "a\nb", "a\x1f", "a\x7f", "a\x80", "\x9fa", "\ud800"):
        assert refusal(kind, {**GOOD[kind], field: bad})[0] == field
    others: list[Any] = [1, True, ["a"], {"a": 1}, 1.5]
    for other in others:
        assert refusal(kind, {**GOOD[kind], field: other})[0] == field


def test_labels_are_ids_too():
    for bad in ("", "x" * 257, "é" * 129, "a\nb"):
        assert refusal("items", {**GOOD["items"], "labels": ["ok", bad]})[0].startswith("labels")
    assert refusal("items", {**GOOD["items"], "labels": ["x"] * 101})[0] == "labels"


@given(st.integers(0, (YEAR_2100 - 1) * MICROSECONDS))
def test_times_keep_their_microseconds_through_iso(at):
    assert microseconds("at", iso(at), FAR) == at


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001  zones are added below
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_with_a_zone_is_the_same_moment_in_utc(moment, minutes):
    there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    at = microseconds("at", there.isoformat(), FAR)
    assert at == microseconds("at", there.astimezone(UTC).isoformat(), FAR)
    naive = microseconds("at", moment.isoformat(), FAR)
    assert naive == at + minutes * 60 * MICROSECONDS


OUT = [-1, -1e-6, -(10**400), 10**400, 1e300, YEAR_2100 + 1, float("nan"), float("inf"), "1969-12-31T23:59:59Z"]
OUT += ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1970-01-01T00:00:00+05:00", "2101-01-01"]
NO_TIME = [
    "",
    "now",
    "1700000000",
    "2024-13-01",
    "2024-02-30",
    "24:00",
    "2024-01-01T00:00:00+99:00",
    "\x00",
    "٢٠٢٤-01-01",
]


@pytest.mark.parametrize("value", [*OUT, *NO_TIME], ids=lambda value: repr(value)[:20])
def test_a_time_outside_1970_to_2100_or_none_at_all_is_refused(value):
    with pytest.raises(Refused) as refused:
        microseconds("at", value, FAR)
    assert refused.value.field == "at"


@pytest.mark.parametrize("value", [0, 0.0, -0.0, YEAR_2100, "1970-01-01", "2100-01-01T00:00:00Z"])
def test_the_ends_of_the_range_are_taken(value):
    assert microseconds("at", value, FAR) in (0, YEAR_2100 * MICROSECONDS)


def test_a_time_may_lie_a_day_ahead_and_no_more():
    ahead = (NOW + DAY) // MICROSECONDS
    assert microseconds("at", ahead, NOW) == NOW + DAY
    with pytest.raises(Refused, match="more than a day ahead"):
        microseconds("at", ahead + 1, NOW)


@given(st.one_of(st.text(), st.floats(), st.integers(), st.datetimes().map(str)))
def test_any_time_is_microseconds_or_refused(value):
    try:
        at = microseconds("at", value, NOW)
    except Refused:
        return
    assert 0 <= at <= NOW + DAY


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_valid_id_agrees_with_its_definition(name):
    bad = not name or len(name.encode()) > 256 or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in name)
    try:
        assert valid_id("id", name) == name
        assert not bad
    except Refused:
        assert bad


def test_records_own_times_are_kept_in_one_form_and_their_event_is_of_now():
    item = one("items", {**GOOD["items"], "created_at": 1_700_000_000})
    assert item.at == NOW
    assert item.data is not None
    assert item.data["created_at"] == "2023-11-14T22:13:20Z"
    same = one("items", {**GOOD["items"], "created_at": "2023-11-14T23:13:20+01:00"})
    assert same.data == item.data


@pytest.mark.parametrize("value", [1e39, -1e39, 1e300, float("nan"), 10**400, "1", None, [1.0], True])
def test_an_embedding_holds_only_numbers_that_models_can_compute_with(value):
    field, reason = refusal("items", {**GOOD["items"], "embedding": [0.0, value]})
    assert field.startswith("embedding")
    assert reason


@pytest.mark.parametrize("length", [0, 4097])
def test_an_embedding_has_1_to_4096_numbers(length):
    assert refusal("items", {**GOOD["items"], "embedding": [0.0] * length})[0] == "embedding"


def test_an_event_of_a_kind_that_is_not_configured_names_those_that_are():
    field, reason = refusal("events", {**GOOD["events"], "kind": "lik"})
    assert field == "kind"
    assert "follow, hide, impression, like, purchase, report" in reason


def test_each_kind_of_event_needs_what_it_is_about():
    event = {"event_id": "e", "user_id": "u"}
    assert refusal("events", {**event, "kind": "like"})[0] == "item_id"
    assert refusal("events", {**event, "kind": "impression", "creator_id": "c"})[0] == "item_id"
    assert refusal("events", {**event, "kind": "follow", "item_id": "i"})[0] == "creator_id"
    assert refusal("events", {**event, "kind": "hide"})[0] == "item_id"
    for kind in ("hide", "report"):
        assert one("events", {**event, "kind": kind, "creator_id": "c"}).kind == Kind.FEEDBACK
    assert one("events", {**event, "kind": "follow", "creator_id": "c"}).kind == Kind.FOLLOW
    assert one("events", {**event, "kind": "impression", "item_id": "i"}).action is None


def test_an_exposure_counts_only_for_the_person_and_item_it_was_handed_out_for():
    token = sign(SECRET, Exposure("ab" * 16, 3, 0.25, NOW), "u1", "i1")
    event = {**GOOD["events"], "exposure": token}
    assert one("events", event).data == {"request": "ab" * 16, "position": 3, "propensity": 0.25}
    for change in ({"user_id": "u2"}, {"item_id": "i2"}, {"exposure": token[:-1]}, {"exposure": "é"}, {"exposure": ""}):
        assert refusal("events", {**event, **change})[0] == "exposure"
    stranger = sign(b"x" * 32, Exposure("ab" * 16, 3, 0.25, NOW), "u1", "i1")
    assert refusal("events", {**event, "exposure": stranger})[0] == "exposure"


def test_severity_belongs_to_a_flag():
    base = {"item_id": "i", "reason": "r"}
    assert one("decisions", {**base, "decision": "flag", "severity": 1}).value == 1.0
    assert refusal("decisions", {**base, "decision": "remove", "severity": 1})[0] == "severity"
    assert refusal("decisions", {**base, "decision": "flag", "severity": 1.01})[0] == "severity"
    assert refusal("decisions", {**base, "decision": "burn"})[0] == "decision"
    assert refusal("decisions", {**base, "decision": "remove", "reason": ""})[0] == "reason"


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_query_strings_may_write_numbers_as_text_but_json_may_not(kind):
    others: list[Any] = [None, [], "x", 3, True]
    for other in others:
        assert refusal(kind, other)[1]
    if kind == "decisions":
        loose = {**GOOD[kind], "severity": "0.5"}
        assert refusal(kind, loose)[0] == "severity"
        assert checked(loose, RECORD_TYPES[kind], strict=False).severity == 0.5  # type: ignore[union-attr]


def test_a_record_survives_its_own_json():
    for kind, record in GOOD.items():
        assert one(kind, parse(json.dumps(record))) == one(kind, record)
