"""MovieTweetings: the snapshot's own files become files that import."""

import csv
from pathlib import Path

import pytest

from fairshot.datasets import DatasetError
from fairshot.datasets.movietweetings import convert, kind_of

MOVIES = "01::Late (2013)::Comedy|Drama\n02::Early: A Tale (1999)::\n03::Never rated (2001)::Drama\n"
RATINGS = "7::01::8::1370000500\n8::02::3::1370000000\n8::01::10::1370000100\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "movies.dat").write_text(MOVIES, "utf-8")
    (tmp_path / "ratings.dat").write_text(RATINGS, "utf-8")
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def test_a_film_arrives_with_its_first_rating(folder, tmp_path):
    items, events = convert(folder, tmp_path / "out").files
    assert [(row["id"], row["created_at"]) for row in rows(items)] == [
        ("01", "2013-05-31T11:35:00Z"),
        ("02", "2013-05-31T11:33:20Z"),
    ]
    assert [(row["title"], row["labels"], row["attributes.year"]) for row in rows(items)] == [
        ("Late (2013)", "Comedy|Drama", "2013"),
        ("Early: A Tale (1999)", "", "1999"),
    ]
    assert [(row["user_id"], row["item_id"], row["kind"]) for row in rows(events)] == [
        ("8", "02", "dislike"),
        ("8", "01", "love"),
        ("7", "01", "like"),
    ]


def test_every_rating_is_one_kind():
    assert [kind_of(rating) for rating in (0, 4, 5, 6, 7, 8, 9, 10)] == [
        *["dislike"] * 2,
        *["view"] * 2,
        *["like"] * 2,
        *["love"] * 2,
    ]


def test_what_is_missing_or_broken_is_named(folder, tmp_path):
    (folder / "movies.dat").write_text("01::Late (2013)\n")
    with pytest.raises(DatasetError, match=r"movies.dat: '01::Late \(2013\)' has 2 columns, expected 3"):
        convert(folder, tmp_path / "out")
    (folder / "ratings.dat").unlink()
    with pytest.raises(DatasetError, match=r"no ratings.dat"):
        convert(folder, tmp_path / "out")
