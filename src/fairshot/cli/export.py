"""`fairshot export`: the log as Parquet, and the training rows that it gives."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing


def export(
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where the files go.", show_default=False)],
    attributed: Annotated[
        bool, typer.Option("--attributed", help="Also the training rows: impressions with what came of them.")
    ] = False,
    folder: DataDirectory = DEFAULT_DATA,
    as_json: AsJSON = False,
) -> None:
    """Write the log as Parquet, a folder for each day; a further call adds only what is new.

    The columns are described in docs/how-to/spark.md. The service may run meanwhile, and a call that was
    interrupted is made good by the next.

    Examples:
      fairshot export --into lake
      fairshot export --into lake --attributed
    """
    from fairshot.app import Folder
    from fairshot.cli.output import print_json, print_table, progress
    from fairshot.config import load_config
    from fairshot.learning.attribution import Rule
    from fairshot.learning.attribution_days import update
    from fairshot.stores.export import export as write
    from fairshot.stores.export import only_one

    config = load_config(existing(folder))
    with only_one(into), progress("export") as bar:
        written = write(Folder(folder).log, into, lambda share: bar("log", share))
        rule = Rule.of(config.kinds, config.impressions.mode)
        rows = update(into, rule, lambda share: bar("attribution", share)) if attributed else None
    if as_json:
        print_json({**asdict(written), "attributed": rows and asdict(rows)})
        return
    added = [("impressions", written.impressions), ("events", written.events)]
    if rows is not None:
        added.append(("attributed", rows.rows))
    print_table(("table", "rows written"), added)
    days = sorted({*written.days, *(rows.days if rows else ())})
    print_table(("up to event", "days touched"), [(written.seq, len(days))])
