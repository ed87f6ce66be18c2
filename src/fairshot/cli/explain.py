"""`fairshot explain`: why each position of a slate."""

from typing import TYPE_CHECKING, Annotated

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing
from fairshot.core.errors import FairshotError

if TYPE_CHECKING:
    from fairshot.core.answers import Explanation


def explain(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="A slate's request_id.", show_default=False)],
    folder: DataDirectory = DEFAULT_DATA,
    as_json: AsJSON = False,
) -> None:
    """Print the funnel of a request, and for each position the parts of its value and the rules that moved it.

    Examples:
      fairshot explain 2a1bcf384cc7f2f6c4e2ce9d638b3694
    """
    import msgspec

    import fairshot
    from fairshot.cli.output import print_json

    with fairshot.open(str(existing(folder))) as app:
        answer = app.explain(request)
    if answer is None:
        raise FairshotError(f"there is no request {request} in {folder}; `fairshot feed` and the service print theirs")
    if as_json:
        print_json(msgspec.to_builtins(answer))
    else:
        _print(answer)


def _print(answer: "Explanation") -> None:
    from fairshot.cli.output import print_table, stdout

    stdout.print(f"{answer.mode} slate for {answer.user_id} on {answer.surface}, {answer.at}", markup=False)
    for problem in answer.problems:
        stdout.print(f"degraded: {problem}", markup=False)
    stdout.print()
    columns = list(dict.fromkeys(name for stage in answer.funnel for name in stage))
    print_table(columns, [[stage.get(name, "") for name in columns] for stage in answer.funnel], "Funnel")
    stdout.print()
    terms = list(dict.fromkeys(name for position in answer.slate for name in position.value))
    rows = [
        [
            position.position,
            position.item_id,
            position.source,
            position.propensity,
            *(position.value.get(term, 0.0) for term in terms),
            position.score,
            ", ".join(position.rules),
        ]
        for position in answer.slate
    ]
    print_table(["position", "item", "source", "propensity", *terms, "score", "moved by"], rows, "Why")
