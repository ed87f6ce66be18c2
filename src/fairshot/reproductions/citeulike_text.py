"""Titles and abstracts of CiteULike papers with the tags that readers gave them."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairshot.core.arrays import Floats, Ints
from fairshot.core.randomness import stream
from fairshot.learning.label_features import plain_text
from fairshot.reproductions.figure import MissingData, data_set

Parts = tuple[Ints, Ints, Ints]


@dataclass(frozen=True, slots=True)
class Papers:
    """Papers that have a text and any tag; the frequent tags are what is to be predicted.

    records: with all their tags as labels; names: of the frequent tags; truth: float32 (papers, names), 0 or 1; told:
    the share of all tags that stand, as a word, in the text they were given to.
    """

    records: list[dict[str, Any]]
    names: list[str]
    truth: Floats
    told: float

    def parts(self, seed: int) -> Parts:
        """Papers of training, validation and test."""
        drawn = stream("labels", "split", str(seed)).permutation(len(self.records))
        first, second = int(0.6 * len(drawn)), int(0.8 * len(drawn))
        return drawn[:first], drawn[first:second], drawn[second:]

    def of(self, index: Ints) -> list[dict[str, Any]]:
        """Some of the records."""
        return [self.records[i] for i in index.tolist()]


def load(data: Path | None, least: int) -> Papers:
    """Join text and tags; a tag is frequent where at least so many of these papers bear it.

    The texts are numbered among themselves. Their first readers are those of citeulike-a, in the same order, and a
    reader's papers stand in the same order in both, which tells the number of 1,906 of 1,929. Their numbers begin at
    one, the lines of tags at zero: read so, a quarter of all tags stand in their paper's text, with any other shift
    one in twenty-five. Raises MissingData where a reader's papers are not as many in both.
    """
    text = data_set(data, "citeulike-text-authors", "raw-data.csv", "users.dat")
    whole = data_set(data, "citeulike-a", "item-tag.dat", "tags.dat", "users.dat")
    some, everybody = (_lists(folder / "users.dat") for folder in (text, whole))
    number: dict[int, int] = {}
    for own, papers in zip(some, everybody[: len(some)], strict=True):
        if len(own) != len(papers):
            raise MissingData("the readers of the texts are not those of citeulike-a")
        number.update(zip(sorted(own), sorted(papers), strict=True))
    tags = (whole / "tags.dat").read_text("utf-8", "replace").splitlines()
    given = _lists(whole / "item-tag.dat")
    with (text / "raw-data.csv").open(encoding="utf-8", errors="replace", newline="") as file:
        rows = {int(row["doc.id"]): row for row in csv.DictReader(file)}
    named = {paper: [tags[tag] for tag in given[number[paper] - 1]] for paper in sorted(number)}
    named = {paper: found for paper, found in named.items() if found}
    counts = Counter(tag for found in named.values() for tag in found)
    names = sorted(tag for tag in counts if counts[tag] >= least)
    records = [
        {
            "title": rows[paper]["raw.title"],
            "text": rows[paper]["raw.abstract"],
            "labels": found,
        }
        for paper, found in named.items()
    ]
    truth = np.array([[name in record["labels"] for name in names] for record in records], dtype=np.float32)
    return Papers(records, names, truth, _told(records, list(named.values())))


def _told(records: list[dict[str, Any]], tags: list[list[str]]) -> float:
    words = [set(plain_text(record).lower().split()) for record in records]
    pairs = [tag.lower() in own for own, given in zip(words, tags, strict=True) for tag in given]
    return float(np.mean(pairs))


def _lists(path: Path) -> list[list[int]]:
    """Each line's numbers after the first, which is their count."""
    return [[int(number) for number in line.split()[1:]] for line in path.read_text().splitlines()]
