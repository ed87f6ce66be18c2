"""`fairshot evaluate`: offline quality and exposure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing

if TYPE_CHECKING:
    from fairshot.evaluation import Evaluation


def evaluate(
    folder: DataDirectory = DEFAULT_DATA,
    protocol: Annotated[
        Literal["random", "latest", "temporal", "new-items"], typer.Option(help="What is held out, and what is judged.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="Of the random choice.")] = 42,
    k: Annotated[int, typer.Option("--k", min=1, max=1000, help="Positions that are judged.")] = 10,
    peers: Annotated[
        bool, typer.Option("--peers", help="Also popularity, implicit's ALS and BM25, and EASE, on the same split.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="A report written with --json, to compare with.",
        ),
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Hold reactions out, train on the rest, rank the whole catalogue for everybody, and compare.

    Prints accuracy, calibration and who got the exposure, with 95 % intervals: for the pipeline without its
    fairness terms, and as configured. Nothing in the data directory changes.

    Examples:
      fairshot evaluate
      fairshot evaluate --protocol latest --json > before.json
      fairshot evaluate --protocol latest --against before.json
      fairshot evaluate --peers
    """
    import fairshot
    from fairshot.cli.output import print_json, progress, tell
    from fairshot.evaluation import compare, read_report
    from fairshot.evaluation import evaluate as run

    before = None if against is None else read_report(against)
    with fairshot.open(str(existing(folder))) as app, progress("evaluating") as report:
        found = run(app, protocol, seed=seed, k=k, with_peers=peers, progress=report)
    comparison = None if before is None else compare(found, before)
    for warning in () if comparison is None else comparison.warnings:
        tell(warning, style="yellow")
    if as_json:
        print_json(_document(found, comparison))
    else:
        _print(found, comparison)


def _document(found: "Evaluation", comparison: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return found.document() | ({} if comparison is None else {"against": asdict(comparison)})


def _print(found: "Evaluation", comparison: Any) -> None:
    from fairshot.cli.output import print_table

    rows = [(one.arm, one.name, one.value, _interval(one.low, one.high)) for one in found.figures]
    print_table(("arm", "figure", "value", "95 % interval"), rows, f"{found.people} people, protocol {found.protocol}")
    told = [(d.arm, d.less, d.name, f"{d.value:+.4f}", _interval(d.low, d.high)) for d in found.differences]
    print_table(("arm", "less", "figure", "difference", "95 % interval"), told, "differences, person by person")
    if comparison is not None:
        changed = [(c.arm, c.name, c.before, c.now, f"{c.change:+.4f}", _apart(c.apart)) for c in comparison.changes]
        columns = ("arm", "figure", "before", "now", "change", "intervals")
        print_table(columns, changed, "against the earlier report")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _apart(apart: bool | None) -> str:
    return "" if apart is None else "apart" if apart else "overlap"
