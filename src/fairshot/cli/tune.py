"""`fairshot tune`: weights of feedback that raise a chosen measure."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory, existing

if TYPE_CHECKING:
    from fairshot.app import App
    from fairshot.core.events import Draft
    from fairshot.decisions.tuning import Decision


def tune(
    measure: Annotated[str, typer.Option(help="What is to rise: return, sessions, or a kind of feedback.")] = "return",
    days: Annotated[int, typer.Option(min=1, max=90, help="Within how many days people return.")] = 7,
    apply: Annotated[bool, typer.Option("--apply", help="Put the proposed weights into force.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Show what was proposed and decided so far.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Give all weights back to configuration.")] = False,
    folder: DataDirectory = DEFAULT_DATA,
    as_json: AsJSON = False,
) -> None:
    """Propose weights of feedback that raise a measure, from days whose weights were perturbed by lot.

    The perturbation is turned on by `sd` of section `tuning` in the configuration. A weight is proposed only where
    its effect can be told from none, and changes by at most a quarter at once. Each proposal and each decision stays
    in the log with its reasons; what is applied is in force with the next slate, of a running service too.

    Examples:
      fairshot tune --measure return --days 7
      fairshot tune --measure share --apply
      fairshot tune --history
    """
    import fairshot
    from fairshot.cli.output import print_json, tell
    from fairshot.decisions.tuning import FAMILY, verdict
    from fairshot.decisions.tuning import reset as given_back

    if history + reset + apply > 1:
        raise typer.BadParameter("choose one of --apply, --history and --reset")
    with fairshot.open(str(existing(folder))) as app:
        now, overriding = app.clock(), app.live.snapshot.tuned
        if history:
            _show_history(app.log.verdicts(FAMILY), as_json)
        elif reset:
            entry = given_back(overriding, now)
            _log(app, entry)
            if as_json:
                print_json(entry.data)
            tell("the weights of configuration are in force again")
        else:
            found = _proposal(app, measure, days)
            entry = verdict(found, overriding, now, applied=apply and bool(found.changed))
            _log(app, entry)
            if as_json:
                print_json(entry.data)
            else:
                _print(found)
                tell(_outcome(found, apply))


def _proposal(app: "App", measure: str, days: int) -> "Decision":
    from fairshot.core.events import Kind, concatenate
    from fairshot.decisions.tuning import FAMILY, decide, last_decided, measures, person_days

    feedback = app.config.kinds
    if measure not in measures(feedback):
        raise typer.BadParameter(f"{measure!r} is not among {', '.join(measures(feedback))}", param_hint="--measure")
    since = last_decided(app.log.verdicts(FAMILY))
    events = [batch.where(batch.of(Kind.SLATE, Kind.FEEDBACK)) for batch in app.log.batches()]
    units = person_days(concatenate(events), app.log.perturbations(since), measure, days, feedback)
    in_force = zip(feedback.names, app.live.snapshot.weights.tolist(), strict=True)
    return decide(units, dict(in_force), measure, days)


def _log(app: "App", entry: "Draft") -> None:
    from fairshot.core.errors import FairshotError

    if not all(app.writer.append([entry]).result().accepted):
        raise FairshotError(f"the log holds another event called {entry.id}; try again")


def _print(found: "Decision") -> None:
    from fairshot.cli.output import print_table, stdout

    rows = [
        (name, found.before[name], weight, *found.effects[name], "yes" if name in found.changed else "")
        for name, weight in found.after.items()
    ]
    columns = ("feedback", "weight", "proposed", f"{found.measure} by 10 % more", "from", "to", "changes")
    print_table(columns, rows)
    stdout.print(
        f"\n{found.measure} is {found.mean:.4g} over {found.person_days} days of {found.people} people; expected gain "
        f"{found.gain[0]:+.2g} ({found.gain[1]:+.2g} to {found.gain[2]:+.2g})"
    )
    for reason in found.reasons:
        stdout.print(f"  {reason}", markup=False)


def _outcome(found: "Decision", apply: bool) -> str:
    if not found.changed:
        return "all weights stay"
    return "in force with the next slate" if apply else "a proposal only; --apply puts it into force"


def _show_history(verdicts: list[tuple[int, dict[str, Any]]], as_json: bool) -> None:
    from fairshot.cli.output import print_json, print_table

    if as_json:
        print_json([{"at": _time(at), **data} for at, data in verdicts])
        return
    rows = [(_time(at), data["decision"], data.get("measure", ""), "\n".join(data["reasons"])) for at, data in verdicts]
    print_table(("at", "decision", "measure", "reasons"), rows)


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="seconds")
