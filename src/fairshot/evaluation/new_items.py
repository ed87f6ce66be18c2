"""New items: a walk through the held-out time, asking for a slate before each first reaction to an item that is new."""

from collections.abc import Mapping

from fairshot.app import App
from fairshot.core.errors import FairshotError
from fairshot.evaluation.measured import PerPerson
from fairshot.evaluation.prepared import Prepared, Progress


def new_items(app: App, prepared: Prepared, report: Progress) -> tuple[int, Mapping[str, PerPerson]]:
    """Recall@20."""
    raise FairshotError("not yet")
