"""New items of MovieTweetings, where its snapshot is at hand: the pipeline beats popularity and recency."""

from importlib import import_module
from pathlib import Path

import pytest

from fairshot.cli.bench import discover

discover(Path(__file__).parents[2])
new_items = import_module("benchmarks.new_items")

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def rows():
    found = new_items.measure()
    if not found:
        pytest.skip("there is no snapshot of MovieTweetings; FAIRSHOT_SCIENCE_DATA names the folder that holds it")
    return {(row.arm, row.figure): row for row in found}


def test_new_items_are_found_three_times_as_often_from_what_they_say_of_themselves(rows):
    row = rows["accuracy alone, frozen", "recall@20 among new items"]
    assert row.apart
    assert row.times >= 3


def test_a_living_system_finds_more_of_them_in_the_full_catalogue(rows):
    """Where any reaction counts alike, as it does here; the defaults seek what people approve of."""
    assert rows["accuracy alone, live", "recall@20 in the full catalogue"].apart
