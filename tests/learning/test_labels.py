"""Labels: hidden ones are found better than by guessing the majority, and what cannot be read passes without any."""

import json
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from fairshot.core.ids import Vocabulary
from fairshot.learning import labels
from fairshot.learning.content import ContentEncoder, fit_content
from fairshot.learning.label_thresholds import chosen_thresholds, common_threshold, micro_f1
from fairshot.learning.labels import LabelsModel, fit_labels, load_labels, predicted_labels

Record = dict[str, Any]
GENRES = ("Drama", "Comedy", "Sci-Fi", "Film-Noir", "Children's", "War")
UNREADABLE: tuple[Record, ...] = ({}, {"title": ""}, {"title": "\u200b", "text": "qzx"}, {"embedding": [1.0, 2.0]})


def films(n: int, seed: int = 0) -> list[Record]:
    """Titles of a few words with a year and one to three genres, the first by far the most frequent.

    Half of a title's words suit a genre, the rest suit none.
    """
    rng = np.random.default_rng(seed)
    records = []
    for number in range(n):
        share = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
        own = rng.choice(len(GENRES), rng.integers(1, 4), replace=False, p=share)
        words = [f"word{genre}x{rng.integers(12)}" for genre in own for _ in range(2)]
        words += [f"any{rng.integers(300)}" for _ in words]
        title = f"{' '.join(rng.permutation(words))} ({1960 + number % 40})"
        records.append({"title": title, "labels": [GENRES[genre] for genre in own]})
    return records


def fitted(records: list[Record]) -> LabelsModel:
    model = fit_labels(records, encoder_of(records), Vocabulary(GENRES))
    assert model is not None
    return model


def encoder_of(records: list[Record]) -> ContentEncoder:
    nothing = np.zeros(len(records), np.float32)
    return fit_content(records, nothing[:, None], nothing, 16)


def hidden(records: list[Record]) -> list[Record]:
    return [{name: value for name, value in record.items() if name != "labels"} for record in records]


def truth_of(records: list[Record], names: tuple[str, ...]) -> np.ndarray:
    return np.array([[name in record["labels"] for name in names] for record in records], np.float32)


@pytest.fixture(scope="module")
def model() -> LabelsModel:
    return fitted(films(400))


def test_hidden_labels_are_found_better_than_by_the_majority(model):
    asked = films(200, seed=1)
    truth = truth_of(asked, model.names)
    found = model.predict(hidden(asked))
    given = np.array([[name in dict(own) for name in model.names] for own in found])
    majority = max(micro_f1(np.tile(np.arange(6) < count, (200, 1)), truth) for count in range(1, 7))
    assert micro_f1(given, truth) > majority + 0.15
    rows, confidence = model.first(hidden(asked))
    first = [GENRES[row] in record["labels"] for row, record in zip(rows.tolist(), asked, strict=True)]
    assert np.mean(first) > np.mean([GENRES[0] in record["labels"] for record in asked]) + 0.15
    assert abs(np.mean(first) - confidence.mean()) < 0.08


def test_the_likeliest_label_comes_first_with_its_probability(model):
    asked = hidden(films(50, seed=2))
    rows, confidence = model.first(asked)
    for own, row, certain in zip(model.predict(asked), rows.tolist(), confidence.tolist(), strict=True):
        chances = [chance for _, chance in own]
        assert chances == sorted(chances, reverse=True)
        assert all(0 < chance <= 1 for chance in chances)
        assert (GENRES[row], pytest.approx(certain)) == own[0] if own else row == -1


@pytest.mark.parametrize("record", UNREADABLE)
def test_what_cannot_be_read_passes_without_a_label(model, record):
    rows, confidence = model.first([record, *hidden(films(3))])
    assert (rows[0], confidence[0]) == (-1, 0)
    assert (rows[1:] >= 0).any()
    assert model.predict([record]) == [[]]


def test_no_records_are_no_labels(model):
    assert model.predict([]) == []
    assert [len(part) for part in model.first([])] == [0, 0]


def test_a_label_is_known_by_its_own_name():
    records = films(200)
    for number, record in enumerate(records):
        record["text"] = record["labels"][0] if number % 2 else ""
    named = fitted(records)
    assert named.predict([{"title": "any1", "text": "a classic film noir"}])[0][0][0] == "Film-Noir"


def test_embeddings_alone_tell_labels_too():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 150)
    table = 5 + 0.3 * rng.normal(size=(150, 8)) + np.eye(8)[kind]
    records: list[Record] = [
        {"embedding": row.tolist(), "labels": [GENRES[own]]} for row, own in zip(table, kind, strict=True)
    ]
    rows, _ = fitted(records[:100]).first(hidden(records[100:]))
    assert np.mean(rows == kind[100:]) > 0.9


@pytest.mark.parametrize(
    "records",
    [[], hidden(films(30)), films(2), [{"labels": ["Drama"]}] * 20, [{"title": "x1", "labels": ["Drama"]}] * 20],
    ids=["none", "no labels", "few", "nothing to read", "all alike"],
)
def test_where_nothing_can_be_learned_there_is_no_model(records):
    assert fit_labels(records, encoder_of(records), Vocabulary(GENRES)) is None


def test_storing_changes_nothing_and_fitting_again_gives_the_same_bits(model):
    given = [*films(20, seed=3), *hidden(films(20, seed=4))]
    kept = predicted_labels(model, np.arange(5, 45, dtype=np.int32), given, 50)
    tensors, description = kept.dump()
    again = load_labels(load(save(tensors)), json.loads(json.dumps(description)), model.reader.encoder)
    assert again.label.tolist() == kept.label.tolist()
    assert again.confidence.tolist() == kept.confidence.tolist()
    assert again.labeller.predict(given) == model.predict(given)
    assert (kept.label[:25] == -1).all()
    assert (kept.label[25:45] >= 0).any()
    for name, tensor in fitted(films(400)).dump()[0].items():
        assert tensor.tobytes() == model.dump()[0][name].tobytes()


def test_a_large_catalogue_costs_no_more_than_a_bounded_one(monkeypatch):
    monkeypatch.setattr(labels, "RECORDS", 100)
    seen: list[int] = []
    ridge = labels._fit_ridge

    def counted(gram, wanted):
        seen.append(len(gram))
        return ridge(gram, wanted)

    monkeypatch.setattr(labels, "_fit_ridge", counted)
    bounded = fitted(films(400))
    assert seen == [100]
    assert bounded.predict(hidden(films(5)))


def test_leaving_one_out_is_what_fitting_without_it_predicts(monkeypatch):
    monkeypatch.setattr(labels, "PENALTIES", (1.5,))
    rng = np.random.default_rng(0)
    table, wanted = rng.normal(size=(30, 6)).astype(np.float32), rng.normal(size=(30, 2)).astype(np.float32)
    _, left_out = labels._fit_ridge(table @ table.T, wanted)
    rest = np.arange(30) != 7
    dual, _ = labels._fit_ridge(table[rest] @ table[rest].T, wanted[rest])
    assert left_out[7] == pytest.approx(table[7] @ table[rest].T @ dual, abs=1e-3)


def test_thresholds_give_the_best_micro_f1():
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=(80, 5)) * np.array([1, 0.8, 0.6, 0.3, 0.1])
    truth = (rng.uniform(size=(80, 5)) < probability).astype(np.float32)
    common = common_threshold(probability, truth)
    tried = max(micro_f1(probability >= level, truth) for level in probability.ravel())
    assert micro_f1(probability >= common, truth) == tried
    assert micro_f1(probability >= chosen_thresholds(probability, truth), truth) > tried - 0.03
    assert micro_f1(np.zeros((2, 2)), np.zeros((2, 2))) == 0
