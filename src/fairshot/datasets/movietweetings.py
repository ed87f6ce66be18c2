"""MovieTweetings: ratings that people tweeted, with title, year and genres of each film; read from a folder.

The snapshot's own files: movies.dat (id::title (year)::genre|genre) and ratings.dat (user::film::rating::seconds).
A film has no arrival time of its own: it arrives with the first rating of it. It has no creator here either, so each
has one of its own, and figures about creators mean nothing on this set.
Source: Dooms, De Pessemier, Martens, "MovieTweetings: a movie rating dataset collected from Twitter", CrowdRec 2013.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from fairshot.datasets import DatasetError, Prepared
from fairshot.datasets.ml_100k import write_csv

LICENCE = "MovieTweetings is published by Simon Dooms under the MIT licence."
FILES = ("movies.dat", "ratings.dat")
Row = dict[str, str]


def convert(source: Path, into: Path) -> Prepared:
    """Write items.csv and events.csv from the snapshot's files; raises DatasetError where they are not there."""
    for name in FILES:
        if not (source / name).is_file():
            raise DatasetError(f"{source} holds no {name}; it is part of a snapshot of MovieTweetings")
    ratings = sorted(_rows(source / "ratings.dat", 4), key=lambda row: int(row[3]))
    into.mkdir(parents=True, exist_ok=True)
    arrived: dict[str, str] = {}
    for _, film, _, seconds in ratings:
        arrived.setdefault(film, _iso(seconds))
    items = [item for item in _items(source / "movies.dat", arrived) if item["created_at"]]
    written = (write_csv(into / "items.csv", items), write_csv(into / "events.csv", list(_events(ratings))))
    return Prepared(written, LICENCE)


def kind_of(rating: int) -> str:
    """What a rating of 0 to 10 says, in the words of fairshot's feedback."""
    return "love" if rating >= 9 else "like" if rating >= 7 else "view" if rating >= 5 else "dislike"


def _items(path: Path, arrived: dict[str, str]) -> Iterator[Row]:
    for film, title, genres in _rows(path, 3):
        year = title.rpartition("(")[2].rstrip(")")
        yield {
            "id": film,
            "creator_id": f"unknown-{film}",
            "title": title,
            "labels": genres,
            "created_at": arrived.get(film, ""),
            "attributes.year": year if year.isdigit() else "",
        }


def _events(ratings: list[list[str]]) -> Iterator[Row]:
    for user, film, rating, seconds in ratings:
        yield {
            "event_id": f"movietweetings/{user}/{film}",
            "kind": kind_of(int(rating)),
            "user_id": user,
            "item_id": film,
            "value": rating,
            "at": _iso(seconds),
        }


def _iso(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _rows(path: Path, columns: int) -> Iterator[list[str]]:
    """The lines of a file whose columns are parted by "::"."""
    for line in path.read_text("utf-8").splitlines():
        row = line.split("::")
        if len(row) != columns:
            raise DatasetError(f"{path.name}: {line!r} has {len(row)} columns, expected {columns}")
        yield row
