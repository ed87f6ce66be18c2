"""Labels of papers from their titles and abstracts, beside nearest neighbours and the most frequent labels.

Set-up: papers of citeulike-a whose text is at hand and that have any tag; labels are the tags borne by at least 20 of
them. Each seed parts them into training (60 %), validation (20 %) and test (20 %). The peers' settings are chosen on
the validation part, then all learn from both parts; ours leaves out in place of a validation part. Micro-F1 is over
all pairs of a test paper and a label; intervals are of 2,000 bootstraps over papers, the same ones for all models and
seeds. Our settings were chosen on splits of other seeds. Nothing was published for this set-up.
"""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from threadpoolctl import threadpool_limits

from fairshot.core.arrays import Floats, Ints
from fairshot.core.ids import Vocabulary
from fairshot.core.randomness import stream
from fairshot.learning.content import ContentEncoder, fit_content
from fairshot.learning.label_features import plain_text
from fairshot.learning.label_thresholds import common_threshold, micro_f1
from fairshot.learning.labels import fit_labels
from fairshot.reproductions.citeulike_text import Papers, Parts, load
from fairshot.reproductions.figure import Figure, MissingData, at_least

SEEDS = range(5)
LEAST, DIMENSIONS, BOOTSTRAPS = 20, 64, 2000
NEIGHBOURS, POWERS = (5, 10, 20, 30, 50, 80), (1.0, 2.0)
OURS, NEAREST, MAJORITY = "labels", "nearest neighbours", "most frequent labels"


def predicted(papers: Papers, parts: Parts) -> tuple[Floats, Floats]:
    """Our labels of the test papers and their probabilities, (n, labels) each."""
    learned, asked = papers.of(np.concatenate(parts[:2])), papers.of(parts[2])
    model = fit_labels(learned, _encoder(learned), Vocabulary(papers.names))
    if model is None:
        raise MissingData("no tag is frequent enough")
    probability, threshold = np.zeros((len(asked), len(papers.names))), np.ones(len(papers.names))
    judged = model.rows >= 0
    probability[:, model.rows[judged]] = model.probabilities(asked)[:, judged]
    threshold[model.rows[judged]] = model.thresholds[judged]
    return (probability >= threshold).astype(np.float64), probability


def neighbours(papers: Papers, parts: Parts) -> Floats:
    """Labels of the nearest papers; space, number, weight and threshold suit the validation part best."""
    train, vali, test = parts
    best: tuple[float, str, int, float, float] | None = None
    for space, compare in SPACES.items():
        alike, near = _nearest(compare(papers.of(train), papers.of(vali)))
        for count, power in product(NEIGHBOURS, POWERS):
            score = _shares(alike[:, :count], papers.truth[train][near[:, :count]], power)
            threshold = common_threshold(score, papers.truth[vali])
            f1 = micro_f1(score >= threshold, papers.truth[vali])
            if best is None or f1 > best[0]:
                best = f1, space, count, power, threshold
    assert best is not None
    _, space, count, power, threshold = best
    both = np.concatenate([train, vali])
    alike, near = _nearest(SPACES[space](papers.of(both), papers.of(test)))
    return (_shares(alike[:, :count], papers.truth[both][near[:, :count]], power) >= threshold).astype(np.float64)


def most_frequent(papers: Papers, parts: Parts) -> Floats:
    """The same labels for every paper, as many of the most frequent as suit the validation part best."""
    train, vali, test = parts

    def first(known: Ints, count: int, asked: Ints) -> Floats:
        top = np.argsort(-papers.truth[known].sum(axis=0), kind="stable")[:count]
        given = np.zeros((len(asked), len(papers.names)))
        given[:, top] = 1
        return given

    chosen = max(range(1, 30), key=lambda count: micro_f1(first(train, count, vali), papers.truth[vali]))
    return first(np.concatenate([train, vali]), chosen, test)


def results(papers: Papers, seeds: range = SEEDS) -> tuple[dict[str, Floats], Floats]:
    """Counts of each model, and whether its probabilities can be believed.

    Counts: float64 (seeds, papers, 2), of each test paper the right labels, and the given and the true ones together.
    Of our likeliest label the mean probability and the share that is right, over all test papers.
    """
    shape = (len(seeds), len(papers.records), 2)
    found: dict[str, Floats] = {name: np.zeros(shape) for name in (OURS, NEAREST, MAJORITY)}
    first: list[tuple[float, float]] = []
    with threadpool_limits(1, "blas"):
        for number, seed in enumerate(seeds):
            parts = papers.parts(seed)
            truth = papers.truth[parts[2]]
            ours, probability = predicted(papers, parts)
            given = {OURS: ours, NEAREST: neighbours(papers, parts), MAJORITY: most_frequent(papers, parts)}
            for name, labels in given.items():
                found[name][number, parts[2]] = np.stack(_counts(labels, truth), axis=1)
            right = truth[np.arange(len(truth)), probability.argmax(axis=1)]
            first.append((float(probability.max(axis=1).mean()), float(right.mean())))
    believed: Floats = np.mean(first, axis=0)
    return found, believed


def figures(data: Path | None) -> list[Figure]:
    """Micro-F1 of each, by how much ours is above both peers, and whether its probabilities can be believed."""
    papers = load(data, LEAST)
    found, (confidence, right) = results(papers)
    size = f"{len(papers.records)} papers, {len(papers.names)} tags borne by {LEAST} or more"
    weights = _drawn(len(papers.records))
    result = [_reported("tags that stand in their paper's text", papers.told, "the join of text and tags")]
    drawn = {name: _mean_f1(counts, weights) for name, counts in found.items()}
    for name, counts in found.items():
        result.append(_reported(f"micro-F1, {name}", _mean_f1(counts)[0], _source(size, drawn[name])))
    for peer in (NEAREST, MAJORITY):
        low = float(np.quantile(drawn[OURS] - drawn[peer], 0.025))
        mean = float(_mean_f1(found[OURS])[0] - _mean_f1(found[peer])[0])
        result.append(
            at_least(f"above {peer}: lower end", low, 0.0, f"{size}; mean {mean:.3f}; over {len(SEEDS)} seeds")
        )
        alone = [_mean_f1(found[OURS][[s]], weights) - _mean_f1(found[peer][[s]], weights) for s in range(len(SEEDS))]
        least = min(float(np.quantile(differences, 0.025)) for differences in alone)
        result.append(_reported(f"above {peer}: lower end, least of the seeds alone", least, size))
    result.append(_reported("mean probability of the first label", confidence, size))
    result.append(_reported("share of first labels that are right", right, size))
    return result


def _by_words(known: list[dict[str, Any]], asked: list[dict[str, Any]], without: str | None = None) -> Floats:
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, stop_words=without, dtype=np.float32)
    table = vectorizer.fit_transform([plain_text(record) for record in known])
    result: Floats = (vectorizer.transform([plain_text(record) for record in asked]) @ table.T).toarray()
    return result


def _by_embedding(known: list[dict[str, Any]], asked: list[dict[str, Any]]) -> Floats:
    encoder = _encoder(known)
    table, own = (
        encoder.content("text", [{"title": r["title"], "text": r["text"]} for r in part]) for part in (known, asked)
    )
    lengths = np.linalg.norm(own, axis=1)[:, None] * np.linalg.norm(table, axis=1)
    result: Floats = own @ table.T / np.maximum(lengths, 1e-9)
    return result


SPACES: dict[str, Callable[[list[dict[str, Any]], list[dict[str, Any]]], Floats]] = {
    "words": _by_words,
    "words that are not common": lambda known, asked: _by_words(known, asked, "english"),
    "embedding": _by_embedding,
}


def _nearest(alike: Floats) -> tuple[Floats, Ints]:
    """How alike the nearest are, and which these are, nearest first: (asked, most neighbours)."""
    near = np.argsort(-alike, axis=1, kind="stable")[:, : max(NEIGHBOURS)]
    return np.take_along_axis(alike, near, axis=1), near


def _shares(alike: Floats, truth: Floats, power: float) -> Floats:
    """Share of each label among the nearest papers, weighed by likeness."""
    weight = np.maximum(alike, 1e-6) ** power
    result: Floats = ((weight / weight.sum(axis=1, keepdims=True))[:, None] @ truth)[:, 0]
    return result


def _encoder(records: list[dict[str, Any]]) -> ContentEncoder:
    """The text model as training makes it, without any feedback."""
    nothing = np.zeros(len(records), dtype=np.float32)
    return fit_content(records, nothing[:, None], nothing, DIMENSIONS)


def _counts(given: Any, truth: Floats) -> tuple[Floats, Floats]:
    """Of each paper the right labels, and the given and the true ones together."""
    return (given * truth).sum(axis=1), given.sum(axis=1) + truth.sum(axis=1)


def _drawn(papers: int) -> Floats:
    """How often each bootstrap draws each paper, (bootstraps, papers)."""
    rng = stream("labels", "bootstrap")
    return rng.multinomial(papers, np.full(papers, 1 / papers), BOOTSTRAPS).astype(np.float64)


def _mean_f1(counts: Floats, weights: Floats | None = None) -> Floats:
    """Micro-F1, the mean over seeds, of each bootstrap: counts (seeds, papers, 2), weights (bootstraps, papers)."""
    weights = np.ones((1, counts.shape[1])) if weights is None else weights
    sums = np.tensordot(weights, counts, (1, 1))
    result: Floats = (2 * sums[..., 0] / sums[..., 1]).mean(axis=1)
    return result


def _source(size: str, drawn: Floats) -> str:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{size}; {len(SEEDS)} seeds, 95 % interval {low:.3f} to {high:.3f}"


def _reported(name: str, figure: float, source: str) -> Figure:
    return Figure(name, float(figure), "reported", 0.0, source, holds=True)
