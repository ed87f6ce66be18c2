"""MovieLens 100K with the directors of its knowledge graph as creators: 100,000 ratings of 943 people.

Both come in the wheel of RecBole. A film has one creator: of several directors the one with most films here.
A film without a director has a creator of its own, so that nobody's exposure is counted as somebody else's.
Why a creator here is seldom the director of the very film: docs/decisions/0020-ml-100k.md.
"""

import csv
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fairshot.datasets import Prepared, Report
from fairshot.datasets.fetch import Wheel, fetch

WHEEL = Wheel("recbole", "1.2.1", "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407")
LICENCE = (
    "MovieLens 100K belongs to GroupLens, University of Minnesota. It may be used for research; it may not be passed "
    "on, nor used to earn money, without their permission, and they endorse nothing that is made with it. "
    "Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
    "ACM Transactions on Interactive Intelligent Systems 5, 4, Article 19. https://doi.org/10.1145/2827872"
)
FEEDBACK = {"5": "love", "4": "like", "3": "view", "2": "dislike", "1": "dislike"}
"""What a rating says, in the words of fairshot's feedback; the rating itself stays as the event's value."""
_FOLDER = "recbole/dataset_example/ml-100k/ml-100k"
_DIRECTED_BY = "film.film.directed_by"
Row = dict[str, str]


def prepare(folder: Path, report: Report) -> Prepared:
    """Write creators.csv, items.csv, users.csv and events.csv."""
    report("fetching", 0.0)
    tables = read_tables(fetch(WHEEL))
    directors = choose_directors(tables["kg"], tables["link"])
    parts = {
        "creators": creators(tables["item"], directors),
        "items": items(tables["item"], directors),
        "users": users(tables["user"]),
        "events": events(tables["inter"]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, (name, rows) in enumerate(parts.items()):
        report(f"writing {name}", number / len(parts))
        written.append(write_csv(folder / f"{name}.csv", list(rows)))
    report("done", 1.0)
    return Prepared(tuple(written), LICENCE)


def read_tables(wheel: bytes) -> dict[str, list[Row]]:
    """The tables of the wheel, by their endings; names of columns without their types."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        texts = {
            name: archive.read(f"{_FOLDER}.{name}").decode("utf-8") for name in ("item", "user", "inter", "kg", "link")
        }
    return {name: list(_rows(text)) for name, text in texts.items()}


def _rows(text: str) -> Iterator[Row]:
    lines = text.split("\n")
    columns = [name.partition(":")[0] for name in lines[0].split("\t")]
    for line in lines[1:]:
        if line:
            yield dict(zip(columns, line.split("\t"), strict=True))


def choose_directors(graph: Iterable[Row], links: Iterable[Row]) -> dict[str, str]:
    """For each linked item with a director that director; of several the one with most films, then the first by id."""
    directed = defaultdict(set)
    for triple in graph:
        if triple["relation_id"] == _DIRECTED_BY:
            directed[triple["head_id"]].add(triple["tail_id"])
    candidates = {link["item_id"]: directed[link["entity_id"]] for link in links if link["entity_id"] in directed}
    films = Counter(director for found in candidates.values() for director in found)
    return {item: min(found, key=lambda d: (-films[d], d)) for item, found in candidates.items()}


def _creator(item: Row, directors: Mapping[str, str]) -> str:
    return directors.get(item["item_id"], f"unknown-{item['item_id']}")


def creators(rows: Iterable[Row], directors: Mapping[str, str]) -> Iterator[Row]:
    """One row a creator. The graph has no names, so a director is called by the graph's id."""
    for creator, title in {_creator(row, directors): row["movie_title"] for row in rows}.items():
        unknown = creator.startswith("unknown-")
        yield {"id": creator, "name": f"unknown director of {title}" if unknown else f"Director {creator}"}


def items(rows: Iterable[Row], directors: Mapping[str, str]) -> Iterator[Row]:
    """One row a film; a year before 1970 cannot be a creation time and stays an attribute alone."""
    for row in rows:
        year = row["release_year"]
        yield {
            "id": row["item_id"],
            "creator_id": _creator(row, directors),
            "title": row["movie_title"],
            "labels": "|".join(row["class"].split()),
            "created_at": f"{year}-01-01" if year.isdigit() and int(year) >= 1970 else "",
            "attributes.year": year if year.isdigit() else "",
        }


def users(rows: Iterable[Row]) -> Iterator[Row]:
    """One row a person; postcodes are left out, nothing here has a use for them."""
    for row in rows:
        yield {"id": row["user_id"]} | {f"attributes.{name}": row[name] for name in ("age", "gender", "occupation")}


def events(rows: Iterable[Row]) -> Iterator[Row]:
    """One row a rating, oldest first."""
    for row in sorted(rows, key=lambda r: int(r["timestamp"])):
        yield {
            "event_id": f"ml-100k/{row['user_id']}/{row['item_id']}",
            "kind": FEEDBACK[row["rating"]],
            "user_id": row["user_id"],
            "item_id": row["item_id"],
            "value": row["rating"],
            "at": datetime.fromtimestamp(int(row["timestamp"]), UTC).isoformat().replace("+00:00", "Z"),
        }


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Write rows under their common header."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
