"""`fairshot bench`: speed beside a peer or the physical limit."""

import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from fairshot.cli.options import AsJSON
from fairshot.core.errors import FairshotError

_CHECKOUT = Path(__file__).parents[3]


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Which; all of them where none is named.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Measure speed, each figure beside what it is to be compared with, in one run.

    The benchmarks belong to the source checkout: one module of its folder benchmarks/ each, with
    measure() -> list of dataclasses. Exit status 1 when one says that its goal does not hold.

    Examples:
      fairshot bench
      fairshot bench importing --json
    """
    from fairshot.cli.output import print_json, print_table, progress

    known = discover(_CHECKOUT)
    chosen = names or known
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise typer.BadParameter(f"no benchmark {unknown[0]!r}; there are: {', '.join(known)}")
    found: dict[str, list[dict[str, Any]]] = {}
    with progress("measuring") as report:
        for number, name in enumerate(chosen):
            report(name, number / len(chosen))
            found[name] = [asdict(one) for one in import_module(f"benchmarks.{name}").measure()]
    if as_json:
        print_json(found)
    else:
        for name, rows in found.items():
            columns = list(rows[0]) if rows else []
            print_table(columns, [[row[column] for column in columns] for row in rows], name)
    if not all(row.get("holds", True) for rows in found.values() for row in rows):
        raise typer.Exit(1)


def discover(checkout: Path) -> list[str]:
    """The names of all benchmarks of a source checkout, which becomes importable."""
    folder = checkout / "benchmarks"
    if not folder.is_dir():
        raise FairshotError("the benchmarks are part of the source checkout, not of the installed package; clone it")
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    files = sorted(folder.glob("*.py"))
    return [file.stem for file in files if not file.stem.startswith("_") and "def measure(" in file.read_text("utf-8")]
