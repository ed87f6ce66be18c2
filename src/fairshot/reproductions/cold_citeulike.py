"""Four cold-start models on CiteULike items that nobody has seen, with tags as content.

Set-up: the cold-item split of Heater (13,584 training items with 164,210 likes, 1,018 validation items, 2,378
test items with 27,739 likes; 5,551 users). The papers' text features are not available: content is the tags of
citeulike-a, TF-IDF with the frequencies of training items (20 % of the items have none), whole for KNN and the
ridge, reduced to 1,000 dimensions for the networks; all start from the same factors (alternating least squares, also
for Heater, whose authors take BPR). So no figure here compares with a table of those papers.
Every setting was chosen on the validation items. Ranking is among the test items; recall and NDCG at 20, 50 and
100 are means over the users with test likes, then over five seeds (of factorisation, reduction and training).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from fairshot.algorithms.ranked_hits import ndcg, recall
from fairshot.learning.cold_start import deep_music, dropout_net, heater, knn
from fairshot.learning.cold_start.content import Floats32, Sparse, sparse, tfidf
from fairshot.reproductions.figure import Figure, at_least, data_set

USERS, ITEMS = 5551, 16980
SEEDS, STUDENT = 5, 2.776
DEPTHS = (20, 50, 100)
REFERENCE = {20: 0.402, 50: 0.510, 100: 0.584}
BEST = "DeepMusic ridge"
CONTENT = "Heater's cold CiteULike split, tags as content"
Scores = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Split:
    """Likes [users, warm] of training, likes [users, cold] to find, and content of both kinds of items."""

    liked: Sparse
    hidden: NDArray[np.bool_]
    warm: Sparse
    cold: Sparse


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the models of one seed start from: factors of users and warm items, and reduced content."""

    users: Floats32
    items: Floats32
    warm: Floats32
    cold: Floats32


def load(data: Path | None, part: str = "test") -> Split:
    """Read the split; `part` is "test" or, to choose settings, "vali"."""
    split = data_set(data, "heater-CiteULike", "train.csv", f"{part}.csv")
    tags = data_set(data, "citeulike-a", "item-tag.dat") / "item-tag.dat"
    train, hidden = (_pairs(split / name) for name in ("train.csv", f"{part}.csv"))
    rows = [np.array(line.split()[1:], np.int64) for line in tags.read_text().splitlines()]
    item = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    counts = csr_array((np.ones(len(item)), (item, np.concatenate(rows))))
    warm, cold = np.unique(train[:, 1]), np.unique(hidden[:, 1])
    content = tfidf(counts, warm)
    likes, wanted = _matrix(train)[:, warm], _matrix(hidden)[:, cold]
    return Split(sparse(likes), wanted.toarray() > 0, content[warm], content[cold])


def inputs(split: Split, seed: int) -> Inputs:
    """Factorise the likes and reduce the content."""
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(factors=200, regularization=30.0, alpha=30.0, iterations=15, random_state=seed)
        model.fit(csr_matrix(split.liked), show_progress=False)
    _, _, right = randomized_svd(split.warm, 1000, n_iter=2, random_state=seed)
    warm, cold = (np.asarray(part @ right.T, np.float32) for part in (split.warm, split.cold))
    return Inputs(np.array(model.user_factors), np.array(model.item_factors), warm, cold)


def knn_model(split: Split, _given: Inputs, _seed: int) -> Scores:
    """Users of the 100 nearest items by tags."""
    return knn.knn_scores(split.cold, split.warm, split.liked, k=100)


def ridge_model(split: Split, given: Inputs, _seed: int) -> Scores:
    """DeepMusic in closed form, on all tags."""
    return given.users @ deep_music.fit_ridge(split.warm, given.items, penalty=1.5)(split.cold).T


def net_model(_split: Split, given: Inputs, seed: int) -> Scores:
    """DeepMusic with a network."""
    net = deep_music.fit_net(given.warm, given.items, np.random.default_rng(seed))
    return given.users @ net(given.cold).T


def dropout_model(split: Split, given: Inputs, seed: int) -> Scores:
    """DropoutNet on the same factors."""
    popularity = np.asarray(split.liked.sum(axis=0), np.float64).ravel()
    rng = np.random.default_rng(seed)
    model = dropout_net.fit(given.users, given.items, given.warm, popularity, rng)
    return model.users(given.users) @ model.items(given.cold).T


def heater_model(split: Split, given: Inputs, seed: int) -> Scores:
    """Heater on the same factors."""
    model = heater.fit(given.users, given.items, given.warm, split.liked, np.random.default_rng(seed))
    return model.users(given.users) @ model.items(given.cold).T


MODELS: dict[str, Callable[[Split, Inputs, int], Scores]] = {
    "KNN": knn_model,
    BEST: ridge_model,
    "DeepMusic net": net_model,
    "DropoutNet": dropout_model,
    "Heater": heater_model,
}


def measured(scores: Scores, hidden: NDArray[np.bool_]) -> list[float]:
    """Recall, then NDCG, at each depth, over the users with likes to find."""
    users = hidden.any(axis=1)
    kept, wanted = scores[users], hidden[users]
    return [float(metric(kept, wanted, depth).mean()) for metric in (recall, ndcg) for depth in DEPTHS]


def results(split: Split, seeds: int = SEEDS) -> dict[str, NDArray[np.float64]]:
    """Metrics [seeds, 6] of every model."""
    found: dict[str, list[list[float]]] = {name: [] for name in MODELS}
    for seed in range(seeds):
        given = inputs(split, seed)
        for name, model in MODELS.items():
            found[name].append(measured(model(split, given, seed), split.hidden))
    return {name: np.array(rows) for name, rows in found.items()}


def figures(data: Path | None) -> list[Figure]:
    """Six metrics of each model; the best must beat the tag KNN of reference at every depth of recall."""
    found = []
    for name, rows in results(load(data)).items():
        for column, (metric, depth) in enumerate((m, d) for m in ("recall", "NDCG") for d in DEPTHS):
            values = rows[:, column]
            spread = STUDENT * values.std(ddof=1) / len(values) ** 0.5
            source = f"{CONTENT}; {len(values)} seeds, 95 % interval +-{spread:.4f}"
            label = f"{name}, {metric}@{depth}"
            if name == BEST and metric == "recall":
                bound = f"tag KNN of reference; {source}"
                found.append(at_least(label, float(values.mean()), REFERENCE[depth], bound))
            else:
                found.append(Figure(label, float(values.mean()), "reported", 0.0, source, holds=True))
    return found


def _pairs(path: Path) -> NDArray[np.int64]:
    return np.loadtxt(path, np.int64, delimiter=",", skiprows=1)


def _matrix(pairs: NDArray[np.int64]) -> Sparse:
    values = np.ones(len(pairs), np.float32)
    return csr_array((values, (pairs[:, 0], pairs[:, 1])), shape=(USERS, ITEMS))
