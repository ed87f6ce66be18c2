"""Data sets: the wheel is taken only for what its hash says; what is made of its tables."""

import hashlib
from pathlib import Path

import pytest

from fairshot.config import load_config
from fairshot.core.feedback import FeedbackKinds
from fairshot.core.records import Reader
from fairshot.datasets import DatasetError, fetch, ml_100k, prepare
from fairshot.datasets.fetch import Wheel, cache_folder, cached

DATA = b"a wheel, or so"
WHEEL = Wheel("films", "1.0", hashlib.sha256(DATA).hexdigest())


def test_the_cache_is_used_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads: list[Wheel] = []

    def download(wheel: Wheel) -> bytes:
        downloads.append(wheel)
        return DATA

    monkeypatch.setattr(fetch, "_download", download)
    assert fetch.fetch(WHEEL, tmp_path) == DATA
    assert fetch.fetch(WHEEL, tmp_path) == DATA
    assert len(downloads) == 1
    (tmp_path / WHEEL.file).write_bytes(b"damaged")
    assert cached(WHEEL, tmp_path) is None
    assert fetch.fetch(WHEEL, tmp_path) == DATA
    assert len(downloads) == 2


def test_another_file_under_the_same_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_download", lambda _wheel: b"something else")
    with pytest.raises(DatasetError, match="SHA-256 differs"):
        fetch.fetch(WHEEL, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_network_and_cache_the_error_says_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DatasetError, match="is there a network"):
        fetch._download(WHEEL)


def test_the_cache_is_where_the_user_keeps_caches(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "fairshot"
    assert cache_folder({"XDG_CACHE_HOME": ""}) == Path.home() / ".cache" / "fairshot"


def test_unknown_data_sets_are_named() -> None:
    with pytest.raises(DatasetError, match="there are: ml-100k"):
        prepare("ml-1t", Path())


GRAPH = [
    {"head_id": "f1", "relation_id": "film.film.directed_by", "tail_id": "d1"},
    {"head_id": "f1", "relation_id": "film.film.directed_by", "tail_id": "d2"},
    {"head_id": "f2", "relation_id": "film.film.directed_by", "tail_id": "d2"},
    {"head_id": "f3", "relation_id": "film.film.actor", "tail_id": "d9"},
    {"head_id": "f9", "relation_id": "film.film.directed_by", "tail_id": "d1"},
]
LINKS = [{"item_id": item, "entity_id": f"f{item}"} for item in "123"]
FILMS = [
    {"item_id": item, "movie_title": f"Film {item}", "release_year": year, "class": "Drama War"}
    for item, year in (("1", "1995"), ("2", "1969"), ("3", "V"), ("4", "1970"))
]


def test_of_several_directors_the_one_with_most_films_counts() -> None:
    assert ml_100k.choose_directors(GRAPH, LINKS) == {"1": "d2", "2": "d2"}


def test_films_without_a_director_have_a_creator_of_their_own() -> None:
    directors = ml_100k.choose_directors(GRAPH, LINKS)
    items = list(ml_100k.items(FILMS, directors))
    assert [item["creator_id"] for item in items] == ["d2", "d2", "unknown-3", "unknown-4"]
    assert {c["id"] for c in ml_100k.creators(FILMS, directors)} == {i["creator_id"] for i in items}
    assert [item["created_at"] for item in items] == ["1995-01-01", "", "", "1970-01-01"]
    assert items[0]["labels"] == "Drama|War"


def test_ratings_become_feedback_oldest_first() -> None:
    rated = [
        {"user_id": "u", "item_id": str(n), "rating": rating, "timestamp": str(900 - n)}
        for n, rating in enumerate("12345")
    ]
    events = list(ml_100k.events(rated))
    assert [event["kind"] for event in events] == ["love", "like", "view", "dislike", "dislike"]
    assert [event["value"] for event in events] == list("54321")
    reader = Reader(FeedbackKinds.of(load_config(None, {}).feedback), b"")
    _, _, rejected = reader.read("events", [{**event, "value": float(event["value"])} for event in events], 2**60)
    assert not rejected
