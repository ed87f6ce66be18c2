"""Slates on their way out and into the log: the answer, the log's entry, and the explanation read back from it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fairshot.core.answers import ExplainedPosition, Explanation, Feed, Position
from fairshot.core.errors import FairshotError
from fairshot.core.events import Draft, Kind
from fairshot.core.exposure import Exposure, sign
from fairshot.core.records import iso
from fairshot.core.request import Context, Request
from fairshot.core.slate import SLATE_PREFIX, Slate
from fairshot.core.snapshot import Snapshot


def problems_of(slate: Slate, snapshot: Snapshot) -> list[str]:
    """What should have helped with a slate and did not; any makes it degraded."""
    errors = slate.trace.errors if slate.trace else []
    return [*snapshot.artifacts.missing, *errors]


def answer_of(request: Request, slate: Slate, snapshot: Snapshot, secret: bytes) -> Feed:
    """The slate as it is handed out, with an exposure token for each position."""
    ids = snapshot.ids
    creators = snapshot.items["creator"][slate.rows]
    columns = (slate.rows, creators, slate.source, slate.score, slate.propensity, slate.arm)
    positions = []
    for position, (row, creator, source, score, propensity, arm) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True), start=1
    ):
        item = ids.items.id(row)
        exposure = Exposure(request.id, position, propensity, request.now, arm)
        positions.append(
            Position(
                position=position,
                item_id=item,
                creator_id=ids.creators.id(creator) if creator >= 0 else None,
                source=slate.sources[source],
                score=score,
                exposure=sign(secret, exposure, request.user, item),
            )
        )
    return Feed(request.id, snapshot.version, bool(problems_of(slate, snapshot)), positions)


def entry_of(ctx: Context, slate: Slate) -> Draft:
    """The log's entry of a slate served in this context: what was shown, with which probability, and why."""
    request, snapshot, trace = ctx.request, ctx.snapshot, slate.trace
    if trace is None:
        raise FairshotError("a slate without its trace cannot be logged")
    factors = ctx.perturbation
    drawn = {} if factors is None else dict(zip(snapshot.feedback.names, factors.tolist(), strict=True))
    return Draft(
        kind=Kind.SLATE,
        id=entry_id(request.id),
        at=request.now,
        user=request.user,
        data={
            "seq": snapshot.seq,
            "limit": request.limit,
            "exclude": snapshot.ids.items.ids(request.exclude.tolist()),
            "rows": slate.rows.tobytes(),
            "propensity": slate.propensity.tobytes(),
            "source": slate.source.tobytes(),
            "score": slate.score.tobytes(),
            "parts": {name: part.tobytes() for name, part in slate.parts.items()},
            "sources": slate.sources,
            "notes": slate.notes,
            "funnel": trace.funnel(),
            "candidates": len(trace.rows),
            "removed": trace.removed(),
            "snapshot": snapshot.version,
            "surface": request.surface,
            "mode": "personal" if request.profile else "nonprofiling",
            "context": dict(request.context),
            "problems": problems_of(slate, snapshot),
            **({"perturbation": drawn} if drawn else {}),
            **({"arm": slate.arm.tobytes(), "segments": ctx.person.segments.tolist()} if slate.arm.any() else {}),
        },
    )


def entry_id(request_id: str) -> str:
    """The id of a slate's entry in the log: clients may use the request's id for events of their own."""
    return f"{SLATE_PREFIX}{request_id}"


def explanation_of(request_id: str, logged: Mapping[str, Any], snapshot: Snapshot) -> Explanation:
    """The funnel and the reasons of each position, from the log's entry of a slate."""
    ids = snapshot.ids
    rows = np.frombuffer(logged["rows"], np.int32)
    creators = snapshot.items["creator"][rows].tolist()
    source, score = np.frombuffer(logged["source"], np.int16), np.frombuffer(logged["score"])
    propensity = np.frombuffer(logged["propensity"])
    parts = {name: np.frombuffer(part) for name, part in logged["parts"].items()}
    slate = [
        ExplainedPosition(
            position=index + 1,
            item_id=ids.items.id(int(row)),
            creator_id=ids.creators.id(creators[index]) if creators[index] >= 0 else None,
            source=logged["sources"][source[index]],
            score=float(score[index]),
            propensity=float(propensity[index]),
            value={name: float(part[index]) for name, part in parts.items()},
            rules=list(logged["notes"][index]),
        )
        for index, row in enumerate(rows)
    ]
    return Explanation(
        request_id=request_id,
        user_id=ids.users.id(logged["user"]),
        at=iso(logged["at"]),
        surface=logged["surface"],
        mode=logged["mode"],
        snapshot=logged["snapshot"],
        degraded=bool(logged["problems"]),
        problems=logged["problems"],
        candidates=logged["candidates"],
        removed=logged["removed"],
        funnel=logged["funnel"],
        slate=slate,
    )
