"""The reference pages, written from what they describe: `python -m fairshot.cli.reference docs/reference`.

A test fails when a page is not what this writes now, or when something has no words of its own.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import typer

from fairshot.cli.application import application
from fairshot.config import load_config
from fairshot.pipeline.stages import KINDS, known_stages, load_stage
from fairshot.service.operations import Operation
from fairshot.service.routes import ROUTES

_NOTE = "<!-- Written by `python -m fairshot.cli.reference docs/reference`; change what it describes instead. -->"
_REFERENCE = re.compile(r"#/components/schemas/(\w+)")


def main() -> None:
    """Write every page into the folder that is named."""
    for name, text in pages().items():
        (Path(sys.argv[1]) / name).write_text(text, "utf-8")


def pages() -> dict[str, str]:
    """Every page by its file name."""
    writers = (commands, configuration, routes, stages)
    return {f"{write.__name__}.md": f"{_NOTE}\n\n" + "\n".join(write()).rstrip() + "\n" for write in writers}


def commands() -> Iterator[str]:
    """Each command with its arguments, options and examples."""
    yield "# Commands\n"
    yield "Exit status 0: done; 1: it could not be done, or what was asked does not hold; 2: it was asked wrongly.\n"
    for name, command in _leaves(typer.main.get_command(application), "fairshot"):
        said, _, examples = (command.help or "").partition("\b\nExamples:\n")
        yield f"## {name}\n\n{said.strip()}\n"
        yield f"```sh\n{inspect.cleandoc(examples)}\n```\n"
        yield "| argument or option | meaning | default |\n|---|---|---|"
        for parameter in command.params:
            names = parameter.metavar if parameter.param_type_name == "argument" else ", ".join(parameter.opts)
            yield f"| `{names}` | {_cell(parameter.help)} | {_default(parameter)} |"
        yield ""


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
    for child, one in (inner or {}).items():
        yield from _leaves(one, f"{name} {child}")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    return "" if parameter.default in (None, False) else f"`{parameter.default}`"


def configuration() -> Iterator[str]:
    """Every option with its default and explanation, as defaults.toml says them."""
    yield "# Configuration\n"
    yield "`fairshot init DIR` writes these into `DIR/fairshot.toml`, commented out. In force is, from the weakest:"
    yield "these defaults, the data directory's fairshot.toml, and of the environment `FAIRSHOT_HOST`, `FAIRSHOT_PORT`"
    yield "and `FAIRSHOT_WORKERS`. `fairshot doctor` shows what is.\n"
    text = files("fairshot").joinpath("defaults.toml").read_text("utf-8")
    for section in re.split(r"^# --- ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        yield f"## {title.rstrip(' -')}\n\n```toml\n{body.strip()}\n```\n"


def operations() -> list[Operation]:
    """The operations of all routes."""
    return [route.opt["operation"] for route in ROUTES]


def routes() -> Iterator[str]:
    """Every route, who may use it, and the shapes that go in and out."""
    found = operations()
    yield "# HTTP routes\n"
    yield "The whole description, for programs, is at `/openapi.json` of a running service. A key with one of the"
    yield "scopes is sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`; without any keys the service answers its"
    yield "own machine alone. Failures are problem documents (RFC 9457).\n"
    yield "| route | does | scopes | takes | answers |\n|---|---|---|---|---|"
    for op in found:
        taken = op.body or op.query
        scopes = ", ".join(sorted(op.scopes)) or "none needed"
        yield f"| `{op.method} {op.path}` | {op.summary} | {scopes} | {_shape(taken)} | {_shape(op.answer)} |"
    shapes = {shape for op in found for shape in (op.body, op.query, op.answer) if _is_struct(shape)}
    ordered = sorted(shapes, key=lambda shape: str(shape.__name__))
    _, schemas = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    for name, schema in sorted(schemas.items()):
        yield f"\n## {name}\n\n{inspect.cleandoc(schema.get('description', ''))}\n"
        yield "| field | holds | |\n|---|---|---|"
        for field, inner in schema.get("properties", {}).items():
            needed = "required" if field in schema.get("required", ()) else ""
            yield f"| `{field}` | {_type(inner)} | {needed} |"


def _is_struct(shape: Any) -> bool:
    return isinstance(shape, type) and issubclass(shape, msgspec.Struct)


def _shape(shape: Any) -> str:
    if _is_struct(shape):
        return f"[{shape.__name__}](#{shape.__name__.lower()})"
    return shape if isinstance(shape, str) else "" if shape is None else "an object"


def _type(schema: dict[str, Any]) -> str:
    """A field's type in words."""
    reference = _REFERENCE.fullmatch(schema.get("$ref", ""))
    if reference:
        return f"[{reference[1]}](#{reference[1].lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one != {"type": "null"})
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"a list of {_type(schema.get('items', {}))}"
    said = f": {_cell(schema['description'])}" if "description" in schema else ""
    return str(schema.get("type", "anything")) + said


def stages() -> Iterator[str]:
    """Every stage of each kind: what it does, its formula and its options."""
    config = load_config(None, {})
    yield "# Stages\n"
    yield "The folder of each kind is the registry: a file there is a stage by its name. Configuration says which"
    yield "run, in which order; `package.module:Class` names one of your own.\n"
    for kind in KINDS:
        yield f"## {kind}\n\n{inspect.getdoc(import_module(f'fairshot.pipeline.{kind}'))}\n"
        for name in known_stages(kind):
            stage = load_stage(kind, name, config.options(kind, name)).call
            module = inspect.getdoc(import_module(type(stage).__module__)) or ""
            yield f"### {kind}.{name}\n\n{module}\n\n{inspect.getdoc(type(stage))}\n"
            options = [f"`{f.name} = {getattr(stage, f.name)!r}`" for f in fields(stage) if f.default is not MISSING]
            if options:
                yield f"Options: {', '.join(options)}.\n"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
