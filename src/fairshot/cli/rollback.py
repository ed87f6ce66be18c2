"""`fairshot rollback`: the snapshot before, back into service."""

from dataclasses import asdict
from typing import Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing


def rollback(
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="Which; the one before the present where none is named."),
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="Show every decision on a snapshot instead, with its reasons.")
    ] = False,
    folder: DataDirectory = DEFAULT_DATA,
    as_json: AsJSON = False,
) -> None:
    """Put the snapshot before the present one, or the one named, back into service.

    A running service takes it up by itself, and a restart remembers. Without new data nothing takes its place:
    the next training comes with the next `worker.train_events` entries of the log. Exit status 1 where there is
    no such snapshot or its files are not whole; the present one stays.

    Examples:
      fairshot rollback
      fairshot rollback --list
      fairshot rollback 20250615T150710000000
    """
    import fairshot
    from fairshot.cli.output import print_json, print_table, tell
    from fairshot.core.records import iso

    if show and version is not None:
        raise typer.BadParameter("--list shows all decisions; name no version with it", param_hint="--list")
    with fairshot.open(str(existing(folder))) as app:
        if not show:
            target = app.roll_back(version)
            if as_json:
                print_json({"snapshot": target})
            else:
                tell(f"snapshot {target} is in service again")
            return
        decisions, present, kept = app.decisions(), app.live.promoted, app.artifacts.versions()
    if as_json:
        told = [asdict(one) | {"at": iso(one.at), "kept": one.snapshot in kept} for one in decisions]
        print_json({"snapshot": present, "decisions": told})
        return
    rows = [
        (iso(one.at), one.decision, one.snapshot, _state(one.snapshot, present, kept), "; ".join(one.reasons))
        for one in decisions
    ]
    print_table(("at", "decision", "snapshot", "now", "reasons"), rows)


def _state(version: str, present: str | None, kept: list[str]) -> str:
    return "in service" if version == present else "kept" if version in kept else "gone"
