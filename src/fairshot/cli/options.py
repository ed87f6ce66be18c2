"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from fairshot.core.errors import FairshotError

DataDirectory: TypeAlias = Annotated[
    Path, typer.Option("--data", metavar="DIR", envvar="FAIRSHOT_DATA", help="The data directory.")
]
DEFAULT_DATA = Path("fairshot-data")
AsJSON: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


def existing(folder: Path) -> Path:
    """A data directory that holds something; raises FairshotError that says how to get one."""
    if not (folder / "fairshot.db").exists():
        raise FairshotError(f"{folder} holds no data yet: `fairshot import` some, or name another folder with --data")
    return folder


def pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """The pairs of an option that is written NAME=NAME."""
    found = {}
    for text in given or ():
        left, _, right = text.partition("=")
        if not (left and right):
            raise typer.BadParameter(f"{text!r} is not a pair; write it as NAME=NAME", param_hint=option)
        found[left] = right
    return found
