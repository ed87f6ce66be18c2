"""`fairshot init`: a data directory with a commented configuration."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from fairshot.core.errors import FairshotError

_HEAD = """\
# The configuration of this data directory. What is commented out has the default that stands there: remove the
# "#" in front of an option to change it. A name that does not stand here is refused; `fairshot doctor` shows
# what is in force, and what differs from the defaults.
"""
_OPTION = re.compile(r"^(?=[\w\"]+ = )", re.MULTILINE)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder, new or not.", show_default=False)],
) -> None:
    """Make a data directory with a fairshot.toml that explains every option.

    Nothing that is already there is changed.

    Examples:
      fairshot init fairshot-data
    """
    from fairshot.config import FILE

    target = folder / FILE
    if target.exists():
        raise FairshotError(f"{target} is already there and was not changed")
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(commented(files("fairshot").joinpath("defaults.toml").read_text("utf-8")), "utf-8")
    typer.echo(target)


def commented(defaults: str) -> str:
    """The defaults with every option commented out; sections and explanations stay."""
    _, _, body = defaults.partition("\n\n")
    return f"{_HEAD}\n{_OPTION.sub('#', body)}"
