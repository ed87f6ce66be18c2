"""The application of all commands, and how an error becomes one line and an exit status."""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from fairshot.cli import (
    bench,
    data,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    feed,
    import_,
    init,
    keys,
    moderate,
    reproduce,
    rollback,
    serve,
    simulate,
    train,
    trial,
    tune,
)
from fairshot.core.errors import FairshotError

INTERRUPTED = 130


def _help(command: Callable[..., None]) -> str:
    """A command's docstring as help: paragraphs flow, examples keep their lines."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(
        f"\b\n{text}" if text.startswith("Examples:") else " ".join(text.split("\n")) for text in paragraphs
    )


application = typer.Typer(
    name="fairshot",
    help="A recommender for two sides: a feed worth people's time, and a fair chance for every new creator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Start": (demo.demo, init.init, serve.serve),
    "Data and models": (data.data, import_.import_, train.train, export.export),
    "Look": (feed.feed, explain.explain, trial.trial, evaluate.evaluate, doctor.doctor),
    "Govern": (
        moderate.moderate,
        tune.tune,
        rollback.rollback,
    ),
    "Prove": (simulate.simulate, reproduce.reproduce, bench.bench),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        application.command(_command.__name__.rstrip("_"), help=_help(_command), rich_help_panel=_panel)(_command)
_keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode="rich")
for _command in (keys.create, keys.list_, keys.revoke):
    _keys.command(_command.__name__.rstrip("_"), help=_help(_command))(_command)
application.add_typer(_keys, name="keys", rich_help_panel="Govern")


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
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing more may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FairshotError as error:
        return _failure(str(error))
    except OSError as error:
        return _failure(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    return status if isinstance(status, int) else 0


def _failure(message: str) -> int:
    """Say in one line why it could not be done."""
    print(f"fairshot: {message}", file=sys.stderr)  # noqa: T201
    return 1


def _usage(error: Any) -> int:
    """Say in one line what was asked wrongly."""
    command = error.ctx.command_path if getattr(error, "ctx", None) else "fairshot"
    message = error.format_message() or "a command is missing"
    print(f"{command}: {message} ({command} --help says more)", file=sys.stderr)  # noqa: T201
    return int(error.exit_code)
