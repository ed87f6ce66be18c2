"""`fairshot simulate`: policies side by side in a town whose truth is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fairshot.cli.options import AsJSON

if TYPE_CHECKING:
    from fairshot.town.comparison import Comparison, Estimate


def simulate(
    scenario: Annotated[
        str,
        typer.Argument(
            help="Which town: town, head_start, prolific, niche or newcomers; or one in which fairshot has less to go "
            "by: tiny_audiences, no_text, few_requests or heavy_satiation."
        ),
    ] = "town",
    policies: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="NAME", help="Which policies; may be repeated.", show_default="all"),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many towns to draw, from different seeds.")] = 5,
    first_seed: Annotated[int, typer.Option(min=0, help="The seeds are this one and those that follow.")] = 1,
    days: Annotated[
        int | None, typer.Option(min=2, max=365, help="Days of a run.", show_default="as the scenario says")
    ] = None,
    people: Annotated[
        int | None,
        typer.Option(
            min=10, max=1_000_000, help="People; all else shrinks with them.", show_default="as the scenario says"
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that take a seed each, or serve a single one together.")
    ] = 2,
    plots: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Also draw the figures, as PNG.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """Let policies run a simulated platform, the same people and creators for each, and compare what comes of it.

    The real application serves every slate, takes in every like and trains on its own log; only people, creators and
    items are invented. Prints each figure's mean over seeds with its 95 % interval, and differences to the policy
    "engagement" seed by seed. What every figure means stands in docs/how-to/simulate.md.

    Examples:
      fairshot simulate
      fairshot simulate niche --policy fairshot --policy engagement --seeds 3
      fairshot simulate town --days 2 --people 100 --seeds 1
      fairshot simulate --seeds 5 --processes 2 --plots town.png --json > town.json
    """
    from fairshot.cli.output import print_json, progress, tell
    from fairshot.town.comparison import compare
    from fairshot.town.picture import draw
    from fairshot.town.policies import POLICIES
    from fairshot.town.scenarios import SCENARIOS
    from fairshot.town.scenarios import scenario as town

    if scenario not in SCENARIOS:
        raise typer.BadParameter(f"no scenario {scenario!r}; there are: {', '.join(SCENARIOS)}")
    chosen = list(dict.fromkeys(policies or POLICIES))
    unknown = [name for name in chosen if name not in POLICIES]
    if unknown:
        raise typer.BadParameter(f"no policy {unknown[0]!r}; there are: {', '.join(POLICIES)}")
    sized = town(scenario, days=days, people=people)
    with progress(scenario) as report:
        found = compare(sized, chosen, range(first_seed, first_seed + seeds), processes, report)
    if plots is not None:
        draw(found, plots)
    if as_json:
        print_json(found.document())
    else:
        _print(found)
    if plots is not None:
        tell(f"the picture is in {plots}")


def _print(found: "Comparison") -> None:
    from fairshot.cli.output import print_table
    from fairshot.town.comparison import reference

    columns = ("figure", *(one.policy for one in found.outcomes))
    estimates = [one.estimates() for one in found.outcomes]
    rows = [(name, *(_cell(one[name]) for one in estimates)) for name in estimates[0]]
    print_table(columns, rows, f"{found.scenario.name}, {len(found.seeds)} seeds: mean and 95 % interval over seeds")
    less = reference(found)
    differences = found.differences(less)
    if differences:
        rows = [(name, *(_cell(one[name], signed=True) for one in differences.values())) for name in estimates[0]]
        print_table(("figure", *differences), rows, f"differences to {less}, seed by seed")


def _cell(one: "Estimate", *, signed: bool = False) -> str:
    if one.value is None:
        return ""
    value = f"{one.value:+.3g}" if signed else f"{one.value:.3g}"
    return value if one.low is None else f"{value} ({one.low:.3g} to {one.high:.3g})"
