"""`fairshot import`: files into the log, with a report of every row that was refused."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, pairs

if TYPE_CHECKING:
    from fairshot.importing.run import Report, Sink


class Holding(StrEnum):
    """What a file can hold."""

    ITEMS = "items"
    CREATORS = "creators"
    USERS = "users"
    EVENTS = "events"


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, NDJSON or Parquet.", show_default=False)],
    folder: DataDirectory = DEFAULT_DATA,
    kind: Annotated[Holding | None, typer.Option(help="What the files hold, where their names do not tell.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=FIELD", help="Which field a column fills; '-' leaves it out."),
    ] = None,
    constants: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field that all rows have in common.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and report, write nothing.")] = False,
    as_json: AsJSON = False,
) -> None:
    """Import items, creators, users and events; importing again changes nothing.

    Good rows are kept, refused ones are reported with their line and the reason, and written to
    FILE.rejected.csv (or .ndjson): mend that file and import it. Exit status 1 when a row was refused.

    In CSV an empty cell is an absent field, labels are separated by "|", an embedding is a JSON array or
    numbers with spaces between, a time is ISO 8601 or seconds since 1970, and columns named attributes.NAME
    become attributes. Events without event_id get one from what they say.

    Examples:
      fairshot import items.csv events.ndjson --dry-run
      fairshot import ratings.csv --set kind=like --map user=user_id --map film=item_id
    """
    from fairshot.cli.output import print_json, progress
    from fairshot.importing.run import import_file, in_order, plan

    fields, common = pairs("--map", mapping), pairs("--set", constants)
    plans = in_order(plan(file, kind, fields, common) for file in files)
    reports = []
    with ExitStack() as stack:
        sink = _dry_sink(folder) if dry_run else _sink(folder, stack)
        for planned in plans:
            with progress(str(planned.path)) as bar:
                advance = partial(bar, planned.kind)
                kept = not dry_run
                reports.append(import_file(planned, sink, elsewhere=folder, keep_rejected=kept, progress=advance))
    if as_json:
        print_json({"dry_run": dry_run, "files": [asdict(report) for report in reports]})
    else:
        _print(reports, dry_run)
    if any(report.rejected for report in reports):
        raise typer.Exit(1)


def _sink(folder: Path, stack: ExitStack) -> "Sink":
    import fairshot

    return stack.enter_context(fairshot.open(str(folder))).submit


def _dry_sink(folder: Path) -> "Sink":
    """Check records as the application would, without so much as making its folder."""
    from fairshot.app import Folder, now_microseconds
    from fairshot.config import load_config
    from fairshot.core.answers import Receipt
    from fairshot.core.records import Reader

    known = folder.is_dir()
    secret = Folder(folder).secret() if known and (folder / "secret").exists() else b""
    reader = Reader(load_config(folder if known else None).kinds, secret)

    def check(kind: str, records: Iterable[object]) -> Callable[[], Receipt]:
        drafts, _, rejected = reader.read(kind, records, now_microseconds())
        return lambda: Receipt(len(drafts), 0, rejected, 0)

    return check


def _print(reports: "Iterable[Report]", dry_run: bool) -> None:
    from fairshot.cli.output import print_table, tell

    for report in reports:
        if report.first_rejected:
            tell(f"{report.file}: rejected rows", style="bold")
            for row in report.first_rejected:
                place = f"{row['field']}: " if row["field"] else ""
                tell(f"  line {row['line']}: {place}{row['reason']}")
            more = report.rejected - len(report.first_rejected)
            if more:
                tell(f"  and {more} more")
            if report.rejected_file:
                tell(f"  all of them, to be mended and imported: {report.rejected_file}")
    accepted = "would be accepted" if dry_run else "accepted"
    print_table(
        ("file", "kind", accepted, "duplicate", "rejected"),
        [(r.file, r.kind, r.accepted, r.duplicate, r.rejected) for r in reports],
    )
