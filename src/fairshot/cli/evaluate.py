"""`fairshot evaluate`: offline quality and exposure."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing


def evaluate(
    folder: DataDirectory = DEFAULT_DATA,
    protocol: Annotated[
        Literal["random", "latest"], typer.Option(help="Which quarter of each person's reactions is held out.")
    ] = "random",
    seed: Annotated[int, typer.Option(help="Of the random choice.")] = 42,
    as_json: AsJSON = False,
) -> None:
    """Hold reactions out, train on the rest, rank the whole catalogue for everybody, and compare.

    Prints accuracy with 95 % intervals and who got the exposure: for the pipeline without its fairness
    terms, and as configured. Nothing in the data directory changes.

    Examples:
      fairshot evaluate
      fairshot evaluate --protocol latest --json
    """
    import fairshot
    from fairshot.cli.output import print_json, print_table, progress
    from fairshot.evaluation import evaluate as run

    with fairshot.open(str(existing(folder))) as app, progress("evaluating") as report:
        found = run(app, protocol, seed=seed, progress=report)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(m.arm, m.name, m.value, _interval(m.low, m.high)) for m in found]
    print_table(("arm", "figure", "value", "95 % interval"), rows)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"
