"""The application of all commands, and how an error becomes one line and an exit status."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from fairshot.cli import data, feed, import_
from fairshot.core.errors import FairshotError

INTERRUPTED = 130

application = typer.Typer(
    name="fairshot",
    help="A recommender for two sides: a feed worth people's time, and a fair chance for every new creator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("data", rich_help_panel="Data")(data.data)
application.command("import", rich_help_panel="Data")(import_.import_)
application.command("feed", rich_help_panel="Look")(feed.feed)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    try:
        status = application(list(arguments), prog_name="fairshot", standalone_mode=False)
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        return _usage(error)
    except (FairshotError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our output has had enough; nothing more may be written at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        foreseen = isinstance(error, FairshotError) or error.filename is None
        print(f"fairshot: {error if foreseen else f'{error.filename}: {error.strerror}'}", file=sys.stderr)  # noqa: T201
        return 1
    return status if isinstance(status, int) else 0


def _usage(error: Any) -> int:
    """Say in one line what was asked wrongly."""
    command = error.ctx.command_path if getattr(error, "ctx", None) else "fairshot"
    message = error.format_message() or "a command is missing"
    print(f"{command}: {message} ({command} --help says more)", file=sys.stderr)  # noqa: T201
    return int(error.exit_code)
