"""History: which snapshots the log's decisions put into service, and which of them a roll back returns to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PROMOTE = "promote"
REFUSE = "refuse"
ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision on a snapshot. at: microseconds since 1970, UTC; snapshot: the version it is about."""

    at: int
    decision: str
    snapshot: str
    reasons: tuple[str, ...] = ()


def put_into_service(data: Mapping[str, Any]) -> str | None:
    """The version that a verdict's data puts into service; None where it puts none."""
    return data.get("snapshot") if data.get("decision") in (PROMOTE, ROLL_BACK) else None


def in_service(decisions: Iterable[Decision]) -> list[str]:
    """The versions in service, each on top of the one it took the place of; the last serves.

    A roll back takes away what lies above the version it returns to: a second one goes on into the past.
    """
    stack: list[str] = []
    for one in decisions:
        if one.decision == PROMOTE:
            stack.append(one.snapshot)
        elif one.decision == ROLL_BACK:
            stack = [*stack[: stack.index(one.snapshot) if one.snapshot in stack else len(stack)], one.snapshot]
    return stack
