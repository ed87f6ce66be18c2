"""`fairshot trial`: an item's test card."""

from typing import TYPE_CHECKING, Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing
from fairshot.core.errors import FairshotError

if TYPE_CHECKING:
    from fairshot.core.answers import Trial


def trial(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="An item's id.", show_default=False)],
    folder: DataDirectory = DEFAULT_DATA,
    as_json: AsJSON = False,
) -> None:
    """Print how the trial of an item stands: who was shown it, what they thought, what was decided and why.

    Examples:
      fairshot trial 1682
      fairshot trial 1682 --json
    """
    import msgspec

    import fairshot
    from fairshot.cli.output import print_json

    with fairshot.open(str(existing(folder))) as app:
        answer = app.trial(item)
    if answer is None:
        raise FairshotError(f"there is no item {item} in {folder}; `fairshot import` and POST /v1/items bring items")
    if as_json:
        print_json(msgspec.to_builtins(answer))
    else:
        _print(answer)


def _print(card: "Trial") -> None:
    from fairshot.cli.output import print_table, stdout

    told = (
        f"{card.rate:.1%} like it (90 % interval {card.low:.1%} to {card.high:.1%}), {card.expected:.1%} is good enough"
    )
    stdout.print(f"{card.item_id}: {card.state}; {told}; chance {card.chance:.0%}", markup=False)
    stdout.print()
    rows = [(one.tier, one.impressions, one.likes, one.rate, one.low, one.high) for one in card.tiers]
    print_table(("audience", "people", "likes", "rate", "low", "high"), rows, "Whom it was shown")
    stdout.print()
    if card.decisions:
        print_table(("at", "step", "why"), [(one.at, one.step, one.reason) for one in card.decisions], "Decisions")
        stdout.print()
    stdout.print(card.next, markup=False)
