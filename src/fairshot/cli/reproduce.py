"""`fairshot reproduce`: published figures recomputed."""

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairshot.cli.options import AsJSON

if TYPE_CHECKING:
    from fairshot.reproductions.figure import Figure


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="Which; all of them where none is named.")
    ] = None,
    science_data: Annotated[
        Path | None,
        typer.Option(
            "--science-data",
            metavar="DIR",
            envvar="FAIRSHOT_SCIENCE_DATA",
            help="A folder of the data sets that some need.",
            show_default="shared/data beside the checkout, where it is",
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Also write the figures as a page of Markdown.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Recompute published figures and hold each against what was published.

    A reproduction whose data set is not there is named and left out. Exit status 1 when a figure does not
    hold, or when one that you named could not be computed.

    Examples:
      fairshot reproduce
      fairshot reproduce dispatch --json
      fairshot reproduce --page docs/reproductions.md
    """
    from fairshot.cli.output import print_json, print_table, progress, tell
    from fairshot.reproductions import discover
    from fairshot.reproductions.figure import MissingData

    known, beside = discover(), Path(__file__).parents[4] / "shared" / "data"
    data = science_data or (beside if beside.is_dir() else None)
    chosen = names or list(known)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise typer.BadParameter(f"no reproduction {unknown[0]!r}; there are: {', '.join(known)}")
    found: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    with progress("reproducing") as report:
        for number, name in enumerate(chosen):
            report(name, number / len(chosen))
            try:
                found += [_plain(name, figure) for figure in known[name].figures(data)]
            except MissingData as lacking:
                missing[name] = str(lacking)
    if page is not None:
        page.write_text(_markdown(found, missing), "utf-8")
    if as_json:
        print_json(found)
    else:
        columns = ("name", "figure", "target", "tolerance", "holds")
        for (name, source), rows in groupby(found, lambda row: (row["reproduction"], row["source"])):
            print_table(columns, [[row[column] for column in columns] for row in rows], f"{name}: {source}")
    for name, reason in missing.items():
        tell(f"{name} was left out: {reason}")
    if not all(row["holds"] for row in found) or (names and missing):
        raise typer.Exit(1)


def _plain(name: str, figure: "Figure") -> dict[str, Any]:
    """A figure in plain types: some are computed by NumPy."""
    return {"reproduction": name, **asdict(figure), "figure": float(figure.figure), "holds": bool(figure.holds)}


def _markdown(found: list[dict[str, Any]], missing: dict[str, str]) -> str:
    """The page: a section for each reproduction, a line for each figure."""
    lines = ["<!-- Written by `fairshot reproduce --page docs/reproductions.md`. -->", "", "# Reproductions", ""]
    lines += ["Published figures, and what the code of this repository gives on the same set-up.", ""]
    for name, rows in groupby(found, lambda row: row["reproduction"]):
        lines += [
            f"## {name}",
            "",
            "| figure | here | target | tolerance | holds | source |",
            "|---|---|---|---|---|---|",
        ]
        for row in rows:
            target = row["target"] if isinstance(row["target"], str) else f"{row['target']:.7g}"
            holds = "yes" if row["holds"] else "**no**"
            cells = (row["name"], f"{row['figure']:.7g}", target, f"{row['tolerance']:g}", holds, row["source"])
            lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += [f"Left out: {name} ({reason})" for name, reason in missing.items()]
    return "\n".join(lines).rstrip() + "\n"
