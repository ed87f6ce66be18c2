"""MovieLens-1M with held-out new items: embeddings of three published cold-start models, and who liked what.

The split has 3,018 films and 6,018 users; 905 films are for test, 302 for validation. The likes of the other
films were not published, so what has to be trained here trains on validation films and half of the test
films, and is judged on the other half.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fairshot.algorithms.mean_discounted_gain import mean_discounted_gain, summarise, worst_share
from fairshot.algorithms.ranked_hits import ndcg, recall
from fairshot.reproductions.figure import data_set

FOLDER = "fair-coldstart-ml1m"
HALF = 452

Scores = NDArray[np.float32]
Items = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ColdItems:
    """Likes (bool) [items, users] of the held-out films, and which are for test and for validation."""

    liked: NDArray[np.bool_]
    test: Items
    validation: Items
    folder: Path

    def scores(self, model: str) -> Scores:
        """Scores of a published model for all films and users [items, users]."""
        users, items = (np.load(self.folder / f"{side}_emb_{model}.npy", allow_pickle=False) for side in "UI")
        return np.asarray(items @ users.T, np.float32)

    def halves(self) -> tuple[Items, Items]:
        """Split the test films in two by a fixed shuffle: those to train on, and those to judge by."""
        shuffled = self.test.copy()
        np.random.default_rng(0).shuffle(shuffled)
        return shuffled[:HALF], np.sort(shuffled[HALF:])


@dataclass(frozen=True, slots=True)
class Quality:
    """Accuracy and fairness of one ranking of new films among themselves."""

    recall: float
    ndcg: float
    gain: float
    worst_tenth: float
    worst_fifth: float
    worst_third: float
    best_tenth: float
    unseen: float


def load(data: Path | None) -> ColdItems:
    """Read the split; ``MissingData`` where it is not there."""
    folder = data_set(data, FOLDER, "cold_test_df.csv.gz", "cold_vali_df.csv", "I_emb_Heater.npy")
    test, validation = _pairs(folder / "cold_test_df.csv.gz"), _pairs(folder / "cold_vali_df.csv")
    items = np.load(folder / "I_emb_Heater.npy", mmap_mode="r", allow_pickle=False).shape[0]
    users = np.load(folder / "U_emb_Heater.npy", mmap_mode="r", allow_pickle=False).shape[0]
    liked = np.zeros((items, users), np.bool_)
    for pairs in (test, validation):
        liked[pairs[:, 1], pairs[:, 0]] = True
    return ColdItems(liked, np.unique(test[:, 1]), np.unique(validation[:, 1]), folder)


def judge(scores: NDArray[np.floating], liked: NDArray[np.bool_]) -> Quality:
    """Rank films [items, users] among themselves: lists of 30 for accuracy, of 100 for gains."""
    by_user, likes = scores.T, liked.T
    gains = mean_discounted_gain(by_user, likes)
    summary = summarise(gains)
    return Quality(
        recall=float(np.nanmean(recall(by_user, likes, 30))),
        ndcg=float(np.nanmean(ndcg(by_user, likes, 30))),
        gain=summary.all,
        worst_tenth=summary.worst,
        worst_fifth=worst_share(gains, 0.2),
        worst_third=worst_share(gains, 0.3),
        best_tenth=summary.best,
        unseen=summary.unseen,
    )


def _pairs(path: Path) -> NDArray[np.int64]:
    return np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
