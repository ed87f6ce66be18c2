"""`fairshot feed`: one slate."""

from typing import Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing


def feed(
    user: Annotated[str, typer.Argument(metavar="USER", help="For whom; may be unknown.", show_default=False)],
    folder: DataDirectory = DEFAULT_DATA,
    limit: Annotated[int | None, typer.Option(min=1, help="So many positions.", show_default="as configured")] = None,
    as_json: AsJSON = False,
) -> None:
    """Print one person's slate, as the service would answer; it is logged as served.

    Examples:
      fairshot feed 196 --limit 10
      fairshot feed somebody-new --json
    """
    import msgspec

    import fairshot
    from fairshot.cli.output import print_json, print_table, tell

    with fairshot.open(str(existing(folder))) as app:
        try:
            answer = app.feed(user, limit)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        titles = {p.item_id: (app.record("items", p.item_id) or {}).get("title", "") for p in answer.slate}
    if as_json:
        print_json(msgspec.to_builtins(answer))
        return
    rows = [(p.position, p.item_id, titles[p.item_id], p.creator_id or "", p.source, p.score) for p in answer.slate]
    print_table(("position", "item", "title", "creator", "source", "score"), rows)
    tell(f"request {answer.request_id}; why: fairshot explain {answer.request_id}")
    if answer.degraded:
        tell("degraded: something that should have helped was not there; see fairshot doctor")
