"""What a figure's verdict means, and what a missing data set says."""

from pathlib import Path

import pytest

from fairshot.reproductions import discover
from fairshot.reproductions.figure import MissingData, at_least, at_most, data_set, near


def test_a_figure_holds_within_its_tolerance_and_only_there() -> None:
    assert near("x", 1.04, 1.0, 0.05, "here").holds
    assert not near("x", 1.06, 1.0, 0.05, "here").holds
    assert not near("x", float("nan"), 1.0, 0.05, "here").holds


def test_bounds_include_themselves_and_refuse_nan() -> None:
    assert at_least("x", 1.0, 1.0, "here").holds
    assert at_most("x", 1.0, 1.0, "here").holds
    assert not at_least("x", float("nan"), 1.0, "here").holds
    assert not at_most("x", 1.1, 1.0, "here").holds


def test_missing_data_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="no folder"):
        data_set(None, "films")
    (tmp_path / "films").mkdir()
    assert data_set(tmp_path, "films") == tmp_path / "films"
    with pytest.raises(MissingData, match=r"ratings\.csv"):
        data_set(tmp_path, "films", "ratings.csv")


def test_every_module_of_the_folder_is_discovered() -> None:
    for name, module in discover().items():
        assert callable(module.figures), name
        assert module.__doc__, name
