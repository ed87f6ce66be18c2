"""Reports: the figures of one evaluation with all that they depend on, so that one can be held against another."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fairshot.core.arrays import HOUR
from fairshot.core.errors import FairshotError
from fairshot.core.events import EventBatch, Kind
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.ids import Ids
from fairshot.evaluation.measured import Difference, Measured
from fairshot.evaluation.protocols import RELEVANCE, definition_hash

QUESTION = ("protocol", "definition", "seed", "k", "data", "relevance")
"""What makes figures comparable: reports that differ in one of these answer different questions."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far one may trust an estimate: see `decisions.off_policy_judgement.Judged`; warnings: why not to conclude."""

    arm: str
    estimator: str
    effective_samples: float
    support: float
    clipped: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a protocol found: how many people it judged, figures, their differences, and doubts if there are any."""

    people: int
    figures: list[Measured]
    differences: list[Difference]
    doubts: list[Doubt] = field(default_factory=list)


@dataclass(frozen=True)
class Evaluation:
    """The figures of one evaluation, and the question that they answer.

    definition: hash of the protocol's definition; data: fingerprint of the log's reactions and items; config:
    hash of the configuration, which may differ between comparable reports; people: how many were judged.
    """

    protocol: str
    seed: int
    k: int
    data: str
    config: str
    people: int
    figures: list[Measured]
    differences: list[Difference] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    definition: str = ""
    relevance: str = RELEVANCE

    def __post_init__(self) -> None:
        if not self.definition:
            object.__setattr__(self, "definition", definition_hash(self.protocol))

    def document(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        order = [*QUESTION, "config", "people", "figures", "differences", "doubts"]
        plain = asdict(self)
        return {name: plain[name] for name in order}


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and now; apart: whether the two intervals do not overlap, None where one has none."""

    arm: str
    name: str
    before: float
    now: float
    change: float
    apart: bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """This report held against an earlier one: the figures that both have, and what forbids comparing them."""

    changes: list[Change]
    warnings: list[str]


def compare(now: Evaluation, before: Mapping[str, Any]) -> Comparison:
    """Hold a report against the document of another."""
    document = now.document()
    differing = [name for name in QUESTION if document[name] != before.get(name)]
    warnings = []
    if differing:
        told = "; ".join(f"{name} {before.get(name)!r} then, {document[name]!r} now" for name in differing)
        warnings.append(f"these figures answer different questions: {told}")
    standing = {(one["arm"], one["name"]): one for one in before["figures"]}
    changes = []
    for one in now.figures:
        then = standing.get((one.arm, one.name))
        if then is not None:
            changes.append(
                Change(one.arm, one.name, then["value"], one.value, one.value - then["value"], _apart(one, then))
            )
    return Comparison(changes, warnings)


def _apart(now: Measured, then: Mapping[str, Any]) -> bool | None:
    if now.low is None or now.high is None or then["low"] is None or then["high"] is None:
        return None
    return bool(now.low > then["high"] or now.high < then["low"])


class _Figure(msgspec.Struct):
    arm: str
    name: str
    value: float
    low: float | None
    high: float | None


class _Document(msgspec.Struct):
    protocol: str
    definition: str
    seed: int
    k: int
    data: str
    relevance: str
    figures: list[_Figure]


def read_report(path: Path) -> dict[str, Any]:
    """A document that `fairshot evaluate --json` wrote; raises FairshotError where it is none."""
    try:
        found: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(path.read_bytes(), type=_Document))
    except msgspec.DecodeError as error:
        raise FairshotError(f"{path} is not a report of `fairshot evaluate --json`: {error}") from error
    return found


def worth_of(kinds: FeedbackKinds, mode: str) -> str:
    """What off-policy rewards are made of: reports that value feedback otherwise answer different questions."""
    worth = zip(kinds.names, kinds.weights.tolist(), kinds.windows.tolist(), strict=True)
    told = ", ".join(f"{name} {weight:g} within {window / HOUR:g} h" for name, weight, window in worth if weight)
    return f"feedback attributed to impressions ({mode}): {told}"


def fingerprint(events: EventBatch, ids: Ids, *, slates: bool = False) -> str:
    """Twelve hexadecimal digits of the reactions and the items with a record, whatever order they came in.

    slates: also of what was shown, where that is what figures are taken from.
    """
    users, items = _hashes(ids.users.ids(range(events.sizes.users))), _hashes(ids.items.ids(range(events.sizes.items)))
    kinds = (Kind.FEEDBACK, Kind.SLATE, Kind.IMPRESSION) if slates else (Kind.FEEDBACK,)
    told = np.flatnonzero(events.of(*kinds) & (events.item >= 0) & (events.user >= 0))
    columns = [users[events.user[told]], items[events.item[told]], events.action[told], events.at[told]]
    if slates:
        columns += [events.kind[told], events.position[told]]
    mixed = np.zeros(len(told), dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    listed = np.sort(items[np.unique(events.item[events.of(Kind.ITEM)])])
    return hashlib.sha256(np.sort(mixed).tobytes() + b"|" + listed.tobytes()).hexdigest()[:12]


def _hashes(names: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    digests = [hashlib.blake2b(str(name).encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
