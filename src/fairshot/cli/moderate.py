"""`fairshot moderate`: a moderator's decision on an item."""

from enum import StrEnum
from typing import Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, DataDirectory, existing
from fairshot.core.errors import FairshotError


class Verdict(StrEnum):
    """What can be decided."""

    REMOVE = "remove"
    FLAG = "flag"
    RESTORE = "restore"


def moderate(
    decision: Annotated[Verdict, typer.Argument(help="What is decided.", show_default=False)],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="On which item.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why; it stays in the log.")],
    severity: Annotated[float | None, typer.Option(min=0, max=1, help="Of a flag: how far it lowers the item.")] = None,
    folder: DataDirectory = DEFAULT_DATA,
) -> None:
    """Remove an item from every slate, flag it so that it falls, or restore it.

    The decision is in force with the next slate, of a running service too.

    Examples:
      fairshot moderate remove 313 --reason "copied without permission"
      fairshot moderate flag 50 --reason "clickbait" --severity 0.5
      fairshot moderate restore 313 --reason "appeal upheld"
    """
    import fairshot

    record = {"item_id": item, "decision": decision.value, "reason": reason}
    if severity is not None:
        record["severity"] = severity  # type: ignore[assignment]
    with fairshot.open(str(existing(folder))) as app:
        if app.record("items", item) is None:
            raise FairshotError(f"there is no item {item!r} in {folder}")
        receipt = app.ingest(decisions=[record])
    if receipt.rejected:
        raise FairshotError(f"{receipt.rejected[0].field}: {receipt.rejected[0].reason}")
    typer.echo(f"{item}: {decision.value}, in the log as number {receipt.seq}")
