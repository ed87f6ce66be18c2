"""New items of MovieTweetings: recall@20 of the pipeline beside popularity and recency, frozen and live.

The snapshot of 100,000 ratings is not fetched: FAIRSHOT_SCIENCE_DATA names the folder that holds movietweetings-100k.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import fairshot
from fairshot.core.errors import FairshotError
from fairshot.datasets.movietweetings import convert
from fairshot.evaluation import Evaluation, Measured, evaluate
from fairshot.importing.run import import_file, plan

BESIDE = Path(__file__).parents[2] / "shared" / "data"
PEERS = ("popularity", "popularity since the split", "recency")
ARMS = ("accuracy alone", "defaults")


@dataclass(frozen=True)
class Row:
    """One arm beside the best of its peers; apart: whether its whole interval lies above the peer's."""

    arm: str
    figure: str
    value: float
    interval: str
    best_peer: str
    theirs: float
    times: float
    apart: bool


def source() -> Path:
    """Where the snapshot lies; raises FairshotError where it does not."""
    folder = Path(os.environ.get("FAIRSHOT_SCIENCE_DATA", BESIDE)) / "movietweetings-100k"
    if not (folder / "ratings.dat").is_file():
        raise FairshotError(f"{folder} holds no snapshot of MovieTweetings; FAIRSHOT_SCIENCE_DATA names its parent")
    return folder


def report() -> Evaluation:
    """Import the snapshot into a new data directory and evaluate it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared = convert(source(), folder / "files")
        with fairshot.open(str(folder / "data")) as app:
            for file in prepared.files:
                import_file(plan(file, None, {}, {}), app.submit)
            return evaluate(app, "new-items")


def measure() -> list[Row]:
    """The pipeline in each variant and scope beside its peers; nothing where the snapshot is not at hand."""
    try:
        source()
    except FairshotError:
        return []
    found = {(one.arm, one.name): one for one in report().figures}
    rows = []
    for (arm, name), ours in found.items():
        base, _, variant = arm.rpartition(", ")
        if base in ARMS:
            peer, theirs = max(((p, found[f"{p}, {variant}", name]) for p in PEERS), key=lambda pair: pair[1].value)
            rows.append(_row(arm, ours, peer, theirs))
    return rows


def _row(arm: str, ours: Measured, peer: str, theirs: Measured) -> Row:
    low, high, other = ours.low or 0.0, ours.high or 0.0, theirs.high or 0.0
    times = ours.value / theirs.value if theirs.value else 0.0
    return Row(arm, ours.name, ours.value, f"{low:.3f} to {high:.3f}", peer, theirs.value, times, low > other)
