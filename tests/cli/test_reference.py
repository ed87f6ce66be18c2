"""Documents that cannot lie: pages are what the code says now, and everything has words of its own."""

import inspect
import re
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import typer

from fairshot.cli import reference
from fairshot.cli.application import application
from fairshot.core.candidates import Candidates
from fairshot.pipeline.stages import KINDS, known_stages, load_stage

ROOT = Path(__file__).parents[2]
OWN_WORDS = ("feedback.", "pipeline")
"""Sections whose options are explained together, at their head."""


@pytest.mark.parametrize("name", ["commands.md", "configuration.md", "routes.md", "stages.md"])
def test_pages_are_up_to_date(name: str) -> None:
    stands = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert stands == reference.pages()[name], "run python -m fairshot.cli.reference docs/reference"


def test_every_argument_and_option_of_a_command_is_explained() -> None:
    for name, command in reference._leaves(typer.main.get_command(application), "fairshot"):
        assert "Examples:" in command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"


def test_every_option_of_the_configuration_is_explained() -> None:
    """By the comment above it, or by one of its section that names it."""
    text = files("fairshot").joinpath("defaults.toml").read_text("utf-8")
    for section in re.split(r"^(?=\[)", text, flags=re.MULTILINE)[1:]:
        if section.startswith(tuple(f"[{name}" for name in OWN_WORDS)):
            continue
        comments = " ".join(line for line in section.splitlines() if line.startswith("#"))
        for above, option in re.findall(r"^(.*)\n([a-z_]+) = ", section, flags=re.MULTILINE):
            assert above.startswith("#") or option in comments, f"{section.splitlines()[0]} {option}"


def test_every_route_says_what_it_does() -> None:
    for operation in reference.operations():
        assert operation.summary, operation.path


def test_every_stage_is_explained() -> None:
    for kind in KINDS:
        for name in known_stages(kind):
            assert inspect.getdoc(import_module(f"fairshot.pipeline.{kind}.{name}")), f"{kind}.{name}"


def test_links_of_the_documents_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
        for target in re.findall(r"(?:\]\(|href=\"|src=\")([^)\"#\s]+)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken, broken


def test_the_stage_in_contributing_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (tmp_path / "own_stage.py").write_text(text.partition("```python\n")[2].partition("```")[0], "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    stage = load_stage("value", "own_stage:Conversation", {"power": 2.0})
    batch = Candidates(np.arange(2, dtype=np.int32), {"p_comment": np.array([0.5, 1.0])})
    assert stage.call(batch, None).tolist() == [0.25, 1.0]
