"""History: what serves, and what a roll back returns to."""

import pytest

from fairshot.decisions.history import PROMOTE, REFUSE, ROLL_BACK, Decision, in_service, put_into_service


def told(*steps: tuple[str, str]) -> list[Decision]:
    return [Decision(at, decision, version) for at, (decision, version) in enumerate(steps)]


P, R, B = PROMOTE, REFUSE, ROLL_BACK


@pytest.mark.parametrize(
    ("steps", "stack"),
    [
        ((), []),
        (((P, "a"),), ["a"]),
        (((P, "a"), (R, "b"), (P, "c")), ["a", "c"]),
        (((P, "a"), (P, "b"), (P, "c"), (B, "b")), ["a", "b"]),
        (((P, "a"), (P, "b"), (P, "c"), (B, "b"), (B, "a")), ["a"]),
        (((P, "a"), (P, "b"), (B, "a"), (P, "c")), ["a", "c"]),
        # Forward again, to one that a roll back had taken away.
        (((P, "a"), (P, "b"), (B, "a"), (B, "b")), ["a", "b"]),
    ],
)
def test_a_roll_back_takes_away_what_lies_above(steps, stack):
    assert in_service(told(*steps)) == stack


def test_only_promotions_and_roll_backs_put_into_service():
    assert put_into_service({"decision": PROMOTE, "snapshot": "a"}) == "a"
    assert put_into_service({"decision": ROLL_BACK, "snapshot": "a"}) == "a"
    assert put_into_service({"decision": REFUSE, "snapshot": "a"}) is None
    assert put_into_service({"decision": "stop", "item": "i"}) is None
