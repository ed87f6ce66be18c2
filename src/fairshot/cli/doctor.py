"""`fairshot doctor`: what is in force, and what is missing or unhealthy."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from fairshot.cli.options import DEFAULT_DATA, AsJSON, DataDirectory
from fairshot.core.errors import ConfigError, FairshotError

if TYPE_CHECKING:
    from fairshot.cli.checks import Check
    from fairshot.config import Config


def doctor(folder: DataDirectory = DEFAULT_DATA, as_json: AsJSON = False) -> None:
    """Show the resolved configuration and pipeline with its hash, and check the data directory.

    Checked: the log, checkpoints, the hashes of every snapshot, keys, address, disk space and how long a
    durable write takes. What is missing is named with the command that
    makes it; exit status 1 only when something is unhealthy. Works beside a running service.

    Examples:
      fairshot doctor
      fairshot doctor --json
    """
    import msgspec

    from fairshot.cli.checks import Check, run_checks
    from fairshot.cli.output import print_json
    from fairshot.config import load_config

    if not folder.is_dir():
        raise FairshotError(f"there is no data directory {folder}: `fairshot init {folder}` makes one")
    config, checks = None, []
    try:
        config = load_config(folder)
    except ConfigError as error:
        checks.append(Check("configuration", "unhealthy", str(error)))
    else:
        checks = run_checks(folder, config)
    healthy = all(check.state != "unhealthy" for check in checks)
    if as_json:
        print_json(
            {
                "healthy": healthy,
                "data": str(folder),
                "hash": config.hash() if config else None,
                "configuration": msgspec.to_builtins(config),
                "checks": [asdict(check) for check in checks],
            }
        )
    else:
        _print(folder, config, checks)
    if not healthy:
        raise typer.Exit(1)


def _print(folder: Path, config: "Config | None", checks: "list[Check]") -> None:
    from fairshot.cli.output import print_table, stdout

    if config is not None:
        stdout.print(f"{folder}, configuration {config.hash()}", markup=False)
        print_table(("stage kind", "in order"), list(_stages(config)))
        changed = list(_changes(config))
        stdout.print("\nnothing differs from the defaults" if not changed else "\ndiffers from the defaults:")
        for line in changed:
            stdout.print(f"  {line}", markup=False)
        stdout.print()
    print_table(("check", "", "found"), [(c.name, c.state, c.found) for c in checks])


def _stages(config: "Config") -> Iterator[tuple[str, str]]:
    plan = config.pipeline
    for kind in ("sources", "filters", "features", "value", "rerankers", "blenders"):
        stages: Any = getattr(plan, kind)
        names = [f"{name} × {weight:g}" for name, weight in stages.items()] if kind == "value" else stages
        yield kind, ", ".join(names)


def _changes(config: "Config") -> Iterator[str]:
    import msgspec

    from fairshot.config import load_config

    yield from _differences(msgspec.to_builtins(load_config(None, {})), msgspec.to_builtins(config))


def _differences(below: Mapping[str, Any], above: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in above.items():
        place, before = f"{path}{name}", below.get(name)
        if isinstance(value, dict):
            yield from _differences(before if isinstance(before, dict) else {}, value, f"{place}.")
        elif value != before:
            yield f"{place} = {value}" + ("" if before is None else f" (default {before})")
