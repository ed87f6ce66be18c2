"""`fairshot train`: fit, check and promote a new snapshot."""

from dataclasses import asdict

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing


def train(folder: DataDirectory = DEFAULT_DATA, as_json: AsJSON = False) -> None:
    """Fit the models on the log, check them, and put them into service if the checks hold.

    Each model's figures are printed, then the decision with its reasons, which stay in the log. A running service
    takes the new snapshot up by itself. Exit status 1 when the checks refuse it, or where there is nothing to learn
    from: the old one stays.

    Examples:
      fairshot train
      fairshot train --json
    """
    import fairshot
    from fairshot.cli.output import print_json, print_table, progress, tell

    with fairshot.open(str(existing(folder))) as app:
        with progress("training") as report:
            result = app.train(report)
        if result.promoted:
            app.checkpoint()
    if as_json:
        print_json(asdict(result))
    else:
        print_table(("model", "figure", "value"), result.figures)
        for reason in result.reasons:
            tell(f"- {reason}")
        done = "is in service" if result.promoted else "was refused, the old one stays"
        tell(f"snapshot {result.version} {done} ({result.seconds:.1f} s)")
    if not result.promoted:
        raise typer.Exit(1)
