"""`fairshot evaluate`: offline quality and exposure."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing

if TYPE_CHECKING:
    from fairshot.evaluation import Evaluation

T = TypeVar("T", int, float)
TERM, WEIGHTS = "fairness", "0.02,0.04,0.06,0.08,0.1,0.12"


def evaluate(
    folder: DataDirectory = DEFAULT_DATA,
    protocol: Annotated[
        Literal["random", "latest", "temporal", "new-items", "off-policy"],
        typer.Option(help="What is held out, and what is judged."),
    ] = "random",
    seed: Annotated[int, typer.Option(help="Of the random choice.")] = 42,
    k: Annotated[
        int | None,
        typer.Option("--k", min=1, max=1000, help="Positions that are judged.", show_default="10; 20 for new items"),
    ] = None,
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
    frontier: Annotated[
        bool,
        typer.Option("--frontier", help="Instead: nDCG against the exposure of the least popular, as a picture."),
    ] = False,
    seeds: Annotated[str, typer.Option(metavar="N,N,…", help="Of the frontier: splits to average over.")] = "42",
    term: Annotated[str, typer.Option(help="Of the frontier: the value term whose weight is swept.")] = TERM,
    weights: Annotated[str, typer.Option(metavar="X,X,…", help="Of the frontier: the weights of the term.")] = WEIGHTS,
    picture: Annotated[
        Path, typer.Option(metavar="FILE", dir_okay=False, help="Of the frontier: where the picture goes, as PNG.")
    ] = Path("frontier.png"),
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
      fairshot evaluate --frontier --seeds 42,1,2,3,4
    """
    if frontier and (protocol != "random" or against is not None):
        raise typer.BadParameter("the frontier is of protocol random and no report; leave --protocol and --against out")
    if peers and protocol in ("new-items", "off-policy"):
        raise typer.BadParameter(f"{protocol} has no such peers; leave --peers out")
    if frontier:
        _frontier(
            folder,
            numbers("--seeds", seeds, int),
            term,
            numbers("--weights", weights, float),
            k or 10,
            picture,
            as_json,
        )
        return
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


def numbers(option: str, text: str, kind: Callable[[str], T]) -> list[T]:
    """The numbers of an option that is written as N,N."""
    try:
        found = [kind(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(math.isfinite(number) for number in found):
        raise typer.BadParameter(f"{text!r} is not a list of numbers; write it as N,N", param_hint=option)
    return found


def _frontier(
    folder: Path, seeds: list[int], term: str, weights: list[float], k: int, picture: Path, as_json: bool
) -> None:
    import fairshot
    from fairshot.cli.output import print_json, print_table, progress, tell
    from fairshot.evaluation.exposure import LEAST_ITEMS
    from fairshot.evaluation.frontier import DISCOUNTED, GIVEN, PIPELINE
    from fairshot.evaluation.frontier import frontier as sweep
    from fairshot.evaluation.picture import draw

    with fairshot.open(str(existing(folder))) as app, progress("sweeping") as report:
        found = sweep(app, seeds, term, weights, k=k, progress=report)
    draw(found, picture)
    if as_json:
        print_json(found.document())
    else:
        shown = (found.accuracy, LEAST_ITEMS, "catalogue coverage", "Gini of exposure over items")
        rows = [(p.arm, *(f"{p.mean(name):.4f} ± {p.deviation(name):.4f}" for name in shown)) for p in found.points]
        print_table(
            ("arm", *shown), rows, f"protocol random, mean and deviation over seeds {', '.join(map(str, seeds))}"
        )
        read = {line: [found.accuracy_at(line, share) for share in GIVEN] for line in (PIPELINE, DISCOUNTED)}
        given = [(line, *("" if v is None else f"{v:.4f}" for v in values)) for line, values in read.items()]
        print_table(("at an exposure of", *(f"{share:.0%}" for share in GIVEN)), given, f"nDCG@{k} between the points")
    tell(f"the picture is in {picture}")


def _document(found: "Evaluation", comparison: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return found.document() | ({} if comparison is None else {"against": asdict(comparison)})


def _print(found: "Evaluation", comparison: Any) -> None:
    from fairshot.cli.output import print_table

    rows = [(one.arm, one.name, one.value, _interval(one.low, one.high)) for one in found.figures]
    print_table(("arm", "figure", "value", "95 % interval"), rows, f"{found.people} people, protocol {found.protocol}")
    told = [(d.arm, d.less, d.name, f"{d.value:+.4f}", _interval(d.low, d.high)) for d in found.differences]
    print_table(("arm", "less", "figure", "difference", "95 % interval"), told, "differences, person by person")
    if found.doubts:
        doubts = [(d.arm, d.estimator, d.effective_samples, d.support, "; ".join(d.warnings)) for d in found.doubts]
        print_table(("arm", "estimator", "effective slates", "support", "do not conclude, for it"), doubts, "doubts")
    if comparison is not None:
        changed = [(c.arm, c.name, c.before, c.now, f"{c.change:+.4f}", _apart(c.apart)) for c in comparison.changes]
        columns = ("arm", "figure", "before", "now", "change", "intervals")
        print_table(columns, changed, "against the earlier report")


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _apart(apart: bool | None) -> str:
    return "" if apart is None else "apart" if apart else "overlap"
