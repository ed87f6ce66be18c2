"""Every benchmark can be run by `fairshot bench`: its `measure()` takes nothing and returns frozen dataclasses."""

import inspect
import typing
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from fairshot.cli.bench import discover

CHECKOUT = Path(__file__).parents[2]
NAMES = discover(CHECKOUT)


def test_the_benchmarks_of_algorithms_are_discovered() -> None:
    assert {"algorithms_bandits", "algorithms_diversity", "algorithms_fairness"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_measure_is_what_the_command_calls(name: str) -> None:
    measure = import_module(f"benchmarks.{name}").measure
    parameters = inspect.signature(measure).parameters.values()
    assert all(one.default is not inspect.Parameter.empty for one in parameters), "called without arguments"
    returned = typing.get_type_hints(measure)["return"]
    assert typing.get_origin(returned) is list
    (row,) = typing.get_args(returned)
    assert is_dataclass(row)
    assert vars(row)["__dataclass_params__"].frozen
