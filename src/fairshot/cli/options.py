"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DataDirectory: TypeAlias = Annotated[
    Path, typer.Option("--data", envvar="FAIRSHOT_DATA", help="The data directory.", show_default=True)
]
DEFAULT_DATA = Path("fairshot-data")
AsJSON: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
